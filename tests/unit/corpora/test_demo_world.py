"""The simulated world has the properties that the analysis relies on, and known answers in simple cases."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.stats import spearmanr

from scaling_ambiguity.corpora.demo_raters import RaterPool, assign_raters, cast_votes, sample_pool
from scaling_ambiguity.corpora.demo_sentences import CORES, sentences, world_bucket
from scaling_ambiguity.corpora.demo_voices import CUES, VARIANTS, realise, sample_speakers
from scaling_ambiguity.corpora.demo_world import KNOWN_CLASSES, POOLS, TYPICAL, perceive, sample_world
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.truth import TRUTH

V = [f"v_{label}" for label in KNOWN_CLASSES]
P = [f"p_{label}" for label in KNOWN_CLASSES]


def entropies(values: np.ndarray) -> np.ndarray:
    return -(values * np.log(values)).sum(axis=1) / np.log(values.shape[1])


def exact_pool(count: int) -> RaterPool:
    """Raters who vote exactly as a perfect listener perceives."""
    classes = 4
    zeros = np.zeros((count, classes))
    return RaterPool(
        [f"r{i:02d}" for i in range(count)],
        np.ones(count),
        zeros,
        np.repeat(np.eye(classes)[None], count, axis=0),
        np.zeros(count),
        zeros + 1 / classes,
    )


def test_the_same_seed_gives_the_same_world_and_another_seed_another(demo, options):
    again, other = sample_world("demo", options(), 42), sample_world("demo", options(), 43)
    for part in ("utterances", "truth", "votes"):
        pd.testing.assert_frame_equal(getattr(demo, part), getattr(again, part))
        assert not getattr(demo, part).equals(getattr(other, part))


def test_an_utterance_does_not_depend_on_how_many_others_there_are(demo, options):
    small = sample_world("demo", options(utterances=100), 42)
    pd.testing.assert_frame_equal(small.utterances, demo.utterances.head(100))
    pd.testing.assert_frame_equal(small.truth, demo.truth.head(100))
    pd.testing.assert_frame_equal(small.votes, demo.votes[demo.votes["utterance"].isin(small.utterances["utterance"])])


def test_votes_per_utterance_and_rater(demo):
    per_utterance = demo.votes.groupby("utterance").size()
    assert len(per_utterance) == 480
    assert (per_utterance.min(), per_utterance.max()) == (3, 10)
    assert not demo.votes.duplicated(["utterance", "rater"]).any()
    per_rater = demo.votes.groupby("rater").size()
    assert len(per_rater) == 30
    assert per_rater.min() >= 60
    assert per_rater.max() - per_rater.min() <= 1


def test_the_graph_of_votes_is_connected(demo):
    rows, items = pd.factorize(demo.votes["utterance"])
    columns, raters = pd.factorize(demo.votes["rater"])
    size = len(items) + len(raters)
    graph = coo_matrix((np.ones(len(rows)), (rows, columns + len(items))), shape=(size, size))
    assert connected_components(graph, directed=False)[0] == 1


def test_raters_and_numbers_of_votes_are_dealt_without_a_look_at_the_truth(demo):
    count = demo.votes.groupby("utterance").size()
    ambiguity = entropies(demo.truth.set_index("utterance")[V].loc[count.index].to_numpy())
    assert spearmanr(count, ambiguity).pvalue > 1e-3
    names = demo.utterances["utterance"].tolist()
    pool = sample_pool("demo", 30, 42, np.full(4, 0.25), [0, 1, 2, 3])
    biased = sample_pool("other", 30, 7, np.array([0.7, 0.1, 0.1, 0.1]), [0, 1, 2, 3])
    first = assign_raters(names, pool, (3, 10), 5)
    second = assign_raters(names, biased, (3, 10), 5)
    assert first["rater"].str[-2:].equals(second["rater"].str[-2:])


def test_ambiguity_and_class_balance(demo):
    TRUTH.validate(demo.truth, "test")
    v = demo.truth[V].to_numpy()
    h = entropies(v)
    assert 0.45 < h.mean() < 0.65
    assert np.quantile(h, 0.95) - np.quantile(h, 0.05) > 0.4
    shares = np.bincount(v.argmax(axis=1), minlength=4) / len(v)
    assert 0.38 < shares[0] < 0.55
    assert shares.argmin() == 3
    assert shares[3] > 0.05
    assert 0.1 < demo.utterances["conflict"].mean() < 0.4


def test_a_conflict_is_a_word_that_leans_away_from_the_voice(demo):
    table = demo.utterances
    assert (table.loc[table["conflict"] == 1, "lean"] != "neutral").all()
    congruent = (table["conflict"] == 0) & (table["lean"] != "neutral")
    heard = demo.truth[P].to_numpy().argmax(axis=1)
    agrees = np.array(KNOWN_CLASSES)[heard] == table["lean"].to_numpy()
    assert agrees[congruent].all()  # congruent words can only strengthen what the voice says


def test_words_weigh_more_with_foreign_listeners():
    cues, habit, lean = np.zeros((1, 5)), np.zeros((1, 5)), np.array([2])
    gains = {}
    for name, pool in POOLS.items():
        with_words = perceive(cues, habit, lean, [0, 1, 2, 3], pool)[0]
        without = perceive(cues, habit, np.array([-1]), [0, 1, 2, 3], pool)[0]
        gains[name] = np.log(with_words[2] / with_words[0]) - np.log(without[2] / without[0])
    assert gains["home"] == pytest.approx(POOLS["home"].words)
    assert gains["foreign"] > gains["home"] + 0.5


def test_typical_cues_are_heard_as_their_class():
    p = perceive(TYPICAL, np.zeros((4, 5)), np.full(4, -1), [0, 1, 2, 3], POOLS["home"])
    assert p.argmax(axis=1).tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_the_order_of_the_classes_only_orders_the_result():
    cues = np.random.default_rng(0).normal(size=(20, 5))
    straight = perceive(cues, 0 * cues, np.zeros(20, dtype=int), [0, 1, 2, 3], POOLS["home"])
    turned = perceive(cues, 0 * cues, np.full(20, 3), [3, 2, 1, 0], POOLS["home"])
    np.testing.assert_allclose(straight, turned[:, ::-1])


def test_v_of_exact_raters_is_p_and_their_votes_have_that_frequency():
    p = np.array([[0.7, 0.1, 0.1, 0.1], [0.05, 0.6, 0.05, 0.3]])
    pool = exact_pool(2000)
    np.testing.assert_allclose(pool.expected_vote(p), p, atol=1e-9)
    pairs = pd.DataFrame({"utterance": ["a"] * 2000 + ["b"] * 2000, "rater": pool.names * 2})
    labels = cast_votes(pairs, pd.DataFrame(p, index=["a", "b"]), pool, list(KNOWN_CLASSES), 1)
    for row, utterance in zip(p, "ab", strict=True):
        share = (
            labels[pairs["utterance"] == utterance].value_counts(normalize=True).reindex(KNOWN_CLASSES, fill_value=0)
        )
        np.testing.assert_allclose(share, row, atol=0.04)


def test_votes_follow_v(demo):
    v = demo.truth[V].to_numpy()
    counts = demo.votes.groupby(["utterance", "label"]).size().unstack(fill_value=0)[list(KNOWN_CLASSES)].to_numpy()
    expected = (v * counts.sum(axis=1, keepdims=True)).sum(axis=0)
    sd = np.sqrt((v * (1 - v) * counts.sum(axis=1, keepdims=True)).sum(axis=0))
    assert (np.abs(counts.sum(axis=0) - expected) < 4 * sd).all()


def test_raters_differ_in_reliability_and_bias(demo):
    pool = sample_pool("demo", 30, 42, np.full(4, 0.25), [0, 1, 2, 3])
    votes = pool.votes(demo.truth[P].to_numpy())
    np.testing.assert_allclose(votes.sum(axis=2), 1)
    np.testing.assert_allclose(pool.confusion.sum(axis=2), 1)
    assert entropies(votes.reshape(-1, 4)).reshape(30, -1).mean(axis=1).std() > 0.03
    assert votes.mean(axis=1).std(axis=0).min() > 0.01


def test_worlds_share_no_speaker_no_sentence_no_rater(demo, foreign, options):
    heldout = sample_world("foreign_heldout", options(utterances=160, speakers=8, raters=20), 42, "foreign")
    worlds = [demo, foreign, heldout]
    for i, one in enumerate(worlds):
        for other in worlds[:i]:
            for column in ("utterance", "speaker", "transcript"):
                assert not set(one.utterances[column]) & set(other.utterances[column])
            assert not set(one.votes["rater"]) & set(other.votes["rater"])
    assert not set(demo.utterances["voice"]) & set(foreign.utterances["voice"])
    home = {variant for group in VARIANTS["home"].values() for variant in group}
    assert not home & {variant for group in VARIANTS["foreign"].values() for variant in group}


def test_two_groups_are_rare_in_a_foreign_world_and_none_at_home(demo, foreign):
    rare = ["elder", "accented"]
    assert demo.utterances["group"].isin(rare).mean() == pytest.approx(0.5)
    assert 0 < foreign.utterances["group"].isin(rare).mean() < 0.2


def test_sentences_of_a_bucket_are_many_and_belong_to_no_other():
    home, away = world_bucket("demo", "home"), world_bucket("demo", "foreign")
    assert (home % 2, away % 2) == (0, 1)
    for lean in CORES:
        assert len(sentences(lean, home)) > 50
        assert not set(sentences(lean, home)) & set(sentences(lean, away))


def test_realised_cues_are_those_of_the_settings_and_stay_within_the_synthesiser():
    speaker = sample_speakers("demo", 1, 42, "home")[0]
    settings, cues = realise(speaker, np.zeros(5))
    assert settings["espeak_pitch"] == speaker.pitch
    np.testing.assert_allclose(cues, 0, atol=0.05)
    settings, cues = realise(speaker, np.full(5, 50.0))
    assert (settings["espeak_pitch"], settings["espeak_range"], settings["level"]) == (99, 200, -14)
    assert (cues < 10).all()


def test_the_cues_are_spread_and_described(demo):
    assert (demo.utterances[list(CUES)].std() > 0.5).all()
    assert set(demo.utterances["utterance"].str.fullmatch(r"[a-z0-9_]+")) == {True}
    assert demo.utterances.loc[0, ["utterance", "speaker"]].tolist() == ["demo_0001", "demo_s01"]
    assert demo.votes["rater"].str.fullmatch(r"demo_r\d\d").all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["neutral", "bored"]}, "known are"),
        ({"classes": ["sad", "sad"]}, "each once"),
        ({"speakers": 0}, "speakers is 0"),
        ({"utterances": "many"}, "utterances is 'many'"),
        ({"votes": [3]}, "votes is"),
        ({"votes": [3, 40]}, r"raters \(30\)"),
        ({"votes": [0, 4]}, "smallest"),
        ({"utterances": 2}, "do not connect"),
    ],
)
def test_impossible_options_are_refused_with_the_option_named(options, changes, message):
    with pytest.raises(UserError, match=message):
        sample_world("demo", options(**changes), 42)


def test_a_missing_option_or_unknown_pool_is_named(options):
    entry = options()
    del entry["raters"]
    with pytest.raises(UserError, match="'raters' is missing"):
        sample_world("demo", entry, 42)
    with pytest.raises(UserError, match="pool 'mars'"):
        sample_world("demo", options(), 42, "mars")


def test_fewer_classes_in_another_order(options):
    world = sample_world("demo", options(classes=["angry", "sad"], utterances=60, raters=10), 42)
    assert list(world.truth) == ["utterance", "p_angry", "p_sad", "v_angry", "v_sad"]
    assert set(world.votes["label"]) <= {"angry", "sad"}
