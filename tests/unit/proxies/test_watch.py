"""An annotation of a corpus by a server that fails as told: what is kept, what is asked again, and when it stops."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from scaling_ambiguity.alms.engines.openai import open_engine
from scaling_ambiguity.alms.http import retries
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.annotation import collect, vote_table
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.gathering import gather, status_counts
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.proxies.watch import FIRST, Watch
from scaling_ambiguity.tables.proxies import PROXIES

_spec = importlib.util.spec_from_file_location("http_servers", Path(__file__).parents[1] / "alms" / "http_servers.py")
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

CLASSES = ["neutral", "happy", "sad", "angry"]
DRAWS = 7  # votes of the fixture `options`
TOO_SHORT = (400, {"error": {"message": "audio file is too short"}})


@pytest.fixture
def annotate(corpus, options, prompts, tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.001)

    def build(server, share=0.1, **entry):
        alm = {"base_url": server.url, "model": "m", "revision": "r", "retries": 1, "concurrency": 2, **entry}
        engine, store = open_engine(alm), AnswerStore(tmp_path / "store")
        asked = items(corpus[0], corpus[1], engine, options, prompts, CLASSES, 42)
        read = reader_for(options, spelled(CLASSES))
        try:
            records = collect(asked, engine, store, "t", Watch(asked, read, share))
        finally:
            store.close()
        return vote_table(asked, records, "a", read)

    return build


def words_of(body):
    """Return which clip is asked about: the corpus' transcripts are `words 0` and so on."""
    text = body["messages"][1]["content"][1]["text"]
    return next(i for i in range(20)[::-1] if f"words {i}" in text)


def to(bad, reply):
    return lambda body: reply if words_of(body) in bad else servers.completion()


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (servers.completion(None, "length"), "cut"),
        (servers.completion("happ", "MAX_TOKENS"), "cut"),
        (servers.completion(None, "content_filter"), "refused"),
        (servers.completion("happy", "SAFETY"), "refused"),
        ((200, {"choices": None}), "invalid"),
        ((200, {"choices": [{"index": 0, "message": None, "finish_reason": None}]}), "invalid"),
        (TOO_SHORT, "failed"),
        ((422, {"detail": "no"}), "failed"),
        ((500, b""), "failed"),
        ((200, b"<html>"), "failed"),
    ],
)
def test_what_one_clip_lacks_is_kept_and_never_bought_again(annotate, tmp_path, reply, status):
    with servers.scripted(to({3}, reply)) as server:
        votes = annotate(server)
        bought = len(server.seen)
        again = annotate(server)
        assert len(server.seen) == bought, "nothing is asked twice"
    assert again.equals(votes) and dict(votes["status"].value_counts()) == {"ok": 19 * DRAWS, status: DRAWS}
    assert set(votes.loc[votes["status"] == status, "utterance"]) == {"u_03"}
    assert ("reason" in votes) == (status == "failed")
    PROXIES.write(votes, tmp_path / "a.parquet")
    counts = status_counts(gather([str(tmp_path / "a.parquet")]))
    assert counts[status].sum() == DRAWS and counts["total"].sum() == 20 * DRAWS


def test_a_reason_of_one_shard_and_none_of_another_are_one_table(annotate, tmp_path):
    with servers.scripted(to({3}, TOO_SHORT)) as server:
        votes = annotate(server)
    failed = votes["utterance"] == "u_03"
    PROXIES.write(votes[failed].reset_index(drop=True), tmp_path / "a.parquet")
    PROXIES.write(votes[~failed].drop(columns="reason").reset_index(drop=True), tmp_path / "b.parquet")
    gathered = gather([str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")])
    assert gathered["reason"].notna().sum() == DRAWS
    assert gathered.loc[gathered["reason"].notna(), "reason"].str.contains("status 400.*too short").all()


def test_what_failed_is_asked_again_once_its_file_is_removed(annotate, tmp_path):
    with servers.scripted(to({3}, TOO_SHORT)) as server:
        annotate(server)
    (tmp_path / "store").joinpath(next((tmp_path / "store").glob("failed-*")).name).unlink()
    with servers.scripted(to({}, None)) as server:
        votes = annotate(server)
        assert len(server.seen) == DRAWS and set(votes["status"]) == {"ok"}


def test_too_many_failed_draws_stop_with_the_reason_and_the_limit_lets_them_pass(annotate):
    with servers.scripted(to({2, 5, 8}, TOO_SHORT)) as server:
        with pytest.raises(UserError, match=r"(?s)1[5-7] of 140 draws failed.*0\.1 allows.*audio file is too short"):
            annotate(server, share=0.1)
        with pytest.raises(UserError, match="largest_failed_share"):
            annotate(server, share=0.1)
        votes = annotate(server, share=0.15)
        assert dict(votes["status"].value_counts()) == {"ok": 17 * DRAWS, "failed": 3 * DRAWS}
        with pytest.raises(UserError, match="0 allows"):
            annotate(server, share=0)


def test_those_of_one_utterance_are_put_up_with_whatever_their_share(annotate):
    with servers.scripted(to({2}, TOO_SHORT)) as server:
        assert (annotate(server, share=0.01)["status"] == "failed").sum() == DRAWS


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (servers.completion(None, "length"), r"\(cut, finish reason 'length'\): ''.*raise the ALM's `max_tokens`"),
        (servers.completion("I hear joy.", "eos"), r"\(invalid, finish reason 'eos'\): 'I hear joy\.'.*prompt"),
        (servers.completion("", "SAFETY"), r"\(refused, finish reason 'SAFETY'\).*filter"),
    ],
)
def test_first_answers_that_give_no_vote_stop_before_all_are_bought(annotate, tmp_path, reply, words):
    with servers.scripted(lambda body: reply) as server:
        for _ in range(2):
            with pytest.raises(UserError, match=f"none of the first {FIRST}.* answers gives a vote.*{words}"):
                annotate(server, concurrency=1)
            assert len(server.seen) == FIRST, "and no more where one looks again"
    stored = Counter(record["status"] for record in AnswerStore(tmp_path / "store").all())
    assert sum(stored.values()) == FIRST, "what was answered is kept"


def test_one_vote_among_the_first_answers_is_enough(annotate):
    with servers.scripted(lambda body: servers.completion("happy" if words_of(body) == 1 else "?")) as server:
        assert (annotate(server)["status"] == "ok").sum() == DRAWS


def test_a_raised_limit_asks_for_what_was_cut_alone(annotate):
    cut = to({3, 4}, servers.completion("hap", "length"))
    with servers.scripted(cut) as server:
        assert (annotate(server, max_tokens=3)["status"] == "cut").sum() == 2 * DRAWS
    with servers.scripted(to({}, None)) as server:
        votes = annotate(server, max_tokens=9)
        assert len(server.seen) == 2 * DRAWS and set(map(words_of, server.seen)) == {3, 4}
        assert set(votes["status"]) == {"ok"}
    with servers.scripted(cut) as server:
        assert (annotate(server, max_tokens=3)["status"] == "cut").sum() == 2 * DRAWS and not server.seen


def test_without_a_seed_another_limit_is_another_request(annotate):
    with servers.scripted(to({}, None)) as server:
        annotate(server, max_tokens=3, seed=False)
        assert not any("seed" in body for body in server.seen)
        annotate(server, max_tokens=9, seed=False)
        assert len(server.seen) == 2 * 20 * DRAWS
