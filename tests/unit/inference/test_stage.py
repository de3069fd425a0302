"""The statistical programs on a world of votes: they run as the rules call them, and say what is known."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.reporting.figures.saturation import draw_saturation
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.tables.base import by_deal
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.levels import AGREEMENT, LEVEL, LEVELS
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import STATISTICS
from scaling_ambiguity.tables.votes import VOTES

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
VALIDITY = SCRIPTS.parent / "resources" / "validity.csv"
OPTIONS = {
    "resamples": 10000, "deals": 30, "interval": "bootstrap_t", "level": 0.95, "smoothing": 0.001,
    "adjust": "holm", "saturation_votes": [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20],
    "exchange": {"largest_k": 5, "votes": [1, 5, 20]},
}  # fmt: skip
LABEL_NAMES = ["human", "synthetic-tiny", "combined-tiny-equal", "combined-tiny-weighted"]
LABEL_NAMES += ["control-tiny-prior", "control-tiny-echo", "control-tiny-shuffled"]
COMMON = ["--classes", "neutral,happy,sad,angry", "--seed", "42"]


def call(script, *arguments, ok=True):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode == 0) == ok, done.stderr
    return done


def tables(world, *names):
    return [part for name in names for part in (f"--{name}", world.path(name))]


def assign(world):
    levels = json.dumps({"definition": "agreement", "votes": 3})
    call("assign_levels.py", *tables(world, "roles", "votes", "splits"), "--options", levels,
         "--output", world.path("levels"), "--thresholds", world.folder / "levels.csv")  # fmt: skip


def statistics(world, script, *names, output, extra=()):
    if script != "trace_saturation.py":
        extra = [*extra, "--validity", VALIDITY]
    if script == "estimate_exchange_rate.py":
        extra = [*extra, "--recovery", VALIDITY.with_name("recovery.csv"), "--no-read-out", "server"]
    call(script, "--corpus", "demo", "--annotator", "tiny", *tables(world, "votes", "proxies", "utterances", *names),
         "--options", json.dumps(OPTIONS), *COMMON, "--output", world.path(output), *extra)  # fmt: skip
    return STATISTICS.read(world.path(output))


@pytest.fixture(scope="module")
def stage(vote_world):
    """Everything from levels to the exchange rate, once."""
    assign(vote_world)
    found = {
        "alignment": statistics(vote_world, "align_votes.py", "roles", "levels", "splits", output="alignment",
                                extra=["--protocol", "fair", "--thresholds", vote_world.folder / "levels.csv"]),
        "saturation": statistics(vote_world, "trace_saturation.py", output="saturation"),
        "exchange": statistics(vote_world, "estimate_exchange_rate.py", "roles", "truth", output="exchange"),
        "by_level": statistics(vote_world, "estimate_exchange_by_level.py", "roles", "truth", "levels",
                               output="by_level", extra=["--protocol", "fair"]),
    }  # fmt: skip
    return found


def pick(frame, **wanted):
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, (wanted, len(frame))
    return frame.iloc[0]


@pytest.mark.ci
def test_levels(vote_world, stage):
    levels = LEVELS.read(vote_world.path("levels"))
    level, agreement = by_deal(levels, LEVEL, "levels"), by_deal(levels, AGREEMENT, "levels")
    assert len(level) == 30 and set(level.ravel()) == {0, 1, 2} and (levels["votes"] == 3).all()
    low, medium, high = (agreement[level == place] for place in range(3))
    assert high.max() < medium.min() and medium.max() < low.min()
    report = pd.read_csv(vote_world.folder / "levels.csv")
    assert len(report) == 2 and (report[["low", "medium", "high", "without_level"]].sum(axis=1).round(6) == 240).all()
    assert report["reliability"].between(0, 0.6).all()


def test_alignment(stage):
    rows = stage["alignment"].query("stratum == 'all' and population == 'these raters'")
    nll = rows[rows["metric"] == "nll"].set_index("labels")["estimate"]
    assert nll["synthetic-tiny-smoothed"] < nll["human-smoothed"] < nll["prior"] < nll["uniform"] < nll["majority"]
    # the floor decides the NLL of histograms: the same votes, and as many of both kinds
    assert nll["human"] > nll["human-smoothed"] + 0.3
    assert nll["synthetic-tiny-matched"] > nll["synthetic-tiny-matched-smoothed"] + 0.3
    assert nll["uniform"] == pytest.approx(np.log(4))
    bounded = rows[~rows["method"].isin(["sign_flip", "point"])]
    assert (bounded["low"] <= bounded["estimate"] + 1e-12).all()
    assert (bounded["estimate"] <= bounded["high"] + 1e-12).all()
    assert set(stage["alignment"].query("metric == 'nll'")["stratum"]) == {"all", "low", "medium", "high"}
    assert pick(rows, labels="human", metric="pearson_happy")["p"] < 0.01
    these = stage["alignment"].query("population == 'these raters'")
    means = {stratum: pick(these, labels="human-smoothed", metric="nll", stratum=stratum)["estimate"]
             for stratum in ("low", "medium", "high")}  # fmt: skip
    assert means["low"] < means["medium"] < means["high"]


def test_what_is_said_by_level_has_its_interval_and_the_levels_their_report(vote_world, stage):
    rows = stage["alignment"].query("population == 'these raters'")
    for labels in ("synthetic-tiny-smoothed", "human-smoothed"):
        nll = rows.query(f"metric == 'nll' and labels == '{labels}'").set_index("stratum")["estimate"]
        rise = pick(rows, labels=labels, metric="nll_rise")
        assert rise["estimate"] == pytest.approx(nll["high"] - nll["low"]) and 0 < rise["low"] < rise["estimate"]
    report = pd.read_csv(vote_world.folder / "levels.csv")
    for fold, found in report.set_index("fold").iterrows():
        for name in ("lower_edge", "upper_edge", "reliability"):
            row = pick(rows, metric=f"level_{name}", stratum=f"fold={fold}")
            assert row["estimate"] == pytest.approx(found[name])
    weights = report[["low", "medium", "high"]].sum(axis=1)
    mean = pick(rows, metric="level_reliability", stratum="all")
    assert mean["estimate"] == pytest.approx(np.average(report["reliability"], weights=weights))
    assert mean["n"] == round(weights.sum())


def test_n_of_a_level_is_its_mean_number_of_utterances_per_deal(vote_world, stage):
    levels = by_deal(LEVELS.read(vote_world.path("levels")), LEVEL, "levels")
    votes = VOTES.read(vote_world.path("votes")).groupby("utterance").size()
    most = int(stage["by_level"].query("labels == 'human' and metric == 'nll'")["votes"].max())
    for table, least in (("alignment", 5), ("by_level", 4 + most)):  # 3 for the level, and what the analysis takes
        several = (votes.reindex(LEVELS.read(vote_world.path("levels"))["utterance"]) >= least).to_numpy()
        rows = stage[table].query("method != 'sign_flip'")
        total = 0
        for place, stratum in enumerate(("low", "medium", "high")):
            own = (levels == place) & several
            n = rows.query(f"stratum == '{stratum}'")["n"]
            assert set(n) == {round(own.sum(axis=1).mean())} and n.max() < own.any(axis=0).sum()
            total += n.max()
        assert abs(total - several.sum()) <= 1  # no utterance counts twice


def test_saturation(stage):
    rows = stage["saturation"]
    own = rows.query("labels == 'synthetic-tiny'").set_index(["metric", "votes"])["estimate"]
    curve = own["jsd_bits"].sort_index()
    assert len(curve) == 11 and (np.diff(curve) < 0).all()
    assert own["jsd_bits_corrected", 20] < 0.5 * curve[20]
    parts = own["jsd_bits_excess", 20] + own["jsd_bits_human_noise", 20] + own["jsd_bits_corrected", 20]
    assert own["jsd_bits_limit", 20] == pytest.approx(own["jsd_bits_human_noise", 20] + own["jsd_bits_corrected", 20])
    assert not {"asymptote", "amplitude", "rate", "saturation_votes"} & set(own.index.get_level_values("metric"))
    assert parts == pytest.approx(curve[20], abs=1e-3)  # a few utterances have fewer votes
    spread = own["jsd_bits_variance"].sort_index()
    assert spread.index.max() <= 10 and (np.diff(spread) < 0).all()
    published = rows.query("labels == 'synthetic-tiny-faithful'").set_index(["metric", "votes"])
    assert published.loc[("jsd_bits", 20), "low"] == published.loc[("jsd_bits", 20), "high"]
    assert 3 <= pick(rows, labels="synthetic-tiny-faithful", metric="saturation_votes")["estimate"] <= 12
    assert len(rows.query("labels == 'human'")) == 5


def test_saturation_without_an_utterance_is_said_to_be_not_identifiable(vote_world, tmp_path):
    votes = VOTES.read(vote_world.path("votes"))
    VOTES.write(votes.drop_duplicates("utterance").reset_index(drop=True), tmp_path / "votes.parquet")
    output = tmp_path / "saturation.parquet"
    done = call("trace_saturation.py", "--corpus", "demo", "--annotator", "tiny", *tables(vote_world, "proxies"),
                *tables(vote_world, "utterances"), "--votes", tmp_path / "votes.parquet",
                "--options", json.dumps(OPTIONS), *COMMON, "--output", output)  # fmt: skip
    assert "not identifiable: no utterance has two human votes" in done.stdout
    rows = STATISTICS.read(output)
    assert set(rows["method"]) == {"not_identifiable"} and rows["estimate"].isna().all()
    table, text = tmp_path / "saturation.tex", tmp_path / "saturation.csv"
    call("write_table.py", "--name", "tab_saturation", "--statistics", output, "--table", table, "--data", text)
    assert "nan" not in table.read_text() and len(pd.read_csv(text)) == len(rows)
    axes = draw_saturation(read_statistics([output]))[0].axes[0]
    assert [words.get_text() for words in axes.texts] == ["not identifiable"]


def test_exchange_rate_of_known_proxies(stage):
    rows = stage["exchange"].query("metric == 'equivalent_votes' and population == 'these raters'")
    for k in (1, 2, 3):
        fresh = pick(rows, labels=f"fresh-{k}")
        assert fresh["low"] <= k <= fresh["high"] and fresh["reference"] == "truth"
    for labels in ("noise", "shuffled"):
        assert pick(rows, labels=labels)["estimate"] < 0.2 and pick(rows, labels=labels)["one_sided"] == "high"
    assert len(stage["exchange"].query("labels == 'human' and metric == 'nll'")) == 6
    assert pick(stage["exchange"], metric="weight", votes=5)["low"] > 0


def test_raters_like_these_are_less_certain_than_these(stage):
    for table, metric in (("alignment", "nll"), ("exchange", "equivalent_votes")):
        rows = stage[table].query(f"metric == '{metric}' and stratum == 'all'").set_index(["labels", "votes"])
        these, like = (rows[rows["population"] == f"{name}"] for name in ("these raters", "raters like these"))
        assert len(like)
        these = these.loc[like.index]
        assert like["estimate"].to_numpy() == pytest.approx(these["estimate"].to_numpy(), abs=1e-9)
        assert (like["low"] <= these["low"] + 1e-12).all()
        assert (like["high"].fillna(np.inf) >= these["high"].fillna(np.inf) - 1e-12).all()


def test_differences_are_paired_and_adjusted_in_their_family(stage):
    rows = stage["alignment"][stage["alignment"]["metric"].isin(["nll_minus_prior", "nll_minus_human-smoothed"])]
    assert set(rows["labels"]) == {"synthetic-tiny-smoothed", "synthetic-tiny-matched-smoothed"}
    assert rows["p_adjusted"].ge(rows["p"]).all()
    assert stage["alignment"].query("metric == 'brier_minus_prior'")["p"].isna().all()
    whole = rows.query("stratum == 'all' and population == 'these raters' and metric == 'nll_minus_prior'").iloc[0]
    nll = stage["alignment"].query("metric == 'nll' and stratum == 'all' and population == 'these raters'")
    nll = nll.set_index("labels")["estimate"]
    assert whole["estimate"] == pytest.approx(nll["synthetic-tiny-smoothed"] - nll["prior"])
    assert not stage["alignment"]["metric"].isin(["nll_minus_human", "brier_minus_human"]).any()  # raw histograms


def test_the_sign_flip_test_stands_beside_the_bootstrap(stage):
    rows = stage["alignment"].query("population == 'these raters' and metric.str.startswith('nll_minus')")
    key = ["labels", "metric", "stratum"]
    flipped, other = (rows[(rows["method"] == "sign_flip") == flag].set_index(key) for flag in (True, False))
    assert len(flipped) == len(other) == 12 and flipped["low"].isna().all()
    assert flipped["estimate"].to_numpy() == pytest.approx(other.loc[flipped.index, "estimate"].to_numpy())
    # twelve speakers: all 4,096 patterns are looked at
    assert (flipped["p"] * 4096 % 1).max() < 1e-9
    both = (flipped["p"] < 0.01) == (other.loc[flipped.index, "p"] < 0.01)
    assert both.mean() > 0.8


def test_ceilings_and_the_noise_floor(vote_world, stage):
    rows = stage["alignment"].query("stratum == 'all' and population == 'these raters' and method != 'sign_flip'")
    nll = rows[rows["metric"] == "nll"].set_index("labels")["estimate"]
    # all other votes know more than the conditioning ones, and no predictor gets below the entropy of the pool
    entropy = -(vote_world.v * np.log(vote_world.v)).sum(axis=1).mean()
    assert entropy < nll["leave-one-out"] < nll["human-smoothed"]
    halves = rows.query("labels == 'split-half' and metric == 'pearson_sad'")["estimate"].iloc[0]
    corrected = rows.query("labels == 'split-half-corrected' and metric == 'pearson_sad'")["estimate"].iloc[0]
    assert corrected == pytest.approx(2 * halves / (1 + halves))
    equal = rows[rows["metric"].str.startswith("jsd_bits_equal")].set_index(["labels", "metric", "votes"])["estimate"]
    for votes in (1.0, 2.0, 3.0):
        human, synthetic = (equal[name, "jsd_bits_equal", votes] for name in ("human", "synthetic-tiny"))
        excess = equal["synthetic-tiny", "jsd_bits_equal_minus_human", votes]
        assert synthetic - human == pytest.approx(excess) and excess > 0
    # two single votes differ by one bit or not at all: the floor is their disagreement
    disagreement = 1 - (vote_world.v**2).sum(axis=1).mean()
    assert equal["human", "jsd_bits_equal", 1.0] == pytest.approx(disagreement, abs=0.03)
    assert equal["human", "jsd_bits_equal_corrected", 3.0] < 0.6 * equal["human", "jsd_bits_equal", 3.0]


def test_exchange_rate_by_level_finds_known_worth_at_every_level(stage):
    rows = stage["by_level"].query("metric == 'equivalent_votes' and population == 'these raters'")
    rows = rows.set_index(["labels", "stratum"])
    covered = 0
    for stratum in ("low", "medium", "high"):
        for k in (1, 2):
            found = rows.loc[(f"fresh-{k}", stratum)]
            covered += bool(found["low"] <= k and (np.isnan(found["high"]) or k <= found["high"]))
        assert rows.loc[("noise", stratum), "estimate"] < 0.2
    assert covered >= 5  # of six nominal 95 % intervals from one draw


def test_three_votes_have_no_exchange_rate_by_level(own_world):
    votes = VOTES.read(own_world.path("votes"))
    VOTES.write(votes[votes.groupby("utterance").cumcount() < 3], own_world.path("votes"))
    call("deal_roles.py", "--votes", own_world.path("votes"), "--level-votes", 3, "--deals", 5, "--seed", 1,
         "--output", own_world.path("roles"))  # fmt: skip
    assign(own_world)
    rows = statistics(own_world, "estimate_exchange_by_level.py", "roles", "levels", output="by_level",
                      extra=["--protocol", "fair"])  # fmt: skip
    assert rows["method"].tolist() == ["not_identifiable"] * 3 and rows["estimate"].isna().all()


@pytest.mark.ci
def test_same_seed_same_bytes(vote_world, stage):
    before = Path(vote_world.path("exchange")).read_bytes()
    statistics(vote_world, "estimate_exchange_rate.py", "roles", "truth", output="exchange")
    assert Path(vote_world.path("exchange")).read_bytes() == before


@pytest.fixture
def own_world(vote_world, tmp_path):
    """Copy the world's tables, so that they may be changed."""
    for path in vote_world.folder.glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return replace(vote_world, folder=tmp_path)


