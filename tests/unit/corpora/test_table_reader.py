"""The reader of two tables: any corpus with its own column names, and every fault a row can have."""

import csv

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaling_ambiguity.corpora.audit import refuse_foreign_ids
from scaling_ambiguity.corpora.label_words import canonical
from scaling_ambiguity.corpora.readers import table
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

OPTIONS = {"utterances": "clips.csv", "votes": "votes.csv", "columns": {"utterance": "clip", "label": "emotion"}}
CLIPS = "clip,speaker\na,s1\nb,s2\n"
VOTES_FILE = "clip,rater,emotion\na,r1,Happy\na,r2, SAD \nb,r1,Very  Angry\n"


@pytest.fixture
def corpus(tmp_path):
    """Return a function that writes two CSV files and returns what is read from them."""

    def write_and_read(clips=CLIPS, cast=VOTES_FILE, **options):
        for name, text in (("clips.csv", clips), ("votes.csv", cast)):
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return checked(table.read(tmp_path, OPTIONS | options))

    return write_and_read


def checked(read):
    UTTERANCES.validate(read.utterances, "test")
    VOTES.validate(read.votes, "test")
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.validate(read.rejects.astype(text), "test")
    return read


def lost(read):
    return read.rejects[["item", "stage", "reason", "source_line"]].to_numpy().tolist()


def test_labels_are_canonical_and_kept_as_in_the_file(corpus):
    read = corpus()
    assert read.votes[["utterance", "rater", "label", "label_raw"]].to_numpy().tolist() == [
        ["a", "r1", "happy", "Happy"],
        ["a", "r2", "sad", " SAD "],
        ["b", "r1", "very angry", "Very  Angry"],
    ]
    assert read.votes["raters_known"].all()
    constants = read.votes[["presentation", "kind", "role", "rank", "weight"]].drop_duplicates().to_numpy().tolist()
    assert constants == [["voice", "observer", "primary", 0, 1.0]]
    assert read.utterances[["session", "split", "path", "duration", "transcript"]].isna().all(axis=None)
    assert read.rejects.empty


def test_all_that_an_utterance_may_have(corpus):
    clips = (
        'clip,speaker,session,split,path,duration,transcript,text\na,s1,d1,train,x/a.wav,1.5,"yes, ""no""\nmaybe",z\n'
    )
    row = corpus(clips, "clip,emotion\na,sad\n").utterances.iloc[0]
    assert row[["speaker", "session", "split", "path"]].tolist() == ["s1", "d1", "train", "x/a.wav"]
    assert row["duration"] == 1.5
    assert row["transcript"] == 'yes, "no"\nmaybe'
    columns = OPTIONS["columns"] | {"transcript": "text"}
    assert corpus(clips, "clip,emotion\na,sad\n", columns=columns).utterances["transcript"].tolist() == ["z"]


def test_without_raters_votes_are_anonymous(corpus):
    read = corpus(cast="clip,emotion\na,sad\na,sad\nb,happy\n")
    assert read.votes["rater"].tolist() == ["a#0", "a#1", "b#0"]
    assert not read.votes["raters_known"].any()


def test_several_labels_of_a_rater_share_one_vote_if_they_are_ranked(corpus):
    header = "clip,rater,rank,role,emotion\n"
    read = corpus(cast=header + "a,r1,0,primary,sad\na,r1,1,primary,fear\n")
    assert read.votes["weight"].tolist() == [0.5, 0.5]
    rows = "a,r1,0,primary,sad\na,r1,1,secondary,fear\na,r1,2,secondary,anger\na,r2,0,primary,sad\n"
    read = corpus(cast=header + rows)
    assert read.votes["weight"].tolist() == [1, 0.5, 0.5, 1]


def test_one_presentation_is_read_and_self_votes_are_told_apart(corpus):
    votes = (
        "clip,rater,presentation,kind,emotion\na,r1,voice,observer,sad\na,r1,Face,observer,happy\nb,r2,voice,Self,sad\n"
    )
    read = corpus(cast=votes)
    assert read.votes[["utterance", "kind", "label"]].to_numpy().tolist() == [
        ["a", "observer", "sad"],
        ["b", "self", "sad"],
    ]
    assert corpus(cast=votes, presentation="face").votes["label"].tolist() == ["happy"]


