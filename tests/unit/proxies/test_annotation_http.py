"""Annotation of a corpus by a real server: killed in mid-run, capped, broken off; nothing lost, doubled or invented."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from scaling_ambiguity.alms.tiny.build import build_model, build_processor
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.proxies.prompts import MODALITIES
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import UTTERANCES

pytest.importorskip("fastapi", reason="the server needs transformers[serving]")

REPOSITORY = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("http_servers", Path(__file__).parents[1] / "alms" / "http_servers.py")
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

CLASSES = ["neutral", "happy", "sad", "angry"]
KEY = "sk-planted-5f3a9c71e2"


@pytest.fixture(scope="module")
def server(tmp_path_factory, prompts):
    folder = tmp_path_factory.mktemp("served")
    texts = [prompts.user_text(f, "", CLASSES, m) for f in prompts.focus_ids for m in MODALITIES]
    processor = build_processor(train_tokenizer(texts, CLASSES))
    model = build_model(processor, 5)
    with torch.no_grad():
        model.lm_head.weight *= 8
    model.save_pretrained(folder / "tiny")
    processor.save_pretrained(folder / "tiny")
    running = servers.ModelServer(
        servers.sampling_copy(folder / "tiny", folder / "copy"), folder / "server.log"
    ).start()
    yield running
    running.stop()


@pytest.fixture
def command(corpus, options, server, tmp_path):
    table, root = corpus
    columns = {"speaker": "s", "session": None, "split": None, "duration": 0.5, "sample_rate": 16_000}
    rows = table.assign(**columns).astype({"session": "str", "split": "str", "sample_rate": "Int64"})
    UTTERANCES.write(rows, tmp_path / "utterances.parquet")

    def build(url, store, output, **entry):
        alm = {"engine": "openai", "gpus": 0, "base_url": url, "model": server.folder, "revision": "r1"}
        alm |= {"key_env": "PLANTED_KEY", "concurrency": 2, "max_tokens": 3, "timeout_s": 30, "retries": 3, **entry}
        return [
            *[sys.executable, str(REPOSITORY / "workflow/scripts/annotate_shard.py"), "--corpus", "c"],
            *["--annotator", "a", "--utterances", str(tmp_path / "utterances.parquet"), "--root", str(root)],
            *["--alm", json.dumps(alm), "--options", json.dumps({**options, "votes": 5, "first_answers": 0})],
            *["--prompts", str(REPOSITORY / "workflow/prompts/focus.yaml"), "--classes", ",".join(CLASSES)],
            *["--shard", "0", "--shards", "1", "--seed", "42", "--store", str(store), "--output", str(output)],
        ]

    return build


def run(command, **options):
    return subprocess.run(
        command, env={**os.environ, "PLANTED_KEY": KEY}, capture_output=True, text=True, timeout=120, **options
    )


def stored(folder):
    return Counter(
        json.loads(line)["key"]
        for path in folder.glob("*.jsonl")
        for line in path.read_text().splitlines(keepends=True)
        if line.endswith("\n")
    )


@pytest.mark.ci
def test_killed_capped_and_broken_off_nothing_is_lost(command, server, tmp_path):
    store, output = tmp_path / "store", tmp_path / "votes.parquet"
    with servers.proxy(server.url) as between:
        arguments = command(between.url, store, output)
        job = subprocess.Popen(arguments, env={**os.environ, "PLANTED_KEY": KEY}, stderr=subprocess.DEVNULL)
        while len(stored(store)) < 15:
            assert job.poll() is None
            time.sleep(0.01)
        job.send_signal(signal.SIGKILL)
        job.wait()
        time.sleep(0.5)
        kept, bought = len(stored(store)), between.passed
        assert kept >= 15 and bought - kept <= 2, "lost: at most what was under way"
    with servers.proxy(server.url, ["none"] * 10 + ["401"], secret=KEY) as between:
        ended = run(command(between.url, store, output))
        assert ended.returncode == 1 and "refused (status 401" in ended.stderr and KEY not in ended.stderr
        assert len(stored(store)) == kept + between.passed and not output.exists()
        kept = len(stored(store))
    spending = {"calls": 20, "ledger": str(store / "spending.log")}
    for calls in (20, 0):
        with servers.proxy(server.url) as between:
            ended = run(command(between.url, store, output, spending=spending))
            assert ended.returncode == 1 and "calls 20 of 20" in ended.stderr and between.passed == calls
            kept += calls
            assert len(stored(store)) == kept
    with servers.proxy(server.url) as between:
        ended = run(command(between.url, store, output))
        assert ended.returncode == 0, ended.stderr
        assert between.passed == 100 - kept
        ended = run(command(between.url, store, tmp_path / "again.parquet"))
        assert between.passed == 100 - kept, "nothing is asked twice"
    assert set(stored(store).values()) == {1} and len(stored(store)) == 100
    assert output.read_bytes() == (tmp_path / "again.parquet").read_bytes()
    votes = PROXIES.read(output)
    assert len(votes) == 100 and votes["logprob"].isna().all()
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert everything and not [path for path in everything if KEY.encode() in path.read_bytes()]
