import base64
import io
import json
import os
import threading
import wave
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.chat_format import chat_format, conversation_of
from scaling_ambiguity.alms.engines.openai import open_engine
from scaling_ambiguity.alms.http.dialects import inferred_server, is_same_model
from scaling_ambiguity.alms.http.faults import Fault, SpendingReached
from scaling_ambiguity.alms.http.keys import Key, read_key
from scaling_ambiguity.alms.http.limits import RateLimit
from scaling_ambiguity.alms.http.payload import ChatMessages, messages_with_audio, read_clip, request_body
from scaling_ambiguity.alms.http.replies import read_reply
from scaling_ambiguity.alms.http.retries import backoff, retry_after
from scaling_ambiguity.alms.http.settings import read_settings
from scaling_ambiguity.alms.http.spending import Spending
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import render

CLASSES = ["neutral", "happy", "sad", "angry"]
ENTRY = {"engine": "openai", "gpus": 0, "base_url": "http://localhost:1/v1", "model": "m", "revision": "2025-01-01"}


def choice(content="happy", index=0, reason="stop", **more):
    return {"index": index, "message": {"role": "assistant", "content": content}, "finish_reason": reason, **more}


# settings and keys


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"revision": None}, "revision"),
        ({"revision": 20250101}, "quotes"),
        ({"api_key": "sk-planted-0123456789"}, "api_key"),
        ({"base_url": "localhost:8000/v1"}, "base_url"),
        ({"base_url": "https://user:sk-planted-0123456789@host/v1"}, "base_url"),
        ({"base_url": "https://host/v1?key=sk-planted-0123456789"}, "base_url"),
        ({"base_url": "http://host:port/v1"}, "base_url"),
        ({"concurrency": 0}, "concurrency"),
        ({"retries": 1.5}, "retries"),
        ({"timeout_s": None}, "timeout_s"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"samples": "many"}, "samples"),
        ({"extra": {"temperature": 1}}, "temperature"),
        ({"extra": {"seed": None}}, "`seed: false`"),
        ({"seed": "graine"}, "seed"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": True}, "top_p"),
        ({"server": "vlm"}, "server"),
        ({"system": "none"}, "system"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"answers_as": 3}, "answers_as"),
        ({"key_env": "sk-planted-0123456789"}, "key_env"),
        ({"key_env": "NO_SUCH_VARIABLE_HERE"}, "NO_SUCH_VARIABLE_HERE"),
        ({"spending": {"cals": 3}}, "cals"),
        ({"spending": {"calls": "3"}}, "calls"),
        ({"spending": {"money": 3}}, "price"),
    ],
)
def test_a_wrong_entry_is_named_and_no_secret_is_quoted(change, message):
    with pytest.raises(UserError, match=message) as caught:
        open_engine({**ENTRY, **change})
    assert "planted" not in str(caught.value)


def test_what_changes_answers_is_filed_and_what_does_not_is_not():
    plain = open_engine(ENTRY).revision
    assert plain == '2025-01-01 {"top_p": 1.0}'
    assert open_engine({**ENTRY, "concurrency": 9, "timeout_s": 3, "retries": 0}).revision == plain
    longer = open_engine({**ENTRY, "max_tokens": 9})
    assert longer.revision == plain and longer.longest == 9, "the limit is the request's"
    assert open_engine({**ENTRY, "extra": {"top_k": -1}}).revision != plain
    assert read_settings({**ENTRY, "base_url": "http://h/v1/"}).base_url == "http://h/v1"


NEUTRAL = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai/"


