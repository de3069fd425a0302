import pandas as pd
import pytest

from scaling_ambiguity.proxies.annotation import collect, vote_table
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.gathering import gather, status_counts
from scaling_ambiguity.proxies.not_asked import lacking, with_not_asked
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.proxies import PROXIES

CLASSES = ["neutral", "happy", "sad", "angry"]


@pytest.fixture
def table(corpus):
    rows = corpus[0].copy()
    rows.loc[rows["utterance"].isin(["u_00", "u_07"]), "transcript"] = None
    return rows


def test_what_each_modality_needs(table):
    assert lacking(table, "text") == {"u_00", "u_07"}
    assert lacking(table, "both") == lacking(table, "audio") == set()
    assert lacking(table.assign(path=None, transcript="x"), "text") == set()
    assert len(lacking(table.assign(transcript=None), "text")) == len(lacking(table.assign(path=None), "both")) == 20


def test_each_draw_is_kept_with_its_reason_and_counted_apart(table, corpus, engine, options, prompts, tmp_path):
    options = {**options, "modality": "text"}
    left = table["utterance"].isin(lacking(table, "text"))
    asked = items(table[~left], corpus[1], engine(), options, prompts, CLASSES, 42)
    records = collect(asked, engine(), AnswerStore(tmp_path / "store"), "t")
    votes = vote_table(asked, records, "a", reader_for(options, spelled(CLASSES)))
    whole = with_not_asked(votes, table[left], "a", options, prompts, CLASSES, 42)
    PROXIES.write(whole, tmp_path / "0.parquet")
    found = gather([str(tmp_path / "0.parquet")])
    assert len(found) == 20 * 7 and not found.duplicated(["utterance", "draw"]).any()
    none = found[found["status"] == "not_asked"]
    assert set(none["utterance"]) == {"u_00", "u_07"} and len(none) == 2 * 7 and none["label"].isna().all()
    pd.testing.assert_frame_equal(found.drop(none.index).reset_index(drop=True), votes, check_dtype=False)
    counts = status_counts(found)
    assert counts["not_asked"].sum() == 14 and counts["total"].sum() == 18 * 7
