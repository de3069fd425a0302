"""An annotator that brings its own server runs in the workflow; one that cannot be asked stops it before any work."""

import json
import os
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from checkout import REPOSITORY, TINY, Checkout

PROGRAM = Path(sys.executable).with_name("transformers")
SERVE = f"{shlex.quote(str(PROGRAM))} serve {{checkpoint}} --device cpu --host {{host}} --port {{port}}"
LIBRARY = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
SMALL = yaml.safe_load((REPOSITORY / TINY[1]).read_text())["alms"]["tiny"]
MADE = {key: LIBRARY["alms"]["tiny"][key] | SMALL.get(key, {}) for key in ("trained_on", "training")}
ASKED = {key: value for key, value in LIBRARY["annotators"]["tiny_crossed"].items() if key != "listening"}
SERVED = MADE | {
    "engine": "openai",
    "gpus": 0,
    "checkpoint": "resources/models/asked",
    "max_tokens": 3,
    "concurrency": 2,
    "key_env": "PLANTED_KEY",
    "serve": {"command": SERVE, "start_timeout_s": 120},
}
RUN = "runs/tiny"
VOTES = "results/proxies/demo/asking/votes.parquet"
KEY = "sk-planted-77c1e0b95d"


@pytest.fixture
def place(tmp_path):
    return Checkout.make(tmp_path / "run")


def configured(place, alm, **more):
    """Let one annotator be the run's, which asks the ALM ``asked``; ``more`` of its entry is changed."""
    changes = {
        "alms": {"asked": {"gpus": 0} | alm},
        "annotators": {"asking": ASKED | {"alm": "asked", "votes": 2, "temperatures": [0.8]} | more},
        "run": {"annotators": ["asking"]},
        "paper": {"headline": {"annotator": "asking"}},
    }
    path = place.root / "changes.yaml"
    path.write_text(yaml.safe_dump(changes))
    return (*TINY, str(path))


def processes_with(word):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found += [entry.name] if word in (entry / "cmdline").read_bytes().decode(errors="replace") else []
            except OSError:
                continue
    return found


@pytest.mark.slow
def test_the_annotate_job_starts_its_server_and_stops_it(place, monkeypatch):
    pytest.importorskip("fastapi", reason="the server needs transformers[serving]")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PLANTED_KEY", KEY)
    words = configured(place, SERVED)
    place.snakemake("-c1", VOTES, *words)
    table = pd.read_parquet(place.root / RUN / VOTES)
    assert len(table) and set(table["status"]) <= {"ok", "invalid", "refused"} and table["response"].notna().all()
    logs = sorted((place.root / RUN / "logs/serve_alm").iterdir())
    assert logs and all("answers (pid" in log.read_text() and "serve_alm: stopped" in log.read_text() for log in logs)
    assert not processes_with(str(place.root)), "nothing of the server is left"
    before = [log.read_text() for log in logs]
    place.snakemake("-c1", VOTES, "--forcerun", "annotate_shard", *words)
    assert [log.read_text() for log in logs] == before, "answers that are stored need no server"
    assert pd.read_parquet(place.root / RUN / VOTES).equals(table)
    # whatever the run wrote, metadata and logs of Snakemake included
    tests = place.root / "tests"  # which hold the key, since it is planted from here
    searched = [path for path in place.root.rglob("*") if path.is_file() and tests not in path.parents]
    assert any(".snakemake" in path.parts for path in searched)
    assert not [path for path in searched if KEY.encode() in path.read_bytes()]


@pytest.mark.ci
@pytest.mark.parametrize(
    ("alm", "words"),
    [
        (LIBRARY["alms"]["tiny"] | {"checkpoint": "resources/models/asked", "gpus": 1}, "asks for 1 GPU, this machine"),
        ({"engine": "transformers", "checkpoint": "/no/such/model"}, "no such model folder: /no/such/model"),
        ({"registry": "gemini_2_0_flash"}, "export GEMINI_API_KEY"),
        ({"registry": "gemini_2_0_flash"}, "retired on 2026-06-01"),
        ({"engine": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "m", "revision": "r"}, "no server at"),
        ({"engine": "openai", "checkpoint": "a/b", "serve": {"command": "no_such_server {port}"}}, "is not installed"),
    ],
)
def test_an_alm_that_cannot_be_asked_stops_the_run_before_any_work(place, monkeypatch, alm, words):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("PATH", os.defpath)  # no nvidia-smi
    output = place.snakemake("-c1", "all", *configured(place, alm), check=False)
    assert words in output and "alms.asked:" in output
    assert "Traceback" not in output and 'File "' not in output
    made = {path.relative_to(place.root / RUN).parts[0] for path in (place.root / RUN).rglob("*") if path.is_file()}
    assert made <= {".snakemake"}, "no work was done"
    assert not list((place.root / RUN / ".snakemake/locks").glob("*")), "the folder is free again"


def test_text_alone_is_not_asked_of_a_model_that_takes_none(place):
    alm = {"engine": "openai", "base_url": "https://api.openai.com/v1", "model": "gpt-audio-1.5", "revision": "r"}
    output = place.snakemake("-c1", VOTES, *configured(place, alm, modality="text"), check=False)
    assert "alms.asked: refuses text alone, with which asking would ask it: leave asking out" in output
    assert not (place.root / RUN / "results").exists(), "no work was done"


def test_what_the_metadata_of_a_run_would_hold_is_the_name_of_a_key_alone(place, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    words = configured(place, SERVED)
    output = place.snakemake("-n", "-p", VOTES, *words)
    assert "PLANTED_KEY" in output and KEY not in output
    quoted = "'\"'\"'"  # how a shell's word holds a quotation mark, as that round a path with a blank
    assert json.dumps(SERVED["serve"]["command"])[1:-1] in output.replace(quoted, "'")
