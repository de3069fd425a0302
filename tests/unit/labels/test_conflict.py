"""The conflict of two presentations: a known distance without the bias of few votes, in thirds of the training part."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.conflict import conflict_places, conflict_values, squared_distance
from scaling_ambiguity.labels.counting import deal_votes

CLASSES = ["a", "b", "c"]
VOICE, FACE = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.5, 0.3])


def whole(counts):
    counts = np.asarray(counts, float)
    return counts, counts.sum(axis=-1).astype(int), counts.sum(axis=-1)


def table(labels, presentation, prefix):
    """Return one vote per label: {utterance: text of one letter per vote}."""
    rows = [(name, f"{prefix}{i}", label) for name, text in labels.items() for i, label in enumerate(text)]
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    return frame.assign(kind="observer", role="primary", presentation=presentation, weight=1.0, raters_known=True)


def roles_of(votes, deals, random, level_votes=3):
    parts = []
    for _, rows in votes.groupby("utterance"):
        orders = {f"position_{deal:02d}": random.permutation(len(rows)) for deal in range(deals)}
        parts.append(rows[["utterance", "rater"]].assign(votes=len(rows), level_votes=level_votes, **orders))
    return pd.concat(parts, ignore_index=True)


def test_a_distance_by_hand():
    # a a b against b c: within 1/3 and 0, equal pairs between 1 of 6
    assert squared_distance(whole([[2, 1, 0]]), whole([[0, 1, 1]]))[0] == pytest.approx(1 / 3 + 0 - 2 / 6)
    assert squared_distance(whole([[3, 0, 0]]), whole([[0, 3, 0]]))[0] == 2
    assert np.isnan(squared_distance(whole([[1, 0, 0], [2, 0, 0]]), whole([[3, 0, 0], [0, 1, 0]]))).all()


@pytest.mark.parametrize("others", [3, 6, 40])
@pytest.mark.parametrize(("p", "q"), [(VOICE, FACE), (VOICE, VOICE)])
def test_three_votes_have_no_bias_whatever_the_number_of_the_others(p, q, others):
    """The plain squared distance of the shares has one of (1 - sum p^2) / 3 + (1 - sum q^2) / n, here .18 and more."""
    random, size = np.random.default_rng(3), 40_000
    some, far = random.multinomial(3, p, size), random.multinomial(others, q, size)
    values = squared_distance(whole(some), whole(far))
    error = values.std() / np.sqrt(size)
    assert abs(values.mean() - ((p - q) ** 2).sum()) < 4 * error
    plain = ((some / 3 - far / others) ** 2).sum(axis=1)
    assert plain.mean() - ((p - q) ** 2).sum() > 30 * error


def test_a_vote_that_names_two_labels_is_one_vote():
    """Half a, half b beside a; against b b: by pairs of votes 1/2 within, 1 within, (1/2 + 0) / 2 between."""
    some = np.array([[1.5, 0.5, 0.0]]), np.array([2]), np.array([1.5])
    assert squared_distance(some, whole([[0, 2, 0]]))[0] == pytest.approx(0.5 + 1 - 2 * 0.25)


@pytest.fixture(scope="module")
def planted():
    """Return 300 utterances, the first half in conflict, with six votes on voice and face each, in five deals."""
    random = np.random.default_rng(8)
    names = [f"u{i:03d}" for i in range(300)]
    sharp = 0.85 * np.eye(3) + 0.05
    voice, face = {}, {}
    for i, name in enumerate(names):
        top = i % 3
        voice[name] = "".join(random.choice(CLASSES, 6, p=sharp[top]))
        face[name] = "".join(random.choice(CLASSES, 6, p=sharp[(top + (i < 150)) % 3]))
    votes = table(voice, "voice", "v")
    dealt = deal_votes(roles_of(votes, 5, random), votes, names, CLASSES)
    folds = [(name, fold, "test" if i % 2 == fold else "train") for fold in (0, 1) for i, name in enumerate(names)]
    return names, dealt, table(face, "face", "f"), pd.DataFrame(folds, columns=["utterance", "fold", "part"])


def test_a_planted_conflict_is_found(planted):
    names, dealt, face, splits = planted
    values = conflict_values(dealt, face, names, CLASSES, "face.parquet")
    distance = ((0.85 * np.eye(3)[0] - 0.85 * np.eye(3)[1]) ** 2).sum()
    assert values[:, :150].mean() == pytest.approx(distance, abs=0.1)
    assert values[:, 150:].mean() == pytest.approx(0, abs=0.05)
    places, edges = conflict_places(values, splits, names)
    assert set(edges) == {0, 1} and all(lower < upper for lower, upper in edges.values())
    assert 2 / 3 > (places[:, :150] == 2).mean() > 0.5 and (places[:, 150:] == 2).mean() < 0.02
    assert (places[:, :150] == 0).mean() < 0.05 < 0.5 < (places[:, 150:] == 0).mean()


def test_it_is_measured_on_level_votes_and_the_other_presentation_alone(planted):
    """Whatever is done to the votes that are scored, no value moves; a level vote moves those of its deals."""
    names, dealt, face, _ = planted
    values = conflict_values(dealt, face, names, CLASSES, "face.parquet")
    level = dealt.position < 3
    for deal in range(5):
        moved = np.where(level[deal], dealt.label, (dealt.label + 1) % 3)
        changed = type(dealt)(**{**vars(dealt), "label": moved})
        np.testing.assert_array_equal(conflict_values(changed, face, names, CLASSES, "f")[deal], values[deal])
    turned = type(dealt)(**{**vars(dealt), "label": np.where(level[0], (dealt.label + 1) % 3, dealt.label)})
    assert not np.allclose(conflict_values(turned, face, names, CLASSES, "f")[0], values[0])


def test_edges_come_from_the_training_part_of_the_fold_that_tests(planted):
    names, dealt, face, splits = planted
    values = conflict_values(dealt, face, names, CLASSES, "face.parquet")
    _, before = conflict_places(values, splits, names)
    trained = splits[(splits["fold"] == 0) & (splits["part"] == "train")]["utterance"]
    chosen = np.isin(names, trained)
    assert before[0] == pytest.approx(tuple(np.quantile(values[:, chosen], (1 / 3, 2 / 3))))
    other = values.copy()
    other[:, ~chosen] += 5  # the part that fold 0 tests, and fold 1 trains on
    places, after = conflict_places(other, splits, names)
    assert after[0] == before[0] and after[1] != before[1]
    assert (places[:, ~chosen] == 2).all()


def test_what_cannot_be_known_has_no_third(planted):
    names, dealt, face, splits = planted
    few = face[(face["utterance"] != names[0]) | (face["rater"] == "f0")]  # a single vote on the face
    values = conflict_values(dealt, few, names, CLASSES, "face.parquet")
    assert np.isnan(values[:, 0]).all() and not np.isnan(values[:, 1:]).any()
    places, _ = conflict_places(values, splits[splits["utterance"] != names[5]], names)
    assert (places[:, [0, 5]] == -1).all() and (places[:, 6:] >= 0).all()


def test_votes_on_other_utterances_are_no_conflict(planted):
    names, dealt, face, _ = planted
    strange = face.assign(utterance="x" + face["utterance"])
    with pytest.raises(UserError, match=r"face\.parquet: no utterance has two votes there.*statistics\.conflict"):
        conflict_values(dealt, strange, names, CLASSES, "face.parquet")
    more = pd.concat([face, strange], ignore_index=True)
    np.testing.assert_array_equal(
        conflict_values(dealt, more, names, CLASSES, "f"), conflict_values(dealt, face, names, CLASSES, "f")
    )
