"""Published answers outlive their model: the same votes without it, and what they lack is failed, with a reason."""

import json
import re

import pytest

from scaling_ambiguity.alms.chat_format import chat_format
from scaling_ambiguity.alms.engines.replay_answers import open_engine
from scaling_ambiguity.alms.http.payload import ChatMessages
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.annotation import collect, extra_columns, vote_table
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.published import export, keep_chat_format, missing_reasons, report_missing
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.proxies import PROXIES

CLASSES = ["neutral", "happy", "sad", "angry"]


def annotate(corpus, engine, options, prompts, folder, rows=None, seed=42, classes=CLASSES):
    asked = items(corpus[0] if rows is None else rows, corpus[1], engine, options, prompts, classes, seed)
    published = engine.answers_only
    store = AnswerStore(engine.folder if published else folder)
    if not published:
        assert keep_chat_format(engine, folder)
    records = collect(asked, engine, store, "t")
    store.close()
    reasons = missing_reasons(asked, records, store) if published else {}
    lines = report_missing(asked, reasons)
    read = reader_for(options, spelled(classes))
    return vote_table(asked, records, "a", read, extra_columns(options), reasons), lines


@pytest.fixture
def published(corpus, engine, options, prompts, tmp_path):
    """Votes of a model on the first 10 utterances, and the folder of their published answers."""
    votes, _ = annotate(corpus, engine(), options, prompts, tmp_path / "store", corpus[0].head(10))
    export(tmp_path / "store", tmp_path / "published", {"annotator": "a"})
    return votes, tmp_path / "published"


def replayed(folder, **more):
    return open_engine({"engine": "replay_answers", "gpus": 0, "max_tokens": 8, "store": str(folder)} | more)


def test_the_same_votes_to_the_byte_without_the_model(corpus, options, prompts, published, tmp_path):
    votes, folder = published
    again, lines = annotate(corpus, replayed(folder), options, prompts, None, corpus[0].head(10))
    assert lines == []
    PROXIES.write(votes, tmp_path / "a.parquet")
    PROXIES.write(again, tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("change", "failed", "reason"),
    [
        ({"rows": 12}, 14, "no answer about this clip, first u_10 draw 0"),
        ({"votes": 9}, 20, "no such draw: fewer were asked, first u_00 draw 7"),
        ({"temperatures": [0.3]}, 70, "the draw was asked at another temperature"),
        ({"modality": "audio"}, 70, "no answer to this prompt"),
        ({"classes": CLASSES[::-1]}, 70, "no answer to this prompt"),
    ],
)
def test_what_was_not_published_is_failed_and_said_why(corpus, options, prompts, published, change, failed, reason):
    change = dict(change)
    rows, classes = corpus[0].head(change.pop("rows", 10)), change.pop("classes", CLASSES)
    before = sorted(path.read_bytes() for path in published[1].iterdir())
    votes, lines = annotate(corpus, replayed(published[1]), options | change, prompts, None, rows, classes=classes)
    assert (votes["status"] == "failed").sum() == failed == votes["reason"].notna().sum()
    assert any(line.startswith(f"failed: {failed} of {len(votes)} draws: {reason}") for line in lines)
    lost = votes[votes["status"] == "failed"]
    assert lost["label"].isna().all() and lost["logprob"].isna().all() and lost["response"].eq("").all()
    PROXIES.validate(votes, "votes")
    assert sorted(path.read_bytes() for path in published[1].iterdir()) == before, "nothing is added"


def test_another_seed_is_an_error_and_no_table_of_failures(corpus, options, prompts, published):
    with pytest.raises(UserError, match=r"no answer with this seed.*set the configuration's seed to theirs"):
        annotate(corpus, replayed(published[1]), options, prompts, None, corpus[0].head(10), seed=1)


def test_the_manifest_names_every_file_and_the_export_is_the_same_again(published, tmp_path):
    manifest = json.loads((published[1] / "manifest.json").read_text())
    assert manifest["answers"] == 70 and manifest["annotator"] == "a"
    assert manifest["models"] == [{"model": "fake", "revision": "r1", "answers": 70}]
    assert set(manifest["files"]) | {"manifest.json"} == {path.name for path in published[1].iterdir()}
    export(tmp_path / "store", tmp_path / "again", {"annotator": "a"})
    for path in published[1].iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_a_changed_missing_or_added_file_is_refused(published):
    folder = published[1]
    answers = folder / "answers.jsonl"
    whole = answers.read_text()
    answers.write_text(re.sub('"response": "happy"', '"response": "angry"', whole, count=1))
    with pytest.raises(UserError, match=r"answers\.jsonl: sha256"):
        replayed(folder)
    answers.rename(folder / "other.jsonl")
    with pytest.raises(UserError, match=r"other\.jsonl: not in"):
        replayed(folder)
    (folder / "other.jsonl").rename(answers)
    answers.write_text(whole)
    next(folder.glob("chat-*.json")).unlink()
    with pytest.raises(UserError, match="missing, but in"):
        replayed(folder)