@pytest.mark.ci
def test_utterances_left_out_of_the_splits_have_no_level_label_or_score(own_world):
    gone = own_world.names[::4]
    votes = VOTES.read(own_world.path("votes"))
    VOTES.write(votes.assign(raters_known=False), own_world.path("votes"))
    splits = SPLITS.read(own_world.path("splits"))
    SPLITS.write(splits[~splits["utterance"].isin(gone)], own_world.path("splits"))
    assign(own_world)
    assert not set(LEVELS.read(own_world.path("levels"))["utterance"]) & set(gone)
    report = pd.read_csv(own_world.folder / "levels.csv")
    assert report[["low", "medium", "high", "without_level"]].sum(axis=1).round(6).sum() == 360
    rows = statistics(own_world, "align_votes.py", "roles", "levels", "splits", output="alignment",
                      extra=["--protocol", "fair", "--thresholds", own_world.folder / "levels.csv"])  # fmt: skip
    assert rows.query("stratum == 'all'")["n"].max() == 360
    assert set(rows["population"]) == {"these raters"}  # nobody knows who the raters are
    for labels in ("combined-tiny-weighted", "control-tiny-shuffled"):
        output = own_world.folder / f"{labels}.parquet"
        done = call("pool_votes.py", *tables(own_world, "votes", "splits", "proxies", "utterances"), "--annotator",
                    "tiny", "--labels", labels, *COMMON, "--output", output)  # fmt: skip
        assert "120 utterances are left out" in done.stdout
        assert set(LABELS.read(output)["utterance"]) == set(own_world.names) - set(gone)


