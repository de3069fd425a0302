"""Saturation: known limits are recovered, their intervals cover, and the published fit is the published fit."""

import numpy as np
import pytest

from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.draws import fresh_groups
from scaling_ambiguity.inference.saturation import fit_exponential
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits, limit_jsd_bits
from scaling_ambiguity.metrics.divergences import jsd_bits

SIZES = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20]


def test_fit_recovers_known_curves():
    n = np.array(SIZES)
    curves = np.stack([0.36 + 0.1 * np.exp(-0.5 * n), 0.2 + 0.4 * np.exp(-0.2 * n)])
    fit = fit_exponential(curves, SIZES)
    assert fit.asymptote == pytest.approx([0.36, 0.2], rel=0.01)
    assert fit.amplitude == pytest.approx([0.1, 0.4], rel=0.03)
    assert fit.rate == pytest.approx([0.5, 0.2], rel=0.03)
    # within a tenth of (first - a) of a: exp(-c (N - 1)) <= .1, N >= 1 + ln 10 / c
    assert fit.saturation.tolist() == [6, 13]


def test_fit_of_the_published_curve():
    # mean JSD on IEMOCAP read off the paper's figure (arXiv 2601.14620), saturation about 6
    published = [[0.422, 0.397, 0.383, 0.375, 0.372, 0.370, 0.368, 0.364, 0.363, 0.362, 0.360]]
    fit = fit_exponential(np.array(published), SIZES)
    assert fit.saturation[0] in (5, 6, 7) and fit.asymptote[0] == pytest.approx(0.363, abs=0.003)


def test_a_curve_that_does_not_fall_has_no_amplitude():
    fit = fit_exponential(np.array([np.linspace(0.1, 0.3, len(SIZES)), np.full(len(SIZES), 0.2)]), SIZES)
    assert fit.amplitude == pytest.approx([0, 0], abs=1e-12)
    assert fit.asymptote == pytest.approx([0.2, 0.2]) or fit.asymptote[1] == pytest.approx(0.2)


def test_fresh_groups_share_no_vote_and_are_exchangeable():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, (40, 20))
    table[0, 5:] = -1
    names = [f"u{i}" for i in range(40)]
    counts, whole = fresh_groups(table, names, 4, 30, 3, 1, "x")
    assert counts.shape == (6, 5, 40, 3) and whole[:, :, 1:].all()
    assert whole[:, :, 0].sum(axis=1).tolist() == [1] * 6 and (counts[:, 0, 0].sum(axis=-1) == 4).all()
    together = counts[:, :, 1:].sum(axis=1)
    assert np.array_equal(together[0], np.stack([(table[1:] == c).sum(axis=1) for c in range(3)], axis=-1))
    few, whole = fresh_groups(table, names, 10, 30, 3, 1, "x")
    assert few[0, 0, 0].sum() == 5 and whole[0, 0, 0] and not whole[0, 1, 0]


# proxies of known limit: classes, human votes, synthetic votes, spread of the labels, how near the proxy, true limit
WORLDS = {
    "six classes, six votes": (6, 10, 6, 0.35, 0.55, 0.192),
    "unlike the humans": (6, 10, 6, 0.35, 0.12, 0.405),
    "as the humans": (6, 9, 6, 0.35, 1.0, 0.079),
    "four classes, twenty votes": (4, 7, 20, 0.5, 0.54, 0.169),
}


def draw_world(name, utterances, *, speakers=1, seed=0):
    """Return p, q (U, C), human and synthetic votes; with several speakers, each leans towards classes of its own."""
    classes, votes, draws, alpha, near, _ = WORLDS[name]
    rng = np.random.default_rng(seed)
    base = rng.dirichlet(np.full(classes, 30.0), speakers) if speakers > 1 else np.full((1, classes), 1 / classes)
    mean = np.repeat(base, utterances // speakers, axis=0)
    p, other = (rng.standard_gamma(alpha * classes * mean) + 1e-12 for _ in range(2))
    p, other = (values / values.sum(axis=1, keepdims=True) for values in (p, other))
    q = near * p + (1 - near) * other
    return p, q, rng.multinomial(votes, p).astype(float), rng.multinomial(draws, q).astype(float)


@pytest.mark.parametrize("name", WORLDS)
def test_known_limits_are_recovered(name):
    p, q, human, synthetic = draw_world(name, 20_000)
    true = jsd_bits(q, histogram(human)).mean()
    assert true == pytest.approx(WORLDS[name][-1], abs=0.006)
    found = limit_jsd_bits(synthetic, human)
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - true) < 3 * error < 0.007
    # the divergence itself is far above it, and that of the two sources is found too
    assert jsd_bits(histogram(synthetic), histogram(human)).mean() > true + 5 * error
    sources, plain = jsd_bits(p, q).mean(), jsd_bits(histogram(synthetic), histogram(human)).mean()
    assert abs(corrected_jsd_bits(synthetic, human).mean() - sources) < 0.1 * (plain - sources)


@pytest.mark.parametrize("name", ["six classes, six votes", "four classes, twenty votes"])
def test_the_interval_of_the_limit_covers_it(name):
    corpora, speakers, each = 200, 24, 20
    _, q, human, synthetic = draw_world(name, corpora * speakers * each, speakers=corpora * speakers, seed=1)
    true = jsd_bits(q, histogram(human)).mean()
    values = limit_jsd_bits(synthetic, human).reshape(corpora, -1)
    clusters = np.repeat(np.arange(speakers), each)
    covered = 0
    for corpus in values:
        found = mean_interval(corpus, clusters, resamples=499, seed=2)
        covered += bool(found.low[0] <= true <= found.high[0])
    assert 0.904 <= covered / corpora <= 0.996  # .95 within three Monte-Carlo errors


def test_the_limit_is_that_of_many_votes():
    rng = np.random.default_rng(0)
    p, y = np.array([0.5, 0.25, 0.15, 0.1]), np.array([2.0, 3, 1, 0])
    for votes in (3, 12, 150):
        x = rng.multinomial(votes, p, 20_000).astype(float)
        found, true = limit_jsd_bits(x, y), float(jsd_bits(p, histogram(y)))
        assert abs(found.mean() - true) < 3 * found.std() / np.sqrt(len(x)) + 0.004


def test_the_divergence_of_two_sources_has_no_bias_of_few_votes():
    rng = np.random.default_rng(0)
    p, q = np.array([0.5, 0.25, 0.15, 0.1]), np.array([0.35, 0.3, 0.2, 0.15])
    for first, second in ((p, q), (p, p)):
        x, y = rng.multinomial(10, first, 50_000).astype(float), rng.multinomial(8, second, 50_000).astype(float)
        true = float(jsd_bits(first, second))
        plain = jsd_bits(histogram(x), histogram(y)).mean() - true
        assert abs(corrected_jsd_bits(x, y).mean() - true) < 0.1 * plain


def test_both_sides_are_treated_alike_and_rows_are_checked():
    x, y = np.array([[3.0, 1.0, 0.0], [2.0, 2.0, 1.0]]), np.array([[1.0, 1.0, 4.0], [0.0, 2.0, 1.0]])
    assert corrected_jsd_bits(x, y) == pytest.approx(corrected_jsd_bits(y, x), abs=1e-12)
    with pytest.raises(ValueError, match="two votes"):
        corrected_jsd_bits(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]))
    with pytest.raises(ValueError, match="all whole"):
        limit_jsd_bits(np.array([[1.5, 1.5]]), np.array([[1.0, 1.0]]))
