import numpy as np
import pytest

from scaling_ambiguity.inference.ppi import choose_labelled, class_shares, power, share_rows

SETTINGS = {"resamples": 400, "seed": 1, "level": 0.95, "method": "bootstrap_t"}
SHARES = np.array([0.5, 0.3, 0.2])


def corpus(rng, agreement, utterances=600, speakers=30, bias=True):
    """One human vote and ten synthetic ones an utterance; the synthetic ones agree in a share of utterances."""
    speaker = np.arange(utterances) % speakers
    tilt = rng.dirichlet(40 * SHARES, speakers)[speaker]
    label = (rng.random((utterances, 1)) >= np.cumsum(tilt, axis=1)[:, :-1]).sum(axis=1)
    other = rng.integers(0, 3, utterances)
    said = np.where(rng.random(utterances) < agreement, label, other)
    said = np.where(bias & (rng.random(utterances) < 0.2), 0, said)
    return np.eye(3)[label], 10 * np.eye(3)[said], speaker


def test_the_power_is_that_of_the_published_formula():
    rng = np.random.default_rng(0)
    y, f, g = rng.normal(size=(50, 1)), rng.normal(size=(50, 1)), rng.normal(size=(150, 1))
    y = y + 2 * f
    f, g = f / 2, g / 2
    expected = np.cov(y[:, 0], f[:, 0])[0, 1] / (np.var(np.concatenate([f, g]), ddof=1) * (1 + 50 / 150))
    assert power(y, f, g) == pytest.approx([min(expected, 1.0)])
    assert power(y, np.ones_like(f), np.ones_like(g)) == pytest.approx([0.0])


def test_intervals_cover_and_are_shorter_than_those_of_human_votes_alone():
    covered, biased, ratio = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        human, synthetic, speaker = corpus(rng, agreement=0.9)
        labelled = rng.permutation(600) < 120
        found = class_shares(human, synthetic, labelled, speaker, SETTINGS)
        covered.append((found.ppi.low <= SHARES) & (found.ppi.high >= SHARES))
        biased.append((found.synthetic.low <= SHARES) & (found.synthetic.high >= SHARES))
        ratio.append((found.human.se / found.ppi.se) ** 2)
    assert np.mean(covered) > 0.9  # of 180 nominal 95 % intervals
    assert np.mean(biased) < 0.3
    assert np.mean(ratio) > 1.5


def test_useless_synthetic_votes_do_no_harm():
    ratio = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        human, synthetic, speaker = corpus(rng, agreement=0.0)
        found = class_shares(human, synthetic, rng.permutation(600) < 120, speaker, SETTINGS)
        ratio.append((found.human.se / found.ppi.se) ** 2)
        assert (found.lambdas < 0.35).all()
    assert np.mean(ratio) == pytest.approx(1, abs=0.05)


def test_without_power_it_is_the_mean_of_the_human_votes():
    human, synthetic, speaker = corpus(np.random.default_rng(0), agreement=0.9)
    labelled = np.arange(600) < 100
    found = class_shares(human, np.full_like(synthetic, 5), labelled, speaker, SETTINGS)
    assert found.lambdas == pytest.approx(np.zeros(3))
    assert found.ppi.estimate == pytest.approx(human[:100].mean(axis=0))
    assert found.synthetic.estimate == pytest.approx(np.full(3, 1 / 3))


def test_rows_name_class_and_number_of_votes():
    human, synthetic, speaker = corpus(np.random.default_rng(0), agreement=0.9)
    labelled = choose_labelled([f"u{i}" for i in range(600)], 1)
    assert labelled.sum() == 120
    found = class_shares(human, synthetic, labelled, speaker, SETTINGS)
    rows = share_rows(found, ["a", "b", "c"], human.mean(axis=0), {"method": "bootstrap_t"})
    assert {row["stratum"] for row in rows} == {"class=a", "class=b", "class=c"}
    assert {row["metric"] for row in rows} >= {"class_share_ppi", "class_share_human", "ppi_ratio", "ppi_lambda"}
    assert all(row["votes"] == 120 for row in rows)


def test_all_or_none_labelled_is_refused():
    human, synthetic, speaker = corpus(np.random.default_rng(0), agreement=0.9)
    for labelled in (np.ones(600, dtype=bool), np.zeros(600, dtype=bool)):
        with pytest.raises(ValueError, match="are labelled"):
            class_shares(human, synthetic, labelled, speaker, SETTINGS)
