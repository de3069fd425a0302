"""Labels read out over HTTP: the numbers of the model in this process, from a server that keeps to vLLM's semantics."""

import importlib.util
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms.engine import open_engine
from scaling_ambiguity.alms.engines import transformers as local
from scaling_ambiguity.alms.http import retries
from scaling_ambiguity.alms.http.faults import RequestRefused, SpendingReached
from scaling_ambiguity.alms.http.label_reads import following_body, read_following
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import render
from scaling_ambiguity.seeds import uniform

_spec = importlib.util.spec_from_file_location("label_server", Path(__file__).with_name("label_server.py"))
served = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(served)

WORDS = ("neutral", "happy", "sad", "angry")  # one token each
LONG = ("happiness", "happier", "unhappy", "sadness", "anger")  # several tokens, two of them with a common beginning
TWELVE = ("ANGRY", "SAD", "HAPPY", "NEUTRAL", "FEAR", "CALM", "BORED", "PROUD", "TIRED", "AMUSED", "SHY", "OTHER")
SPACED = ("very happy", "very sad", "not sure")
PREFIX = ("sad", "sadder", "happy")  # the tokens of one begin another's


def opened(url, **options):
    entry = {"engine": "openai", "gpus": 0, "base_url": url, "model": "tiny", "revision": "r1", "server": "vllm"}
    return open_engine(entry | {"retries": 1, "concurrency": 2} | options, "read_labels", "annotators.a")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.02)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for i in range(2):
        wave = np.random.default_rng(i).normal(0, 0.05 + 0.1 * i, 16_000 + 9_000 * i)
        soundfile.write(folder / f"{i}.wav", wave, 16_000)
    return sorted(folder.glob("*.wav"))


def ask(engine, prompts, clips, labels, draws=3):
    """Return questions with and without sound, several draws at several temperatures of each prompt."""
    asked = []
    for path in [*clips, None]:
        for focus in ("tone", "words"):
            text = render(engine, prompts, focus, "look", list(labels), "text" if path is None else "both")
            stream = (path and path.name, focus)
            heat = (0.0, 3.0, 12.0)
            asked += [Question(text, path, heat[draw], (*stream, draw), labels=labels) for draw in range(draws)]
    return asked


@pytest.fixture(scope="module")
def one_end(checkpoint, tmp_path_factory):
    """Return a checkpoint whose answers end with one token, the one of its chat format."""
    folder = tmp_path_factory.mktemp("one_end") / "tiny"
    shutil.copytree(checkpoint, folder)
    path = folder / "generation_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"eos_token_id": config["eos_token_id"][0]}))
    return folder


@pytest.mark.parametrize("labels", [WORDS, LONG, TWELVE, SPACED, PREFIX])
def test_a_server_gives_the_log_probabilities_that_the_model_gives_here(one_end, prompts, clips, labels):
    here = local.open_engine({"checkpoint": str(one_end)})
    expected = here.answer(ask(here, prompts, clips, labels), uniform)
    with served.label_server(one_end) as server:
        there = opened(server.url)
        found = there.answer(ask(there, prompts, clips, labels), uniform)
    assert len({answer.response for answer in expected}) > 1
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one.label_logprobs, other.label_logprobs, rtol=0, atol=2e-4)
        assert (one.response, one.tokens, one.ended, one.served) == (other.response, other.tokens, True, "tiny")
        assert one.logprob == one.label_logprobs[labels.index(one.response)]
        assert 0 < sum(map(math.exp, one.label_logprobs)) <= 1 + 1e-9
    asked = [body for path, body in server.seen if path == "/v1/chat/completions"]
    known = there._label_tokens[labels]
    assert len(asked) == 6 * len(known.texts), "one request for a prompt and each beginning, however many draws"
    looked_up = len(server.seen) - len(asked)
    assert looked_up == 1 + len(labels) + 2 * (len(known.texts) - 1) + (labels == PREFIX), "once for all prompts"


def test_what_is_sent_reads_the_model_and_leaves_nothing_to_the_checkpoint():
    sampling = {"model": "m", "max_completion_tokens": 8, "top_p": 1.0, "top_k": -1, "min_tokens": 2}
    messages = [{"role": "user", "content": "?"}]
    body = following_body(messages, sampling, "max_completion_tokens", "Hap", [7, 5])
    assert body == {
        "model": "m",
        "max_completion_tokens": 1,
        "top_p": 1.0,
        "top_k": -1,
        "temperature": 1.0,
        "logprobs": True,
        "logprob_token_ids": [7, 5],
        "return_tokens_as_token_ids": True,
        "messages": [*messages, {"role": "assistant", "content": "Hap"}],
        "add_generation_prompt": False,
        "continue_final_message": True,
    }
    assert "continue_final_message" not in following_body(messages, sampling, "max_completion_tokens", "", [7])


