import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels import counting, others, pooling
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import class_prior, from_others, speaker_blocks
from scaling_ambiguity.labels.weighting import LARGEST_WEIGHT, fit_weight, leave_one_out

SPEAKERS = np.repeat([f"s{i}" for i in range(8)], 30)
PARTS = np.repeat(np.arange(8) % 2, 30)
NAMES = [f"u{i:03d}" for i in range(240)]


def simulate(seed=0, share=0.8):
    rng = np.random.default_rng(seed)
    v = rng.dirichlet([0.8, 0.45, 0.33, 0.22], 240)
    q = share * v + (1 - share) * rng.dirichlet(np.ones(4), 240)
    human = np.stack([rng.multinomial(n, p) for n, p in zip(rng.integers(3, 11, 240), v, strict=True)])
    return human.astype(float), np.stack([rng.multinomial(20, p) for p in q]).astype(float)


def test_equal_is_concatenation_by_hand():
    human, synthetic = np.array([[2.0, 1, 0, 0]]), np.array([[0.0, 5, 0, 2]])
    assert pooling.equal(human, synthetic) == pytest.approx(np.array([[0.2, 0.6, 0, 0.2]]))
    assert counting.frequencies(np.zeros((1, 4))) == pytest.approx(np.full((1, 4), 0.25))


def test_echo_by_hand():
    human, synthetic = np.array([[2.0, 1, 0, 0], [1, 1, 0, 0]]), np.full((2, 4), 1.5)
    # six echoes of class 0; then three each of classes 0 and 1
    expected = [[8 / 9, 1 / 9, 0, 0], [0.5, 0.5, 0, 0]]
    assert pooling.with_echo(human, synthetic) == pytest.approx(np.array(expected))


def test_weighted_is_the_stated_formula():
    human, synthetic = simulate()
    labels, weights = pooling.weighted(human, synthetic, SPEAKERS, PARTS)
    row = 33  # speaker s1, part 1
    others = (PARTS == 1) & (SPEAKERS != "s1")
    a = fit_dirichlet_multinomial(human[others])
    counts = human[row] + weights[row] * synthetic[row] + a
    assert labels[row] == pytest.approx(counts / counts.sum())
    prior = human[row] + a
    assert pooling.with_prior(human, SPEAKERS, PARTS)[row] == pytest.approx(prior / prior.sum())


def test_weight_maximises_the_leave_one_vote_out_likelihood():
    human, synthetic = simulate()
    a = fit_dirichlet_multinomial(human)
    found = fit_weight(leave_one_out(human, synthetic, np.zeros(240, dtype=int)), a)

    def likelihood(w):
        total = 0.0
        for h, s in zip(human, synthetic, strict=True):
            for c in np.flatnonzero(h):
                rest = h - np.eye(4)[c] + w * s + a
                total += h[c] / h.sum() * np.log(rest[c] / rest.sum())
        return total

    assert 0 < found < LARGEST_WEIGHT
    assert likelihood(found) >= max(likelihood(found * f) for f in (0.8, 0.98, 1.02, 1.25))


def test_weight_leaves_its_own_block_out():
    human, synthetic = simulate()
    blocks = speaker_blocks(SPEAKERS)
    a = fit_dirichlet_multinomial(human)
    joint = fit_weight(leave_one_out(human, synthetic, blocks), a, without=3)
    keep = blocks != 3
    alone = fit_weight(leave_one_out(human[keep], synthetic[keep], blocks[keep]), a)
    assert joint == pytest.approx(alone, rel=1e-4)


def test_noise_weighs_nothing_and_information_does():
    human, synthetic = simulate()
    noise = np.random.default_rng(2).multinomial(20, [0.25] * 4, 240).astype(float)
    assert pooling.weighted(human, noise, SPEAKERS, PARTS)[1].max() < 0.02
    assert pooling.weighted(human, synthetic, SPEAKERS, PARTS)[1].min() > 0.1


def test_no_label_reads_a_vote_of_another_part():
    human, synthetic = simulate()
    changed = human.copy()
    changed[PARTS == 0] = np.random.default_rng(9).permuted(changed[PARTS == 0], axis=1)
    echoed = pooling.with_echo(human, synthetic), pooling.with_echo(changed, synthetic)
    pairs = {
        "weighted": [pooling.weighted(h, synthetic, SPEAKERS, PARTS)[0] for h in (human, changed)],
        "prior": [pooling.with_prior(h, SPEAKERS, PARTS) for h in (human, changed)],
        "equal": [pooling.equal(h, synthetic) for h in (human, changed)],
        "echo": echoed,
    }
    for name, (before, after) in pairs.items():
        assert np.array_equal(before[PARTS == 1], after[PARTS == 1]), name
        assert not np.array_equal(before[PARTS == 0], after[PARTS == 0]), name


