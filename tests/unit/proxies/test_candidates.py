"""Candidates are the stored answers: their distributions, costs and fates, and nothing is dropped or asked."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.alms.engines.replay_answers import open_engine
from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.annotation import collect, extra_columns, vote_table
from scaling_ambiguity.proxies.candidates import candidate_table, stored_answers
from scaling_ambiguity.proxies.distribution import heated
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.published import keep_chat_format
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.candidates import CANDIDATES

CLASSES = ["neutral", "happy", "sad", "angry"]
BEFORE = Path(__file__).with_name("store_of_4b821fb")
COLUMNS = [f"p_{label}" for label in CLASSES]
VOCABULARY = spelled(CLASSES)
SCORES = (-0.5, -1.5, -3.0, -4.0)
STATED = '{"neutral": 0.1, "happy": 0.2, "sad": 0.3, "angry": 0.4}'


@pytest.fixture
def answering(corpus, engine, options, prompts, tmp_path):
    """Return what asks an engine of the given answers in turn: (votes, candidates, stored lines)."""

    def ask(answers, **more):
        class Fixed(engine):
            def answer(self, questions, uniform, prepared=None):
                self.batches.append(questions)
                return [answers[place % len(answers)] for place in range(len(questions))]

        model, design = Fixed(), options | more
        asked = items(corpus[0].head(3), corpus[1], model, design, prompts, CLASSES, 42)
        store = AnswerStore(tmp_path)
        records = collect(asked, model, store, "t")
        store.close()
        assert keep_chat_format(model, tmp_path)
        votes = vote_table(asked, records, "a", reader_for(design, VOCABULARY), extra_columns(design))
        found = stored_answers(
            votes, tmp_path, None, lambda e: items(corpus[0].head(3), corpus[1], e, design, prompts, CLASSES, 42)
        )
        table = CANDIDATES.validate(candidate_table(votes, *found, "demo", design, VOCABULARY), "candidates")
        lines = [json.loads(line) for path in tmp_path.glob("*.jsonl") for line in path.read_text().splitlines()]
        return SimpleNamespace(votes=votes, table=table, lines=lines)

    return ask


def test_a_stated_distribution_is_kept_and_what_states_none_says_why(answering):
    kinds = [
        Answer(STATED, -3.0, 30, True, logprob_answer=-0.125),
        Answer('{"neutral": 2}', -2.0, 5, True),
        Answer('{"neutral": 0.', -1.0, 8, False),
        Answer("", None, None, False, fault="HTTP 500"),
        Answer("", None, 1, True, filtered=True, finish="content_filter"),
    ]
    out = answering(kinds, mode="verbalised", votes=10)
    assert len(out.table) == len(out.votes) == 30 and set(out.table["corpus"]) == {"demo"}
    assert out.table["status"].tolist() == out.votes["status"].tolist()
    assert out.table["logprob_answer"].dropna().unique().tolist() == [-0.125]
    assert out.table["logprob_answer"].notna().sum() == (out.table["response"] == STATED).sum()
    assert out.table["status"].tolist()[:5] == ["ok", "invalid", "cut", "failed", "refused"]
    by = dict(list(out.table.groupby("status")))
    assert np.allclose(by["ok"][COLUMNS], [0.1, 0.2, 0.3, 0.4], rtol=0, atol=1e-12)
    assert all(rows[COLUMNS].isna().all(axis=None) for status, rows in by.items() if status != "ok")
    why = {status: set(rows["reason"]) for status, rows in by.items() if status != "ok"}
    assert why["invalid"] == {"'happy' is missing"} and why["failed"] == {"HTTP 500"}
    assert why["cut"] == {"cut at the token limit"} and all(why.values())
    assert (
        (by["ok"]["tokens"] == 30).all() and (by["ok"]["logprob"] == -3.0).all() and by["failed"]["tokens"].isna().all()
    )
    seconds = {(line["audio_sha256"], line["draw"]): line["latency_s"] for line in out.lines}
    assert sorted(out.table["seconds"]) == sorted(seconds.values())


def test_a_read_out_keeps_the_distribution_that_the_vote_was_drawn_from(answering):
    out = answering([Answer("sad", -3.0, 1, True, SCORES)], mode="readout")
    for row in out.table.to_dict("records"):
        expected = heated(np.array(SCORES), row["temperature"])
        assert [row[column] for column in COLUMNS] == pytest.approx(expected, abs=1e-12)
    assert out.table["temperature"].nunique() > 1


def test_a_sampled_label_is_all_of_its_distribution(answering):
    out = answering([Answer("sad", -1.0, 2, True), Answer("maybe sad", -2.0, 3, True)], votes=4)
    named = out.table[out.table["status"] == "ok"]
    assert (named[COLUMNS] == [0, 0, 1, 0]).all(axis=None) and len(named) == 6
    assert set(out.table.loc[out.table["status"] != "ok", "reason"]) == {"the answer is not exactly one of the classes"}


@pytest.mark.parametrize(("name", "draws", "limit"), [("text", 20, 8), ("served", 10, 3)])
def test_a_store_of_before_has_its_candidates_and_nothing_is_asked(options, prompts, name, draws, limit):
    options |= {"modality": "text", "votes": draws}
    rows = pd.read_csv(BEFORE / "text" / "utterances.csv").assign(path=None)

    def asked_of(engine):
        return items(rows, BEFORE, engine, options, prompts, CLASSES, 42)

    engine = open_engine({"engine": "replay_answers", "gpus": 0, "store": str(BEFORE / name)})
    engine.longest = limit
    asked = asked_of(engine)
    records = AnswerStore(BEFORE / name).find(item.request for draws in asked for item in draws)
    votes = vote_table(asked, records, "a", reader_for(options, VOCABULARY))
    found = stored_answers(votes, BEFORE / name, limit, asked_of)
    assert found[1] == records and len(records) == 2 * draws
    table = CANDIDATES.validate(candidate_table(votes, *found, "demo", options, VOCABULARY), "candidates")
    for column in ("utterance", "draw", "status", "response", "logprob"):
        assert table[column].equals(votes[column])
    changed = votes.assign(response=votes["response"].where(votes["draw"] != 0, "another"))
    with pytest.raises(UserError, match="holds no model whose answers are those of the votes"):
        stored_answers(changed, BEFORE / name, limit, asked_of)


def test_a_row_that_is_ok_without_a_distribution_is_refused(answering):
    table = answering([Answer("sad", -1.0, 2, True)], votes=2).table
    for broken in (table.assign(p_sad=np.nan), table.assign(p_sad=0.5), table.assign(status="cut")):
        with pytest.raises(UserError, match="distribution exactly where the status is ok"):
            CANDIDATES.validate(broken, "candidates")