@pytest.mark.parametrize(
    ("entry", "sent", "filed"),
    [
        ({}, {"top_p": 1.0, "seed": 7}, {"top_p": 1.0}),
        ({"server": "vllm"}, {"top_p": 1.0, "seed": 7, **NEUTRAL}, {"top_p": 1.0, **NEUTRAL}),
        ({"server": "sglang", "extra": {"top_k": 5}}, {**NEUTRAL, "top_k": 5, "top_p": 1.0, "seed": 7}, None),
        ({"server": "transformers"}, {"frequency_penalty": 0.0, "top_p": 1.0, "seed": 7}, None),
        ({"base_url": GOOGLE}, {"top_p": 1.0}, {"top_p": 1.0, "seed": False}),
        ({"base_url": GOOGLE, "seed": True}, {"top_p": 1.0, "seed": 7}, {"top_p": 1.0}),
        (
            {"base_url": "https://api.mistral.ai/v1"},
            {"top_p": 1.0, "random_seed": 7},
            {"seed": "random_seed", "top_p": 1.0},
        ),
        ({"seed": False, "top_p": False}, {}, {"seed": False}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low", "top_p": 1.0, "seed": 7}, None),
    ],
)
def test_what_a_kind_of_server_is_sent_is_what_its_answers_are_filed_under(entry, sent, filed):
    settings = read_settings({**ENTRY, **entry})
    body = request_body([], settings.sampling, 0.6, 7, 1, False, settings.seed_field)
    assert {
        key: value for key, value in body.items() if key not in ("messages", "model", "max_tokens", "temperature")
    } == sent
    if filed is not None:
        assert settings.filed_as == f"2025-01-01 {json.dumps(filed, sort_keys=True)}"
    assert (entry == {}) == (settings.filed_as == read_settings(ENTRY).filed_as) or "seed" in entry
    assert open_engine({**ENTRY, **entry}).repeats == (settings.seed_field is not None)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("vllm serve {checkpoint} --port {port}", "vllm"),
        ("/opt/sglang-env/bin/vllm serve x", "vllm"),
        ("python -m sglang.launch_server --model x", "sglang"),
        ("python3 -m vllm.entrypoints.openai.api_server", "vllm"),
        ("'/a house/bin/transformers' serve x", "transformers"),
        ("llama-server -m x.gguf", None),
    ],
)
def test_the_kind_of_a_server_that_a_job_starts_is_known_by_its_command(command, kind):
    assert inferred_server({"serve": {"command": command}, "checkpoint": "x"}) == kind


def test_the_system_role_begins_the_users_turn_where_the_model_takes_no_other():
    asked = conversation_of("You are an expert.", "Listen.", True)
    (user,) = json.loads(ChatMessages(system_in_user_turn=True).apply_chat_template(asked))
    assert user["role"] == "user" and [part["type"] for part in user["content"]] == ["input_audio", "text"]
    assert user["content"][1]["text"] == "You are an expert.\n\nListen." and asked[0]["role"] == "system"
    assert read_settings({**ENTRY, "model": "mistralai/Voxtral-Mini-3B-2507"}).system == "user_turn"
    assert read_settings({**ENTRY, "model": "mistralai/Voxtral-Mini-3B-2507", "system": "turn"}).system == "turn"
    assert read_settings(ENTRY).system == "turn"
    found = chat_format(ChatMessages(system_in_user_turn=True))
    assert found.apply_chat_template(asked) == ChatMessages(system_in_user_turn=True).apply_chat_template(asked)


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("m", True),
        ("M", True),
        ("models/m", True),
        ("m@main", True),
        ("2025-01-01", True),
        ("m-2", False),
        ("mm", False),
    ],
)
def test_the_name_of_the_model_in_a_reply(said, same):
    assert is_same_model(said, read_settings(ENTRY).allowed_models) == same
    assert is_same_model(said, read_settings({**ENTRY, "answers_as": [said]}).allowed_models)


@pytest.mark.parametrize("value", ["", "tiny7", "planted with space", "planted-0123456789\n", "plänted-0123456789"])
def test_a_key_that_cannot_be_sent(monkeypatch, value):
    monkeypatch.setenv("PLANTED_VARIABLE", value)
    with pytest.raises(UserError, match="PLANTED_VARIABLE") as caught:
        read_key("PLANTED_VARIABLE")
    assert not value or value not in str(caught.value)