@pytest.mark.ci
def test_votes_of_several_labels_go_all_the_way(own_world):
    votes = VOTES.read(own_world.path("votes"))
    first = votes[votes.index % 5 == 0]
    other = first["label"].map({"neutral": "sad", "sad": "angry", "angry": "happy", "happy": "neutral"})
    both = [first.assign(weight=0.5), first.assign(weight=0.5, rank=1, label=other)]
    VOTES.write(pd.concat([votes.drop(first.index), *both]), own_world.path("votes"))
    call("deal_roles.py", "--votes", own_world.path("votes"), "--level-votes", 3, "--deals", 5, "--seed", 1,
         "--output", own_world.path("roles"))  # fmt: skip
    assign(own_world)
    levels = LEVELS.read(own_world.path("levels"))
    # three votes, some of them shared: agreements that whole votes cannot have
    assert set(by_deal(levels, AGREEMENT, "levels").ravel().round(6)) > {0, 0.166667, 0.333333, 0.5, 1}
    alignment = statistics(own_world, "align_votes.py", "roles", "levels", "splits", output="alignment",
                           extra=["--protocol", "fair", "--thresholds", own_world.folder / "levels.csv"])  # fmt: skip
    assert set(alignment.query("metric == 'nll'")["stratum"]) == {"all", "low", "medium", "high"}
    # the jackknife leaves out whole votes
    assert not alignment["metric"].str.endswith("_corrected").any()
    rows = statistics(own_world, "estimate_exchange_rate.py", "roles", "truth", output="exchange")
    whole = np.array([(votes["utterance"] == name).sum() for name in own_world.names])
    assert pick(rows, labels="human", metric="nll", votes=0)["n"] == (whole > 5).sum()