@pytest.mark.parametrize(
    ("row", "item", "words"),
    [
        (",s1", ":4", "no name"),
        ("a b,s1", "a b", "letters, digits"),
        ("Zürich,s1", "Zürich", "letters, digits"),
        ('"a""b",s1', 'a"b', "letters, digits"),
        ("../a,s1", "../a", "letters, digits"),
        ("a..b,s1", "a..b", "letters, digits"),
        ("c,", "c", "speaker"),
        ("b,s2", "b:4", "there twice"),
        ("c", "clips.csv:4", "1 fields instead of 2"),
        ("c,s1,x", "clips.csv:4", "3 fields instead of 2"),
    ],
)
def test_a_faulty_utterance_is_a_reject(corpus, row, item, words):
    read = corpus(f"{CLIPS}{row}\n")
    assert read.utterances["utterance"].tolist() == ["a", "b"]
    assert [lost(read)[0][0], lost(read)[0][3]] == [item, 4]
    assert words in lost(read)[0][2]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("/etc/passwd,1", "leads out"),
        ("x/../../a.wav,1", "leads out"),
        ("a.wav,0", "positive"),
        ("a.wav,-1", "positive"),
        ("a.wav,nan", "positive"),
        ("a.wav,long", "positive"),
        ("a.wav,inf", "positive"),
    ],
)
def test_a_faulty_path_or_duration_is_a_reject(corpus, values, words):
    read = corpus(f"clip,speaker,path,duration\na,s1,a.wav,\nb,s1,{values}\n")
    assert read.utterances["utterance"].tolist() == ["a"]
    assert words in lost(read)[0][2]


def test_of_utterances_that_differ_none_is_believed(corpus):
    read = corpus(CLIPS + "a,s9\n")
    assert read.utterances["utterance"].tolist() == ["b"]
    assert [row[0] for row in lost(read)] == ["a", "a:4"]
    assert set(read.votes["utterance"]) == {"a", "b"}  # votes for it are for the audit to count


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,r1,fear,voice,observer,primary,0", "voted on this utterance before"),
        ("a,R1,fear,voice,observer,primary,x", "rank"),
        ("a,r2,fear,voice,observer,primary,-1", "rank"),
        ("a,r2,fear,voice,observer,primary,0.5", "rank"),
        ("a,r2,,voice,observer,primary,0", "no label"),
        ("a,,sad,voice,observer,primary,0", "no name"),
        (",r2,sad,voice,observer,primary,0", "names no utterance"),
        ("a,r2,sad,smell,observer,primary,0", "presentation"),
        ("a,r2,sad,voice,robot,primary,0", "kind"),
        ("a,r2,sad,voice,observer,third,0", "role"),
    ],
)
def test_a_faulty_vote_is_a_reject(corpus, row, words):
    header = "clip,rater,emotion,presentation,kind,role,rank\n"
    read = corpus(cast=f"{header}a,r1,sad,voice,observer,primary,0\n{row}\n")
    assert read.votes["label"].tolist() == ["sad"]
    assert [lost(read)[0][0], lost(read)[0][1], lost(read)[0][3]] == ["votes.csv:3", "vote", 3]
    assert words in lost(read)[0][2]


def test_a_vote_for_an_unknown_utterance_is_left_to_the_audit(corpus):
    read = corpus(cast=VOTES_FILE + "zz,r1,sad\n")
    assert "zz" in set(read.votes["utterance"])


