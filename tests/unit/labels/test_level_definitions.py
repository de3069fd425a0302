"""The definitions of a level: values known by hand, what is refused, and the program that assigns them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.corpora.roles import deal_roles
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels import level_definitions as definitions
from scaling_ambiguity.labels import levels
from scaling_ambiguity.labels.counting import deal_votes
from scaling_ambiguity.tables.base import by_deal
from scaling_ambiguity.tables.levels import LEVEL, LEVELS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.votes import VOTES

SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "assign_levels.py"
CLASSES = ["angry", "happy", "neutral", "sad"]
DEALS = 4


def vote_frame(labels: dict[str, str]) -> pd.DataFrame:
    """Return a votes table of utterances and their votes, a letter each."""
    rows = [
        (name, f"r{i:02d}", next(c for c in CLASSES if c[0] == letter))
        for name, word in labels.items()
        for i, letter in enumerate(word)
    ]
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    frame["label_raw"] = frame["label"]
    return frame.assign(
        presentation="voice", kind="observer", role="primary", rank=0, weight=1.0, raters_known=True
    )  # fmt: skip


def dealt_of(labels: dict[str, str], level_votes: int = 3):
    votes = vote_frame(labels)
    roles = deal_roles(votes, level_votes=level_votes, deals=DEALS, seed=1)
    return deal_votes(roles, votes, sorted(labels), CLASSES)


def test_entropy_of_three_votes_by_hand():
    counts = np.array([[3, 0, 0, 0], [2, 1, 0, 0], [1, 1, 1, 0]], dtype=float)
    third = np.log2(3) / 2
    assert definitions.equal_entropy(counts) == pytest.approx([0, (third * 2 - 2 / 3) / 2, third])
    assert definitions.most_entropy(3, 6) == pytest.approx(0.613, abs=5e-4)
    assert definitions.most_entropy(8, 4) == pytest.approx(1)


def test_entropies_of_unequal_numbers_are_refused():
    with pytest.raises(UserError, match="entropies of 3 and of 5 votes cannot be compared"):
        definitions.equal_entropy(np.array([[3.0, 0.0], [3.0, 2.0]]))


def test_entropy_needs_all_three_levels_on_the_training_votes():
    four, six = (definitions.define({"definition": "entropy", "votes": 3}, classes) for classes in (4, 6))
    patterns = np.array([[3, 0, 0], [2, 1, 0], [1, 1, 1]])
    values = [definitions.equal_entropy(np.pad(patterns, [(0, 0), (0, c - 3)]).astype(float)) for c in (4, 6)]
    edges = four.edges(values[0], "fold 0")
    assert edges == (1 / 3, 2 / 3) and four.places(values[0], edges).tolist() == [0, 1, 2]
    with pytest.raises(UserError, match=r"fold 0 is of high ambiguity: .* at most 0\.613"):
        six.edges(values[1], "fold 0")
    with pytest.raises(UserError, match="of low ambiguity"):
        four.edges(values[0][1:], "fold 0")


def test_an_entropy_on_an_edge_is_below_it():
    # two pairs among eight classes: 1 of 3 bits, just one third
    entropy = definitions.define({"definition": "entropy", "votes": 4}, 8)
    value = definitions.equal_entropy(np.array([[2.0, 2.0, 0, 0, 0, 0, 0, 0], [0, 0, 2.0, 0, 0, 2.0, 0, 0]]))
    assert value[0] == value[1] and entropy.places(value, definitions.THIRDS).tolist() == [0, 0]


def test_the_published_measure_calls_three_labels_less_ambiguous_than_two():
    counts = np.array([[3, 1, 1], [3, 2, 0], [5, 0, 0], [1, 1, 1], [0, 0, 0]], dtype=float)
    assert definitions.present_entropy(counts) == pytest.approx([0.865, 0.971, 0, 1, 0], abs=5e-4)


@pytest.mark.parametrize(
    ("votes", "counts", "places"),
    [
        (3, [[3, 0, 0], [0, 2, 1], [1, 1, 1]], [0, 1, 2]),
        (4, [[4, 0, 0], [3, 1, 0], [2, 2, 0], [2, 1, 1]], [0, 1, 2, 2]),
        (5, [[0, 5, 0], [4, 1, 0], [3, 1, 1], [2, 2, 1]], [0, 1, 1, 2]),
        (7, [[7, 0, 0], [6, 1, 0], [4, 3, 0], [3, 3, 1]], [0, 1, 1, 2]),
    ],
)
def test_patterns_are_unanimous_a_majority_or_none(votes, counts, places):
    pattern = definitions.define({"definition": "pattern", "votes": votes}, 3)
    values = definitions.top_share(np.array(counts, dtype=float))
    assert pattern.places(values, pattern.edges(values, "fold 0")).tolist() == places


@pytest.mark.parametrize(("votes", "classes"), [(2, 4), (3, 2), (5, 2)])
def test_patterns_that_cannot_all_occur_are_refused(votes, classes):
    with pytest.raises(UserError, match="cannot be unanimous, have a majority and have none"):
        definitions.define({"definition": "pattern", "votes": votes}, classes).edges(np.ones(3), "fold 0")
    definitions.define({"definition": "pattern", "votes": 4}, 2).edges(np.ones(3), "fold 0")


def test_unknown_definitions_and_absent_numbers_of_votes_are_refused():
    with pytest.raises(UserError, match="'gini' is unknown; expected one of agreement, entropy, pattern, faithful"):
        definitions.define({"definition": "gini", "votes": 3}, 4)
    with pytest.raises(UserError, match="definition 'entropy' needs a number of level votes"):
        definitions.define({"definition": "entropy"}, 4)
    assert definitions.define({"definition": "faithful", "votes": 3}, 4).votes == 0


def test_agreement_is_that_of_the_level_votes_and_of_the_rest():
    dealt = dealt_of({"a": "hhhsa", "b": "nnnnnnn", "c": "hs"})
    measured = definitions.define({"definition": "agreement", "votes": 3}, 4).measure(dealt)
    level, rest = levels.agreements(dealt)
    assert np.array_equal(measured.values, level, equal_nan=True)
    assert np.array_equal(measured.halves[1], rest, equal_nan=True)
    assert np.isnan(measured.values[:, 2]).all() and (measured.values[:, 1] == 1).all()


@pytest.mark.parametrize("name", ["entropy", "pattern"])
def test_level_votes_alone_decide_and_as_many_others_check_them(name):
    dealt = dealt_of({"a": "hhssnna", "b": "nnnnnn", "c": "hhsss", "d": "hhs"})
    definition = definitions.define({"definition": name, "votes": 3}, 4)
    measured = definition.measure(dealt)
    measure = {"entropy": definitions.equal_entropy, "pattern": definitions.top_share}[name]
    for values, first in ((measured.values, 0), (measured.halves[1], 3)):
        votes = dealt.between(first, first + 3)
        assert values[:, :2] == pytest.approx(np.stack([measure(deal) for deal in votes[:, :2]]))
    assert np.isfinite(measured.values[:, 2]).all() and np.isnan(measured.halves[1][:, 2]).all()
    assert np.isnan(measured.values[:, 3]).all() and np.isnan(measured.agreement[:, 3]).all()


def test_the_published_levels_are_the_same_in_every_deal_and_read_every_vote():
    labels = {"a": "hhhsn", "b": "hhhss", "c": "hhhhhh", "d": "h"}
    definition = definitions.define({"definition": "faithful"}, 4)
    measured = definition.measure(dealt_of(labels))
    assert measured.values[0, :3] == pytest.approx([0.865, 0.971, 0], abs=5e-4)
    assert np.array_equal(measured.values, np.tile(measured.values[:1], (DEALS, 1)), equal_nan=True)
    assert np.isnan(measured.values[:, 3]).all() and definition.everyone
    assert measured.agreement[0, :3] == pytest.approx([0.3, 0.4, 1])
    for half in measured.halves:
        assert (half[:, 2] == 0).all() and (half[:, :2] <= 1).all()
    assert len({tuple(half) for half in measured.halves[0]}) > 1  # the halves differ between deals


def test_published_edges_are_tertiles_which_cut_through_ties():
    definition = definitions.define({"definition": "faithful"}, 4)
    values = np.repeat([0.0, 0.5, 1.0], [4, 4, 4])
    edges = definition.edges(values, "fold 0")
    assert edges == pytest.approx(np.quantile(values, [1 / 3, 2 / 3]))
    assert definition.places(np.array([0.0, edges[0], 0.5, 1.0]), edges)[[0, 1, 3]].tolist() == [0, 0, 2]
    many = np.repeat([0.0, 1.0], [9, 3])  # most utterances unanimous: no medium level
    assert set(definition.places(many, definition.edges(many, "fold 0"))) == {0, 2}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Three hundred utterances of six votes whose ambiguity varies, in two folds."""
    folder, rng = tmp_path_factory.mktemp("levels"), np.random.default_rng(0)
    p = rng.dirichlet([0.7, 0.5, 0.4, 0.4], 300)
    letters = [c[0] for c in CLASSES]
    labels = {f"u{i:03d}": "".join(rng.choice(letters, 6, p=p[i])) for i in range(300)}
    votes = vote_frame(labels)
    VOTES.write(votes, folder / "votes.parquet")
    ROLES.write(deal_roles(votes, level_votes=3, deals=DEALS, seed=1), folder / "roles.parquet")
    fold = np.arange(300) % 2
    parts = [
        pd.DataFrame({"utterance": list(labels), "fold": f, "part": np.where(fold == f, "test", "train")})
        for f in (0, 1)
    ]
    SPLITS.write(pd.concat(parts), folder / "splits.parquet")
    return folder


