"""The audit: audio that is needed or not, shares of faults, and the account of what was found."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.corpora import class_policy
from scaling_ambiguity.corpora.accounting import join_rejects, reject
from scaling_ambiguity.corpora.audit import audit, refuse_one_speaker
from scaling_ambiguity.corpora.audit_report import allowed, reading_notes, report, roles_at
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.errors import UserError

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)

STUB = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 72862\n"
CLASSES = ["sad", "happy"]


def corpus_with_audio(root: Path, names: list[str]) -> Corpus:
    """Return a corpus of one vote an utterance whose sounds lie in ``root``."""
    corpus = make.corpus_of([(name, "r1", "sad") for name in names])
    for name in names:
        soundfile.write(root / f"{name}.wav", np.full(1600, 0.1), 16000)
    paths = pd.Series([f"{name}.wav" for name in names], dtype="str")
    return Corpus(corpus.utterances.assign(path=paths), corpus.votes)


@pytest.fixture
def names() -> list[str]:
    return [f"u{i:02d}" for i in range(10)]


def faults(corpus: Corpus) -> dict[str, str]:
    return corpus.rejects[corpus.rejects["stage"] == "audio"].set_index("item")["reason"].to_dict()


def test_headers_fill_in_duration_and_rate(tmp_path, names):
    kept = audit(corpus_with_audio(tmp_path, names), tmp_path, name="c")
    assert kept.utterances["duration"].tolist() == [0.1] * 10
    assert kept.utterances["sample_rate"].tolist() == [16000] * 10


def spoil(root: Path) -> None:
    (root / "u00.wav").unlink()
    (root / "u01.wav").write_bytes(STUB)
    (root / "u02.wav").write_bytes(b"")
    (root / "u03.wav").write_bytes(b"<html>not found</html>")
    (root / "u04.wav").unlink()
    (root / "u04.wav").symlink_to(root / "u05.wav")
    (root / "u05.wav").unlink()
    (root / "u05.wav").symlink_to(root / "u04.wav")


WORDS = {
    "u00": "missing",
    "u01": "git lfs pull",
    "u02": "empty",
    "u03": "does not decode",
    "u04": "loop",
    "u05": "loop",
}


def test_every_audio_fault_has_its_reason(tmp_path, names):
    corpus = corpus_with_audio(tmp_path, names)
    spoil(tmp_path)
    kept = audit(corpus, tmp_path, name="c", largest_reject_share=0.6)
    found = faults(kept)
    assert set(found) == set(WORDS)
    for item, word in WORDS.items():
        assert word in found[item], found[item]
    assert kept.utterances["utterance"].tolist() == names[6:]


def test_an_utterance_without_a_path_is_a_fault_where_audio_is_required(tmp_path, names):
    corpus = corpus_with_audio(tmp_path, names)
    corpus.utterances.loc[3, "path"] = None
    assert "no audio file" in faults(audit(corpus, tmp_path, name="c", largest_reject_share=0.1))["u03"]


def test_optional_audio_that_is_absent_or_incomplete_leaves_the_votes_alone(tmp_path, names, capsys):
    corpus = corpus_with_audio(tmp_path, names)
    for name in names[1:]:
        (tmp_path / f"{name}.wav").unlink()
    kept = audit(corpus, tmp_path, name="c", audio="optional")
    assert len(kept.utterances) == 10
    assert len(kept.rejects) == 0
    assert kept.utterances["path"].isna().all()
    assert kept.utterances["duration"].isna().all()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1
    assert "9 of 10 utterances have no sound audio" in printed[0]


def test_optional_audio_that_is_there_is_audited(tmp_path, names):
    corpus = corpus_with_audio(tmp_path, names)
    (tmp_path / "u03.wav").unlink()
    kept = audit(corpus, tmp_path, name="c", audio="optional", largest_reject_share=0.1)
    assert set(faults(kept)) == {"u03"}
    assert kept.utterances["path"].notna().all()


def test_missing_required_audio_names_the_way_out(tmp_path, names):
    corpus = corpus_with_audio(tmp_path, names)
    spoil(tmp_path)
    with pytest.raises(UserError, match=r"6 of 10 utterances .*u00.*corpora.c.audio: none.*max_reject_share"):
        audit(corpus, tmp_path, name="c")


@pytest.mark.parametrize("path", ["../u00.wav", "/etc/hostname", "a/../../u00.wav"])
def test_a_path_out_of_the_root_stops_even_where_nothing_is_there(tmp_path, names, path):
    corpus = corpus_with_audio(tmp_path, names)
    corpus.utterances.loc[0, "path"] = path
    with pytest.raises(UserError, match="u00"):
        audit(corpus, tmp_path, name="c", audio="optional")


def faulty_reader(stage: str, number: int) -> Corpus:
    corpus = make.corpus_of([(f"u{i}", "r1", "sad") for i in range(100)])
    items = pd.Series([f"x{i}" for i in range(number)])
    return Corpus(corpus.utterances, corpus.votes, reject(items, stage, "cut mid-line", "votes.csv"))


@pytest.mark.parametrize(("stage", "what"), [("utterance", "utterances"), ("vote", "votes"), ("label_file", "votes")])
def test_faults_that_the_reader_found_count_towards_the_largest_share(tmp_path, stage, what):
    audit(faulty_reader(stage, 2), tmp_path, name="c", audio="optional")
    with pytest.raises(UserError, match=rf"3 of 103 {what} are unusable, e.g. x0: cut mid-line \(votes.csv\)"):
        audit(faulty_reader(stage, 3), tmp_path, name="c", audio="optional")


@pytest.mark.parametrize("stage", ["filter", "hidden", "class_policy", "transcript"])
def test_what_is_left_out_by_choice_is_no_fault(tmp_path, stage):
    assert len(audit(faulty_reader(stage, 90), tmp_path, name="c", audio="optional").utterances) == 100


def test_rejects_of_one_item_and_stage_are_told_apart():
    items = pd.Series(["a", "a", "b", "a"])
    joined = join_rejects(reject(items, "vote", "twice"), reject(pd.Series(["a"]), "audio", "missing"))
    assert joined["item"].tolist() == ["a", "a#2", "b", "a#3", "a"]


def test_the_report_accounts_for_every_utterance_and_vote_over_all_stages(tmp_path, names):
    whole = corpus_with_audio(tmp_path, names)
    extra = make.votes_of(
        [("u01", "r2", "bored"), ("u02", "r2", "happy"), ("u03", "r2", "bored"), ("u99", "r1", "sad")]
    )
    votes = pd.concat([whole.votes, extra], ignore_index=True)
    votes.loc[votes["utterance"] == "u04", "label"] = "bored"
    lost = [reject(pd.Series(["u98"]), "utterance", "twice"), reject(pd.Series(["l7"]), "label_file", "cut")]
    lost += [reject(pd.Series(["t1", "t2"]), "transcript", "the transcript is missing")]
    found = Corpus(whole.utterances, votes, join_rejects(*lost))
    (tmp_path / "u02.wav").unlink()
    (tmp_path / "u03.wav").unlink()
    kept, account = class_policy.apply(found, CLASSES, {"out_of_set": "drop"})
    kept = audit(kept, tmp_path, name="c", largest_reject_share=0.5)
    result = report(found, kept, account, name="c", options={"classes": CLASSES, "reader": "table"})
    assert result["utterances"] == {
        "found": 11,
        "kept": 7,
        "lost": {"the audio file is missing": 2, "fewer than 1 votes in the classes": 1, "twice": 1},
    }
    assert result["votes"] == {
        "found": 15,
        "kept": 7,
        "in_table": 8,
        "lost": {
            "cut": 1,
            "outside the classes": 3,
            "its utterance is not in the corpus": 1,
            "its utterance was left out": 3,
        },
    }
    assert result["notes"] == {"the transcript is missing": 2}
    assert result["labels_outside"] == {"bored": 3}
    assert result["votes_per_utterance"] == {"least": 1, "mean": 1.0, "most": 1, "histogram": {"1": 7}}
    assert result["with_audio"] == 7


def test_three_votes_allow_no_level_and_an_exchange_rate_up_to_two():
    result = allowed(np.full(100, 3), 12)
    assert result["levels"]["3"]["utterances_with_level"] == 0
    assert result["largest_k_of_most"] == 2
    assert "3 level votes are not identifiable" in result["sentences"][1]
    assert "12 raters are fewer than 20" in result["sentences"][-1]


def test_the_roles_of_ten_votes():
    part = roles_at(np.array([10, 10, 4]), 3)
    assert part["utterances_with_level"] == 2
    assert (part["conditioning_most"], part["reference_most"]) == (4, 3)


def test_one_vote_each_allows_nothing_and_unknown_raters_are_said():
    sentences = allowed(np.ones(5, dtype=int), None)["sentences"]
    assert "not identifiable: fewer than half" in sentences[-2]
    assert "raters are not known" in sentences[-1]


def test_sound_too_short_for_any_model_is_a_reject_of_the_reading(tmp_path, names):
    corpus = corpus_with_audio(tmp_path, names)
    soundfile.write(tmp_path / "u03.wav", np.full(1599, 0.1), 16000)
    kept = audit(corpus, tmp_path, name="c", largest_reject_share=0.2)
    assert faults(kept) == {"u03": "the audio file is too short (0.09994 s; 0.1 s at least)"}
    assert len(kept.utterances) == 9


def test_one_speaker_is_refused_with_the_remedy_and_two_are_not(names):
    rows = [(name, "r1", "sad") for name in names]
    corpus = make.corpus_of(rows, names)
    refuse_one_speaker(corpus, "c")
    alone = Corpus(corpus.utterances.assign(speaker="s0"), corpus.votes)
    with pytest.raises(UserError, match=r"all 10 utterances are of the speaker 's0'\. At least two are needed"):
        refuse_one_speaker(alone, "c")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("votes", [1, 3])
def test_votes_of_any_equal_number_have_their_facts(known, votes):
    rows = [(f"u{i}", f"r{k}", "sad") for i in range(9) for k in range(votes)]
    found = make.corpus_of(rows, raters_known=known)
    kept, account = class_policy.apply(found, CLASSES)
    kept = audit(kept, Path(), name="c", audio="none")
    result = report(found, kept, account, name="c", options={"classes": CLASSES})
    assert result["votes_per_utterance"]["histogram"] == {str(votes): 9}
    facts = {"number": votes, "votes_least": 9, "votes_median": 9.0, "votes_most": 9}
    assert result["raters"] == (facts if known else None)
    assert result["allows"]["largest_k_of_most"] == votes - 1
    assert any(line.startswith("c: warning: no vote for the class") for line in reading_notes(result, Path("rejects")))


def test_what_was_left_out_is_said_in_one_line(tmp_path, names):
    corpus = make.corpus_of([(name, "r1", "sad") for name in names[:8]], names)
    kept, account = class_policy.apply(corpus, ["sad", "happy"])
    kept = audit(kept, tmp_path, name="c", audio="none", largest_reject_share=0.2)
    result = report(corpus, kept, account, name="c", options={"classes": ["sad", "happy"]})
    assert reading_notes(result, Path("c/rejects.parquet")) == [
        "c: warning: no vote for the class 'happy'; the corpus' labels are sad",
        "c: left out 2 of 10 utterances: nobody voted on it (2). Each with its reason: c/rejects.parquet",
    ]
