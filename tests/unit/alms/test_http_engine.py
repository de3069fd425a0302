"""The engine against a real `transformers serve`, and against what may happen on the way to it."""

import importlib.util
import json
import logging
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms.engines import transformers as local
from scaling_ambiguity.alms.engines.openai import open_engine
from scaling_ambiguity.alms.http import retries
from scaling_ambiguity.alms.http.faults import EngineStopped, RequestRefused, ServerUnavailable, SpendingReached
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import render
from scaling_ambiguity.seeds import uniform

pytest.importorskip("fastapi", reason="the server needs transformers[serving]")
pytest.importorskip("uvicorn", reason="the server needs transformers[serving]")

_spec = importlib.util.spec_from_file_location("http_servers", Path(__file__).with_name("http_servers.py"))
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

CLASSES = ["neutral", "happy", "sad", "angry"]
KEY = "sk-planted-5f3a9c71e2"


@pytest.fixture(scope="module")
def server(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    running = servers.ModelServer(servers.sampling_copy(checkpoint, folder / "tiny"), folder / "server.log").start()
    yield running
    running.stop()
    assert KEY not in running.log.read_text(), "the proxy alone is given the key"


@pytest.fixture
def opened(server, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.02)
    monkeypatch.setenv("PLANTED_KEY", KEY)

    def build(url=server.url, **options):
        entry = {"engine": "openai", "gpus": 0, "base_url": url, "model": server.folder, "revision": "r1"}
        defaults = {"key_env": "PLANTED_KEY", "concurrency": 1, "timeout_s": 30, "retries": 6, "max_tokens": 3}
        return open_engine({**entry, **defaults, **options})

    return build


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for i in range(3):
        wave = np.random.default_rng(i).normal(0, 0.02 + 0.1 * i, 16_000 + 9_000 * i)
        soundfile.write(folder / f"{i}.wav", wave, 16_000)
    return sorted(folder.glob("*.wav"))


def ask(engine, prompts, clips, draws=1, temperature=0.8, focus=("tone",), modality="both"):
    result = []
    for path in clips:
        for line in focus:
            text = render(engine, prompts, line, "look", CLASSES, modality)
            audio = None if modality == "text" else path
            result += [Question(text, audio, temperature, (path.name, line, draw)) for draw in range(draws)]
    return result


@pytest.fixture(scope="module")
def undisturbed(server, prompts, clips):
    engine = open_engine(
        {"base_url": server.url, "model": server.folder, "revision": "r1", "concurrency": 1, "max_tokens": 3}
    )
    return engine.answer(ask(engine, prompts, clips), uniform)


def test_the_server_hears_and_reads_what_a_local_model_does(opened, checkpoint, prompts, clips):
    remote, here = opened(max_tokens=8), local.open_engine({"checkpoint": str(checkpoint)})
    for modality in ("both", "audio", "text"):
        options = {"temperature": 0.0, "focus": ("tone", "words"), "modality": modality}
        far = remote.answer(ask(remote, prompts, clips, **options), uniform)
        near = here.answer(ask(here, prompts, clips, **options), uniform)
        assert [(a.response, a.tokens, a.ended) for a in far] == [(a.response, a.tokens, a.ended) for a in near]
    assert remote.attempts == 18 and not remote.faults
    assert far[0].logprob is None, "the server gives none"


def test_a_seed_gives_its_answer_again_and_other_seeds_give_others(opened, prompts, clips):
    engine = opened()
    asked = ask(engine, prompts, clips[:1], draws=12)
    first, again = engine.answer(asked, uniform), engine.answer(asked[::-1], uniform)[::-1]
    assert [a.response for a in first] == [a.response for a in again]
    assert len({a.response for a in first}) > 4


# fault, times it happens before a request goes through, completions made in vain
PASSING = [
    ("429", 4, 0),
    ("500", 2, 0),
    ("503", 2, 0),
    ("garbage", 2, 0),
    ("error_200", 1, 0),
    ("truncated", 1, 1),
    ("truncated_chunks", 1, 1),
    ("valid_but_cut", 1, 1),
    ("slow", 1, 1),
    ("drip", 1, 1),
    ("reset", 2, 0),
    ("reset_after", 1, 1),
    ("two", 1, 1),
]


def test_faults_that_pass_change_no_answer(opened, prompts, clips, undisturbed, server, capsys):
    lines = [f"{'fault':<18}{'times':>6}{'attempts':>9}{'bought':>7}{'answers':>8}  outcome"]
    for fault, times, in_vain in PASSING:
        with servers.proxy(server.url, ["none", *[fault] * times]) as between:
            engine = opened(between.url, timeout_s=1.5 if fault in ("slow", "drip") else 30)
            answers = engine.answer(ask(engine, prompts, clips), uniform)
            assert answers == undisturbed, fault
            assert engine.attempts == len(between.seen) == 3 + times, fault
            assert sum(engine.faults.values()) == times, fault
            if fault not in ("slow", "drip"):  # on a busy machine one more may come late
                assert between.passed == 3 + in_vain * times, fault
            assert set(between.keys) == {f"Bearer {KEY}"}
            kinds = ", ".join(engine.faults)
        lines.append(f"{fault:<18}{times:>6}{engine.attempts:>9}{between.passed:>7}{len(answers):>8}  same ({kinds})")
    with capsys.disabled():
        print("\n" + "\n".join(lines))


def test_a_reply_sent_twice_or_again_is_no_second_vote(opened, prompts, clips, undisturbed, server):
    with servers.proxy(server.url, ["duplicate", "duplicate", "none"]) as between:
        engine = opened(between.url)
        assert engine.answer(ask(engine, prompts, clips), uniform) == undisturbed
        assert not engine.faults and between.passed == 3
        assert len(between.peers) == 3, "no connection is used twice"
    with servers.proxy(server.url, ["none", "stale", "none"]) as between:
        engine = opened(between.url)
        assert engine.answer(ask(engine, prompts, clips), uniform) == undisturbed
        assert engine.faults == {"repeated reply": 1} and between.passed == 4


def test_a_storm_on_many_threads_is_waited_out_as_the_server_asks(opened, prompts, clips, server):
    with servers.proxy(server.url, ["429"] * 8, retry_after="1") as between:
        engine = opened(between.url, concurrency=8)
        started = time.monotonic()
        answers = dict(engine.stream(ask(engine, prompts, clips, draws=4), uniform))
        assert time.monotonic() - started >= 1, "Retry-After is kept"
    assert sorted(answers) == list(range(12)) and engine.faults == {"status 429": 8}
    assert len(between.seen) == 20 and between.passed == 12


def test_a_server_that_is_gone_for_seconds(opened, prompts, clips, undisturbed, server, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.2)
    with servers.proxy(server.url) as first:
        port, url = first.server_port, first.url
        engine = opened(url, retries=8)
        stream = engine.stream(ask(engine, prompts, clips), uniform)
        answers = dict([next(stream)])
    gone = threading.Timer(2, lambda: started.set())
    started = threading.Event()
    gone.start()

    def come_back():
        started.wait()
        with servers.proxy(server.url, port=port):
            finished.wait(60)

    finished, back = threading.Event(), threading.Thread(target=come_back)
    back.start()
    try:
        answers |= dict(stream)
    finally:
        finished.set()
        back.join()
    assert [answers[k] for k in range(3)] == undisturbed and engine.faults["no connection"] >= 1


@pytest.mark.parametrize(
    ("faults", "kind", "message"),
    [
        (["none", "401"], RequestRefused, "check the key in the environment variable"),
        (["none", "quota"], RequestRefused, "quota is used up"),
        (["none", "redirect"], RequestRefused, "correct `base_url`"),
        (["none", *["503"] * 3], ServerUnavailable, "no answer in 3 attempts"),
        (["none", *["429"] * 3], ServerUnavailable, "status 429"),
    ],
)
def test_faults_that_do_not_pass_stop_with_what_was_received(
    opened, prompts, clips, undisturbed, server, faults, kind, message, caplog, capfd, recwarn
):
    caplog.set_level(logging.DEBUG)
    with servers.proxy(server.url, faults, secret=KEY) as between:
        engine = opened(between.url, retries=2)
        with pytest.raises(kind, match=message) as caught:
            engine.answer(ask(engine, prompts, clips), uniform)
        assert caught.value.answers == {0: undisturbed[0]} and isinstance(caught.value, UserError)
        assert between.passed == 1 and set(between.keys) == {f"Bearer {KEY}"}
    seen = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    out = capfd.readouterr()
    everything = ["".join(seen.format()), repr(caught.value), caplog.text, out.out, out.err, repr(vars(engine))]
    everything += [str(warning.message) for warning in recwarn.list]
    assert "Traceback" in everything[0] and not [text for text in everything if KEY in text]


@pytest.mark.parametrize("fault", ["400", "500", "garbage", "reset", "truncated"])
def test_a_question_that_cannot_be_answered_fails_alone_and_its_reason_holds_no_key(
    opened, prompts, clips, undisturbed, server, fault
):
    times = 1 if fault == "400" else 3
    with servers.proxy(server.url, ["none", *[fault] * times], secret=KEY) as between:
        answers = opened(between.url, retries=2).answer(ask(opened(), prompts, clips), uniform)
    assert [answer.status for answer in answers].count("failed") == 1 and answers[1].status == "failed"
    assert [answers[0], answers[2]] == [undisturbed[0], undisturbed[2]]
    assert answers[1].fault and KEY not in answers[1].fault and len(between.seen) == 3 - 1 + times


def test_a_whole_reply_without_text_is_bought_once(opened, prompts, clips, server):
    with servers.proxy(server.url, ["wrong", "null", "none"]) as between:
        answers = opened(between.url).answer(ask(opened(), prompts, clips), uniform)
    assert [(a.response, a.finish, a.status) for a in answers[:2]] == [("", "stop", "answered"), ("", None, "answered")]
    assert len(between.seen) == 3


def test_what_is_under_way_when_one_request_is_refused_is_kept(opened, prompts, clips, server):
    with servers.proxy(server.url, ["none", "none", "401"]) as between:
        engine = opened(between.url, concurrency=3)
        with pytest.raises(RequestRefused) as caught:
            engine.answer(ask(engine, prompts, clips, draws=4), uniform)
    assert len(caught.value.answers) == between.passed > 0
    assert len(between.seen) < 12, "nothing new is bought after the stop"


def test_a_longer_pause_than_a_job_can_wait_stops(opened, prompts, clips, server):
    with servers.proxy(server.url, ["429"], retry_after="86400") as between:
        engine = opened(between.url)
        with pytest.raises(ServerUnavailable, match="1 attempts"):
            engine.answer(ask(engine, prompts, clips), uniform)


def test_a_clip_that_cannot_be_read_keeps_the_others(opened, prompts, clips, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    engine = opened()
    with pytest.raises(EngineStopped, match=r"broken\.wav") as caught:
        engine.answer(ask(engine, prompts, [*clips[:2], broken]), uniform)
    assert sorted(caught.value.answers) == [0, 1]


def test_the_cap_is_never_exceeded_and_everything_bought_is_handed_over(opened, prompts, clips, server, tmp_path):
    ledger = str(tmp_path / "spending.log")
    options = {"concurrency": 4, "spending": {"calls": 7, "ledger": ledger}}
    faults = ["429", "truncated", "reset", "none"]
    with servers.proxy(server.url, faults) as between:
        engine = opened(between.url, **options)
        asked, received = ask(engine, prompts, clips, draws=5), {}
        with pytest.raises(SpendingReached, match="calls 7 of 7"):
            for place, answer in engine.stream(asked, uniform):
                received[place] = answer
        # truncated and reset are counted, as the server may charge for them; the refused 429 is not
        assert len(received) == 5 and between.passed == 6 and len(between.seen) == 8
        with pytest.raises(SpendingReached) as caught:
            opened(between.url, **options).answer(asked, uniform)
        assert caught.value.answers == {} and len(between.seen) == 8, "the ledger outlives the engine"
        more = {**options, "spending": {"calls": 17, "ledger": ledger}}
        missing = [k for k in range(15) if k not in received]
        rest = opened(between.url, **more).answer([asked[k] for k in missing], uniform)
        assert len(rest) == 10 and between.passed == 16


@pytest.mark.parametrize("most", [5, 2, None])
def test_choices_are_counted_whatever_the_server_makes_of_n(opened, prompts, clips, server, most):
    with servers.proxy(server.url, most=most) as between:
        engine = opened(between.url, samples="n")
        asked = ask(engine, prompts, clips, draws=5)
        if most:
            answers = engine.answer(asked, uniform)
        else:
            with pytest.warns(UserWarning, match="ignores `n`"):
                answers = engine.answer(asked, uniform)
    sizes = Counter(body.get("n", 1) for body in between.seen)
    assert len(answers) == between.passed == 15 and all(answers)
    assert len({a.response for a in answers[:5]}) > 1, "draws are not copies"
    expected = {5: {5: 3}, 2: {5: 3, 3: 3, 1: 3}, None: {5: 1, 1: 14}}[most]
    assert sizes == expected and len(between.seen) == sum(expected.values())


def test_every_sampling_parameter_is_sent_and_no_other(opened, prompts, clips, server):
    with servers.proxy(server.url) as between:
        engine = opened(between.url, logprobs=True, token_limit_field="max_completion_tokens")
        engine.answer(ask(engine, prompts, clips[:1], temperature=0.35), uniform)
    (body,) = between.seen
    body.pop("messages")
    seed = int(uniform(clips[0].name, "tone", 0, 0) * 2**31)
    assert body == {
        "model": server.folder,
        "max_completion_tokens": 3,
        "top_p": 1.0,
        "temperature": 0.35,
        "seed": seed,
        "logprobs": True,
    }
    assert json.loads(engine.revision.removeprefix("r1 ")) == {"top_p": 1.0}