def assign(folder: Path, definition: str, votes: int = 3) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT)]
    for name in ("roles", "votes", "splits"):
        command += [f"--{name}", str(folder / f"{name}.parquet")]
    command += ["--options", json.dumps({"definition": definition, "votes": votes})]
    command += ["--output", str(folder / f"{definition}.parquet"), "--thresholds", str(folder / f"{definition}.csv")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("definition", ["agreement", "entropy", "pattern", "faithful"])
def test_the_program_assigns_levels_by_every_definition(corpus, definition):
    done = assign(corpus, definition)
    assert done.returncode == 0, done.stderr
    table, thresholds = LEVELS.read(corpus / f"{definition}.parquet"), pd.read_csv(corpus / f"{definition}.csv")
    places = by_deal(table, LEVEL, "levels")
    assert places.shape == (DEALS, 300)
    assert (table["votes"] == (0 if definition == "faithful" else 3)).all()
    sizes = thresholds[list(levels.LEVELS)].sum().to_numpy()
    assert sizes == pytest.approx(np.bincount(places.ravel(), minlength=3) / DEALS)
    assert (sizes > 0).all() and thresholds["reliability"].between(0.2, 1).all()
    same = (places == places[0]).all()
    assert same == (definition == "faithful")
    if definition == "faithful":
        assert "also conditioned on and predicted" in done.stdout
        assert thresholds["upper_edge"].nunique() == 1  # from all utterances, not those of a fold


def test_three_votes_in_four_classes_have_one_order_by_every_fair_definition(corpus):
    for definition in ("agreement", "entropy", "pattern"):
        assert assign(corpus, definition).returncode == 0
    tables = [LEVELS.read(corpus / f"{name}.parquet") for name in ("agreement", "entropy", "pattern")]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


def test_roles_dealt_for_another_number_of_level_votes_are_refused(corpus):
    done = assign(corpus, "pattern", votes=4)
    assert done.returncode != 0 and "not dealt with 4 level votes" in done.stderr