def test_a_key_has_no_text_form():
    key = Key("planted-0123456789")
    assert "planted" not in f"{key} {key!r} {[key]} {vars(read_settings(ENTRY))}"
    assert key.redact("Wrong key planted-0123456789!") == "Wrong key [key]!"
    assert Key("").redact("nothing to hide") == "nothing to hide" and Key("").header() == {}
    with pytest.raises(TypeError):
        __import__("pickle").dumps(key)


# what is sent


def test_the_rendered_prompt_is_the_json_of_the_messages(prompts):
    both = render(ChatMessages(), prompts, "tone", "née à Zoë", CLASSES, "both")
    system, user = json.loads(both)
    assert system == {"role": "system", "content": prompts.system} and "née à Zoë" in both
    assert [part["type"] for part in user["content"]] == ["input_audio", "text"]
    text = render(ChatMessages(), prompts, "tone", "look", CLASSES, "text")
    assert "input_audio" not in text and messages_with_audio(text, None) == json.loads(text)
    assert messages_with_audio(both, "QUJD")[1]["content"][0]["input_audio"] == {"data": "QUJD", "format": "wav"}
    for prompt, clip in ((both, None), (text, "QUJD")):
        with pytest.raises(ValueError, match="places for audio"):
            messages_with_audio(prompt, clip)


def test_sixteen_bit_audio_is_sent_bit_by_bit(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32768, 5_000).astype(np.int16)
    samples[:2] = -32768, 32767
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="PCM_16")
    text, seconds = read_clip(tmp_path / "a.wav")
    with wave.open(io.BytesIO(base64.b64decode(text))) as sent:
        assert (sent.getnchannels(), sent.getsampwidth(), sent.getframerate()) == (1, 2, 16_000)
        assert np.array_equal(np.frombuffer(sent.readframes(-1), "<i2"), samples)
    assert seconds == 5_000 / 16_000


def test_other_audio_is_what_a_local_model_hears_within_a_step(tmp_path):
    stereo = np.random.default_rng(1).normal(0, 0.5, (44_100, 2))
    soundfile.write(tmp_path / "a.flac", np.clip(stereo, -1, 1), 44_100)
    text, seconds = read_clip(tmp_path / "a.flac")
    heard, _ = soundfile.read(io.BytesIO(base64.b64decode(text)))
    assert np.abs(heard - np.clip(load_waveform(tmp_path / "a.flac"), -1, 1)).max() <= 2**-15 and seconds == 1


# what comes back


def test_a_completion_as_answers():
    logprobs = {"content": [{"token": "ha", "logprob": -0.5}, {"token": "ppy", "logprob": -0.25}]}
    reply = read_reply(
        {
            "id": "c1",
            "model": "m",
            "choices": [choice(logprobs=logprobs), choice("sad", 1, "length"), choice("angry", 2, "content_filter")],
            "usage": {"completion_tokens": 7, "total_tokens": 100},
        },
        3,
    )
    assert [(a.response, a.logprob, a.tokens, a.ended) for a in reply.answers] == [
        ("happy", -0.75, 2, True),
        ("sad", None, 2, False),
        ("angry", None, 2, False),
    ]
    assert (reply.identifier, reply.model, reply.total_tokens) == ("c1", "m", 100)


def test_what_a_server_does_not_say_is_not_invented():
    (answer,) = read_reply({"choices": [choice()]}, 5).answers
    assert (answer.logprob, answer.tokens) == (None, None)
    refusal = {"index": 0, "message": {"content": None, "refusal": "I can't."}, "finish_reason": "stop"}
    assert read_reply({"choices": [refusal]}, 1).answers[0].response == "I can't."
    assert read_reply({"choices": [choice(None)]}, 1).answers[0].response == ""
    wrong = {"content": [{"token": "a", "logprob": -9999.0}, {"token": "b", "logprob": None}]}
    assert read_reply({"choices": [choice(logprobs=wrong)]}, 1).answers[0].logprob is None


