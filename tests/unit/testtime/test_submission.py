"""A submission: written with hashes, read line by line, refused with the line and the remedy, scored without torch."""

import gzip
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from no_torch import without_torch

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.strategy_scores import STRATEGY_SCORES
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES
from scaling_ambiguity.testtime.manifest import check_manifest, read_manifest, same_benchmark, votes_sha256
from scaling_ambiguity.testtime.submission import read_submission, row_sha256, write_submission
from scaling_ambiguity.testtime.worlds import CLASSES, simulated_pool

UTTERANCES_, CANDIDATES_, SPEAKERS = 240, 4, 12
WORLD = simulated_pool(UTTERANCES_, CANDIDATES_, seed=21, quality=0.8, speakers=SPEAKERS)
COUNTS = WORLD.votes(7)
NAMES = list(WORLD.pool.utterances)
OPTIONS = {"resamples": 300, "level": 0.95, "interval": "bootstrap_t", "smoothing": 0.001}
# of every tenth utterance the last answer is no distribution
BROKEN = {(name, CANDIDATES_ - 1) for name in NAMES[::10]}


def about(**more):
    entry = {"prompt_sha256": "a" * 64, "decoding": {"temperature": 1.0, "seed": 1}, "prefill": "separate"}
    fields = {
        "alm": "tiny", "revision": "r1", "licence": "CC0-1.0", "contact": "nobody@example.org", "date": "2026-11-01",
        "has_seen_votes": "no", "benchmark_version": "1.0.0", "corpus": "demo", "classes": list(CLASSES),
        "corpus_reference_sha256": votes_sha256(NAMES, CLASSES, COUNTS), "pools": {"sampled": entry},
        "verifier": "judge", "parameters": 7e9, "encoder_flop": 1e12,
    }  # fmt: skip
    return fields | more


def answers(texts=True):
    """Return the lines of the world's candidates, as texts or as distributions."""
    rows = []
    logprob = WORLD.pool.logprob - 10
    for u, name in enumerate(NAMES):
        for k in range(CANDIDATES_):
            stated = dict(zip(CLASSES, np.round(WORLD.pool.q[u, k], 6).tolist(), strict=True))
            row = {"corpus": "demo", "utterance": name, "pool": "sampled", "candidate": k, "status": "ok"}
            row |= {"logprob_sum": float(logprob[u, k]), "n_tokens": 10, "prompt_tokens": 300, "audio_tokens": 100,
                    "decode_tokens": 10, "seconds": 0.25}  # fmt: skip
            if (name, k) in BROKEN:
                row["response"] = "I hear a happy voice."
            else:
                row |= {"response": json.dumps(stated)} if texts else {"p": stated}
            rows.append(row)
    return rows