def test_several_models_in_one_store_are_told_apart(corpus, engine, options, prompts, tmp_path):
    rows = corpus[0].head(2)
    first, second = engine(), engine()
    second.revision = "r2"
    votes = [annotate(corpus, each, options, prompts, tmp_path / "s", rows)[0] for each in (first, second)]
    export(tmp_path / "s", tmp_path / "p", {})
    with pytest.raises(UserError, match=r"(revision: r[12][;, ].*){2}2 of them match"):
        replayed(tmp_path / "p")
    for revision, expected in zip(("r1", "r2"), votes, strict=True):
        again, _ = annotate(corpus, replayed(tmp_path / "p", revision=revision), options, prompts, None, rows)
        assert again.equals(expected)


def test_a_store_without_formats_or_answers_is_refused(corpus, engine, options, prompts, tmp_path):
    with pytest.raises(UserError, match="no folder with published answers"):
        replayed(tmp_path)
    with pytest.raises(UserError, match="holds no answer"):
        export(tmp_path / "nothing", tmp_path / "p", {})
    annotate(corpus, engine(), options, prompts, tmp_path / "s", corpus[0].head(1))
    next((tmp_path / "s").glob("chat-*.json")).unlink()
    with pytest.raises(UserError, match="Run the annotator once more while its model is available"):
        export(tmp_path / "s", tmp_path / "p", {})
    with pytest.raises(UserError, match="holds the chat formats of: none"):
        replayed(tmp_path / "s")
    with pytest.raises(UserError, match=r"unknown keys \['checkpoint'\]"):
        replayed(tmp_path / "s", checkpoint="x")


@pytest.mark.parametrize("modality", ["both", "audio", "text"])
def test_the_format_of_a_served_model_renders_what_its_engine_renders(corpus, engine, options, prompts, modality):
    served = engine()
    served.processor = ChatMessages()
    rows = corpus[0].head(3).assign(transcript=['She said "no".', "naïve \\ café\nnew line", "{braces} <|im_end|>"])
    asked = items(rows, corpus[1], served, options | {"modality": modality}, prompts, CLASSES, 42)
    found = chat_format(served.processor)
    assert found.encoding == "json"
    served.processor = found
    assert items(rows, corpus[1], served, options | {"modality": modality}, prompts, CLASSES, 42) == asked


def test_a_processor_that_changes_the_texts_has_no_format(tmp_path, engine):
    class Shouting:
        def apply_chat_template(self, conversation, **_):
            return " ".join(str(turn["content"]).upper() for turn in conversation)

    class Trimming:
        def apply_chat_template(self, conversation, **_):
            return " ".join(str(turn["content"]).replace("é", "e") for turn in conversation)

    assert chat_format(Shouting()) is None and chat_format(Trimming()) is None
    changed = engine()
    changed.processor = Shouting()
    assert not keep_chat_format(changed, tmp_path) and not list(tmp_path.iterdir())


def test_the_mass_on_labels_of_a_readout_is_kept_and_replayed(corpus, engine, options, prompts, tmp_path):
    class Reading(engine):
        def answer(self, questions, uniform, prepared=None):
            return [
                type(answer)("sad", answer.logprob, 1, True, (-1.0, -2.0, -3.0, -4.0))
                for answer in super().answer(questions, uniform)
            ]

    options |= {"mode": "readout"}
    votes, _ = annotate(corpus, Reading(), options, prompts, tmp_path / "s", corpus[0].head(2))
    mass = sum(2.718281828459045**-k for k in (1, 2, 3, 4))
    assert votes["label_mass"].to_numpy() == pytest.approx(mass)
    export(tmp_path / "s", tmp_path / "p", {})
    again, _ = annotate(corpus, replayed(tmp_path / "p"), options, prompts, None, corpus[0].head(2))
    assert again.equals(votes)
