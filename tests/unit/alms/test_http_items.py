"""One item's fault is not the server's, and the server's is not an item's: a real HTTP server that fails as told."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms.chat_format import conversation_of
from scaling_ambiguity.alms.engines.openai import open_engine
from scaling_ambiguity.alms.http import retries
from scaling_ambiguity.alms.http.faults import AnotherServer, RequestRefused, ServerUnavailable
from scaling_ambiguity.alms.http.outages import ITEMS
from scaling_ambiguity.alms.http.payload import ChatMessages
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import uniform

_spec = importlib.util.spec_from_file_location("http_servers", Path(__file__).with_name("http_servers.py"))
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

DRAWS = 3
BAD = "2"


@pytest.fixture
def opened(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.001)

    def build(server, /, **options):
        entry = {"engine": "openai", "gpus": 0, "base_url": server.url, "model": "m", "revision": "r", "timeout_s": 5}
        return open_engine({**entry, "concurrency": 2, "retries": 4, **options})

    return build


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for i in range(6):
        soundfile.write(folder / f"{i}.wav", np.random.default_rng(i).normal(0, 0.1, 1_600), 16_000)
    return sorted(folder.glob("*.wav"))


def ask(clips):
    """Return draws about clips; the text names the clip, so that a server can tell them apart."""
    result = []
    for path in clips:
        text = ChatMessages().apply_chat_template(conversation_of("s", f"clip {path.stem}", True))
        result += [Question(text, path, 0.5, (path.stem, draw), item=path.stem) for draw in range(DRAWS)]
    return result


def clip_of(body):
    return body["messages"][1]["content"][1]["text"].removeprefix("clip ")


def failing(fault, *which):
    """Return what a server replies: ``fault`` to the clips in ``which``, an answer to others."""
    return lambda body: fault if clip_of(body) in which else servers.completion()


FAULTS = {
    "status 400": (400, {"error": {"message": "audio file is too short", "code": "audio_too_short"}}),
    "status 413": (413, {"error": {"message": "too large"}}),
    "status 422": (422, {"detail": "cannot be decoded"}),
    "status 500": (500, b"Internal Server Error"),
    "garbage": (200, b"<html>"),
    "error": (200, {"error": {"message": "upstream failed"}}),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_draws_of_a_clip_that_cannot_be_answered_fail_and_the_others_go_on(opened, clips, kind):
    with servers.scripted(failing(FAULTS[kind], BAD)) as server:
        engine = opened(server)
        answers = engine.answer(ask(clips), uniform)
    failed = [place for place, answer in enumerate(answers) if answer.status == "failed"]
    assert failed == [6, 7, 8] and all(answers[place].fault.startswith(f"{kind}: ") for place in failed)
    assert all(a.response == "happy" and a.finish == "stop" for a in answers if a.status != "failed")
    about_it = sum(clip_of(body) == BAD for body in server.seen)
    # what passes is tried again in full for as many draws as are under way, for those after them two times
    assert about_it == DRAWS if kind.startswith("status 4") else DRAWS * 3 <= about_it <= 2 * 5 + 3


@pytest.mark.parametrize("bad", ["0", "5"])
def test_the_first_and_the_last_clip_may_be_the_one(opened, clips, bad):
    with servers.scripted(failing(FAULTS["status 500"], bad)) as server:
        answers = opened(server).answer(ask(clips), uniform)
    assert [answers[place * DRAWS].status for place in range(6)].count("failed") == 1
    assert {answer.status for answer in answers[int(bad) * DRAWS :][:DRAWS]} == {"failed"}


def test_two_bad_clips_alone_are_told_by_what_was_answered_before(opened, clips):
    with servers.scripted(failing(FAULTS["status 400"], "0", "1")) as server:
        with pytest.raises(RequestRefused, match="audio file is too short") as caught:
            opened(server).answer(ask(clips[:2]), uniform)
        assert caught.value.answers == {}, "nothing is known of a server that never answered"
        known = dict(opened(server).stream(ask(clips[:2]), uniform, proven=ask(clips[2:3])[0]))
    assert len(known) == 2 * DRAWS and {answer.status for answer in known.values()} == {"failed"}


@pytest.mark.parametrize(("kind", "stops"), [("status 400", RequestRefused), ("status 500", ServerUnavailable)])
def test_a_server_that_answers_nothing_is_left_after_a_few_clips(opened, clips, kind, stops):
    with servers.scripted(lambda body: FAULTS[kind]) as server:
        with pytest.raises(stops) as caught:
            opened(server, concurrency=1).answer(ask(clips), uniform)
        assert caught.value.answers == {}
        asked = [clip_of(body) for body in server.seen]
    assert len(set(asked)) == ITEMS, "each other clip is tried before more of the same"
    assert len(asked) == (ITEMS if kind == "status 400" else 5 + (ITEMS - 1) * 3)


def test_neighbours_that_share_a_fault_are_told_from_a_server_that_is_gone(opened, clips):
    many = [path for path in clips for _ in range(5)]
    asked = [
        Question(question.prompt, question.audio, 0.5, (place,), item=f"{place // 3}")
        for place, question in enumerate(ask(many))
    ]
    bad = {clips[0].stem, clips[1].stem}  # ten items in a row
    with servers.scripted(failing(FAULTS["status 500"], *bad)) as server:
        answers = opened(server).answer(asked, uniform)
    assert [answer.status == "failed" for answer in answers] == [place < 30 for place in range(90)]


@pytest.mark.parametrize("kind", ["status 400", "status 500"])
def test_many_bad_clips_at_the_end_are_told_from_a_server_that_is_gone(opened, clips, kind):
    """Nothing good is left to ask when the bad ones are: what was answered before is asked once more."""
    many = [Question(q.prompt, q.audio, 0.5, (i,), item=f"{i}") for i, q in enumerate(ask(clips))]
    with servers.scripted(failing(FAULTS[kind], *(clip.stem for clip in clips[1:]))) as server:
        engine = opened(server, concurrency=1, retries=1)
        answers = engine.answer(many, uniform)
        assert [answer.status == "failed" for answer in answers] == [False] * 3 + [True] * 15
        assert sum(clip_of(body) == "0" for body in server.seen) == 3 + 15 // ITEMS
        again = dict(opened(server, retries=1).stream(many[3:], uniform, proven=many[0]))
    assert len(again) == 15 and {answer.status for answer in again.values()} == {"failed"}


def test_a_server_that_dies_on_the_way_keeps_what_it_gave_and_blames_no_clip(opened, clips):
    given = []

    def dying(body):
        given.append(body)
        return servers.completion() if len(given) <= 7 else FAULTS["status 500"]

    with servers.scripted(dying) as server:
        engine = opened(server, concurrency=1)
        with pytest.raises(ServerUnavailable) as caught:
            engine.answer(ask(clips), uniform)
        assert len(caught.value.answers) == 7 and {a.status for a in caught.value.answers.values()} == {"answered"}


def test_a_fault_that_passes_is_no_failed_draw_even_beside_a_bad_clip(opened, clips):
    counts = {}

    def shaky(body):
        counts[clip_of(body)] = counts.get(clip_of(body), 0) + 1
        return FAULTS["status 500"] if clip_of(body) == BAD or counts[clip_of(body)] == 2 else servers.completion()

    with servers.scripted(shaky) as server:
        answers = opened(server, concurrency=1).answer(ask(clips), uniform)
    assert sum(answer.status == "failed" for answer in answers) == DRAWS


REFUSED = {
    "seed": ("seed", {}, "`seed: false`"),
    "random_seed": ("random_seed", {"server": "mistral"}, "`seed: false`"),
    "top_p": ("top_p", {}, "`top_p: false`"),
    "top_k": ("top_k", {"server": "vllm"}, "`server: openai`"),
    "reasoning_effort": ("reasoning_effort", {"reasoning_effort": "low"}, "another `reasoning_effort`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_refusal_of_a_field_of_ours_stops_at_once_with_what_turns_it_off(opened, clips, name):
    word, entry, remedy = REFUSED[name]
    refusal = (400, [{"error": {"code": 400, "message": f'Unknown name "{word}": Cannot find field.'}}])
    with servers.scripted(lambda body: refusal if word in body else servers.completion()) as server:
        with pytest.raises(RequestRefused, match=remedy):
            opened(server, concurrency=1, **entry).answer(ask(clips), uniform)
        assert len(server.seen) == 1
        off = {"seed": {"seed": False}, "random_seed": {"seed": False}, "top_p": {"top_p": False}}.get(name)
        if off is not None:
            assert len(opened(server, **off).answer(ask(clips), uniform)) == 18


@pytest.mark.parametrize("written", [list, str, json.dumps], ids=["JSON", "as Python writes it", "JSON in JSON"])
def test_a_refusal_that_repeats_the_request_concerns_its_clip_and_no_field(opened, clips, written):
    """FastAPI's form: ``loc`` names what is wrong, ``input`` is what was sent, with all fields of the request."""
    error = {
        "type": "value_error",
        "loc": ["body", "messages"],
        "msg": "audio too short",
        "input": {"seed": 1, "top_p": 1},
    }
    with servers.scripted(failing((400, {"detail": written([error])}), "0")) as server:
        answers = opened(server, concurrency=1).answer(ask(clips), uniform)
    assert [answer.status for answer in answers].count("failed") == DRAWS
    named = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 7}
    refused = servers.scripted(lambda body: (422, {"detail": written([error, named])}))
    with refused as server, pytest.raises(RequestRefused, match="`seed: false`"):
        opened(server, concurrency=1).answer(ask(clips), uniform)