def verdicts():
    scores = WORLD.pool.verdicts["verifier"].scores
    scores = np.clip(5 + 2 * (scores - scores.mean()) / scores.std(), 0, 10)
    rows = []
    for u, name in enumerate(NAMES):
        for order in (0, 1):
            for k in range(CANDIDATES_):
                row = {"corpus": "demo", "utterance": name, "pool": "sampled", "candidate": k, "verifier": "verifier"}
                row |= {"order": order, "place": (k + order) % CANDIDATES_, "score": float(scores[u, k])}
                rows.append(row | {"picked": bool(k == scores[u].argmax())})
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a whole submission, not to be changed."""
    place = tmp_path_factory.mktemp("submission") / "tiny"
    write_submission(place, about(), answers(), verdicts())
    return place


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "tiny")


def lines_of(path):
    return gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)


def rewritten(folder, lines, *, hashed=True, name="candidates.jsonl.gz"):
    """Replace the lines of a file; with ``hashed`` the manifest knows its new hash."""
    (folder / name).write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    if hashed:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = file_sha256(folder / name)
        (folder / "manifest.json").write_text(json.dumps(manifest))


def changed(line, **fields):
    """Return a line with other fields and the hash that fits them; a field of None is taken out."""
    row = {name: value for name, value in (json.loads(line) | fields).items() if value is not None}
    return json.dumps(row | {"sha256": row_sha256(row)}, sort_keys=True) + "\n"


def reading(folder, **more):
    manifest = read_manifest(folder)
    check_manifest(manifest, folder / "manifest.json", "demo", CLASSES, votes_sha256(NAMES, CLASSES, COUNTS))
    return read_submission(folder, manifest, NAMES, spelled(CLASSES), **more)


def test_a_submission_comes_back_as_it_was_written(folder, tmp_path):
    found = reading(folder)
    assert found.tier == "B" and found.rejects.empty and len(found.candidates) == UTTERANCES_ * CANDIDATES_
    ok = found.candidates["status"] == "ok"
    assert set(zip(found.candidates["utterance"][~ok], found.candidates["draw"][~ok], strict=True)) == BROKEN
    assert (found.candidates.loc[~ok, "status"] == "invalid").all()
    assert (found.candidates.loc[~ok, "reason"] == "no JSON object at the end").all()
    q = found.candidates[[f"p_{c}" for c in CLASSES]].to_numpy().reshape(UTTERANCES_, CANDIDATES_, -1)
    valid = ok.to_numpy().reshape(UTTERANCES_, CANDIDATES_)
    np.testing.assert_allclose(q[valid], WORLD.pool.q[valid], atol=1e-5)
    assert len(found.scores) == 2 * UTTERANCES_ * CANDIDATES_
    write_submission(tmp_path / "again", about(), answers(), verdicts())
    for name in ("manifest.json", "candidates.jsonl.gz", "scores.jsonl.gz"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name
    write_submission(tmp_path / "numbers", about(verifier=None), answers(texts=False), [])
    assert reading(tmp_path / "numbers").tier == "C"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"utterance": "u9"}, "utterance 'u9' is not in the reference. Correct its name, or remove the line"),
        ({"utterance": ["u000000"]}, "the field 'utterance' is missing, or no text. Add it"),
        ({"pool": "beam"}, "pool 'beam' is not among those of manifest.json. Declare it there"),
        ({"corpus": "other"}, "corpus 'other' is not 'demo' of manifest.json"),
        ({"candidate": -1}, "candidate -1 is no number from 0"),
        ({"candidate": 1}, "candidate 1 of 'u000001' is in line 6 already. Keep one"),
        (
            {"transcript": "hello"},
            "the field 'transcript' is unknown. Leave it out; a submission holds ids and answers",
        ),
        ({"status": None}, "the field 'status' is missing. Add it"),
        ({"status": "fine"}, "status 'fine' is unknown; there are ok, cut, refused, failed"),
        ({"response": None}, "status ok without response and p"),
        ({"response": 5}, "response is no text"),
        ({"p": {"happy": 1.0}}, "p is no object of exactly neutral, happy, sad, angry"),
        ({"p": dict.fromkeys(CLASSES, 0.2)}, r"the probabilities sum to 0\.8000, not 1. Divide them by their sum"),
        ({"p": dict.fromkeys(CLASSES, 1.2)}, r"1\.2 is no probability"),
        ({"p": dict.fromkeys(CLASSES, "0.25")}, "'0.25' is no probability"),
        ({"logprob_sum": 0.5}, "logprob_sum is 0.5, not a number of at most 0"),
        ({"decode_tokens": -3}, "decode_tokens is -3, not a number of 0 or more"),
    ],
)
def test_a_bad_line_is_named_with_its_remedy_or_becomes_a_reject(copy, fields, message):
    path = copy / "candidates.jsonl.gz"
    lines = lines_of(path)
    lines[6] = changed(lines[6], **fields)
    rewritten(copy, lines)
    with pytest.raises(UserError, match=rf"candidates\.jsonl\.gz, line 7: {message}"):
        reading(copy)
    found = reading(copy, keep_going=True)
    assert len(found.candidates) == UTTERANCES_ * CANDIDATES_ - 1
    assert found.rejects[["source_file", "source_line"]].values.tolist() == [["candidates.jsonl.gz", 7]]
    REJECTS.validate(found.rejects, "test")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"corpus": "demo", "utter\n', r"line 7: no JSON object \(Invalid control"),
        ("[1, 2]\n", "line 7: no JSON object. Every line is one object"),
        ('{"corpus": NaN}\n', r"line 7: no JSON object \(NaN is no JSON number"),
        ("\n", "line 7: no JSON object"),
    ],
)
def test_a_torn_line_is_named(copy, line, message):
    lines = lines_of(copy / "candidates.jsonl.gz")
    rewritten(copy, [*lines[:6], line, *lines[7:]])
    with pytest.raises(UserError, match=message):
        reading(copy)
    assert len(reading(copy, keep_going=True).rejects) == 1


def test_a_file_that_ends_early_is_refused(copy):
    path = copy / "candidates.jsonl.gz"
    lines = lines_of(path)
    rewritten(copy, [*lines[:-1], lines[-1].rstrip("\n")])
    with pytest.raises(UserError, match=f"line {len(lines)}: the line is torn: it has no end"):
        reading(copy)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UserError, match=r"candidates\.jsonl\.gz, after line \d+: not readable as gzip"):
        reading(copy)
    path.write_bytes(b"no gzip")
    with pytest.raises(UserError, match=r"after line 0: not readable as gzip"):
        reading(copy)


def test_an_edited_answer_is_refused_with_its_line(copy):
    lines = lines_of(copy / "candidates.jsonl.gz")
    row = json.loads(lines[41])
    lines[41] = (
        json.dumps(row | {"response": '{"neutral": 1, "happy": 0, "sad": 0, "angry": 0}'}, sort_keys=True) + "\n"
    )
    rewritten(copy, lines)
    with pytest.raises(UserError, match=r"line 42: its fields are not those that it was written with \(sha256\)"):
        reading(copy)


def test_a_missing_utterance_and_a_line_taken_out_are_refused(copy):
    lines = lines_of(copy / "candidates.jsonl.gz")
    fewer = [line for line in lines if json.loads(line)["utterance"] != NAMES[5]]
    rewritten(copy, fewer)
    with pytest.raises(UserError, match=rf"no line for utterance '{NAMES[5]}' in pool sampled \(1 of 240 have none\)"):
        reading(copy)
    rewritten(copy, lines[1:], hashed=False)
    with pytest.raises(UserError, match=r"candidates\.jsonl\.gz: its SHA-256 is not that of manifest\.json"):
        reading(copy)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"corpus_reference_sha256": "b" * 64},
            r"corpus_reference_sha256 is 'b+', that of the votes here '[0-9a-f]{64}'",
        ),
        ({"classes": list(CLASSES)[::-1]}, r"classes is \['angry', 'sad', 'happy', 'neutral'\]"),
        ({"benchmark_version": "2.0.0"}, r"benchmark_version 2\.0\.0 does not fit 1\.0\.0"),
        ({"benchmark_version": "two"}, r"manifest\.json\.benchmark_version = 'two' is not accepted"),
        ({"has_seen_votes": "maybe"}, r"has_seen_votes = 'maybe' is not accepted"),
        ({"licence": None}, r"manifest\.json\.licence is missing|licence = None is not accepted"),
        ({"secret": 1}, r"manifest\.json\.secret is unknown; remove it"),
        (
            {"pools": {"beams": {"prompt_sha256": "a" * 64, "decoding": {}}}},
            r"pools\.beams is unknown; there are greedy",
        ),
        ({"files": {"../x": "a" * 64}}, r"files\.\.\./x has no place in a submission"),
        ({"files": {}}, r"`files` has to name every file with its hash"),
    ],
)
def test_what_a_manifest_says_is_checked(copy, fields, message):
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    with pytest.raises(UserError, match=message):
        reading(copy)


def test_faults_of_the_folder_are_named(copy, tmp_path):
    with pytest.raises(UserError, match=r"there is no such file\. A submission is a folder"):
        read_manifest(tmp_path)
    (copy / "scores.jsonl.gz").unlink()
    with pytest.raises(UserError, match=r"scores\.jsonl\.gz: there is no such file\. Add it"):
        reading(copy)
    (copy / "manifest.json").write_text("{")
    with pytest.raises(UserError, match=r"manifest\.json: not readable as JSON .* Write it again"):
        reading(copy)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"score": 11}, "score 11 is no number from 0 to 10"),
        ({"picked": "yes"}, "picked 'yes' is not true, false or null"),
        ({"order": -1}, "order and place numbers from 0"),
        ({"order": 1}, "is in line .* already|is in line"),
    ],
)
def test_judgements_are_checked_line_by_line(copy, fields, message):
    lines = lines_of(copy / "scores.jsonl.gz")
    bad = changed(lines[2], **fields)
    order = [*lines[:2], *lines[3:8], bad, *lines[8:]] if fields == {"order": 1} else [*lines[:2], bad, *lines[3:]]
    rewritten(copy, order, name="scores.jsonl.gz")
    with pytest.raises(UserError, match=rf"scores\.jsonl\.gz, line \d+: .*{message}"):
        reading(copy)


def test_the_hash_of_votes_is_of_names_and_counts_alone():
    order = np.random.default_rng(1).permutation(len(NAMES))
    same = votes_sha256([NAMES[i] for i in order], CLASSES, COUNTS[order])
    assert same == votes_sha256(NAMES, CLASSES, COUNTS)
    other = COUNTS.copy()
    other[0] += np.eye(4)[0]
    assert same != votes_sha256(NAMES, CLASSES, other) and same != votes_sha256(NAMES, CLASSES[::-1], COUNTS)


def test_results_of_two_benchmarks_are_not_mixed():
    same_benchmark(["1.0.0+a.1", "1.0.0+a.2", "1.0.0+a.1"], ["demo", "other", "demo"], ["x", "y", "z"])
    with pytest.raises(UserError, match=r"y: scored by benchmark 1\.0\.0\+a\.2, not 1\.0\.0\+a\.1 as x"):
        same_benchmark(["1.0.0+a.1", "1.0.0+a.2"], ["demo", "demo"], ["x", "y"])
    with pytest.raises(UserError, match=r"y: scored by benchmark 1\.0\.0\+b\.2, not 1\.0\.0\+a\.1 as x"):
        same_benchmark(["1.0.0+a.1", "1.0.0+b.2"], ["demo", "other"], ["x", "y"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Return the folder with votes and utterances of the world; one utterance has no vote."""
    folder = tmp_path_factory.mktemp("corpus")
    table = pd.DataFrame({"utterance": [*NAMES, "silent"], "speaker": [*WORLD.speakers, "s000"]})
    table = table.assign(duration=np.nan, sample_rate=pd.NA)
    for column in ("session", "split", "path", "transcript"):
        table[column] = pd.Series([None] * len(table), dtype="str")
    UTTERANCES.write(table, folder / "utterances.parquet")
    row, label = np.nonzero(COUNTS)
    repeats = COUNTS[row, label].astype(int)
    votes = pd.DataFrame({"utterance": np.repeat(np.array(NAMES)[row], repeats),
                          "label": np.repeat(np.array(CLASSES)[label], repeats)})  # fmt: skip
    votes["rater"] = votes.groupby("utterance").cumcount().map("r{}".format)
    votes = votes.assign(presentation="voice", kind="observer", role="primary", rank=0, label_raw=votes["label"],
                         weight=1.0, raters_known=True)  # fmt: skip
    VOTES.write(votes, folder / "votes.parquet")
    return folder


