"""Predictors of known worth: the truth, the prior, j votes of other raters of the same pool, the same votes."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.inference.arrangement import arrange
from scaling_ambiguity.inference.draws import fresh_votes
from scaling_ambiguity.inference.predictors import Predictor, rank_intervals, value_predictors, value_rulers
from scaling_ambiguity.labels.counting import HumanVotes, deal_votes, human_counts
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.metrics.divergences import bhattacharyya, jsd_bits
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
from scaling_ambiguity.tables.votes import VOTES

CLASSES = ["neutral", "happy", "sad", "angry"]
SETTINGS = {"resamples": 500, "seed": 3, "level": 0.95, "method": "bootstrap_t"}


@pytest.fixture(scope="module")
def study(tmp_path_factory, new_world):
    """Return a function that arranges a simulated world, and what is true in it."""
    made = new_world(tmp_path_factory.mktemp("world"), utterances=900, speakers=18, deals=10, seed=5)
    votes, roles = VOTES.read(made.path("votes")), ROLES.read(made.path("roles"))
    counts = human_counts(votes, made.names, CLASSES)
    dealt = deal_votes(roles, votes, made.names, CLASSES)

    def arranged(start=0, largest=4):
        blocks = speaker_blocks(made.speakers, "test")
        speakers = np.asarray(made.speakers)
        return arrange(
            HumanVotes(made.names, dealt, counts, blocks, speakers),
            start=start,
            largest=largest,
            floor=0.001,
            level=0.95,
        )

    return arranged, made


def of(rows, **wanted):
    found = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


def test_predictors_are_worth_what_they_are_known_to_be(study):
    arranged, made = study
    world, fixed = arranged()
    names = [name for name, use in zip(made.names, fixed, strict=True) if use]
    v = made.v[fixed]
    pools = {j: fresh_votes(v, names, j, world.dealt.shape[0], 7, "others") for j in (1, 2)}
    prior = world.prior / world.prior.sum(axis=1, keepdims=True)
    noise = np.random.default_rng(1).dirichlet(np.ones(4), len(names))
    predictors = [Predictor("truth", "as_is", p=v), Predictor("prior", "as_is", p=prior)]
    predictors += [Predictor("noise", "as_is", p=noise)]
    predictors += [Predictor("others", "weighted", pool=pool, votes=j) for j, pool in pools.items()]
    rows = value_predictors(world, predictors, 2, SETTINGS)
    truth = of(rows, model="truth", metric="equivalent_votes")
    assert truth["one_sided"] == "low" and truth["estimate"] >= 4, "more than the corpus can show"
    nothing = of(rows, model="prior", metric="equivalent_votes")
    assert abs(nothing["estimate"]) < 1e-6 and nothing["low"] <= 0
    for j in (1, 2):
        found = of(rows, model="others", votes=j, metric="equivalent_votes")
        assert found["low"] <= j <= found["high"] and abs(found["estimate"] - j) < 0.4, found
        # j more votes of the pool over two human ones bring j, and an echo of the two nothing
        for metric in ("gain_k2", "net_gain_k2"):
            gain = of(rows, model="others", votes=j, metric=metric)
            assert gain["low"] <= j and abs(gain["estimate"] - j) < 0.6, gain
    assert of(rows, model="noise", metric="gain_k2")["estimate"] < 0.1
    order = sorted(predictors, key=lambda p: of(rows, model=p.model, votes=p.votes, metric="rank")["estimate"])
    assert [p.model for p in order] == ["truth", "others", "others", "prior", "noise"]
    # similarities to the shares of all votes, computed here
    shares = world.dealt.between(0)[0]
    shares = shares / shares.sum(axis=1, keepdims=True)
    for metric, function in (("jsd_bits", jsd_bits), ("bhattacharyya", bhattacharyya)):
        row = of(rows, model="truth", metric=metric)
        assert row["estimate"] == pytest.approx(function(v, shares).mean(), abs=1e-6)
        assert row["low"] < row["estimate"] < row["high"]
    table = statistics_frame([row | {"corpus": "demo", "protocol": "fair"} for row in rows])
    STATISTICS.validate(table, "test")


def test_votes_set_apart_are_worth_their_number(study):
    arranged, _ = study
    world, _ = arranged(start=3, largest=4)
    for row in value_rulers(world, SETTINGS):
        assert row["low"] <= row["votes"] <= row["high"] and abs(row["estimate"] - row["votes"]) < 0.5, row


def test_a_distribution_that_is_absent_is_the_prior(study):
    arranged, _ = study
    world, fixed = arranged()
    rows = value_predictors(world, [Predictor("silent", "as_is", p=np.zeros((fixed.sum(), 4)))], 0, SETTINGS)
    assert of(rows, model="silent", metric="equivalent_votes")["estimate"] == pytest.approx(0, abs=1e-6)
    assert not [row for row in rows if "gain" in row["metric"]]


def test_ranks_and_their_intervals():
    speakers = np.repeat([f"s{i}" for i in range(20)], 10)
    rng = np.random.default_rng(2)
    base = rng.normal(size=(200, 1))
    losses = base + np.array([0.0, 1.0, 1.0, 5.0]) + rng.normal(size=(200, 4)) * np.array([0.01, 0.5, 0.5, 0.01])
    ranks = rank_intervals(losses, speakers, SETTINGS)
    assert ranks[0] == (1, 1, 1) and ranks[3] == (4, 4, 4)
    assert {rank for rank, *_ in ranks[1:3]} == {2, 3} and ranks[1][1:] == ranks[2][1:] == (2, 3)
    tied = rank_intervals(np.zeros((200, 3)), speakers, SETTINGS)
    assert all(rank == (2, 2, 2) for rank in tied)
    assert np.isnan(rank_intervals(losses, np.full(200, "one"), SETTINGS)[0][1])


def test_the_program_values_annotators_and_given_tables_and_the_leaderboard_ranks_them(study, tmp_path):
    _, made = study
    given = pd.DataFrame(made.v, columns=[f"p_{name}" for name in CLASSES])
    GIVEN.write(given.assign(utterance=made.names), tmp_path / "truth.parquet")
    GIVEN.write((given * 0 + 0.25).assign(utterance=made.names), tmp_path / "flat.parquet")
    options = {"resamples": 500, "level": 0.95, "interval": "bootstrap_t", "smoothing": 0.001,
               "exchange": {"largest_k": 4, "votes": [1, 5, 15]}}  # fmt: skip
    output = tmp_path / "predictors-demo-fair.parquet"
    names = ("votes", "roles", "utterances", "splits")
    tables = [word for name in names for word in (f"--{name}", made.path(name))]
    annotators = {"tiny": {"proxies": made.path("proxies"), "read_out": []}}
    given_tables = {name: str(tmp_path / f"{name}.parquet") for name in ("truth", "flat")}
    run("value_predictors.py", "--corpus", "demo", "--protocol", "fair", *tables,
        "--annotators", json.dumps(annotators), "--given", json.dumps(given_tables), "--classes", ",".join(CLASSES),
        "--options", json.dumps(options), "--seed", "1", "--output", output)  # fmt: skip
    done = run("write_leaderboard.py", "--statistics", output, "--csv", tmp_path / "board.csv",
               "--parquet", tmp_path / "board.parquet")  # fmt: skip
    assert "truth" in done.stdout
    board = pd.read_csv(tmp_path / "board.csv")
    assert board["model"].tolist()[0] == "truth" and board["open"].tolist()[0] == "low"
    assert board["model"].tolist()[-1] == "flat" and board["equivalent_votes"].tolist()[-1] == 0
    assert board.loc[board["model"] == "tiny", "votes"].tolist() == [15, 1], "more votes are worth more"
    rulers = STATISTICS.read(output)
    rulers = rulers[(rulers["labels"] == "genuine") & (rulers["metric"] == "equivalent_votes")]
    assert ((rulers["low"] <= rulers["votes"]) & (rulers["votes"] <= rulers["high"].fillna(np.inf))).all()


def run(script, *arguments):
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    ("voters", "largest", "expected"),
    [([9] * 10, 5, 3), ([9] * 10, 3, 2), ([6] * 10, 5, 2), ([3] * 10, 5, 0), ([4] * 6 + [9] * 4, 5, 1), ([1, 2], 1, 0)],
)
def test_no_more_votes_are_set_apart_than_the_curve_of_the_others_reaches_beyond(voters, largest, expected):
    import value_predictors

    assert value_predictors.most_apart(np.array(voters), largest) == expected
