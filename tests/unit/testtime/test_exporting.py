"""From the project's own candidates to a submission and back; every strategy valued in human votes."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from no_torch import without_torch

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.leaderboard import leaderboard
from scaling_ambiguity.labels.counting import human_counts
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.reporting.naming import valued_name
from scaling_ambiguity.tables.candidates import CANDIDATES
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.statistics import STATISTICS
from scaling_ambiguity.tables.strategy_scores import STRATEGY_SCORES
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES
from scaling_ambiguity.testtime.exporting import candidate_lines, one_revision
from scaling_ambiguity.testtime.manifest import read_manifest, votes_sha256
from scaling_ambiguity.testtime.pool import build_pool
from scaling_ambiguity.testtime.submission import read_submission, write_submission

CLASSES = ["neutral", "happy", "sad", "angry"]
ENTRY = {"prompt_sha256": "a" * 64, "decoding": {"temperature": 1.0}}


def about(names, counts, kind):
    return {
        "alm": "tiny", "revision": "r1", "licence": "CC0-1.0", "contact": "nobody@example.org", "date": "2026-11-01",
        "has_seen_votes": "unknown", "benchmark_version": "1.2.0", "corpus": "demo", "classes": CLASSES,
        "corpus_reference_sha256": votes_sha256(names, CLASSES, counts), "pools": {kind: ENTRY},
    }  # fmt: skip


def table(rows):
    frame = pd.DataFrame(
        rows, columns=["utterance", "draw", "response", "status", "reason", *(f"p_{c}" for c in CLASSES)]
    )
    frame = frame.assign(
        corpus="demo", annotator="tiny", prompt="p", temperature=1.0, logprob=-3.0, tokens=9.0, revision="r1"
    )
    frame["reason"] = frame["reason"].astype("str")
    frame["logprob_answer"] = np.where(frame["response"].str.endswith("}"), -0.2, np.nan)
    return CANDIDATES.validate(frame.assign(seconds=0.1), "test")


def stated(p):
    return json.dumps(dict(zip(CLASSES, p, strict=True)))


@pytest.mark.parametrize("kind", ["sampled", "labels", "readout"])
def test_a_pool_is_the_same_before_and_after(tmp_path, kind):
    shares = {
        "sampled": [0.1, 0.2, 0.3, 0.4],
        "labels": [0, 0, 1.0, 0],
        "readout": [0.123456789, 0.376543211, 0.25, 0.25],
    }
    texts = {"sampled": stated(shares["sampled"]), "labels": "sad", "readout": "sad"}
    nothing = [np.nan] * 4
    rows = [
        ("u0", 0, texts[kind], "ok", None, *shares[kind]),
        ("u0", 1, "I hear joy.", "invalid", "whatever was wrong", *nothing),
        ("u1", 0, "", "failed", "no answer", *nothing),
        ("u1", 1, '{"neutral": 0.', "cut", "cut at the token limit", *nothing),
        ("u1", 2, "", "not_asked", "no audio", *nothing),
    ]
    candidates, names = table(rows), ["u0", "u1"]
    before = build_pool(kind, candidates, names, CLASSES)
    write_submission(
        tmp_path / "s", about(names, np.ones((2, 4)), kind), candidate_lines(candidates, kind, CLASSES), []
    )
    found = read_submission(tmp_path / "s", read_manifest(tmp_path / "s"), names, spelled(CLASSES))
    assert found.tier == ("C" if kind == "readout" else "B")
    after = build_pool(kind, found.candidates, names, CLASSES)
    np.testing.assert_allclose(after.q, before.q, atol=1e-9)
    assert after.valid.tolist() == before.valid.tolist()
    np.testing.assert_array_equal(after.logprob, before.logprob)
    np.testing.assert_array_equal(after.logprob_answer, before.logprob_answer)
    assert after.status[1].tolist() == ["failed", "cut", "failed"] and after.reason[1, 2] == "no audio"
    text = (tmp_path / "s" / "manifest.json").read_text()
    assert "path" not in text and "audio" not in text


def test_an_unknown_pool_is_refused():
    with pytest.raises(UserError, match="pool 'beams' is unknown"):
        list(candidate_lines(table([("u0", 0, "sad", "ok", None, 0, 0, 1.0, 0)]), "beams", CLASSES))


def run(script, *arguments):
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.ci
def test_strategies_are_valued_in_human_votes(tmp_path, new_world):
    """Candidates that scatter around the truth: their mean is worth more votes than one of them."""
    made = new_world(tmp_path, utterances=600, speakers=12, deals=10, seed=7)
    random = np.random.default_rng(3)
    rows = []
    for name, truth in zip(made.names, made.v, strict=True):
        for draw, p in enumerate(random.dirichlet(4 * truth + 1e-3, 5)):
            p = np.round(p / p.sum(), 4)
            p[p.argmax()] += 1 - p.sum()
            rows.append((name, draw, stated(p.tolist()), "ok", None, *p))
    votes = VOTES.read(made.path("votes"))
    names = UTTERANCES.read(made.path("utterances"))["utterance"].tolist()
    counts = human_counts(votes, names, CLASSES)
    lines = candidate_lines(table(rows), "sampled", CLASSES)
    write_submission(tmp_path / "s", about(names, counts, "sampled"), lines, [])
    options = {"resamples": 300, "level": 0.95, "interval": "bootstrap_t", "smoothing": 0.001,
               "exchange": {"largest_k": 4, "votes": [1, 5]}}  # fmt: skip
    run("score_strategies.py", "--submission", tmp_path / "s", "--corpus", "demo", "--votes", made.path("votes"),
        "--utterances", made.path("utterances"), "--classes", ",".join(CLASSES), "--options", json.dumps(options),
        "--seed", "1", "--output", tmp_path / "scores.parquet", "--csv", tmp_path / "board.csv",
        "--left-out", tmp_path / "left.csv", "--rejects", tmp_path / "rejects.parquet",
        "--predictions", tmp_path / "predictions")  # fmt: skip
    written = {path.stem for path in (tmp_path / "predictions").iterdir()}
    assert {"mean-control", "single-faithful", "bon-faithful", "w_bon-fair"} <= written
    assert not any(name.startswith(("oracle", "random_pick")) for name in written)
    assert len(GIVEN.read(tmp_path / "predictions" / "mean-control.parquet")) == 600
    given = {name: str(tmp_path / "predictions" / f"{name}.parquet") for name in ("mean-control", "single-faithful")}
    tables = [word for name in ("votes", "roles", "utterances", "splits") for word in (f"--{name}", made.path(name))]
    run("value_predictors.py", "--corpus", "demo", "--protocol", "fair", *tables, "--annotators", "{}",
        "--given", json.dumps(given), "--strategies", json.dumps({"ours": str(tmp_path / "predictions")}),
        "--classes", ",".join(CLASSES), "--options", json.dumps(options), "--seed", "1",
        "--output", tmp_path / "worth.parquet")  # fmt: skip
    worth = STATISTICS.read(tmp_path / "worth.parquet")
    board = leaderboard(worth).set_index("augmentation")
    ours = board[board["kind"] == "strategy at test time"]
    assert {"mean-control", "single-faithful", "bon-faithful", "w_bon-fair"} <= set(ours.index)
    assert not any(name.startswith(("cot", "oracle")) for name in ours.index) and (ours["model"] == "ours").all()
    given_mean = board[board["model"] == "mean-control"]["nll"].item()
    assert ours.loc["mean-control", "nll"] == given_mean, "the same distributions, the same worth"
    assert valued_name("ours", "strategy", "w_bon-fair", np.inf) == "ours, weighted BoN, fair"
    worth = worth[worth["metric"] == "equivalent_votes"].set_index("model")["estimate"]
    assert worth["mean-control"] > worth["single-faithful"] + 0.5, worth


LOWER_IS_BETTER = {"nll", "brier", "jsd_bits", "js_distance", "ece"}
DIRECTED = LOWER_IS_BETTER | {"bhattacharyya", "r2_within", "accuracy", "macro_f1", "weighted_f1", "uar"}


def counting(made, revision="r1"):
    """Return candidates of an annotator that counts listeners: four answers an utterance, one of them unusable."""
    random, rows = np.random.default_rng(5), []
    for name, truth in zip(made.names, made.v, strict=True):
        for draw in range(3):
            numbers = random.multinomial(20, truth)
            text = json.dumps(dict(zip(CLASSES, numbers.tolist(), strict=True)))
            rows.append((name, draw, text, "ok", None, *(numbers / 20)))
        rows.append((name, 3, "I hear a voice.", "invalid", "no JSON object at the end", *[np.nan] * 4))
    return table(rows).assign(revision=revision)


@pytest.mark.ci
def test_our_own_submission_is_the_same_twice_and_scored_without_torch(tmp_path, new_world):
    """Candidates -> export -> score, by the programs of the workflow: the same bytes each time."""
    made = new_world(tmp_path, utterances=80, speakers=8, deals=3, seed=7)
    CANDIDATES.write(counting(made), tmp_path / "candidates.parquet")
    entry = {"corpus": "demo", "alm": "tiny", "pools": {"sampled": "writer"}, "has_seen_votes": "no",
             "licence": "CC0-1.0", "contact": "nobody@example.org", "date": "2026-11-29", "verifier": None}  # fmt: skip
    annotator = {"alm": "tiny", "mode": "verbalised", "stated": "counts", "design": "crossed", "votes": 4,
                 "temperatures": [0.7, 1.0], "prompts": "counts", "modality": "both"}  # fmt: skip
    prompts = SCRIPTS.parent / "prompts" / "counts.yaml"
    pools = {"sampled": {"candidates": str(tmp_path / "candidates.parquet"), "annotator": annotator,
                         "prompts": str(prompts)}}  # fmt: skip
    votes = ["--votes", made.path("votes"), "--utterances", made.path("utterances"), "--classes", ",".join(CLASSES)]
    options = {"resamples": 200, "level": 0.95, "interval": "bootstrap_t", "smoothing": 0.001}
    described = ["--entry", json.dumps(entry), "--pools", json.dumps(pools), *votes, "--output"]
    for name in ("a", "b"):
        folder = tmp_path / name
        done = without_torch("export_submission.py", *described, folder / "submission")
        assert done.returncode == 0 and "sampled: 320 answers, 75.0% with a distribution" in done.stdout, done.stderr
        done = without_torch(
            "score_strategies.py", "--submission", folder / "submission", "--corpus", "demo", *votes, "--rerun",
            "--options", json.dumps(options), "--seed", "1", "--output", folder / "scores.parquet",
            "--csv", folder / "board.csv", "--left-out", folder / "left_out.csv",
            "--rejects", folder / "rejects.parquet", "--predictions", folder / "predictions",
        )  # fmt: skip
        assert done.returncode == 0 and "tier A: run again here; it has not seen these votes" in done.stdout, (
            done.stderr
        )
        done = without_torch(
            "export_evaluation.py", "--scores", folder / "scores.parquet", "--submission", folder / "submission",
            "--options", json.dumps(options), "--output", folder / "every_eval_ever.json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) > 10
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    manifest = read_manifest(tmp_path / "a" / "submission")
    assert manifest.revision == "r1" and manifest.pools["sampled"].answers == "counts"
    assert manifest.pools["sampled"].decoding["temperatures"] == [0.7, 1.0]
    submission = read_submission(tmp_path / "a" / "submission", manifest, list(made.names), spelled(CLASSES))
    found = build_pool("sampled", submission.candidates, list(made.names), CLASSES)
    expected = build_pool("sampled", counting(made), list(made.names), CLASSES)
    np.testing.assert_allclose(found.q, expected.q, atol=1e-12)
    record = json.loads((tmp_path / "a" / "every_eval_ever.json").read_text())
    scores = STRATEGY_SCORES.read(tmp_path / "a" / "scores.parquet")
    assert record["evaluation_id"] == "scaling-ambiguity/demo/tiny/1795910400"  # 2026-11-29, 00:00 UTC
    assert record["model_info"]["additional_details"] == {"revision": "r1", "has_seen_votes": "no"}
    results = {result["evaluation_name"]: result for result in record["evaluation_results"]}
    rows = scores[(scores["against"] == "none") & scores["estimate"].notna() & scores["metric"].isin(DIRECTED)]
    assert len(results) == len(record["evaluation_results"]) == len(rows) > 20
    for row in rows.itertuples():
        result = results[f"demo/{row.strategy}-{row.form}/{row.metric}"]
        metric, score = result["metric_config"], result["score_details"]
        assert score["score"] == row.estimate and score["uncertainty"]["num_samples"] == row.n
        assert metric["min_score"] <= score["score"] <= metric["max_score"]
        assert metric["lower_is_better"] == (row.metric in LOWER_IS_BETTER)
        interval = score["uncertainty"].get("confidence_interval")
        assert interval is None if np.isnan(row.low) else (interval["lower"], interval["upper"]) == (row.low, row.high)
        assert all(isinstance(value, str) for value in score["details"].values())


def test_answers_of_two_revisions_are_no_submission():
    rows = {"sampled": table([("u0", 0, "sad", "ok", None, 0, 0, 1.0, 0)])}
    assert one_revision(rows, "tiny") == "r1"
    served = rows | {"labels": rows["sampled"].assign(revision='r1 {"top_p": 1}')}
    assert one_revision(served, "tiny") == "r1", "a server's answers are filed under the sampling parameters too"
    with pytest.raises(UserError, match=r"one revision of the model; found sampled: r1; labels: r2\. Ask again"):
        one_revision(rows | {"labels": rows["sampled"].assign(revision="r2")}, "tiny")