@pytest.mark.parametrize(
    ("files", "options", "words"),
    [
        ({}, {"utterances": None}, "needs `utterances`"),
        ({}, {"votes": "no.csv"}, "not readable"),
        ({}, {"votes": "no.parquet"}, "no such file"),
        ({}, {"votes": "../votes.csv"}, "leads out"),
        ({}, {"columns": {"clip": "utterance"}}, "columns has no 'clip'"),
        (
            {},
            {"columns": {"utterance": "clip", "label": "emo"}},
            "no column 'emo', it has ['clip', 'rater', 'em",
        ),
        ({}, {"columns": OPTIONS["columns"] | {"session": "dialogue"}}, "no column 'dialogue'"),
        ({}, {"presentation": "smell"}, "presentation 'smell'"),
        ({"cast": ""}, {}, "is empty"),
        ({"cast": "clip,clip,emotion\na,a,sad\n"}, {}, "there twice"),
        ({"cast": "clip,emotion\na,trist\xe9\n".encode("latin-1")}, {}, "votes.csv, line 2: not UTF-8"),
        ({"cast": "version https://git-lfs.github.com/spec/v1\n"}, {}, "Git-LFS pointer"),
    ],
)
def test_a_faulty_file_or_entry_stops(corpus, files, options, words):
    with pytest.raises(UserError) as error:
        corpus(**files, **options)
    assert words in str(error.value)


def test_a_bom_and_windows_line_ends_change_nothing(corpus):
    read = corpus(*(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() for text in (CLIPS, VOTES_FILE)))
    pd.testing.assert_frame_equal(read.votes, corpus().votes)
    pd.testing.assert_frame_equal(read.utterances, corpus().utterances)


def test_parquet_and_tsv_give_what_csv_gives(corpus, tmp_path):
    expected = corpus("clip,speaker\n1,10\n2,20\n", "clip,rater,emotion\n1,7,sad\n2,7,happy\n")
    pd.DataFrame({"clip": [1, 2], "speaker": [10, 20]}).to_parquet(tmp_path / "clips.parquet")
    (tmp_path / "votes.tsv").write_text("clip\trater\temotion\n1\t7\tsad\n2\t7\thappy\n")
    read = checked(table.read(tmp_path, OPTIONS | {"utterances": "clips.parquet", "votes": "votes.tsv"}))
    pd.testing.assert_frame_equal(read.utterances, expected.utterances)
    pd.testing.assert_frame_equal(read.votes, expected.votes)


NAMES = st.text("abcXYZ019_-", min_size=1, max_size=6)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8).filter(str.strip)
ANY_VOTES = st.dictionaries(st.tuples(NAMES, st.sampled_from(["r1", "r2", "r3"])), WORDS, min_size=1, max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(votes=ANY_VOTES, form=st.sampled_from(["csv", "parquet"]))
def test_any_votes_written_are_read_back(tmp_path, votes, form):
    rows = pd.DataFrame([(u, r, word) for (u, r), word in votes.items()], columns=["clip", "rater", "emotion"])
    clips = pd.DataFrame({"clip": rows["clip"].unique(), "speaker": "s"})
    for name, frame in (("clips", clips), ("votes", rows)):
        path = tmp_path / f"{name}.{form}"
        frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL) if form == "csv" else frame.to_parquet(path)
    read = checked(table.read(tmp_path, OPTIONS | {"utterances": f"clips.{form}", "votes": f"votes.{form}"}))
    named = {key: word for key, word in votes.items() if canonical(word)}  # a lone "_" names no label
    assert len(read.rejects) == len(votes) - len(named)
    assert read.votes.set_index(["utterance", "rater"])["label_raw"].to_dict() == named


# --- files as programs leave them, and messages that name the cause ---------------------------------


def many(separator=",", rows=12, **changes):
    """Return the two files of a corpus of 12 utterances, three votes each, as text."""
    clips = [["clip", "speaker", "transcript"], *([f"u{i}", f"s{i % 3}", f"hello {i}"] for i in range(rows))]
    cast = [["clip", "rater", "emotion"], *([f"u{i}", f"r{k}", "sad"] for i in range(rows) for k in range(3))]
    for rows_of in (clips, cast):
        for row in rows_of:
            row[:] = [changes.get(cell, cell) for cell in row]
    return ["".join(separator.join(row) + "\n" for row in table) for table in (clips, cast)]