def test_a_limit_that_is_too_large_for_one_clip_is_that_clips_fault(opened, clips):
    refusal = (400, {"error": {"message": "max_tokens is too large: 8. Your request has 5000 input tokens"}})
    with servers.scripted(failing(refusal, "0")) as server:
        answers = opened(server).answer(ask(clips), uniform)
    assert [answer.status for answer in answers].count("failed") == DRAWS
    with servers.scripted(lambda body: refusal) as server, pytest.raises(RequestRefused, match="max_completion_tokens"):
        opened(server).answer(ask(clips), uniform)


def test_another_model_than_asked_stops_with_both_names(opened, clips):
    def other(body):
        status, value = servers.completion()
        return status, {**value, "model": "m-2"}

    with servers.scripted(other) as server:
        with pytest.raises(AnotherServer, match=r"model 'm' was requested, but 'm-2' answered.*`answers_as: m-2`"):
            opened(server).answer(ask(clips), uniform)
        for entry in ({"answers_as": "m-2"}, {"answers_as": ["m-1", "m-2"]}, {"revision": "m-2"}):
            answers = opened(server, **entry).answer(ask(clips), uniform)
            assert {answer.served for answer in answers} == {"m-2"}
        assert opened(server, answers_as="m-2").revision == opened(server).revision, "a name changes no answer"


