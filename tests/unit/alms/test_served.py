"""An engine with a server of its own: a real `transformers serve`, from the first question to the end of the job."""

import importlib.util
import os
import shlex
import signal
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms.engines import transformers as local
from scaling_ambiguity.alms.engines.openai import Engine
from scaling_ambiguity.alms.http import retries
from scaling_ambiguity.alms.http.faults import ServerUnavailable
from scaling_ambiguity.alms.loading import folder_revision
from scaling_ambiguity.alms.processes import descendants, started
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.alms.served import open_served
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import render
from scaling_ambiguity.seeds import uniform

CLASSES = ["neutral", "happy", "sad", "angry"]
PROGRAM = Path(sys.executable).with_name("transformers")
SERVE = f"{shlex.quote(str(PROGRAM))} serve {{checkpoint}} --device cpu --host {{host}} --port {{port}}"


def below():
    """Return the processes that this one started and that belong to a keeper."""
    found = set()
    for pid in descendants(os.getpid()):
        if b"serve_alm.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            found |= {pid, *descendants(pid)}
    return found


@pytest.mark.ci
def test_the_server_lives_from_the_first_question_to_the_end_of_the_job(checkpoint, prompts, tmp_path, monkeypatch):
    for package in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("the server needs transformers[serving]")
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.02)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    alm = {"engine": "openai", "gpus": 0, "checkpoint": str(checkpoint), "max_tokens": 8, "retries": 1}
    alm["serve"] = {"command": SERVE, "start_timeout_s": 120}
    with closing(open_served(alm, tmp_path / "logs" / "server.log")) as engine:
        assert engine.model == str(checkpoint) and engine.revision.startswith(folder_revision(checkpoint))
        assert engine.asks_alone and not below() and not (tmp_path / "logs").exists(), "nothing runs before a question"
        asked = [
            Question(render(engine, prompts, focus, "look", CLASSES, "both"), tmp_path / "a.wav", 0.0, (focus, 0))
            for focus in ("tone", "words")
        ]
        far = engine.answer(asked, uniform)
        running = below()
        assert len(running) >= 3, "keeper, guard and server"
        assert dict(engine.stream(asked, uniform)) == dict(enumerate(far)) and below() == running, "one server for all"
        here = local.open_engine({"checkpoint": str(checkpoint)})
        texts = [render(here, prompts, focus, "look", CLASSES, "both") for focus in ("tone", "words")]
        near = here.answer(
            [Question(text, q.audio, 0.0, q.stream) for text, q in zip(texts, asked, strict=True)], uniform
        )
        assert [a.response for a in far] == [a.response for a in near]
        for pid in running:
            if b"transformers" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1]:
                os.kill(pid, signal.SIGKILL)
        engine._keeper.wait(60)
        stream = Engine.stream(engine, asked, uniform)
        with pytest.raises(ServerUnavailable) as caught:
            list(stream)
        assert "the server ended with status -9" in str(engine._explained(caught.value))
    assert not below() and not [pid for pid in running if started(pid) is not None]
    log = (tmp_path / "logs" / "server.log").read_text()
    assert "answers (pid" in log and "serve_alm: stopped" in log


def test_a_server_that_does_not_start_stops_the_job_with_its_last_words(tmp_path):
    alm = {"engine": "openai", "gpus": 0, "checkpoint": "org/model", "revision": "r"}
    alm["serve"] = {"command": f"{shlex.quote(sys.executable)} -c \"import sys; sys.exit('no room for {{port}}')\""}
    with (
        closing(open_served(alm, tmp_path / "server.log")) as engine,
        pytest.raises(UserError, match=r"(?s)did not come up.*server\.log.*no room for"),
    ):
        engine.answer([Question("q", None, 0.0, ("a", 0))], uniform)
    assert not below()


def test_a_checkpoint_that_is_no_folder_needs_a_revision(tmp_path):
    with pytest.raises(UserError, match="revision"):
        open_served({"engine": "openai", "gpus": 0, "checkpoint": "org/model", "serve": {"command": "x {port}"}}, "log")