def test_no_fit_reads_the_votes_of_its_own_speaker():
    human, synthetic = simulate()
    changed = human.copy()
    changed[SPEAKERS == "s2"] = np.random.default_rng(9).permuted(changed[SPEAKERS == "s2"], axis=1)
    before, after = (pooling.weighted(h, synthetic, SPEAKERS, PARTS)[1] for h in (human, changed))
    assert np.array_equal(before[SPEAKERS == "s2"], after[SPEAKERS == "s2"])
    assert not np.array_equal(before[SPEAKERS == "s4"], after[SPEAKERS == "s4"])
    prior = from_others(human, speaker_blocks(SPEAKERS), class_prior)
    assert prior[60] == pytest.approx(class_prior(human[SPEAKERS != "s2"]))


def test_shuffled_takes_another_utterance_of_the_same_part_once():
    chosen = pooling.shuffle_within(PARTS, NAMES, 42)
    assert np.array_equal(np.sort(chosen), np.arange(240))
    assert (chosen != np.arange(240)).all() and np.array_equal(PARTS[chosen], PARTS)
    assert not np.array_equal(chosen, pooling.shuffle_within(PARTS, NAMES, 43))


def test_a_part_with_one_utterance_is_named_with_what_helps():
    with pytest.raises(UserError, match=r"test part 1: u is the only utterance with enough votes.*Use fewer folds"):
        pooling.shuffle_within(np.array([0, 0, 1]), ["s", "t", "u"], 42)


def test_parts_from_splits():
    splits = pd.DataFrame({"utterance": ["a", "b", "a", "b", "c"], "fold": [0, 0, 1, 1, 0]})
    splits["part"] = ["test", "train", "train", "test", "train"]
    assert others.test_parts(splits, ["a", "b", "c"]).tolist() == [0, 1, -1]
    assert others.test_parts(splits, ["a", "z"]).tolist() == [0, others.LEFT_OUT]
    with pytest.raises(UserError, match="none of the utterances, such as z, is in a fold"):
        others.test_parts(splits, ["z"])
    with pytest.raises(UserError, match="b is tested twice"):
        others.test_parts(splits.assign(part="test").query("utterance == 'b'"), ["b"])


def test_a_single_speaker_is_refused():
    with pytest.raises(UserError, match="only speaker s0"):
        speaker_blocks(SPEAKERS[:10])
    assert speaker_blocks(np.arange(100)).max() == 19


def test_calibrated_undoes_what_an_annotator_mixes_up():
    human, synthetic = simulate()
    mixed = synthetic[:, [1, 0, 2, 3]]  # calls neutral happy and happy neutral
    labels, worth = pooling.calibrated(human, mixed, SPEAKERS, PARTS * 0)
    plain, weights = pooling.weighted(human, mixed, SPEAKERS, PARTS * 0)
    assert np.allclose(labels.sum(axis=1), 1) and (worth > 0).all()
    v = np.random.default_rng(0).dirichlet([0.8, 0.45, 0.33, 0.22], 240)
    assert ((labels - v) ** 2).sum() < ((plain - v) ** 2).sum() - 0.5 and weights.max() < 0.05


def test_calibrated_reads_no_vote_of_the_other_part():
    human, synthetic = simulate()
    labels, _ = pooling.calibrated(human, synthetic, SPEAKERS, PARTS)
    other = np.where((PARTS == 1)[:, None], human[:, [1, 0, 3, 2]], human)
    again, _ = pooling.calibrated(other, synthetic, SPEAKERS, PARTS)
    assert np.array_equal(labels[PARTS == 0], again[PARTS == 0])


def test_dirichlet_is_the_stated_posterior():
    from scipy.stats import beta

    human, synthetic = simulate()
    mean, low, high = pooling.dirichlet(human, synthetic, SPEAKERS, PARTS)
    row = 33
    a = fit_dirichlet_multinomial(human[(PARTS == 1) & (SPEAKERS != "s1")])
    shape = human[row] + synthetic[row] / 20 + a
    assert mean[row] == pytest.approx(shape / shape.sum())
    marginal = beta(shape, shape.sum() - shape)
    assert low[row] == pytest.approx(marginal.ppf(0.025)) and high[row] == pytest.approx(marginal.ppf(0.975))
