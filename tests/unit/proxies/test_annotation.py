import json
from collections import Counter

import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.annotation import collect, vote_table
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.gathering import gather, status_counts
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import shard_of

CLASSES = ["neutral", "happy", "sad", "angry"]


def ask(corpus, engine, options, prompts, folder, seed=42, rows=None):
    table, root = corpus
    asked = items(table if rows is None else rows, root, engine, options, prompts, CLASSES, seed)
    store = AnswerStore(folder)
    records = collect(asked, engine, store, "test")
    store.close()
    return vote_table(asked, records, "fake_crossed", reader_for(options, spelled(CLASSES)))


def stored(folder):
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return Counter(json.loads(line)["key"] for line in lines)


def test_every_draw_is_asked_once_and_never_again(corpus, engine, options, prompts, tmp_path):
    first, second = engine(), engine()
    votes = ask(corpus, first, options, prompts, tmp_path)
    assert len(first.questions) == len(votes) == 20 * 7 and set(stored(tmp_path).values()) == {1}
    again = ask(corpus, second, options, prompts, tmp_path)
    assert second.questions == [] and again.equals(votes)
    PROXIES.validate(votes, "votes")


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_an_interrupted_run_goes_on_where_it_was(corpus, engine, options, prompts, tmp_path, batch):
    undisturbed = ask(corpus, engine(), options, prompts, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        ask(corpus, engine(dies_at=batch), options, prompts, tmp_path / "cut")
    rest = engine()
    votes = ask(corpus, rest, options, prompts, tmp_path / "cut")
    assert len(rest.batches) == 3 - batch and votes.equals(undisturbed)
    assert set(stored(tmp_path / "cut").values()) == {1}


def test_a_torn_batch_is_computed_whole_but_only_the_missing_is_added(corpus, engine, options, prompts, tmp_path):
    votes = ask(corpus, engine(), options, prompts, tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-400])
    lost = 20 * 7 - path.read_bytes().count(b"\n")
    path.write_bytes(path.read_bytes()[: path.read_bytes().rfind(b"\n") + 1])
    rest = engine()
    assert ask(corpus, rest, options, prompts, tmp_path).equals(votes)
    assert [len(batch) for batch in rest.batches] == [20 % rest.clips_at_once * 7]
    assert 0 < lost < 7 and set(stored(tmp_path).values()) == {1} and len(stored(tmp_path)) == 140


def test_more_votes_keep_the_old_ones(corpus, engine, options, prompts, tmp_path):
    few = ask(corpus, engine(), options, prompts, tmp_path)
    many = ask(corpus, engine(), {**options, "votes": 9}, prompts, tmp_path)
    assert many[many["draw"] < 7].reset_index(drop=True).equals(few)
    assert set(stored(tmp_path).values()) == {1} and len(stored(tmp_path)) == 20 * 9


def test_shards_give_what_the_whole_gives(corpus, engine, options, prompts, tmp_path):
    table = corpus[0].sample(frac=1, random_state=0)
    whole = ask(corpus, engine(), options, prompts, tmp_path / "one")
    parts = [shard_of(table, shard, 3) for shard in range(3)]
    assert sorted(u for part in parts for u in part["utterance"]) == sorted(table["utterance"])
    votes = [ask(corpus, engine(), options, prompts, tmp_path / "three", rows=part) for part in parts]
    joined = pd.concat(votes).sort_values(["utterance", "draw"]).reset_index(drop=True)
    assert joined.equals(whole)


def test_another_seed_revision_or_audio_is_another_request(corpus, engine, options, prompts, tmp_path):
    ask(corpus, engine(), options, prompts, tmp_path)
    other_seed, other_revision = engine(), engine()
    other_revision.revision = "r2"
    ask(corpus, other_seed, options, prompts, tmp_path, seed=1)
    ask(corpus, other_revision, options, prompts, tmp_path)
    moved = corpus[0].assign(utterance="x_" + corpus[0]["utterance"])
    same_clips = engine()
    votes = ask(corpus, same_clips, options, prompts, tmp_path, rows=moved)
    assert len(other_seed.questions) == len(other_revision.questions) == 140
    assert same_clips.questions == [] and len(votes) == 140