def test_a_vllm_that_the_entry_does_not_state_stops_before_more_is_bought(opened, clips):
    def vllm(body):
        status, value = servers.completion()
        return status, {**value, "prompt_logprobs": None, "kv_transfer_params": None}

    with servers.scripted(vllm) as server:
        with pytest.raises(AnotherServer, match=r"`server: vllm`.*`server: openai`"):
            opened(server, concurrency=1).answer(ask(clips), uniform)
        assert len(server.seen) == 1
        for kind in ("vllm", "openai"):
            assert len(opened(server, server=kind).answer(ask(clips), uniform)) == 18
    assert (
        server.seen[1]["top_k"] == -1 and server.seen[1]["repetition_penalty"] == 1.0 and "top_k" not in server.seen[-1]
    )


def test_a_text_alone_is_not_asked_of_a_model_that_takes_none(opened, clips):
    text = Question(
        ChatMessages().apply_chat_template(conversation_of("s", "u", False)), None, 0.5, ("a", 0), item="u1"
    )
    with servers.scripted(lambda body: servers.completion()) as server:
        with pytest.raises(UserError, match="u1: this model refuses text alone"):
            opened(server, needs_audio=True).answer([*ask(clips), text], uniform)
        assert not server.seen
        assert opened(server).answer([text], uniform)[0].response == "happy"


@pytest.mark.parametrize("status", [200, 201, 203])
def test_any_success_is_one(opened, clips, status):
    with servers.scripted(lambda body: (status, servers.completion()[1])) as server:
        assert len(opened(server).answer(ask(clips), uniform)) == len(server.seen) == 18
