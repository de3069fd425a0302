"""What an answer is filed under: stores of before stay valid, and only what a token limit cut is asked again."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from scaling_ambiguity.alms.engine import Engine
from scaling_ambiguity.alms.engines.replay_answers import open_engine as open_replay
from scaling_ambiguity.alms.http.payload import ChatMessages
from scaling_ambiguity.alms.http.settings import read_settings
from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.proxies.annotation import collect, vote_table
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.published import export
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.requests import Request, identity, upgraded
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled

CLASSES = ["neutral", "happy", "sad", "angry"]
# Answers that the code of commit 4b821fb gave and stored: the demo's ALM in its own process, and a server's.
BEFORE = Path(__file__).with_name("store_of_4b821fb")
DEMO = {"mode": "sampled", "votes": 20, "design": "crossed", "temperatures": [0.2, 0.4, 0.6, 0.8, 0.93]}
REQUEST = Request("m", "r", "p", "a", 0.2, 42, 0)


class Asked(Exception):
    pass


class Dead(Engine):
    """A model that is not there any more: whoever asks it fails."""

    answers_only, clips_at_once = False, 8
    capabilities = frozenset({"sample"})

    def __init__(self, model, revision, processor, longest, repeats=True, asks_alone=False):
        self.model, self.revision, self.processor, self.longest = model, revision, processor, longest
        self.repeats, self.asks_alone = repeats, asks_alone

    def prepare(self, questions):
        return None

    def answer(self, questions, uniform, prepared=None):
        raise Asked(len(questions))

    def stream(self, questions, uniform, **_):
        raise Asked(len(questions))


def stored_lines(folder):
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def silent_rows():
    return pd.read_csv(BEFORE / "text" / "utterances.csv").assign(path=None)


def of_the_demo(longest=8):
    chat = open_replay({"engine": "replay_answers", "gpus": 0, "store": str(BEFORE / "text")})
    return Dead(chat.model, chat.revision, chat.processor, longest)


def of_the_server(longest=3, **more):
    entry = {"base_url": "http://h/v1", "model": "m", "revision": "r1", "extra": {"top_k": -1}, "max_tokens": longest}
    settings = read_settings(entry | more)
    return Dead("m", settings.filed_as, ChatMessages(), settings.max_tokens, asks_alone=True)


def ask(engine, folder, prompts, **options):
    asked = items(silent_rows(), Path(), engine, DEMO | {"modality": "text"} | options, prompts, CLASSES, 42)
    records = collect(asked, engine, AnswerStore(folder), "t")
    return asked, records, vote_table(asked, records, "a", reader_for(DEMO, spelled(CLASSES)))


def test_of_a_store_of_before_not_one_request_is_asked_again(prompts):
    lines = stored_lines(BEFORE / "text")
    assert len(lines) == 40 and not any("version" in line or "limit" in line for line in lines)
    _, records, votes = ask(of_the_demo(), BEFORE / "text", prompts)
    assert len(records) == len(votes) == 40
    said = {(line["audio_sha256"], line["draw"]): line["response"] for line in lines}
    assert all(said[f"none:{row.utterance}", row.draw] == row.response for row in votes.itertuples())
    (heard,) = {(line["model"], line["revision"]) for line in stored_lines(BEFORE / "heard")}
    parts = ("prompt_sha256", "audio_sha256", "temperature", "seed", "draw")
    requests = [Request(*heard, *(line[part] for part in parts), 8) for line in stored_lines(BEFORE / "heard")]
    assert len(AnswerStore(BEFORE / "heard").find(requests)) == len(set(requests)) == 20


def test_of_a_server_too_whose_limit_stood_in_the_revision(prompts):
    _, records, votes = ask(of_the_server(), BEFORE / "served", prompts, votes=10)
    assert len(records) == 20 and votes["status"].value_counts().to_dict() == {"ok": 18, "cut": 2}
    # 4b821fb read every end but `stop` as a cut: of four, two had fewer tokens than the limit
    assert [line["status"] for line in stored_lines(BEFORE / "served")].count("cut") == 4
    field = {"token_limit_field": "max_completion_tokens"}
    assert len(AnswerStore(BEFORE / "served").find(_requests(of_the_server(**field), prompts))) == 20


def _requests(engine, prompts):
    options = DEMO | {"modality": "text", "votes": 10}
    return [
        item.request for draws in items(silent_rows(), Path(), engine, options, prompts, CLASSES, 42) for item in draws
    ]


def test_a_raised_limit_asks_again_for_what_was_cut_and_a_lowered_one_for_nothing_shorter(prompts):
    store = AnswerStore(BEFORE / "served")
    for limit, kept in ((3, 20), (64, 18), (1, 20)):
        assert len(store.find(_requests(of_the_server(limit), prompts))) == kept
    # without a seed a long answer that is drawn again may be short: another limit is another request
    assert len(store.find(_requests(of_the_server(64), prompts), repeats=False)) == 0
    with pytest.raises(Asked, match="2"):
        ask(of_the_server(64), BEFORE / "served", prompts, votes=10)


def test_published_answers_of_before_are_replayed_and_published_as_today(prompts, tmp_path):
    engine = open_replay({"engine": "replay_answers", "gpus": 0, "store": str(BEFORE / "served")})
    _, _, votes = ask(engine, BEFORE / "served", prompts, votes=10)
    manifest = export(BEFORE / "served", tmp_path / "published", {})
    assert manifest["models"] == [{"model": "m", "revision": 'r1 {"top_k": -1, "top_p": 1.0}', "answers": 20}]
    again = open_replay({"engine": "replay_answers", "gpus": 0, "store": str(tmp_path / "published")})
    assert ask(again, tmp_path / "published", prompts, votes=10)[2].equals(votes)
    assert {line["version"] for line in stored_lines(tmp_path / "published")} == {2}


def test_a_key_has_a_version_holds_the_limit_and_keeps_to_what_is_given():
    assert REQUEST.key == "1de96f770a670a6bedae498da06004b34876d77b9b9c361760262e1dd4cf8012", "asked, and paid, again"
    assert replace(REQUEST, limit=8).key != replace(REQUEST, limit=9).key != REQUEST.key
    assert replace(REQUEST, limit=8).question == replace(REQUEST, limit=9).question == REQUEST.question == REQUEST.key

    @dataclass(frozen=True)
    class Later(Request):
        """A request as a later version may know it."""

        thinking: str = "none"
        loudness: float | None = None

    parts = ("m", "r", "p", "a", 0.2, 42, 0)
    assert Later(*parts).key == REQUEST.key and Later(*parts, limit=8).key == replace(REQUEST, limit=8).key
    assert Later(*parts, thinking="low").key != REQUEST.key


def record(limit, status="answered", tokens=2, at=1.0, request=REQUEST):
    more = {"response": "happy", "status": status, "tokens": tokens, "time": at, "reason": None}
    return {**identity(replace(request, limit=limit)), **more}


@pytest.mark.parametrize(
    ("asked", "stored", "repeats", "kept"),
    [
        (8, record(8, "cut", 8), True, True),
        (9, record(8, "cut", 8), True, False),
        (7, record(8, "cut", 8), True, True),
        (9, record(8, "answered", 8), True, True),
        (7, record(8, "answered", 8), True, False),
        (7, record(8, "answered", 7), True, True),
        (9, record(8, "refused", None), True, True),
        (7, record(8, "refused", None), True, False),
        (8, record(8, "failed", None), True, True),
        (9, record(8, "failed", None), True, False),
        (8, record(8, "cut", 8), False, True),
        (9, record(8, "answered", 2), False, False),
        (None, record(8, "cut", 8), True, True),
        (8, record(None, "answered", 2), True, True),
    ],
)
def test_which_answer_is_that_of_another_limit(asked, stored, repeats, kept):
    assert replace(REQUEST, limit=asked).answered_by(stored, repeats) == kept


def test_of_several_answers_the_first_whole_one_counts_and_failures_last(tmp_path):
    store = AnswerStore(tmp_path)
    store.append([record(8, "failed", None, 1.0), record(8, "cut", 8, 2.0), record(32, "answered", 9, 3.0)])
    store.close()
    assert sorted(path.name.split("-")[0] for path in tmp_path.iterdir()) == ["answers", "failed"]
    for limit, status in ((8, "cut"), (32, "answered"), (None, "answered")):
        assert [r["status"] for r in store.find([replace(REQUEST, limit=limit)]).values()] == [status]
    next(tmp_path.glob("answers-*")).unlink()
    assert store.find([replace(REQUEST, limit=8)])[replace(REQUEST, limit=8).key]["status"] == "failed"
    next(tmp_path.glob("failed-*")).unlink()
    assert not store.find([replace(REQUEST, limit=8)]), "without the file of what failed it is asked again"


def test_a_record_of_today_is_left_as_it_is():
    assert upgraded(record(8)) == record(8)


def test_the_limit_of_an_answer_is_part_of_what_is_asked_and_of_no_read_out(prompts):
    engine = of_the_demo(11)
    for mode, limit in (("sampled", 11), ("verbalised", 11), ("readout", None)):
        options = DEMO | {"modality": "text", "mode": mode}
        asked = items(silent_rows(), Path(), engine, options, prompts, CLASSES, 42)
        assert {item.request.limit for draws in asked for item in draws} == {limit}
    assert Answer("happy", -1.0, 2, True).status == "answered" and Answer("", None, 8, False).status == "cut"
