import numpy as np
import pytest

from scaling_ambiguity.inference.seed_variance import seed_variance


def scores(seeds, speakers, spread, rng):
    speaker = np.repeat(np.arange(speakers), 10)
    return spread * rng.normal(size=(seeds, 1)) + rng.normal(size=speakers)[speaker] + 0.3 * rng.normal(
        size=(seeds, speakers * 10)), speaker  # fmt: skip


def anova(means):
    """Return the seed component of a balanced two-way table (seeds, blocks), by mean squares."""
    seeds, blocks = means.shape
    rows, columns = means.mean(axis=1, keepdims=True), means.mean(axis=0, keepdims=True)
    error = ((means - rows - columns + means.mean()) ** 2).sum() / (seeds - 1) / (blocks - 1)
    return max(0.0, (blocks * means.mean(axis=1).var(ddof=1) - error) / blocks)


def test_five_seeds_give_the_component_of_the_mean_squares():
    rng = np.random.default_rng(1)
    for spread, scale in ((0.2, 1.0), (0.2, 1e-3), (1.0, 100.0)):
        values, speaker = scores(6, 12, spread, rng)
        found = seed_variance(values * scale, speaker)
        means = values.reshape(6, 12, 10).mean(axis=2)
        assert found == pytest.approx(anova(means) * scale**2, rel=1e-3)


def test_the_component_is_recovered_and_nothing_is_nothing():
    rng = np.random.default_rng(2)
    many = [seed_variance(*scores(8, 10, 0.2, rng)) for _ in range(60)]
    assert np.mean(many) == pytest.approx(0.04, rel=0.25)
    none = [seed_variance(*scores(8, 10, 0.0, rng)) for _ in range(20)]
    assert np.mean(none) < 0.002
    same = np.tile(rng.normal(size=120), (5, 1))
    assert seed_variance(same, np.repeat(np.arange(12), 10)) == 0


def test_refusals():
    with pytest.raises(ValueError, match="utterances"):
        seed_variance(np.ones((5, 3)), ["a", "b"])
    with pytest.raises(ValueError, match="seed 1"):
        seed_variance([[1.0, 2.0], [np.nan, 1.0]], ["a", "b"])