def test_one_clip_twice_in_a_corpus_is_bought_once(corpus, engine, options, prompts, tmp_path):
    table = corpus[0].head(1)
    twice = pd.concat([table, table.assign(utterance="z_copy")])
    votes = ask(corpus, engine(), options, prompts, tmp_path, rows=twice)
    assert len(votes) == 14 and set(stored(tmp_path).values()) == {1} and len(stored(tmp_path)) == 7


def test_utterances_of_the_same_words_are_asked_apart_when_not_heard(corpus, engine, options, prompts, tmp_path):
    """Votes shared between them would be no independent votes, and the shard that asked first would decide them."""
    silent, table = engine(), corpus[0].assign(transcript="the same words")
    ask(corpus, silent, {**options, "modality": "text"}, prompts, tmp_path, rows=table)
    assert len({question.stream for question in silent.questions}) == len(stored(tmp_path)) == 20 * 7


def test_invalid_answers_stay_as_rows(corpus, engine, options, prompts, tmp_path):
    votes = ask(corpus, engine(), options, prompts, tmp_path)
    assert set(votes["status"]) == {"ok", "invalid", "refused"}
    assert votes.loc[votes["status"] != "ok", "label"].isna().all()
    assert votes.loc[votes["status"] == "ok", "label"].notna().all()
    assert votes["response"].notna().all()


def test_modality_decides_what_is_heard_and_shown(corpus, engine, options, prompts, tmp_path):
    blind = engine()
    ask(corpus, blind, {**options, "modality": "text"}, prompts, tmp_path)
    assert {question.audio for question in blind.questions} == {None}
    assert all("<|AUDIO|>" not in question.prompt for question in blind.questions)
    deaf_table = corpus[0].assign(path=None)
    with pytest.raises(UserError, match="u_00: has no audio"):
        ask(corpus, engine(), options, prompts, tmp_path, rows=deaf_table)
    with pytest.raises(UserError, match="u_00: has no transcript"):
        ask(
            corpus, engine(), {**options, "modality": "text"}, prompts, tmp_path, rows=corpus[0].assign(transcript=None)
        )
    with pytest.raises(UserError, match=r"gone\.wav"):
        ask(corpus, engine(), options, prompts, tmp_path, rows=corpus[0].assign(path="gone.wav"))


def write(votes, folder, name, **select):
    part = votes[votes["utterance"].isin(select["utterances"])] if select else votes
    PROXIES.write(part, folder / name)
    return str(folder / name)


def test_gathering(corpus, engine, options, prompts, tmp_path):
    votes = ask(corpus, engine(), options, prompts, tmp_path / "store")
    names = list(corpus[0]["utterance"])
    a = write(votes, tmp_path, "a.parquet", utterances=names[::2])
    b = write(votes, tmp_path, "b.parquet", utterances=names[1::2])
    gathered = gather([a, b])
    assert len(gathered) == 140
    counts = status_counts(gathered)
    statuses = ["ok", "invalid", "cut", "refused", "failed", "not_asked"]
    assert list(counts.columns) == ["prompt", "temperature", *statuses, "total"]
    assert counts["total"].sum() == 140 and counts["ok"].sum() == (votes["status"] == "ok").sum()
    with pytest.raises(UserError, match="is also in"):
        gather([a, b, a])
    short = votes[~((votes["utterance"] == names[0]) & (votes["draw"] == 6))]
    with pytest.raises(UserError, match=f"{names[0]}' has 6 draws, others 7"):
        gather([write(short, tmp_path, "c.parquet")])


def test_a_shard_without_utterances_is_an_empty_table(corpus, engine, options, prompts, tmp_path):
    votes = ask(corpus, engine(), options, prompts, tmp_path / "store", rows=corpus[0].head(0))
    PROXIES.write(votes, tmp_path / "empty.parquet")
    assert len(PROXIES.read(tmp_path / "empty.parquet")) == 0
