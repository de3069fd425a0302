"""From script to script: synthesise_demo, read_corpus, deal_roles and split_corpus, and every fault in between."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.truth import TRUTH
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"


def run(script: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def read(root: Path, out: Path, options: dict, reader: str = "demo") -> subprocess.CompletedProcess:
    tables = [f"--{name}={out / name}.parquet" for name in ("utterances", "votes", "rejects")]
    return run(
        "read_corpus.py",
        "--reader",
        reader,
        "--name",
        "demo",
        "--root",
        root,
        "--options",
        json.dumps(options),
        *tables,
    )


@pytest.fixture(scope="module")
def entry(options) -> dict:
    return options(utterances=40, speakers=6, raters=12)


@pytest.fixture(scope="module")
def pristine(entry, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made here")  # the path has a space in it
    for copy in ("one", "two"):
        result = run(
            "synthesise_demo.py",
            *("--name", "demo", "--options", json.dumps(entry), "--seed", 42),
            *("--root", folder / copy, "--truth", folder / copy / "truth.parquet"),
        )
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def root(pristine, tmp_path) -> Path:
    return Path(shutil.copytree(pristine / "one", tmp_path / "root"))


def edit(root: Path, name: str, change) -> None:
    frame = pd.read_csv(root / name, dtype=str)
    change(frame).to_csv(root / name, index=False)


def test_the_same_seed_makes_the_same_bytes(pristine):
    files = sorted(path.relative_to(pristine / "one") for path in (pristine / "one").rglob("*") if path.is_file())
    assert len(files) == 40 + 4
    for path in files:
        assert file_sha256(pristine / "one" / path) == file_sha256(pristine / "two" / path), path


def test_a_whole_corpus_is_read_dealt_and_split(root, entry, tmp_path):
    result = read(root, tmp_path, entry)
    assert result.returncode == 0, result.stderr
    utterances = UTTERANCES.read(tmp_path / "utterances.parquet")
    votes = VOTES.read(tmp_path / "votes.parquet")
    assert len(utterances) == 40
    assert len(REJECTS.read(tmp_path / "rejects.parquet")) == 0
    assert (root / utterances["path"][0]).is_file()
    assert set(utterances["sample_rate"]) == {16000}
    assert len(votes) == len(pd.read_csv(root / "votes.csv"))
    assert votes[
        ["presentation", "kind", "role", "rank", "weight", "raters_known"]
    ].drop_duplicates().to_numpy().tolist() == [["voice", "observer", "primary", 0, 1.0, True]]
    assert set(TRUTH.read(root / "truth.parquet")["utterance"]) == set(utterances["utterance"])
    out = tmp_path / "roles.parquet"
    source = tmp_path / "votes.parquet"
    result = run("deal_roles.py", "--votes", source, "--level-votes", 3, "--deals", 3, "--seed", 1, "--output", out)
    assert result.returncode == 0, result.stderr
    roles = ROLES.read(out)
    assert len(roles) == len(votes) and roles.columns[-1] == "position_02"
    out = tmp_path / "splits.parquet"
    scheme = json.dumps({"scheme": "speaker", "folds": 2, "validation": 0.15})
    source = tmp_path / "utterances.parquet"
    result = run("split_corpus.py", "--utterances", source, "--options", scheme, "--seed", 1, "--output", out)
    assert result.returncode == 0, result.stderr
    assert len(SPLITS.read(out)) == 80


def test_faulty_audio_is_left_out_with_its_votes_and_reasons(root, entry, tmp_path):
    (root / "audio/demo_0001.wav").unlink()
    (root / "audio/demo_0002.wav").write_bytes(b"not a sound")
    soundfile.write(root / "audio/demo_0003.wav", np.zeros(0), 16000)
    whole = (root / "audio/demo_0004.wav").read_bytes()
    (root / "audio/demo_0004.wav").write_bytes(whole[: len(whole) // 2])
    edit(root, "votes.csv", lambda votes: votes[votes["utterance"] != "demo_0005"])
    stray = pd.DataFrame([{"utterance": "demo_9999", "rater": "demo_r01", "label": "sad"}])
    edit(root, "votes.csv", lambda votes: pd.concat([votes, stray]))
    found = len(pd.read_csv(root / "votes.csv"))

    result = read(root, tmp_path, entry | {"max_reject_share": 0.5})
    assert result.returncode == 0, result.stderr
    rejects = REJECTS.read(tmp_path / "rejects.parquet")
    reasons = rejects[rejects["stage"] != "vote"].set_index("item")["reason"]
    assert sorted(reasons.index) == [f"demo_000{i}" for i in range(1, 6)]
    for item, words in {1: "missing", 2: "decode", 3: "empty", 4: "instead of", 5: "nobody voted"}.items():
        assert words in reasons[f"demo_000{item}"]
    assert len(UTTERANCES.read(tmp_path / "utterances.parquet")) == 35
    lost = rejects[rejects["stage"] == "vote"]
    assert len(VOTES.read(tmp_path / "votes.parquet")) + len(lost) == found
    assert "not in the corpus" in lost.set_index("item")["reason"]["demo_9999/demo_r01/0"]


def test_too_many_faults_stop_with_the_first_one_named(root, entry, tmp_path):
    for i in range(1, 5):
        (root / f"audio/demo_000{i}.wav").unlink()
    result = read(root, tmp_path, entry)
    assert result.returncode == 1
    assert "4 of 40" in result.stderr
    assert "demo_0001" in result.stderr
    assert "max_reject_share" in result.stderr
    assert not (tmp_path / "utterances.parquet").exists()


def spoil_path(path: str):
    return lambda frame: frame.assign(path=[path, *frame["path"][1:]])


@pytest.mark.ci
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "utterances.csv").unlink(), ["utterances.csv", "missing"]),
        (lambda root: (root / "votes.csv").write_bytes(b"\xff\xfe\x00"), ["votes.csv", "not readable"]),
        (lambda root: (root / "votes.csv").write_text("utterance,rater\na,b\n"), ["votes.csv", "no column 'label'"]),
        (lambda root: (root / "votes.csv").write_text(""), ["votes.csv", "not readable"]),
        (lambda root: (root / "votes.csv").write_text("utterance,rater,label\na,,sad\n"), ["line 2", "rater is empty"]),
        (
            lambda root: edit(root, "votes.csv", lambda v: v.assign(label=["bored", *v["label"][1:]])),
            ["votes.csv, line 2", "'bored'"],
        ),
        (
            lambda root: edit(root, "utterances.csv", lambda u: u.assign(duration=["-1", *u["duration"][1:]])),
            ["utterances.csv, line 2", "duration"],
        ),
        (lambda root: edit(root, "votes.csv", lambda v: pd.concat([v, v.head(1)])), ["demo_0001", "twice"]),
        (lambda root: edit(root, "utterances.csv", spoil_path("../outside.wav")), ["'../outside.wav'", "leads out"]),
        (lambda root: edit(root, "utterances.csv", spoil_path("/etc/hostname")), ["'/etc/hostname'", "absolute"]),
    ],
)
def test_faulty_tables_and_escaping_paths_stop_with_file_and_item(root, entry, tmp_path, spoil, words):
    spoil(root)
    result = read(root, tmp_path, entry)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_links_to_sound_on_another_disk_are_followed(root, entry, tmp_path):
    assert read(root, tmp_path, entry).returncode == 0
    utterances = UTTERANCES.read(tmp_path / "utterances.parquet")
    shutil.move(root / "audio", tmp_path / "other disk")
    (root / "audio").symlink_to(tmp_path / "other disk")
    (root / "audio/demo_0001.wav").rename(tmp_path / "outside.wav")
    (root / "audio/demo_0001.wav").symlink_to(tmp_path / "outside.wav")
    result = read(root, tmp_path, entry)
    assert result.returncode == 0, result.stderr
    pd.testing.assert_frame_equal(UTTERANCES.read(tmp_path / "utterances.parquet"), utterances)


def test_a_corpus_root_that_is_itself_a_link_is_read(root, entry, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert read(tmp_path / "link", tmp_path, entry).returncode == 0


def test_an_unknown_reader_or_root_is_named(root, entry, tmp_path):
    assert "no module scaling_ambiguity.corpora.readers.nosuch" in read(root, tmp_path, entry, reader="nosuch").stderr
    assert "no such folder" in read(root / "nowhere", tmp_path, entry).stderr


def test_the_account_of_the_demo_is_written_and_complete(root, entry, tmp_path):
    tables = [f"--{name}={tmp_path / name}.parquet" for name in ("utterances", "votes", "rejects")]
    arguments = ["--reader", "demo", "--name", "demo", "--root", root, "--options", json.dumps(entry), *tables]
    result = run("read_corpus.py", *arguments, "--audit", tmp_path / "audit.json")
    assert result.returncode == 0, result.stderr
    account = json.loads((tmp_path / "audit.json").read_text())
    assert account["utterances"] == {"found": 40, "kept": 40, "lost": {}}
    found = len(pd.read_csv(root / "votes.csv"))
    assert account["votes"] == {"found": found, "kept": found, "lost": {}, "in_table": found}
    assert account["raters"]["number"] == 12
    assert account["allows"]["sentences"][-1] in result.stdout


def test_votes_alone_are_read_where_audio_is_optional(root, entry, tmp_path):
    shutil.rmtree(root / "audio")
    result = read(root, tmp_path, entry | {"audio": "optional"})
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("audio is optional, continuing with the votes alone") == 1
    utterances = UTTERANCES.read(tmp_path / "utterances.parquet")
    assert len(utterances) == 40
    assert utterances["path"].isna().all()
    assert len(REJECTS.read(tmp_path / "rejects.parquet")) == 0
    assert "audio: none" in read(root, tmp_path, entry).stderr


def test_the_class_policy_of_the_entry_is_applied(root, entry, tmp_path):
    policy = {"class_policy": {"merge": {"angry": "sad"}, "minimum_votes": 4}, "max_reject_share": 0}
    edit(root, "votes.csv", lambda votes: votes.groupby("utterance").head(4).iloc[1:])
    result = read(root, tmp_path, entry | policy)
    assert result.returncode == 0, result.stderr
    votes = VOTES.read(tmp_path / "votes.parquet")
    assert "angry" not in set(votes["label"])
    assert "angry" in set(votes["label_raw"])
    dropped = REJECTS.read(tmp_path / "rejects.parquet").query("stage == 'class_policy'")
    assert "demo_0001" in set(dropped["item"])
    assert votes.groupby("utterance").size().eq(4).all()
    assert "no vote for the class 'angry'" in result.stdout


def test_one_vote_per_utterance_is_refused_in_the_first_job_but_not_of_a_proxy(tmp_path):
    names = [f"u{place}" for place in range(6)]
    rows = "".join(f"{name},s{place % 3},happy\n" for place, name in enumerate(names))
    (tmp_path / "v.csv").write_text(f"utterance,speaker,label\n{rows}")
    options = {"reader": "table", "utterances": "v.csv", "votes": "v.csv", "classes": ["happy", "sad"]}
    options["audio"] = "optional"
    outputs = [f"--{name}={tmp_path / name}.parquet" for name in ("utterances", "votes", "rejects")]
    arguments = ["--reader", "table", "--name", "mine", "--root", tmp_path, *outputs, "--options", json.dumps(options)]
    result = run("read_corpus.py", *arguments)
    assert result.returncode == 1
    assert "none of the 6 utterances has votes of two people" in result.stderr
    assert run("read_corpus.py", *arguments, "--proxy").returncode == 0
    with (tmp_path / "v.csv").open("a") as stream:  # a second vote on one utterance does not help
        stream.write(f"{names[0]},s0,sad\n")
    result = run("read_corpus.py", *arguments)
    assert result.returncode == 1 and "one of 6 utterances alone has votes of two people" in result.stderr
