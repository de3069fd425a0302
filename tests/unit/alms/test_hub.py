"""Models fetched from a real HTTP server that speaks the hub's API: whole, checked, gone on with, opened offline."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaling_ambiguity.alms.hub import is_on_hub, pinned
from scaling_ambiguity.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hub_server import COMMIT, Hub

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
ENTRY = {"engine": "transformers", "checkpoint": "owner/name", "revision": COMMIT, "gpus": 0}


@pytest.fixture
def hub(checkpoint):
    files = {path.relative_to(checkpoint).as_posix(): path.read_bytes() for path in checkpoint.iterdir()}
    strangers = {"pytorch_model.bin": b"pickle", "modeling.py": b"print()", "consolidated.safetensors": b"again"}
    with Hub(files | strangers) as server:
        yield server


def environment(home, url):
    kept = {key: value for key, value in os.environ.items() if key != "HF_TOKEN"}
    # HF_HUB_OFFLINE stands for what the profile gives to the jobs: fetching is not to heed it
    return kept | {"HF_HOME": str(home), "HF_ENDPOINT": url, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


def fetch(hub, folder, entry=ENTRY):
    command = [sys.executable, str(SCRIPTS / "fetch_models.py"), "--models", json.dumps({"alms.big": entry})]
    return subprocess.run(
        [*command, "--output", str(folder / "fetched.json")],
        env=environment(folder / "home", hub.url),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def sent(hub, name):
    return [asked for asked in hub.asked if asked[0] == "GET" and asked[1].endswith(f"/{name}")]


OPEN = """
import sys
sys.path.insert(0, sys.argv[1])
from scaling_ambiguity.alms.hub import whole_snapshot
from scaling_ambiguity.alms.loading import load_alm
print(whole_snapshot("owner/name", sys.argv[2]).is_dir())
print(load_alm("owner/name", revision=sys.argv[2], device="cpu").revision)
"""


def opened(folder):
    return subprocess.run(
        [sys.executable, "-c", OPEN, str(SCRIPTS), COMMIT],
        env=environment(folder / "home", "http://127.0.0.1:9"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.ci
def test_a_model_is_fetched_whole_checked_and_opens_without_the_hub(hub, tmp_path):
    result = fetch(hub, tmp_path)
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "fetched.json").read_text())["alms.big"]
    wanted = {name: data for name, data in hub.files.items() if not name.endswith((".bin", ".py"))}
    del wanted["consolidated.safetensors"]
    assert {entry["path"]: entry["sha256"] for entry in record["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in wanted.items()
    }
    assert not any(sent(hub, name) for name in hub.files if name not in wanted), "no other format, no code"
    before = len(hub.asked)
    result = opened(tmp_path)
    assert result.stdout.split() == ["True", COMMIT], result.stderr
    assert len(hub.asked) == before


def test_a_connection_that_was_cut_goes_on_in_the_middle_of_the_file(hub, tmp_path):
    # the hub's client writes 10 MiB at a time
    hub.files["more.safetensors"] = bytes(range(256)) * 100_000
    hub.breaks_at["more.safetensors"] = 22_000_000
    result = fetch(hub, tmp_path)
    if result.returncode:  # the hub's client tried once; the next run goes on
        assert "run again" in result.stderr
        result = fetch(hub, tmp_path)
    assert result.returncode == 0, result.stderr
    ranges = [asked[2] for asked in sent(hub, "more.safetensors")]
    starts = [int((text or "bytes=0-").removeprefix("bytes=").split("-")[0]) for text in ranges]
    assert len(starts) == 2 and 0 == starts[0] < starts[1] <= 22_000_000


def test_whole_files_are_not_fetched_again_and_what_a_kill_left_is_swept(hub, tmp_path):
    blobs = tmp_path / "home" / "hub" / "models--owner--name" / "blobs"
    blobs.mkdir(parents=True)
    for name, age in (("old", 7200), ("young", 60)):
        (blobs / f"{name}.0.incomplete").write_bytes(b"torn")
        os.utime(blobs / f"{name}.0.incomplete", (time.time() - age,) * 2)
    assert fetch(hub, tmp_path).returncode == 0
    assert [path.name for path in blobs.glob("*.incomplete")] == ["young.0.incomplete"]
    (tmp_path / "fetched.json").unlink()
    before = len(sent(hub, "model.safetensors"))
    assert fetch(hub, tmp_path).returncode == 0 and (tmp_path / "fetched.json").exists()
    assert len(sent(hub, "model.safetensors")) == before == 1


@pytest.mark.ci
def test_a_file_that_is_another_one_is_refused_and_asked_for_again(hub, tmp_path):
    right = hub.files["model.safetensors"]
    hub.other["model.safetensors"] = right[:-1] + bytes([right[-1] ^ 1])
    result = fetch(hub, tmp_path)
    assert result.returncode == 1 and "model.safetensors: differs from the file" in result.stderr
    assert not (tmp_path / "fetched.json").exists()
    hub.other.clear()
    assert fetch(hub, tmp_path).returncode == 0
    assert opened(tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("gated", "is gated: accept its licence at https://huggingface.co/owner/name and `export HF_TOKEN"),
        ("commit", "the hub has no such commit"),
        ("formats", "has no safetensors file"),
        ("broken", "could not be fetched"),
    ],
)
def test_what_cannot_be_fetched_is_said_plainly(hub, tmp_path, change, words):
    entry = ENTRY
    if change == "gated":
        hub.gated = True
    elif change == "commit":
        entry = ENTRY | {"revision": "f" * 40}
    elif change == "formats":
        hub.files = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}
    else:
        hub.broken = True
    result = fetch(hub, tmp_path, entry)
    assert result.returncode == 1 and words in result.stderr and "Traceback" not in result.stderr, result.stderr


def test_only_models_of_the_hub_are_fetched_and_only_by_their_commit(tmp_path):
    folder = {"checkpoint": str(tmp_path)}
    assert not is_on_hub(folder) and not is_on_hub({"engine": "replay"})
    assert not is_on_hub({"checkpoint": "resources/models/tiny", "trained_on": {}})
    assert [model.checkpoint for model in pinned({"alms.a": ENTRY, "alms.b": folder})] == ["owner/name"]
    for revision in ("main", "v1.0", "0123abc", None):
        with pytest.raises(UserError, match=r"alms\.a: .*pins nothing.*commits/main"):
            pinned({"alms.a": {**ENTRY, "revision": revision}})