def scored(submission, corpus, output, *more, code=0):
    """Run the program in an interpreter in which torch cannot be imported."""
    output.mkdir(exist_ok=True)
    command = ["score_strategies.py", "--submission", submission,
               "--corpus", "demo", "--votes", corpus / "votes.parquet", "--utterances", corpus / "utterances.parquet",
               "--classes", ",".join(CLASSES), "--options", json.dumps(OPTIONS), "--seed", "3",
               "--output", output / "scores.parquet", "--csv", output / "board.csv",
               "--left-out", output / "left_out.csv", "--rejects", output / "rejects.parquet", *more]  # fmt: skip
    done = without_torch(*command)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.ci
def test_the_program_scores_without_torch_and_twice_the_same(folder, corpus, tmp_path):
    done = scored(folder, corpus, tmp_path / "a")
    assert "tier B: raw answers, scored here; it has not seen these votes; benchmark 1.0.0+" in done.stdout
    assert "pool sampled: 97.5% of its answers are usable" in done.stdout
    assert "not available: strategy cot: needs a pool of kind reasoned" in done.stdout
    table = STRATEGY_SCORES.read(tmp_path / "a" / "scores.parquet")
    board = pd.read_csv(tmp_path / "a" / "board.csv")
    assert board["strategy"].iloc[0] == "oracle_hull"

    def value(strategy, form, metric, against="none"):
        rows = table[(table["strategy"] == strategy) & (table["form"] == form) & (table["metric"] == metric)]
        return rows[rows["against"] == against]["estimate"].item()

    assert value("w_alm_v", "fair", "nll", "mean") < 0 < value("alm_v-random", "control", "nll", "mean")
    # costs: four requests of 400 + 10 tokens and a clip each, and two orders of the verifier
    assert value("bon", "faithful", "requests") == 4 and value("alm_v", "fair", "requests") == 6
    assert value("bon", "faithful", "flop") == pytest.approx(4 * (2 * 7e9 * 410 + 1e12))
    assert value("mean_of_2", "control", "decode_tokens") == 20 and value("mean_of_2", "control", "seconds") == 0.5
    # what picks one of four has paid for four; the first answer costs what one costs
    assert value("bon", "faithful", "matched_samples") == 4 and value("single", "faithful", "matched_samples") == 1
    assert value("single", "faithful", "requests") == 1 and value("single", "faithful", "nll", "matched") == 0
    assert value("bon", "faithful", "nll", "matched") == pytest.approx(value("bon", "faithful", "nll", "mean"))
    assert value("pool_sampled", "control", "has_no_diversity") == 0
    assert 0.2 < value("verifier_verifier", "control", "within_spearman") < 0.8
    assert value("verifier_verifier", "control", "order_flips") == 0
    assert abs(value("w_alm_v", "fair", "mixture_gain")) < 1 and value("mean", "control", "mixture_size") > 0
    assert (table["tier"] == "B").all() and table["benchmark"].nunique() == 1
    left = pd.read_csv(tmp_path / "a" / "left_out.csv")
    assert left[["status", "candidates", "utterances"]].values.tolist() == [["invalid", 24, 24]]
    scored(folder, corpus, tmp_path / "b")
    for name in ("scores.parquet", "board.csv", "left_out.csv", "rejects.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


@pytest.mark.ci
def test_the_program_names_the_line_or_leaves_it_out(copy, corpus, tmp_path):
    lines = lines_of(copy / "candidates.jsonl.gz")
    lines[6] = changed(lines[6], p=dict.fromkeys(CLASSES, 0.2))
    rewritten(copy, lines)
    done = scored(copy, corpus, tmp_path / "a", code=1)
    assert "error: " in done.stderr and "line 7: the probabilities sum to 0.8000" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "a" / "scores.parquet").exists()
    done = scored(copy, corpus, tmp_path / "a", "--keep-going", code=1)
    assert "judged candidate 2 of 'u000001', which does not exist" in done.stderr, "its judgements have to go too"
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"].pop("scores.jsonl.gz")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    (copy / "scores.jsonl.gz").unlink()
    done = scored(copy, corpus, tmp_path / "a", "--keep-going", "--rerun")
    assert "1 lines were left out" in done.stdout and "tier A: run again here" in done.stdout
    assert REJECTS.read(tmp_path / "a" / "rejects.parquet")["item"].tolist() == ["u000001:7"]


def test_the_page_on_submissions_names_every_field():
    from scaling_ambiguity.testtime import submission
    from scaling_ambiguity.testtime.manifest import TIERS, Manifest
    from scaling_ambiguity.testtime.pool import KINDS

    page = (SCRIPTS.parents[1] / "docs" / "submissions.md").read_text()
    fields = {
        *Manifest.model_fields,
        *submission._CANDIDATE,
        *submission._MAY,
        *submission._SCORE,
        *submission._SCORE_MAY,
    }
    assert not [name for name in sorted(fields) if f"`{name}`" not in page]
    assert not [name for name in (*KINDS, *submission.STATUSES) if f"`{name}`" not in page]
    assert all(f"{tier} " in page for tier in TIERS)