WHOLE = {"id": "c1", "object": "chat.completion"}
# message and finish reason of a whole reply -> text and status of its answer
ENDINGS = [
    ({"role": "assistant"}, "length", "", "cut"),
    ({"content": None}, "MAX_TOKENS", "", "cut"),
    ({"content": "sa"}, "max_tokens", "sa", "cut"),
    ({"content": "sa"}, "model_length", "sa", "cut"),
    ({"content": "sa"}, "FinishReason.MAX_TOKENS", "sa", "cut"),
    (None, "content_filter", "", "refused"),
    ({"content": None}, "SAFETY", "", "refused"),
    ({"content": "happy"}, "RECITATION", "happy", "refused"),
    ({"content": "happy"}, "guardrail_intervened", "happy", "refused"),
    ({"content": None, "refusal": "I can't."}, "stop", "I can't.", "refused"),
    ({"content": "happy"}, "stop", "happy", "answered"),
    ({"content": "happy"}, "STOP", "happy", "answered"),
    ({"content": "happy"}, "eos_token", "happy", "answered"),
    ({"content": "happy"}, "eos", "happy", "answered"),
    ({"content": "happy"}, "", "happy", "answered"),
    ({"content": "happy"}, None, "happy", "answered"),
    ({"content": None, "reasoning": "It may be happy."}, "stop", "", "answered"),
    ({"content": [{"type": "text", "text": "hap"}, {"type": "text", "text": "py"}]}, "stop", "happy", "answered"),
    (
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "sad?"}]},
                {"type": "text", "text": "happy"},
            ]
        },
        "stop",
        "happy",
        "answered",
    ),
    ({"content": ["hap", "py"]}, "stop", "happy", "answered"),
    ({}, "stop", "", "answered"),
    (None, None, "", "answered"),
]


@pytest.mark.parametrize(("message", "finish", "text", "status"), ENDINGS)
def test_a_whole_reply_is_an_answer_whatever_of_it_is_missing(message, finish, text, status):
    (answer,) = read_reply({**WHOLE, "choices": [{"index": 0, "message": message, "finish_reason": finish}]}, 1).answers
    assert (answer.response, answer.status, answer.finish) == (text, status, finish)


@pytest.mark.parametrize("more", [{}, {"choices": None}, {"choices": []}])
def test_a_completion_without_choices_is_an_answer_to_all_that_was_asked(more):
    answers = read_reply({**WHOLE, "model": "m", **more}, 3).answers
    assert [(a.response, a.status, a.served) for a in answers] == [("", "answered", "m")] * 3
    assert read_reply({"choices": [None]}, 1).answers[0].response == ""


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"detail": "not found"},
        {"choices": {}},
        {"choices": ["happy"]},
        {"choices": [choice(), choice(index=1), choice(index=2)]},
        {"choices": [choice(), choice()]},
        {"choices": [choice(content=7)]},
        {"choices": [choice(content=[7])]},
        {"error": {"message": "no"}},
        {"object": "error", "message": "no"},
    ],
)
def test_a_reply_that_is_not_a_completion_is_asked_again(data):
    with pytest.raises(Fault) as caught:
        read_reply(data, 2)
    assert caught.value.retry and caught.value.bought


# waiting