def without(key):
    def spoil(path, reply):
        if path == "/v1/chat/completions":
            reply["choices"][0]["logprobs"] = {"content": [{"token": "token_id:1", "logprob": -1.0, key: []}]}
        return reply

    return spoil


def no_tokenizer(path, reply):
    return None if path == "/tokenize" else reply


def thinks(path, reply):
    return {**reply, "tokens": [len(reply["tokens"]), *reply["tokens"]]} if path == "/tokenize" else reply


def other_tokens(path, reply):
    return {"prompt": reply["prompt"] + "x"} if path == "/detokenize" else reply


@pytest.mark.parametrize(
    ("spoil", "labels", "message"),
    [
        (without("top_logprobs"), WORDS, r"none of token \d+, which was named.*choose mode `sampled`.*0\.32"),
        (without("other"), WORDS, "no log-probabilities of tokens.*choose mode `sampled`"),
        (no_tokenizer, WORDS, r"\(/tokenize of that server\), model tiny.*refused .status 404"),
        (thinks, WORDS, "begins an answer otherwise than it continues one.*Choose mode `sampled`"),
        (other_tokens, LONG, r"beginning '\w+x' of label '\w+' has other tokens.*Rename the label"),
    ],
)
def test_a_server_that_cannot_be_read_out_stops_with_a_remedy(checkpoint, prompts, clips, spoil, labels, message):
    with served.label_server(checkpoint, spoil) as server:
        there = opened(server.url)
        with pytest.raises(UserError, match=message):
            there.answer(ask(there, prompts, clips, labels), uniform)


def test_a_label_that_the_tokenizer_does_not_distinguish_is_named(checkpoint, prompts, clips):
    with served.label_server(checkpoint) as server:
        there = opened(server.url)
        with pytest.raises(UserError, match="does not distinguish label 'happy' from 'happy'"):
            there.answer(ask(there, prompts, clips, ("happy", "happy")), uniform)


@pytest.mark.parametrize("change", [{"server": None}, {"server": "sglang"}, {"server": "openai"}])
def test_another_kind_of_server_is_refused_before_anything_is_sent(change):
    with pytest.raises(UserError, match=r"annotators\.a: .*`read_labels`.*it has `sample`.*`server: vllm`"):
        opened("http://127.0.0.1:9/v1", **change)


def test_a_server_of_the_entry_that_is_vllm_can_be_read_out():
    from scaling_ambiguity.alms.engines.openai import Engine

    assert "read_labels" in Engine.able({"serve": {"command": "vllm serve {checkpoint} --port {port}"}})
    assert "read_labels" not in Engine.able({"serve": {"command": "transformers serve --port {port}"}})


def test_probabilities_of_different_tokens_do_not_exceed_one():
    tokens = [{"token": f"token_id:{i}", "logprob": math.log(0.6)} for i in (1, 2)]
    reply = {
        "choices": [{"message": {"content": "x"}, "logprobs": {"content": [{**tokens[0], "top_logprobs": tokens}]}}]
    }
    with pytest.raises(Exception, match=r"add up to 1\.200"):
        read_following(reply, [1, 2])
    assert read_following(reply, [1]).following == {1: math.log(0.6)}


def test_every_request_counts_for_the_cap_and_what_was_read_is_handed_over(checkpoint, prompts, clips, tmp_path):
    with served.label_server(checkpoint) as server:
        there = opened(server.url, concurrency=1, spending={"calls": 3, "ledger": str(tmp_path / "spending.log")})
        with pytest.raises(SpendingReached) as stopped:
            there.answer(ask(there, prompts, clips, WORDS), uniform)
    assert len(stopped.value.answers) == 9, "three prompts of three draws"
    assert sum(path == "/v1/chat/completions" for path, _ in server.seen) == 3


def test_a_fault_that_passes_changes_no_answer(checkpoint, prompts, clips):
    broken = iter([True, False, True] + [False] * 1000)

    def spoil(path, reply):
        return "torn" if next(broken) else reply

    with served.label_server(checkpoint) as server, served.label_server(checkpoint, spoil) as other:
        one, two = opened(server.url), opened(other.url)
        assert one.answer(ask(one, prompts, clips, WORDS), uniform) == two.answer(
            ask(two, prompts, clips, WORDS), uniform
        )


def test_a_refusal_names_the_server(checkpoint, prompts, clips):
    with served.label_server(checkpoint, no_tokenizer) as server:
        there = opened(server.url)
        with pytest.raises(RequestRefused, match=server.url):
            there.answer(ask(there, prompts, clips, WORDS), uniform)
