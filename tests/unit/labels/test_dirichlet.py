import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial

from scaling_ambiguity.labels.dirichlet import expected_nll, fit_dirichlet_multinomial, posterior_mean

ALPHA = np.array([0.9, 0.5, 0.35, 0.25])


def simulate(rows, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(ALPHA, rows)
    return np.stack([rng.multinomial(n, q) for n, q in zip(rng.integers(3, 11, rows), p, strict=True)])


def test_fit_recovers_a_known_alpha():
    assert fit_dirichlet_multinomial(simulate(20_000)) == pytest.approx(ALPHA, rel=0.05)


def test_fit_is_the_maximum_of_scipys_likelihood():
    counts = simulate(300)
    found = fit_dirichlet_multinomial(counts)

    def likelihood(a):
        return sum(dirichlet_multinomial.logpmf(row, a, row.sum()) for row in counts)

    best = likelihood(found)
    for c in range(4):
        for factor in (0.97, 1.03):
            moved = found.copy()
            moved[c] *= factor
            assert likelihood(moved) < best


def test_edges_are_bounded_and_empty_rows_ignored():
    unanimous = np.array([[5, 0, 0], [0, 5, 0]] * 20)
    assert fit_dirichlet_multinomial(unanimous)[2] == pytest.approx(1e-3)
    counts = simulate(100)
    padded = np.vstack([counts, np.zeros((7, 4))])
    assert fit_dirichlet_multinomial(padded) == pytest.approx(fit_dirichlet_multinomial(counts))
    with pytest.raises(ValueError, match="at least one vote"):
        fit_dirichlet_multinomial(np.zeros((3, 4)))


def test_posterior_mean_by_hand():
    assert posterior_mean(np.array([2.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx([0.75, 0.25])


def test_expected_nll_by_hand_and_by_simulation():
    prior = ALPHA / ALPHA.sum()
    assert expected_nll(ALPHA, 0) == pytest.approx(-(prior * np.log(prior)).sum())
    rng = np.random.default_rng(3)
    p = rng.dirichlet(ALPHA, 200_000)
    votes = (rng.random((200_000, 4, 1)) >= np.cumsum(p, axis=1)[:, None, :-1]).sum(axis=-1)
    counts = np.stack([(votes[:, :3] == c).sum(axis=1) for c in range(4)], axis=1)
    loss = -np.log(posterior_mean(counts, ALPHA))[np.arange(200_000), votes[:, 3]]
    assert expected_nll(ALPHA, 3) == pytest.approx(loss.mean(), abs=5 * loss.std() / np.sqrt(200_000))
    curve = [expected_nll(ALPHA, k) for k in range(8)]
    assert (np.diff(curve) < 0).all()
