"""MSP-IMPROV: repeated raters, inverted arousal, names and damage, with known answers."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_ambiguity.corpora.readers import msp_improv
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

sys.path.insert(0, str(Path(__file__).resolve().parent))

from make_msp import Vote, improv, sample

ONE, TWO = "MSP-IMPROV-S99A-F09-P-FM09", "MSP-IMPROV-S98N-M10-S-FM10"
VOTES_IN = [
    Vote(ONE, "RATER_0901", "Angry", "Angry,Frustrated", "2.000000", "2.000000", "3.000000"),
    Vote(ONE, "RATER_0902", "Other", "", "NaN", "1.000000", "5.000000"),
    Vote(TWO, "RATER_0901", "Happy", "Happy", "5.000000", "4.000000", "3.000000"),
]


def read(root, **options):
    corpus = msp_improv.read(root, {"reader": "msp_improv", "audio": "optional"} | options)
    UTTERANCES.validate(corpus.utterances, "utterances")
    votes = VOTES.validate(corpus.votes, "votes")
    names = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.validate(corpus.rejects.astype(names), "rejects")
    return corpus, votes


def write(root, votes=VOTES_IN, folder="."):
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / "Evaluation.txt").write_text(improv(votes), encoding="utf-8")
    return root


def primary(votes):
    chosen = votes[votes["role"] == "primary"]
    return list(chosen[["utterance", "rater", "label"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("folder", [".", "Labels"])
def test_a_file_with_known_answers(tmp_path, folder):
    root = write(tmp_path, folder=folder)
    corpus, votes = read(root)
    assert primary(votes) == [
        (TWO, "rater_0901", "happy"),
        (ONE, "rater_0901", "angry"),
        (ONE, "rater_0902", "other"),
    ]
    second = votes[votes["role"] == "secondary"]
    assert second[["utterance", "rank", "label", "weight"]].to_numpy().tolist() == [
        [TWO, 1, "happy", 1.0],
        [ONE, 1, "angry", 0.5],
        [ONE, 2, "frustrated", 0.5],
    ]
    assert set(votes["presentation"]) == {"audiovisual"}
    assert corpus.utterances[["utterance", "speaker", "session"]].to_numpy().tolist() == [
        [ONE, "F09", "Session09"],
        [TWO, "M10", "Session10"],
    ]
    assert corpus.utterances[["split", "path", "transcript"]].isna().all(axis=None)
    assert len(corpus.rejects) == 0


def test_the_text_calls_clips_utd_and_the_sound_msp(tmp_path):
    write(tmp_path)
    assert (
        "UTD-IMPROV-S99A-F09-P-FM09.avi; A; A:2.400000; V:NaN; D:3.200000 ; N:3.600000;"
        in (tmp_path / "Evaluation.txt").read_text()
    )
    sound = tmp_path / f"Audio/session9/S99A/P/{ONE}.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"RIFF")
    sound.with_name(f"._{ONE}.wav").write_bytes(b"\0")
    again = tmp_path / f"Audio/session9/{ONE}.wav"
    again.write_bytes(b"RIFF")
    (tmp_path / "Audio/loop").symlink_to(tmp_path / "Audio")
    corpus, _ = read(tmp_path, audio="required")
    assert corpus.utterances["path"].tolist() == [f"Audio/session9/{ONE}.wav", f"Audio/{TWO}.wav"]
    assert corpus.rejects[["item", "stage"]].to_numpy().tolist() == [[f"Audio/session9/S99A/P/{ONE}.wav", "sound"]]


def test_arousal_is_turned_round(tmp_path):
    found = msp_improv.ratings(write(tmp_path), {})
    assert found["utterance"].tolist() == [ONE, ONE, TWO]
    assert np.array_equal(found["arousal"], [4.0, np.nan, 1.0], equal_nan=True)
    assert found["valence"].tolist() == [2.0, 1.0, 4.0]
    assert found["dominance"].tolist() == [3.0, 5.0, 3.0]
    assert found["naturalness"].tolist() == [4.0, 4.0, 4.0]


def test_a_rater_counts_once_a_clip(tmp_path):
    votes = [*VOTES_IN, Vote(TWO, "RATER_0901", "Sad"), Vote(TWO, "RATER_0901", "Happy")]
    corpus, found = read(write(tmp_path, votes))
    assert primary(found) == primary(read(write(tmp_path / "once"))[1])
    lost = corpus.rejects[["item", "stage", "source_line"]].to_numpy().tolist()
    assert lost == [[f"{TWO}/rater_0901", "filter", 7], [f"{TWO}/rater_0901#2", "filter", 8]]
    assert len(msp_improv.ratings(tmp_path, {})) == 3


def test_a_clip_of_another_name_takes_its_votes_along(tmp_path):
    votes = [Vote("MSP-IMPROV-S99A-X09-P-FM09", "RATER_0901", "Sad"), *VOTES_IN]
    corpus, found = read(write(tmp_path, votes))
    assert len(primary(found)) == 3
    assert corpus.rejects["stage"].tolist() == ["utterance", "vote"]
    assert corpus.rejects["source_line"].tolist() == [1, 2]


def test_rater_lines_may_end_after_the_label(tmp_path):
    write(tmp_path)
    path = tmp_path / "Evaluation.txt"
    path.write_text(path.read_text() + f"{ONE.replace('MSP', 'UTD')}.avi; N;\nRATER_0903; Neutral;\nRATER_0904; Neut\n")
    corpus, found = read(tmp_path)
    assert (ONE, "rater_0903", "neutral") in primary(found)
    assert corpus.rejects["stage"].tolist() == ["label_file", "utterance"]
    assert len(found) == 7


def test_byte_order_mark_and_crlf_change_nothing(tmp_path):
    before = read(write(tmp_path))[1]
    path = tmp_path / "Evaluation.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read(tmp_path)[1].equals(before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shutil.rmtree, "no such folder"),
        (lambda root: (root / "Evaluation.txt").unlink(), "the folder is empty"),
        (lambda root: (root / "Evaluation.txt").rename(root / "x.txt"), "no Evaluation.txt"),
        (lambda root: (root / "Evaluation.txt").write_bytes(b" \n"), "is empty"),
        (lambda root: (root / "Evaluation.txt").write_text("hello\n"), "no clip or no vote"),
        (lambda root: (root / "Evaluation.txt").write_text("hello\n", encoding="utf-16-be"), "UTF-16"),
    ],
)
def test_faults_of_the_whole_corpus_stop_with_the_remedy(tmp_path, change, words):
    root = write(tmp_path / "corpus")
    change(root)
    with pytest.raises(UserError, match=words):
        read(root)


def test_sound_is_required_unless_it_is_optional(tmp_path):
    with pytest.raises(UserError, match=r"'audio'.*audio: none"):
        read(write(tmp_path), audio="required")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_any_votes_written_and_read_back_are_the_same(tmp_path_factory, clips, seed):
    votes = sample(clips, seed=seed, name="MSP-IMPROV-S{:02d}H-F01-R-FM01")
    corpus, found = read(write(tmp_path_factory.mktemp("any"), votes))
    wanted = [(v.utterance, v.rater.lower(), "other" if "-" in v.primary else v.primary.lower()) for v in votes]
    assert sorted(primary(found)) == sorted(wanted)
    assert len(corpus.rejects) == 0