def test_backoff_doubles_to_a_minute_half_of_it_jitter():
    assert [backoff(k, 0.0) for k in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff(2, 0.5) == 3 and backoff(10_000, 1.0) == 60
    assert sum(backoff(k, 0.0) for k in range(10)) > 120, "ten retries outlast two minutes"
    assert len({backoff(3) for _ in range(20)}) > 10 and all(4 <= backoff(3) <= 8 for _ in range(200))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("nan", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 60.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after(value, now=40.0) == seconds


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def passages(limit, clock, tokens, count):
    times = []
    for _ in range(count):
        assert limit.enter(tokens, threading.Event())
        times.append(clock.now)
    return np.array(times)


def test_no_minute_holds_more_requests_than_allowed():
    clock = Clock()
    times = passages(RateLimit(30, None, clock, clock.sleep), clock, 1, 100)
    assert max(((times > t - 60) & (times <= t)).sum() for t in times) == 30 and 180 <= times[-1] < 190


def test_no_minute_holds_more_tokens_than_allowed_as_the_server_counts_them():
    clock = Clock()
    limit = RateLimit(None, 1000, clock, clock.sleep)
    times = passages(limit, clock, 300, 10)
    assert max(300 * ((times > t - 60) & (times <= t)).sum() for t in times) == 900
    limit = RateLimit(None, 1000, clock, clock.sleep)
    limit.settle(limit.enter(10, threading.Event()), 1000)
    before = clock.now
    limit.enter(10, threading.Event())
    assert clock.now - before == pytest.approx(60, abs=0.51)
    assert limit.enter(5_000, threading.Event()), "more than a minute's tokens goes alone"


def test_a_server_that_asks_for_a_pause_gets_it_and_a_stop_ends_the_wait():
    clock, stop = Clock(), threading.Event()
    limit = RateLimit(None, None, clock, clock.sleep)
    limit.close_for(20)
    limit.enter(1, stop)
    assert 20 <= clock.now <= 20.5
    stop.set()
    assert limit.enter(1, stop) is None


# spending


def test_each_cap_holds_to_the_last_request():
    spending = Spending({"calls": 5, "audio_seconds": 30, "money": 1, "price_per_call": 0.1})
    for _ in range(3):
        spending.reserve(spending.price(10))
    with pytest.raises(SpendingReached, match="audio_seconds 30 of 30"):
        spending.reserve(spending.price(0.1))
    for _ in range(2):
        spending.reserve(spending.price(0))
    with pytest.raises(SpendingReached, match="calls 5 of 5"):
        spending.reserve(spending.price(0))
    spending.give_back(spending.price(10))
    spending.reserve(spending.price(0))
    assert spending.used == pytest.approx({"calls": 5, "audio_seconds": 20, "money": 0.5})
    dear = Spending({"money": 1, "price_per_audio_minute": 0.06})
    for _ in range(10):
        dear.reserve(dear.price(100))
    with pytest.raises(SpendingReached, match="money"):
        dear.reserve(dear.price(100))


def test_a_ledger_goes_on_after_a_restart_and_outlives_a_torn_line(tmp_path):
    options = {"calls": 4, "ledger": str(tmp_path / "deep" / "spending.log")}
    first = Spending(options)
    first.reserve(first.price(1))
    first.reserve(first.price(1))
    with Path(options["ledger"]).open("ab") as file:
        file.write(b'{"calls": 1, "audio_se')  # killed in mid-write, before its request was sent
    second = Spending(options)
    second.reserve(second.price(1))
    first.reserve(first.price(1))
    for spending in (first, second, Spending(options)):
        with pytest.raises(SpendingReached, match="calls 4 of 4"):
            spending.reserve(spending.price(1))
    with Path(options["ledger"]).open("ab") as file:
        file.write(b"something else\n")
    with pytest.raises(UserError, match=r"spending\.log, line 6"):
        Spending(options).reserve(first.price(1))


def _spend(options, times):
    spending, sent = Spending(options), 0
    for _ in range(times):
        try:
            spending.reserve(spending.price(2.0))
            sent += 1
        except SpendingReached:
            pass
    os._exit(sent)


def test_processes_that_share_a_ledger_share_the_cap(tmp_path):
    options = {"calls": 37, "ledger": str(tmp_path / "spending.log")}
    jobs = [get_context("fork").Process(target=_spend, args=(options, 20)) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert sum(job.exitcode for job in jobs) == 37