@pytest.mark.parametrize(
    ("separator", "form"),
    [
        (",", lambda text: text.encode("utf-16")),
        ("\t", lambda text: text.encode("utf-16-le").join([b"\xff\xfe", b""])),
        (";", str.encode),
        ("\t", str.encode),
        (";", lambda text: b"sep=;\r\n" + text.replace("\n", "\r\n").encode()),
        (",", lambda text: text.encode() + b",,\n , ,\n" * 9),
        (",", lambda text: text.replace(",", " ,", 1).encode()),
    ],
)
def test_what_excel_saves_is_read(corpus, separator, form):
    clips, cast = (form(text) for text in many(separator))
    read = corpus(clips, cast)
    assert (len(read.utterances), len(read.votes), len(read.rejects)) == (12, 36, 0)
    assert read.utterances["transcript"].tolist() == [f"hello {i}" for i in range(12)]


def test_a_quote_in_a_tsv_file_is_a_character_where_it_is_never_closed(tmp_path):
    clips, cast = many("\t", **{"hello 4": '"no" she said', "hello 5": '"unclosed', "hello 7": '"two\nlines"'})
    (tmp_path / "clips.tsv").write_text(clips)
    (tmp_path / "votes.tsv").write_text(cast)
    read = checked(table.read(tmp_path, OPTIONS | {"utterances": "clips.tsv", "votes": "votes.tsv"}))
    assert len(read.votes) == 36
    assert read.rejects.empty
    assert read.utterances["transcript"].tolist()[4:9] == [
        "no she said",
        '"unclosed',
        "hello 6",
        "two\nlines",
        "hello 8",
    ]


def test_a_quote_that_is_never_closed_costs_a_csv_file_its_line_alone(corpus):
    clips, cast = many(**{"hello 4": '"unclosed', "hello 7": '"unclosed too'})
    read = corpus(clips, cast)
    assert len(read.utterances) == 10
    assert [(row[0], row[3]) for row in lost(read)] == [("clips.csv:6", 6), ("clips.csv:9", 9)]
    assert set(read.rejects["reason"]) == {
        "a quote is opened on this line and never closed; close it, or write it twice"
    }


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            lambda i: f"u{i}.wav",
            "36 votes name 12 utterances .*, e.g. 'u0.wav', which may be the utterance 'u0'",
        ),
        (lambda i: f"U{i}", "'U0', which may be the utterance 'u0'"),
        (lambda i: f"u00{i}", "'u000', which may be the utterance 'u0'"),
        (lambda i: f"x{i}", "'x0'; an utterance is 'u0'"),
    ],
)
def test_votes_on_utterances_by_another_name_are_named(corpus, other, words):
    clips, cast = many()
    changed = "".join(many(**{f"u{i}": other(i) for i in range(12)})[1])
    with pytest.raises(UserError, match=words):
        refuse_foreign_ids(corpus(clips, changed), "c")
    refuse_foreign_ids(corpus(clips, cast + "u99,r1,sad\n"), "c")


def test_whole_numbers_saved_as_fractions_are_the_same_names(corpus):
    clips = "clip,speaker\n0,101\n1.0,101.0\n2,102\n"
    read = corpus(clips, "clip,rater,emotion\n0.0,7.0,sad\n1,7,sad\n2.0,8,sad\n")
    assert read.utterances["speaker"].tolist() == ["101", "101", "102"]
    assert read.votes["utterance"].tolist() == read.utterances["utterance"].tolist() == ["0", "1", "2"]
    assert read.votes["rater"].tolist() == ["7", "7", "8"]


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ("audio", r"presentation is none of voice, face, audiovisual \(36 votes, e.g. 'audio'\)"),
        ("face", r"no vote by voice, but by face \(36\)"),
    ],
)
def test_votes_by_another_presentation_are_named(corpus, shown, words):
    clips, cast = many(sad=f"sad,{shown}", emotion="emotion,presentation")
    with pytest.raises(UserError, match=words):
        corpus(clips, cast)
