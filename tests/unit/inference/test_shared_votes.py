"""Proxies of known worth: right at every level from disjoint votes, wrong in a known direction from shared ones."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference import shared_votes
from scaling_ambiguity.labels.counting import DealtVotes, HumanVotes
from scaling_ambiguity.labels.levels import LEVELS, level_of, pairwise_agreement
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS

SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "trace_shared_votes.py"
FIXED = {"level_votes": 3, "floor": 0.001, "level": 0.95, "seed": 1}
SETTINGS = {"resamples": 499, "seed": 1, "level": 0.95, "method": "bootstrap_t"}


def make_corpus(utterances: int = 1500, votes: int = 11, deals: int = 10, speakers: int = 20, seed: int = 0):
    """Return utterances with so many votes of fresh raters each, exchangeable by construction."""
    rng = np.random.default_rng(seed)
    v = rng.dirichlet([0.8, 0.6, 0.5, 0.4], utterances)
    label = (rng.random((utterances, votes, 1)) >= np.cumsum(v, axis=1)[:, None, :-1]).sum(axis=-1)
    entries = utterances * votes
    position = np.argsort(rng.random((deals, utterances, votes)), axis=-1).reshape(deals, entries)
    dealt = DealtVotes(
        shape=(deals, utterances, 4),
        utterance=np.repeat(np.arange(utterances), votes),
        label=label.ravel(),
        weight=np.ones(entries),
        first=np.ones(entries, dtype=bool),
        position=position,
        votes=np.full(entries, votes),
        level_votes=np.full(entries, 3),
        rater=np.zeros(entries, dtype=np.intp),
        raters=None,
    )
    speaker = np.array([f"s{i % speakers:02d}" for i in range(utterances)])
    counts = np.stack([(label == c).sum(axis=1) for c in range(4)], axis=1).astype(float)
    names = [f"u{i:04d}" for i in range(utterances)]
    return HumanVotes(names, dealt, counts, speaker_blocks(speaker), speaker)


@pytest.fixture(scope="module")
def corpus():
    return make_corpus()


@pytest.fixture(scope="module")
def losses(corpus):
    return {name: shared_votes.losses_under(name, corpus, **FIXED) for name in shared_votes.ARRANGEMENTS}


@pytest.fixture(scope="module")
def rows(losses):
    found = [row for name, own in losses.items() for row in shared_votes.arrangement_rows(name, own, SETTINGS)]
    return {(row["method"], row["labels"], row["stratum"], row["votes"]): row for row in found}


def test_withheld_votes_are_worth_two_at_every_level_from_disjoint_votes(rows):
    for stratum in ("all", *LEVELS):
        row = rows["disjoint", "withheld-2", stratum, 2]
        assert row["estimate"] == pytest.approx(2, abs=0.35)
        assert row["low"] <= 2.05 and (np.isnan(row["high"]) or row["high"] >= 1.95)


def test_they_are_worth_less_at_low_and_more_at_high_ambiguity_from_shared_votes(rows):
    low, high = (rows["shared-all", "withheld-2", stratum, 2] for stratum in ("low", "high"))
    assert low["estimate"] < 1.7 and low["high"] < 2
    assert high["estimate"] == 3 and high["one_sided"] == "low"
    # over all levels nothing is selected, and nothing is wrong
    assert rows["shared-all", "withheld-2", "all", 2]["estimate"] == pytest.approx(2, abs=0.3)


def test_votes_of_another_utterance_beat_all_human_votes_where_those_were_selected_to_disagree(rows):
    assert rows["shared-all", "shuffled", "high", 0]["estimate"] == 3
    for stratum in LEVELS:
        row = rows["disjoint", "shuffled", stratum, 0]
        assert row["estimate"] < 0.1 and row["one_sided"] == "high"


def test_an_echo_gains_nothing_over_all_and_little_at_a_level(rows):
    assert rows["disjoint", "echo", "all", 2]["estimate"] == pytest.approx(2, abs=0.1)
    for stratum in LEVELS:
        assert rows["disjoint", "echo", stratum, 2]["estimate"] == pytest.approx(2, abs=0.3)


def test_more_votes_of_an_utterance_selected_to_disagree_predict_worse(rows):
    shared, disjoint = ([rows[m, "human", "high", k]["estimate"] for k in (0, 3)] for m in ("shared-all", "disjoint"))
    assert shared[1] > shared[0] and disjoint[1] < disjoint[0]


def test_votes_set_apart_are_read_by_nothing_else(corpus):
    world = shared_votes.losses_under("disjoint", corpus, **FIXED).world
    used = [world.dealt.between(0, 2), world.dealt.between(2, 5), world.human(3), world.reference]
    assert [votes.sum(axis=-1).max() for votes in used] == [2, 3, 3, 3]
    assert np.array_equal(sum(used), np.broadcast_to(corpus.counts, used[0].shape))


def test_shared_levels_are_those_of_conditioned_and_predicted_votes(losses):
    own = losses["shared-all"]
    votes = own.world.human(3) + own.world.reference
    agreement = pairwise_agreement(votes)
    places = level_of(agreement, shared_votes.tertile_edges(agreement))
    for place, name in enumerate(LEVELS):
        assert np.array_equal(own.strata[name], places == place)
    assert np.array_equal(own.world.dealt.utterance, losses["disjoint"].world.dealt.utterance)


def test_edges_are_midpoints_nearest_to_the_tertiles():
    assert shared_votes.tertile_edges(np.array([[0, 1 / 3], [1, 0]])) == pytest.approx((1 / 6, 2 / 3))
    values = np.repeat([0.1, 0.2, 0.4, 1.0], [10, 20, 30, 30])
    assert shared_votes.tertile_edges(values) == pytest.approx((0.3, 0.7))
    assert shared_votes.tertile_edges(np.repeat([0.0, 0.5, 1.0], [1, 1, 98])) == pytest.approx((0.25, 0.75))
    with pytest.raises(UserError, match="fewer than three different agreements"):
        shared_votes.tertile_edges(np.array([0.0, 1.0, 1.0 + 1e-13]))


def test_few_utterances_with_votes_for_every_role_are_not_enough():
    def enough(human):
        return shared_votes.with_votes(human, 3).sum() >= shared_votes.FEWEST

    assert not enough(make_corpus(utterances=300, votes=8, deals=2))
    assert enough(make_corpus(utterances=300, votes=9, deals=2))
    assert not enough(make_corpus(utterances=59, votes=9, deals=2))


def trace(world, output: Path, level_votes: int = 3) -> subprocess.CompletedProcess:
    options = {"resamples": 499, "interval": "bootstrap_t", "level": 0.95, "smoothing": 0.001}
    command = [sys.executable, str(SCRIPT), "--corpus", "demo", "--classes", "neutral,happy,sad,angry", "--seed", "42"]
    for name in ("votes", "roles", "utterances"):
        command += [f"--{name}", world.path(name)]
    command += ["--options", json.dumps(options | {"level_votes": level_votes}), "--output", str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_writes_the_same_bytes_twice(vote_world, tmp_path):
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    for output in (first, second):
        done = trace(vote_world, output)
        assert done.returncode == 0, done.stderr
    assert first.read_bytes() == second.read_bytes()
    table = STATISTICS.read(first)
    values = table[table["metric"] == "equivalent_votes"]
    assert set(values["method"]) == set(shared_votes.ARRANGEMENTS)
    assert set(zip(values["labels"], values["votes"], strict=True)) == {("withheld-2", 2), ("echo", 2), ("shuffled", 0)}
    assert set(values["stratum"]) == {"all", *LEVELS}
    enough = ROLES.read(vote_world.path("roles")).query("votes > 8")["utterance"].nunique()
    assert values["n"].max() == enough


def test_a_corpus_of_few_votes_says_so(vote_world, tmp_path):
    done = trace(vote_world, tmp_path / "few.parquet", level_votes=5)
    assert done.returncode == 0, done.stderr
    assert "cannot be shown" in done.stdout
    table = STATISTICS.read(tmp_path / "few.parquet")
    assert set(table["method"]) == {"not_identifiable"} and set(table["stratum"]) == set(LEVELS)
    assert table["estimate"].isna().all()