def test_labels_of_a_learning_curve(vote_world):
    found = {}
    for labels in ("curve-tiny-h2m5", "curve-tiny-hallm20", "combined-tiny-weighted"):
        output = vote_world.folder / f"{labels}.parquet"
        call("pool_votes.py", *tables(vote_world, "votes", "splits", "proxies", "utterances"), "--annotator", "tiny",
             "--labels", labels, *COMMON, "--output", output)  # fmt: skip
        found[labels] = LABELS.read(output)
    assert set(found["curve-tiny-h2m5"]["n_human"]) == {2} and set(found["curve-tiny-h2m5"]["n_synthetic"]) == {5}
    # all votes of both kinds are the weighted pool itself
    pd.testing.assert_frame_equal(found["curve-tiny-hallm20"], found["combined-tiny-weighted"])


def test_cost_surface(vote_world):
    options = OPTIONS | {"costs": {"human": [1, 3, "all"], "synthetic": [0, 5, 20, 99]}}
    output = vote_world.path("costs")
    done = call("trace_costs.py", "--corpus", "demo", "--annotator", "tiny",
                *tables(vote_world, "votes", "proxies", "roles", "utterances"), "--options", json.dumps(options),
                *COMMON, "--output", output)  # fmt: skip
    assert "synthetic votes 99: too few" in done.stdout
    rows = STATISTICS.read(output)
    human = rows.query("labels == 'human' and metric == 'nll'").set_index("stratum")["estimate"]
    assert human["human=1"] > human["human=3"] > human["human=all"]
    alone = pick(rows, labels="weighted", metric="nll_minus_human", stratum="human=1", votes=20)
    cell = pick(rows, labels="weighted", metric="nll", stratum="human=1", votes=20)
    assert alone["estimate"] == pytest.approx(cell["estimate"] - human["human=1"])
    assert alone["estimate"] < 0 and alone["p_adjusted"] >= alone["p"]
    assert set(rows["n"]) == {int(cell["n"])}


@pytest.mark.parametrize("labels", LABEL_NAMES)
def test_pool_votes(vote_world, labels):
    output = vote_world.folder / f"{labels}.parquet"
    call("pool_votes.py", *tables(vote_world, "votes", "splits", "proxies", "utterances"), "--annotator", "tiny",
         "--labels", labels, *COMMON, "--output", output)  # fmt: skip
    frame = LABELS.read(output)
    assert frame["utterance"].tolist() == vote_world.names
    assert (frame["n_human"] > 0).all() == (labels != "synthetic-tiny")
    assert (frame["n_synthetic"] > 0).any() == (labels not in ("human", "control-tiny-prior"))


def test_unknown_labels_are_refused_in_one_line(vote_world):
    done = call("pool_votes.py", *tables(vote_world, "votes", "splits", "proxies", "utterances"), "--annotator",
                "tiny", "--labels", "combined-tiny-magic", *COMMON, "--output", "x.parquet", ok=False)  # fmt: skip
    assert "combined-tiny-magic" in done.stderr and "Traceback" not in done.stderr
