"""The reader of CREMA-D on made-up files in its format: every quirk has a known answer. Actors 19xx do not exist."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaling_ambiguity.corpora.audit import audit
from scaling_ambiguity.corpora.readers import cremad
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

LETTERS = "ADFHNS"
CLIP = "1901_IEO_NEU_XX"
OTHER = "1901_TIE_ANG_XX"
THIRD = "1902_WSI_SAD_XX"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 72862\n"
VOICE = {"presentation": "voice", "audio": "optional"}


def counts(clip, presentation=1, number=1, total=None, **votes):
    """Return a row of tabulatedVotes.csv, e.g. ``counts(CLIP, N=5, S=2)``."""
    values = [votes.get(letter, 0) for letter in LETTERS]
    if total is None:
        total = sum(value for value in values if isinstance(value, int))
    levels = ["0.5", "N", "61.5"] + ["-1"] * 15
    return [f"{presentation}{number:05d}", *values, clip, total, *levels][:27]


def tabulated(rows, end="\n", encoding="utf-8"):
    levels = [f"{kind}{name}" for kind in ("mean", "norm") for name in ("Emo", *LETTERS, "Median")]
    header = ["", *LETTERS, "fileName", "numResponses", "agreement", "emoVote", *levels, "more"]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator=end).writerows([header[:27], *rows])
    return out.getvalue().encode(encoding)


@pytest.fixture
def corpus(tmp_path):
    """Return a function that writes rows of counts and returns what is read from them."""

    def write_and_read(*rows, options=VOICE, **form):
        (tmp_path / "tabulatedVotes.csv").write_bytes(tabulated(rows, **form))
        return checked(cremad.read(tmp_path, options))

    return write_and_read


def checked(corpus):
    """Return the corpus, its tables validated and no item both kept and rejected."""
    UTTERANCES.validate(corpus.utterances, "test")
    VOTES.validate(corpus.votes, "test")
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.validate(corpus.rejects.astype(text), "test")
    assert not set(corpus.utterances["utterance"]) & set(corpus.rejects["item"])
    return corpus


def numbers(corpus):
    return corpus.votes.groupby(["utterance", "label_raw"]).size().to_dict()


def test_counts_become_anonymous_votes_of_one_presentation(corpus):
    read = corpus(counts(CLIP, 1, N=5, S=2), counts(CLIP, 2, H=4), counts(OTHER, 1, A=1, F=1), counts(OTHER, 3, D=9))
    assert numbers(read) == {(CLIP, "N"): 5, (CLIP, "S"): 2, (OTHER, "A"): 1, (OTHER, "F"): 1}
    assert sorted(read.votes["rater"]) == sorted([f"{CLIP}#{i}" for i in range(7)] + [f"{OTHER}#{i}" for i in range(2)])
    assert not read.votes["raters_known"].any()
    assert set(read.votes["label"]) == {"neutral", "sad", "anger", "fear"}
    assert read.rejects.empty


def test_an_utterance_has_its_actor_and_its_sentence(corpus):
    read = corpus(counts(CLIP, N=5), counts(THIRD, S=2))
    rows = read.utterances.set_index("utterance")
    assert rows.loc[CLIP, ["speaker", "transcript"]].tolist() == ["1901", "It's eleven o'clock"]
    assert rows.loc[THIRD, ["speaker", "transcript"]].tolist() == ["1902", "We'll stop in a couple of minutes"]
    assert rows[["session", "split", "path", "duration", "sample_rate"]].isna().all(axis=None)


@pytest.mark.parametrize(("presentation", "label"), [("voice", "neutral"), ("face", "happy"), ("audiovisual", "sad")])
def test_the_presentation_is_the_first_digit_of_the_row_name(corpus, presentation, label):
    rows = [counts(CLIP, 1, N=5), counts(CLIP, 2, H=5), counts(CLIP, 3, S=5)]
    read = corpus(*rows, options={"presentation": presentation, "audio": "optional"})
    assert read.votes[["presentation", "label"]].drop_duplicates().to_numpy().tolist() == [[presentation, label]]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (counts(OTHER, N=-1, total=-1), "whole number"),
        (counts(OTHER, N=2.5, total=2.5), "whole number"),
        (counts(OTHER, N="NaN"), "whole number"),
        (counts(OTHER, N=""), "whole number"),
        (counts(OTHER, N="inf"), "whole number"),
        (counts(OTHER, N=10**9), "whole number"),
        (counts(OTHER), "nobody voted"),
        (counts(OTHER, N=3, total=4), "add up"),
        (counts(OTHER, N=3, total="x"), "add up"),
    ],
)
def test_a_row_with_impossible_counts_costs_its_clip_and_says_so(corpus, row, words):
    read = corpus(counts(CLIP, N=5), row)
    assert read.utterances["utterance"].tolist() == [CLIP]
    assert numbers(read) == {(CLIP, "N"): 5}
    assert read.rejects[["item", "stage"]].to_numpy().tolist() == [[OTHER, "utterance"]]
    assert words in read.rejects["reason"][0]
    assert read.rejects[["source_file", "source_line"]].to_numpy().tolist() == [["tabulatedVotes.csv", 3]]


@pytest.mark.parametrize(
    "name",
    ["1901 IEO NEU XX", "../1901_IEO_NEU_XX", "1901_IÉO_NEU_XX", 'a"b', "ANG_HI_practice", "", "1901_ZZZ_NEU_XX"],
)
def test_a_name_that_is_no_clip_is_a_rejected_line(corpus, name):
    read = corpus(counts(CLIP, N=5), counts(name, N=4))
    assert len(read.rejects) == 1
    assert read.rejects["stage"][0] == "label_file"
    assert "not that of a CREMA-D clip" in read.rejects["reason"][0]
    assert read.utterances["utterance"].tolist() == [CLIP]


def test_an_unknown_row_name_is_a_rejected_line(corpus):
    row = counts(OTHER, N=4)
    read = corpus(counts(CLIP, N=5), ["400001", *row[1:]], ["", *row[1:]])
    assert len(read.rejects) == 2
    assert read.utterances["utterance"].tolist() == [CLIP]


def test_an_equal_row_counts_once_and_of_unequal_rows_none_is_believed(corpus):
    rows = [counts(CLIP, N=5), counts(OTHER, A=3), counts(CLIP, N=5), counts(OTHER, A=4), counts(THIRD, S=6)]
    read = corpus(*rows)
    assert numbers(read) == {(CLIP, "N"): 5, (THIRD, "S"): 6}
    reasons = read.rejects.set_index("item")["reason"].to_dict()
    assert reasons == {
        f"{CLIP}:4": "the row is there twice",
        OTHER: "the clip has several rows that differ",
        f"{OTHER}:5": "the clip has several rows that differ",
    }


def test_a_bom_and_other_line_ends_change_nothing(corpus):
    rows = [counts(CLIP, N=5), counts(OTHER, A=3)]
    expected = corpus(*rows)
    for form in ({"encoding": "utf-8-sig"}, {"end": "\r\n"}, {"end": "\r"}):
        read = corpus(*rows, **form)
        pd.testing.assert_frame_equal(read.votes, expected.votes)
        pd.testing.assert_frame_equal(read.utterances, expected.utterances)


def test_a_file_cut_in_mid_line_loses_that_line_alone(tmp_path):
    whole = tabulated([counts(CLIP, N=5), counts(OTHER, A=3)])
    (tmp_path / "tabulatedVotes.csv").write_bytes(whole[: whole.index(OTHER.encode()) + 8])
    read = checked(cremad.read(tmp_path, VOICE))
    assert numbers(read) == {(CLIP, "N"): 5}
    assert read.rejects[["item", "stage", "source_line"]].to_numpy().tolist() == [
        ["tabulatedVotes.csv:3", "label_file", 3]
    ]
    assert "fields instead of 27" in read.rejects["reason"][0]


def test_a_stray_quote_costs_one_line(tmp_path):
    rows = [counts(CLIP, N=5), counts(OTHER, A=3), counts(THIRD, S=3)]
    text = tabulated(rows).replace(f'"{OTHER}"'.encode(), f'"{OTHER}'.encode())
    (tmp_path / "tabulatedVotes.csv").write_bytes(text)
    read = checked(cremad.read(tmp_path, VOICE))
    assert set(read.utterances["utterance"]) == {CLIP, THIRD}
    assert len(read.rejects) == 1


def test_clips_listed_but_without_votes_are_found_so_that_a_cut_table_shows(corpus, tmp_path):
    (tmp_path / "SentenceFilenames.csv").write_text(
        f'"Stimulus_Number","Filename"\n1,"{CLIP}"\n2,"{OTHER}"\n3,"../x"\n4\n'
    )
    read = corpus(counts(CLIP, N=5))
    assert read.utterances["utterance"].tolist() == [CLIP, OTHER]
    assert read.rejects["item"].tolist() == ["SentenceFilenames.csv:5", "SentenceFilenames.csv:4"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "no tabulatedVotes.csv"),
        (b"", "is empty"),
        (POINTER.encode(), "is a Git-LFS pointer"),
        (b"<!DOCTYPE html>\n<html>", "is a web page"),
        (b'"A","D"\n1,2\n', "no column ''"),
        (b"\xff\xfe" + tabulated([counts(CLIP, N=5)]).decode().encode("utf-16-le")[:-1], "UTF-16 that is cut"),
        (tabulated([counts(CLIP, N=5), counts("caf\xe9", N=3)], encoding="latin-1"), "line 3: not UTF-8"),
        (tabulated([]), "not one usable"),
        (tabulated([counts("x", N=3)]), "not one usable vote by voice, e.g. x: the name"),
    ],
)
def test_a_faulty_table_stops_with_the_remedy(tmp_path, data, words):
    if data is not None:
        (tmp_path / "tabulatedVotes.csv").write_bytes(data)
    with pytest.raises(UserError, match="fetch_cremad") as error:
        cremad.read(tmp_path, VOICE)
    assert words in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_missing_root_stops_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r"nowhere.*fetch_cremad"):
        cremad.read(tmp_path / "nowhere", VOICE)


@pytest.mark.parametrize(
    "options", [{"presentation": "smell"}, {"presentation": "voice", "votes": "some"}, {"audio": "perhaps"}]
)
def test_an_unknown_choice_is_named(corpus, options):
    with pytest.raises(UserError, match="is one of"):
        corpus(counts(CLIP, N=5), options=VOICE | options)


def test_the_table_may_lie_where_the_repository_has_it(tmp_path):
    (tmp_path / "processedResults").mkdir()
    (tmp_path / "processedResults/tabulatedVotes.csv").write_bytes(tabulated([counts(CLIP, N=5), counts(OTHER)]))
    read = checked(cremad.read(tmp_path, VOICE))
    assert read.rejects["source_file"].tolist() == ["processedResults/tabulatedVotes.csv"]


# --- sound ------------------------------------------------------------------------------------


def sound(root: Path, name: str, data: bytes = b"RIFF" + bytes(400)) -> None:
    (root / "AudioWAV").mkdir(exist_ok=True)
    (root / "AudioWAV" / name).write_bytes(data)


def test_sound_is_found_and_what_is_no_clip_is_rejected(corpus, tmp_path):
    for name in (f"{CLIP}.wav", f"{OTHER}.WAV", "._1901_IEO_NEU_XX.wav", "my voice.wav"):
        sound(tmp_path, name)
    read = corpus(counts(CLIP, N=5), counts(THIRD, S=5), options={"presentation": "voice"})
    assert read.utterances.set_index("utterance")["path"].to_dict() == {
        CLIP: f"AudioWAV/{CLIP}.wav",
        OTHER: f"AudioWAV/{OTHER}.WAV",  # nobody voted on it: for the audit to say
        THIRD: f"AudioWAV/{THIRD}.wav",  # missing: for the audit to say
    }
    assert read.rejects[["item", "stage"]].to_numpy().tolist() == [["AudioWAV/my voice.wav", "utterance"]]


def test_a_folder_without_sound_leaves_votes_alone_if_sound_is_optional(corpus, tmp_path):
    (tmp_path / "AudioWAV").mkdir()
    read = corpus(counts(CLIP, N=5), counts(THIRD, S=5))
    assert read.utterances["path"].isna().all()
    assert read.rejects.empty


def test_required_sound_that_is_not_there_at_all_stops(corpus, tmp_path):
    with pytest.raises(UserError, match=r"no sound files.*git lfs pull.*audio: none"):
        corpus(counts(CLIP, N=5), options={"presentation": "voice"})


def test_a_clone_without_git_lfs_is_recognised(corpus, tmp_path):
    sound(tmp_path, f"{CLIP}.wav", POINTER.encode())
    rows = [counts(CLIP, N=5), counts(OTHER, A=5)]
    with pytest.raises(UserError, match=r"all 1 sound files are Git-LFS pointers.*git lfs pull.*audio: none"):
        corpus(*rows, options={"presentation": "voice"})
    soundfile.write(tmp_path / f"AudioWAV/{OTHER}.wav", np.ones(1600) / 2, 16_000)
    kept = audit(corpus(*rows, options={"presentation": "voice"}), tmp_path, name="cremad", largest_reject_share=0.6)
    assert numbers(kept) == {(OTHER, "A"): 5}
    assert "Git-LFS pointer" in kept.rejects.set_index("item")["reason"][CLIP]
    kept = audit(corpus(*rows), tmp_path, name="cremad", audio="optional")
    assert kept.utterances["path"].isna().tolist() == [True, True]


def test_links_in_a_circle_are_left_to_the_audit(corpus, tmp_path):
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / f"AudioWAV/{CLIP}.wav").symlink_to(f"{CLIP}.wav")
    read = corpus(counts(CLIP, N=5), options={"presentation": "voice"})
    assert read.utterances["path"].tolist() == [f"AudioWAV/{CLIP}.wav"]


# --- the answers of each rater ------------------------------------------------------------------

_COLUMNS = "localid,pos,ans,ttr,queryType,numTries,clipNum,questNum,subType,clipName,sessionNums,respEmo,respLevel"
HEADER = f"{_COLUMNS},dispEmo,dispVal,dispLevel".split(",")
FIRST = ["localid", "sessionNums", "queryType", "questNum", "pos", "ttr", "numTries", "clipNum", "clipName"]
RAW = VOICE | {"votes": "raw"}


def answer(rater, clip, emotion, session=1, question=1, presentation=1, number=1):
    row = dict.fromkeys(HEADER, "0") | {"localid": rater, "clipName": clip, "respEmo": emotion, "subType": "4"}
    row |= {"sessionNums": session, "questNum": question, "queryType": presentation, "clipNum": number}
    return row | {"ttr": "99999"}  # the time of the LAST click decides nothing


def first_click(ttr, session=1, question=1, presentation=1):
    row = dict.fromkeys(FIRST, "0") | {"ttr": ttr, "sessionNums": session}
    return row | {"questNum": question, "queryType": presentation}


def write_raw(root, answers, clicks):
    for name, header, rows in (("finishedResponses", HEADER, answers), ("finishedEmoResponses", FIRST, clicks)):
        frame = pd.DataFrame(rows, columns=header)
        frame.index = pd.Index([str(i + 1) for i in range(len(frame))])
        frame.astype(str).to_csv(root / f"{name}.csv", quoting=csv.QUOTE_ALL, index_label="")


def test_raw_answers_name_their_raters_and_late_ones_are_left_out(tmp_path):
    answers = [
        answer("Rater 1", CLIP, "N", session=11, question=1),
        answer("Rater 2", CLIP, "S", session=12, question=1),
        answer("Rater 3", CLIP, "A", session=13, question=1),
        answer("Rater 1", CLIP, "H", session=11, question=1, presentation=2),
        answer("Rater 1", OTHER, "A", session=11, question=2),
        answer("Rater 2", OTHER, "A", session=12, question=2),
    ]
    clicks = [
        first_click("10000", session=11),
        first_click("10001", session=12),
        first_click("25000", session=11, presentation=2),
        first_click("NA", session=13),
        first_click("300", session=11, question=2),
    ]
    write_raw(tmp_path, answers, clicks)
    read = checked(cremad.read(tmp_path, RAW))
    assert read.votes[["utterance", "rater", "label"]].to_numpy().tolist() == [
        [CLIP, "rater_1", "neutral"],
        [CLIP, "rater_3", "anger"],
        [OTHER, "rater_1", "anger"],
        [OTHER, "rater_2", "anger"],
    ]
    assert read.votes["raters_known"].all()
    assert read.rejects[["item", "stage", "reason"]].to_numpy().tolist() == [
        ["finishedResponses.csv:3", "filter", "the first click came after 10 s"]
    ]


def test_a_clip_whose_every_answer_is_late_is_found_without_votes(tmp_path):
    answers = [answer("r1", CLIP, "N"), answer("r1", OTHER, "A", question=2)]
    write_raw(tmp_path, answers, [first_click("10001", question=2)])
    read = checked(cremad.read(tmp_path, RAW))
    assert read.utterances["utterance"].tolist() == [CLIP, OTHER]
    assert numbers(read) == {(CLIP, "N"): 1}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (answer("r1", CLIP, "A", question=9), "has voted on this clip before"),
        (answer("r2", CLIP, "X"), "none of A D F H N S"),
        (answer("r2", CLIP, ""), "none of A D F H N S"),
        (answer("r2", "ANG_HI_practice", "A", number=7443), "practice"),
        (answer("r2", "somewhere", "A"), "not that of a CREMA-D clip"),
        (answer("", CLIP, "A"), "no name"),
        (answer("r2", CLIP, "A", session="x"), "not a number"),
        (answer("r2", CLIP, "A", presentation=4), "queryType"),
    ],
)
def test_a_faulty_answer_is_a_rejected_vote(tmp_path, row, words):
    write_raw(tmp_path, [answer("r1", f"{CLIP}.flv", "N"), row], [])
    read = checked(cremad.read(tmp_path, RAW))
    assert numbers(read) == {(CLIP, "N"): 1}
    stage = "filter" if words == "practice" else "vote"
    assert read.rejects[["item", "stage", "source_line"]].to_numpy().tolist() == [["finishedResponses.csv:3", stage, 3]]
    assert words in read.rejects["reason"][0]


def test_raters_whose_safe_names_are_equal_stay_two(tmp_path):
    write_raw(tmp_path, [answer("A b", CLIP, "N"), answer("a_b", CLIP, "N", question=2)], [])
    read = checked(cremad.read(tmp_path, RAW))
    assert read.votes["rater"].nunique() == 2
    assert read.votes["rater"].str.startswith("a_b-").all()


def test_raw_votes_without_the_first_clicks_stop(tmp_path):
    write_raw(tmp_path, [answer("r1", CLIP, "N")], [])
    (tmp_path / "finishedEmoResponses.csv").unlink()
    with pytest.raises(UserError, match=r"no finishedEmoResponses.csv"):
        cremad.read(tmp_path, RAW)


# --- any votes ----------------------------------------------------------------------------------

CLIPS = [f"19{actor:02d}_{sentence}_ANG_XX" for actor in range(3) for sentence in cremad.SENTENCES]
TABLES = st.dictionaries(
    st.sampled_from(CLIPS), st.lists(st.integers(0, 12), min_size=6, max_size=6).filter(any), min_size=1, max_size=8
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLES)
def test_any_counts_written_are_read_back(corpus, table):
    read = corpus(*[counts(clip, **dict(zip(LETTERS, values, strict=True))) for clip, values in table.items()])
    expected = {(clip, e): n for clip, values in table.items() for e, n in zip(LETTERS, values, strict=True) if n}
    assert numbers(read) == expected
    assert read.rejects.empty


ANSWERS = st.dictionaries(
    st.tuples(st.sampled_from(CLIPS), st.sampled_from(["r1", "r2", "r3"])), st.sampled_from(LETTERS), min_size=1
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANSWERS)
def test_any_answers_written_are_read_back(tmp_path, answers):
    rows = [answer(rater, clip, e, session=i) for i, ((clip, rater), e) in enumerate(answers.items())]
    write_raw(tmp_path, rows, [])
    votes = checked(cremad.read(tmp_path, RAW)).votes
    assert votes.set_index(["utterance", "rater"])["label_raw"].to_dict() == answers
