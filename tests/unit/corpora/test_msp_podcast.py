"""MSP-Podcast: every shape, spelling and quirk of releases 1.6 to 2.0 and every kind of damage, with known answers."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_ambiguity.corpora.msp_format import WORDS, primary_labels, secondary_labels, split_fields
from scaling_ambiguity.corpora.readers import msp_podcast
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

sys.path.insert(0, str(Path(__file__).resolve().parent))

from make_msp import (
    DETAILED,
    PRIMARY,
    SECONDARY,
    Vote,
    consensus,
    quoted,
    sample,
    text,
    write_large_podcast,
    write_podcast,
)

ONE, TWO = "MSP-PODCAST_9999_0001", "MSP-PODCAST_9999_0002"
VOTES_IN = [
    Vote(ONE, "WORKER99999901", "Neutral", "Neutral,Concerned"),
    Vote(ONE, "WORKER99999902", "Other-Curious", "Other-Curious,Surprise"),
    Vote(TWO, "WORKER99999901", "Angry", ""),
    Vote(TWO, "WORKER99999903", "Contempt", "Dissapointed"),
]
ANSWER = [
    (ONE, "worker99999901", "primary", 0, "neutral", "Neutral", 1.0),
    (ONE, "worker99999901", "secondary", 1, "neutral", "Neutral", 0.5),
    (ONE, "worker99999901", "secondary", 2, "concerned", "Concerned", 0.5),
    (ONE, "worker99999902", "primary", 0, "other", "Other-Curious", 1.0),
    (ONE, "worker99999902", "secondary", 1, "other", "Other-Curious", 0.5),
    (ONE, "worker99999902", "secondary", 2, "surprise", "Surprise", 0.5),
    (TWO, "worker99999901", "primary", 0, "angry", "Angry", 1.0),
    (TWO, "worker99999903", "primary", 0, "contempt", "Contempt", 1.0),
    (TWO, "worker99999903", "secondary", 1, "disappointed", "Dissapointed", 1.0),
]
SHAPES = sorted(DETAILED)


def read(root, **options):
    corpus = msp_podcast.read(root, {"reader": "msp_podcast", "audio": "optional"} | options)
    UTTERANCES.validate(corpus.utterances, "utterances")
    votes = VOTES.validate(corpus.votes, "votes")
    names = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.validate(corpus.rejects.astype(names), "rejects")
    return corpus, votes


def rows(votes):
    columns = ["utterance", "rater", "role", "rank", "label", "label_raw", "weight"]
    return list(votes[columns].itertuples(index=False, name=None))


def reasons(corpus):
    return dict(zip(corpus.rejects["item"], corpus.rejects["reason"], strict=True))


def detailed(root, shape):
    return root / "Labels" / DETAILED[shape][0]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_hold_the_same_votes(tmp_path, shape):
    corpus, votes = read(write_podcast(tmp_path, VOTES_IN, shape))
    assert rows(votes) == ANSWER
    assert votes["raters_known"].all()
    assert set(votes["kind"]) == {"observer"}
    assert set(votes["presentation"]) == {"voice"}
    assert len(corpus.rejects) == 0
    assert corpus.utterances["utterance"].tolist() == [ONE, TWO]
    assert corpus.utterances["split"].tolist() == ["train", "train"]
    assert corpus.utterances["speaker"].tolist() == ["777", "777"]
    assert corpus.utterances[["session", "path", "transcript", "duration"]].isna().all(axis=None)


@pytest.mark.parametrize("shape", SHAPES)
def test_ratings_are_arousal_valence_dominance_whatever_their_order(tmp_path, shape):
    votes = [
        Vote(ONE, "WORKER1", "Neutral", act="1.000000", val="2.000000", dom="3.000000"),
        Vote(ONE, "WORKER2", "Neutral", act="NaN", val="", dom="7.000000"),
    ]
    root = write_podcast(tmp_path, votes, shape)
    found = msp_podcast.ratings(root, {})
    assert found["rater"].tolist() == ["worker1", "worker2"]
    numbers = found[["arousal", "valence", "dominance"]].to_numpy()
    assert np.array_equal(numbers, [[1, 2, 3], [np.nan, np.nan, 7]], equal_nan=True)
    assert len(read(root)[1]) == 2  # a vote needs no ratings


@pytest.mark.parametrize("folder", ["label", "Labels", "labels"])
@pytest.mark.parametrize("name", ["labels_consensus", "labels_concensus", "Labels_Consensus"])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_folders_and_files_in_every_spelling(tmp_path, folder, name, kind):
    root = write_podcast(tmp_path, VOTES_IN)
    (root / "Labels/labels_consensus.csv").unlink()
    table = consensus(VOTES_IN, SpkrID={TWO: "778"}, Split_Set={TWO: "Test1"})
    if kind == "csv":
        table.to_csv(root / f"Labels/{name}.csv", index=False)
    else:
        entries = table.set_index("FileName").to_dict("index")
        (root / f"Labels/{name}.json").write_text(json.dumps(entries))
    (root / "Labels").rename(root / folder)
    (corpus, votes) = read(root)
    assert corpus.utterances["speaker"].tolist() == ["777", "778"]
    assert corpus.utterances["split"].tolist() == ["train", "test"]
    assert rows(votes) == ANSWER


def test_labels_txt_alone_is_enough(tmp_path):
    (tmp_path / "label").mkdir()
    (tmp_path / "label/Labels.txt").write_text(text(VOTES_IN))
    corpus, votes = read(tmp_path)
    assert rows(votes) == ANSWER
    assert corpus.utterances["utterance"].tolist() == [ONE, TWO]
    assert corpus.utterances["speaker"].tolist() == [f"unknown_{ONE}", f"unknown_{TWO}"]
    assert corpus.utterances["split"].isna().all()


@pytest.mark.parametrize(
    ("stated", "split"),
    [
        ("Train", "train"),
        ("Validation", "validation"),
        ("Development", "validation"),
        ("Test1", "test"),
        ("Test2", "test2"),
    ],
)
def test_splits_of_all_releases(tmp_path, stated, split):
    root = write_podcast(tmp_path, VOTES_IN, table=consensus(VOTES_IN, stated))
    assert set(read(root)[0].utterances["split"]) == {split}


def test_another_test_set_can_be_chosen(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN, table=consensus(VOTES_IN, "Test1", Split_Set={TWO: "Test2"}))
    assert read(root, test_set="Test2")[0].utterances["split"].tolist() == ["test1", "test"]


@pytest.mark.parametrize("name", ["Partitions.txt", "Partition.txt"])
def test_the_list_of_partitions_fills_in_and_hides(tmp_path, name):
    root = write_podcast(tmp_path, VOTES_IN, table=consensus(VOTES_IN, Split_Set={TWO: ""}))
    (root / name).write_text(
        f"Train;{ONE}.wav\nDevelopment;{TWO}.wav\nTest3;MSP-PODCAST_9999_0003.wav\nTrain;gone.wav\n"
    )
    corpus, _ = read(root)
    assert corpus.utterances["split"].tolist() == ["train", "validation"]
    assert corpus.rejects[["item", "stage"]].to_numpy().tolist() == [
        ["MSP-PODCAST_9999_0003", "hidden"],
        ["gone", "utterance"],
    ]
    assert corpus.rejects["source_line"].tolist() == [3, 4]


def test_test3_is_hidden(tmp_path):
    votes = [vote for vote in VOTES_IN if vote.utterance == ONE]
    table = consensus(VOTES_IN, Split_Set={TWO: "Test3"})
    corpus, found = read(write_podcast(tmp_path, votes, table=table))
    assert corpus.utterances["utterance"].tolist() == [ONE]
    assert corpus.rejects[["item", "stage", "source_line"]].to_numpy().tolist() == [[TWO, "hidden", 3]]
    assert rows(found) == ANSWER[:6]


def test_sources_that_disagree_on_the_split_reject_the_utterance(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN, table=consensus(VOTES_IN, "Validation"))
    (root / "Partitions.txt").write_text(f"Development;{ONE}.wav\nTest1;{TWO}.wav\n")
    corpus, _ = read(root)
    assert corpus.utterances["utterance"].tolist() == [ONE]
    assert reasons(corpus)[TWO] == "split 'validation' here, 'test1' in Partitions.txt"


def test_an_unknown_split_is_rejected(tmp_path):
    corpus, _ = read(write_podcast(tmp_path, VOTES_IN, table=consensus(VOTES_IN, Split_Set={TWO: "Trian"})))
    assert reasons(corpus) == {TWO: "unknown split 'trian'"}


@pytest.mark.parametrize("speaker", ["Unknown", "unknown", ""])
def test_unknown_speakers_are_not_one_person(tmp_path, speaker):
    table = consensus(VOTES_IN, SpkrID={ONE: speaker, TWO: speaker})
    corpus, _ = read(write_podcast(tmp_path, VOTES_IN, table=table))
    assert corpus.utterances["speaker"].tolist() == [f"unknown_{ONE}", f"unknown_{TWO}"]
    (tmp_path / "Speaker_ids.txt").write_text(f"{ONE}.wav;12\n")
    corpus, _ = read(tmp_path)
    assert corpus.utterances["speaker"].tolist() == ["12", f"unknown_{TWO}"]


def test_a_speaker_saved_as_a_fraction_is_the_same_speaker(tmp_path):
    table = consensus(VOTES_IN, SpkrID={ONE: "101.0", TWO: "101"})
    assert read(write_podcast(tmp_path, VOTES_IN, table=table))[0].utterances["speaker"].tolist() == ["101", "101"]


def test_transcripts_may_be_missing_empty_or_broken(tmp_path):
    votes = sample(4)
    root = write_podcast(tmp_path, votes)
    folder = root / "Transcripts"
    folder.mkdir()
    (folder / f"{ONE}.txt").write_text("Well, hello\n there.\n")
    (folder / f"{TWO}.txt").write_text("")
    (folder / "MSP-PODCAST_9999_0003.txt").write_bytes("déjà".encode("cp1252"))
    corpus, _ = read(root)
    assert corpus.utterances["transcript"].fillna("-").tolist() == ["Well, hello there.", "-", "-", "-"]
    assert corpus.rejects[["item", "stage"]].to_numpy().tolist() == [
        [TWO, "transcript"],
        ["MSP-PODCAST_9999_0003", "transcript"],
    ]


def test_labels_of_earlier_releases_are_not_read(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN)
    write_podcast(root / "Previous_releases_information/previous_releases_info", sample(9))
    assert rows(read(root)[1]) == ANSWER


def test_sound_is_required_unless_it_is_optional(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN)
    with pytest.raises(UserError, match=r"'audios'.*audio: none"):
        read(root, audio="required")
    (root / "Audios").mkdir()
    corpus, _ = read(root, audio="required")
    assert corpus.utterances["path"].tolist() == [f"Audios/{ONE}.wav", f"Audios/{TWO}.wav"]


@pytest.mark.parametrize(
    "free", ["Other-Curious", "Other(so so)", "Other: [well]", 'Other-"quoted"', "Other-a, b", "OTHER", "Other-no; yes"]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_free_text_is_other(tmp_path, shape, free):
    votes = [Vote(ONE, "WORKER1", free, f"{free},Sad"), Vote(ONE, "WORKER2", "Happy", "Amused")]
    corpus, found = read(write_podcast(tmp_path, votes, shape))
    assert rows(found)[:3] == [
        (ONE, "worker1", "primary", 0, "other", free, 1.0),
        (ONE, "worker1", "secondary", 1, "other", free, 0.5),
        (ONE, "worker1", "secondary", 2, "sad", "Sad", 0.5),
    ]
    assert len(found) == 5
    assert len(corpus.rejects) == 0


@pytest.mark.parametrize(
    ("line", "primary", "secondary"),
    [
        ("W1; Neutral; Neutral,Concerned; A:4.0; V:4.0; D:3.0;", "Neutral", "Neutral,Concerned"),
        ("W1; Neutral; A:4.0; V:4.0; D:3.0;", "Neutral", ""),
        ("W1; Neutral; ; A:4.0; V:4.0; D:3.0;", "Neutral", ""),
        ("W1; Neutral; Sad;", "Neutral", "Sad"),
        ("W1; Other-sad; tired; A:4.0; V:4.0; D:3.0;", "Other-sad; tired", ""),
        ("W1; Other-sad; tired; Sad,Annoyed; A:4.0; V:4.0; D:3.0;", "Other-sad; tired", "Sad,Annoyed"),
        ("W1; Other-x; Other-x; y,Sad; A:4.0; V:4.0; D:3.0;", "Other-x", "Other-x; y,Sad"),
        ("W1; Other-grade A:1; Sad; A:; V:NaN; D:3.0;", "Other-grade A:1", "Sad"),
    ],
)
def test_lines_with_missing_secondaries_and_semicolons(tmp_path, line, primary, secondary):
    (tmp_path / "labels.txt").write_text(f"{ONE}.wav; N; A:3.8; V:4.2; D:4.0;\n{line}\n\n")
    found = read(tmp_path)[1]
    assert found.loc[found["role"] == "primary", "label_raw"].tolist() == [primary]
    assert ",".join(found.loc[found["role"] == "secondary", "label_raw"]) == secondary


def test_the_pieces_of_a_vote():
    assert split_fields("Other; Sad") == ("Other", "Sad")
    assert primary_labels("Annoyed") == [(None, "Annoyed")]  # no primary label of this corpus
    assert primary_labels("Otherwise") == [(None, "Otherwise")]
    assert secondary_labels(" annoyed ,Otter,Other-a, b,Sad") == [
        ("annoyed", "annoyed"),
        (None, "Otter"),
        ("other", "Other-a, b"),
        ("sad", "Sad"),
    ]
    assert set(WORDS) == {word.lower() for word in (*PRIMARY, *SECONDARY, "Dissapointed")}


@pytest.mark.parametrize("worker", ["Workers", "WorkerID", "worker_id", "Annotator", "Who"])
def test_the_column_of_workers_has_many_names(tmp_path, worker):
    root = write_podcast(tmp_path, VOTES_IN)
    path = root / "Labels/labels_detailed.csv"
    path.write_text(path.read_text().replace("WorkerID", worker, 1))
    assert rows(read(root)[1]) == ANSWER


def test_without_a_column_of_workers_raters_are_anonymous(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN)
    path = root / "Labels/labels_detailed.csv"
    pd.read_csv(path).drop(columns="WorkerID").to_csv(path, index=False)
    votes = read(root)[1]
    assert sorted(set(votes["rater"])) == [f"{ONE}#0", f"{ONE}#1", f"{TWO}#0", f"{TWO}#1"]
    assert not votes["raters_known"].any()


def test_one_nameless_worker_is_anonymous_alone(tmp_path):
    votes = [Vote(ONE, "", "Sad"), Vote(ONE, "WORKER2", "Sad")]
    found = read(write_podcast(tmp_path, votes))[1]
    assert found["rater"].tolist() == [f"{ONE}#0", "worker2"]
    assert found["raters_known"].tolist() == [False, True]


def test_an_unclear_column_of_workers_stops(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN)
    path = root / "Labels/labels_detailed.csv"
    pd.read_csv(path).assign(WorkerName="x").to_csv(path, index=False)
    with pytest.raises(UserError, match="names the worker is not clear"):
        read(root)


def test_worker_ids_are_made_safe(tmp_path):
    found = read(write_podcast(tmp_path, [Vote(ONE, "WORKER 1/a", "Sad"), Vote(ONE, "ÜBER", "Sad")]))[1]
    assert sorted(found["rater"]) == ["_ber", "worker_1_a"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("vote", "reason"),
    [
        (Vote(ONE, "WORKER99999903", "Angri", "Sad"), "unknown label 'Angri'"),
        (Vote(ONE, "WORKER99999903", "", "Sad"), "the vote has no label"),
        (Vote(ONE, "WORKER99999901", "Sad", "Sad"), "already voted"),
        (Vote("MSP PODCAST", "WORKER9", "Sad", "Sad"), "the utterance id"),
        (Vote("../outside", "WORKER9", "Sad", "Sad"), "the utterance id"),
        (Vote("MSP-PODCAST_ä", "WORKER9", "Sad", "Sad"), "the utterance id"),
    ],
)
def test_a_faulty_vote_is_left_out_alone(tmp_path, shape, vote, reason):
    if shape == "json" and "already" in reason:
        pytest.skip("written by a program, an object has each key once")
    corpus, votes = read(write_podcast(tmp_path, [*VOTES_IN, vote], shape, table=consensus(VOTES_IN)))
    assert rows(votes) == ANSWER
    lost = corpus.rejects.set_index("item").loc[f"{vote.utterance}/{vote.rater.lower()}"]
    assert lost["stage"] == "vote"
    assert reason in lost["reason"]
    if shape != "json":
        line = (tmp_path / lost["source_file"]).read_text(encoding="utf-8").split("\n")[lost["source_line"] - 1]
        assert vote.rater in line


def test_a_vote_on_an_utterance_that_does_not_exist_is_kept_for_the_audit(tmp_path):
    stray = Vote("MSP-PODCAST_9999_0404", "WORKER9", "Sad")
    corpus, votes = read(write_podcast(tmp_path, [*VOTES_IN, stray], table=consensus(VOTES_IN)))
    assert len(votes) == len(ANSWER) + 1
    assert len(corpus.utterances) == 2


def test_an_unknown_secondary_label_is_left_out_and_its_vote_stays(tmp_path):
    corpus, votes = read(write_podcast(tmp_path, [Vote(ONE, "WORKER1", "Sad", "Sad,Melancholic,Annoyed")]))
    assert [(row[3], row[4], row[6]) for row in rows(votes)] == [(0, "sad", 1.0), (1, "sad", 0.5), (3, "annoyed", 0.5)]
    assert reasons(corpus) == {f"{ONE}/worker1": "unknown secondary label 'Melancholic'; the vote's other labels stay"}


def test_a_second_row_of_an_utterance_is_rejected(tmp_path):
    table = pd.concat([consensus(VOTES_IN), consensus(VOTES_IN, "Test1").head(1)])
    corpus, _ = read(write_podcast(tmp_path, VOTES_IN, table=table))
    assert corpus.utterances["split"].tolist() == ["train", "train"]
    assert corpus.rejects[["item", "stage", "source_line"]].to_numpy().tolist() == [[ONE, "utterance", 4]]


@pytest.mark.parametrize("name", ["MSP PODCAST", "../../etc/passwd", "a'b", "ünï", ""])
def test_unsafe_ids_are_rejected(tmp_path, name):
    table = consensus(VOTES_IN)
    table.loc[1, "FileName"] = f"{name}.wav"
    corpus, _ = read(write_podcast(tmp_path, VOTES_IN, table=table))
    assert corpus.utterances["utterance"].tolist() == [ONE]
    assert corpus.rejects[["item", "stage"]].to_numpy().tolist() == [[name, "utterance"]]


def test_a_repeated_key_in_json_is_seen(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN, "json")
    path = root / "Labels/labels_detailed.json"
    vote = '{"WORKER99999901": {"EmoClass_Major": "Fear"}, "WORKER7": {"EmoClass_Major": "Fear"}}'
    path.write_text(path.read_text()[:-1] + f', "{ONE}.wav": {vote}}}')
    corpus, votes = read(root)
    assert len(votes) == len(ANSWER) + 1
    assert "already voted" in reasons(corpus)[f"{ONE}/worker99999901"]


@pytest.mark.parametrize("shape", SHAPES)
def test_byte_order_mark_and_crlf_change_nothing(tmp_path, shape):
    root = write_podcast(tmp_path, VOTES_IN, shape)
    for path in (root / "Labels").iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    corpus, votes = read(root)
    assert rows(votes) == ANSWER
    assert len(corpus.rejects) == 0


@pytest.mark.parametrize("shape", ["text", "1.6", "1.7", "2.0"])
def test_a_line_in_another_encoding_is_rejected_alone(tmp_path, shape):
    root = write_podcast(tmp_path, [*VOTES_IN, Vote(TWO, "WORKER9", "Other-blasé", "")], shape)
    path = detailed(root, shape)
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    corpus, votes = read(root)
    assert rows(votes) == ANSWER
    assert corpus.rejects["reason"].tolist() == ["the line is not UTF-8"]


@pytest.mark.parametrize("shape", ["text", "1.6", "1.7", "2.0"])
@pytest.mark.parametrize("lost", [3, 12, 20, 35, 60, 75])
def test_a_cut_file_loses_nothing_without_a_reason(tmp_path, shape, lost):
    root = write_podcast(tmp_path, VOTES_IN, shape)
    path = detailed(root, shape)
    path.write_bytes(path.read_bytes().rstrip()[:-lost])
    corpus, votes = read(root)
    whole = votes.drop_duplicates(["utterance", "rater"])
    begun = sum("WORKER999" in line for line in path.read_text().split("\n"))
    named = sum("WORKER999" not in item for item in corpus.rejects["item"])
    assert len(whole) in (3, 4)  # a line cut behind its labels is a vote still
    assert begun <= len(whole) + len(corpus.rejects) <= begun + named
    assert set(rows(votes)) <= set(ANSWER)


def test_a_damaged_header_does_not_hand_its_votes_to_the_utterance_before(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN, "text")
    path = root / "Labels/labels.txt"
    path.write_text(path.read_text().replace(f"{TWO}.wav; N;", f"{TWO} N;"))
    corpus, votes = read(root)
    assert rows(votes) == ANSWER[:6]
    assert corpus.rejects["source_line"].tolist() == [5, 6, 7]


def test_rows_of_another_length_and_open_quotes_are_rejected(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN)
    path = root / "Labels/labels_detailed.csv"
    lines = path.read_text().split("\n")
    lines[2:2] = [
        "",
        f"{ONE}.wav,WORKER8,4.0,4.0",
        f'{ONE}.wav,WORKER9,4.0,4.0,4.0,"Sad,Sad',
        f"{ONE}.wav,W,1,1,1,a,b,c",
    ]
    path.write_text("\n".join(lines))
    corpus, votes = read(root)
    assert rows(votes) == ANSWER
    by_line = dict(zip(corpus.rejects["source_line"], corpus.rejects["reason"], strict=True))
    assert "4 columns instead of 7" in by_line[4]
    assert "a quote is not closed" in by_line[5]
    assert "8 columns instead of 7" in by_line[6]


def test_links_in_a_circle_do_no_harm(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN)
    (root / "labels").symlink_to("labels")
    (root / "Audios").symlink_to("Audios")
    (root / "Labels/again").symlink_to(root)
    assert rows(read(root)[1]) == ANSWER


def put(name, content):
    def change(root):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shutil.rmtree, ["no such folder", "extract"]),
        (lambda root: (shutil.rmtree(root), root.mkdir()), ["the folder is empty", "extract"]),
        (lambda root: (root / "Labels").rename(root / "stuff"), ["no labels_consensus.csv", "stuff"]),
        (
            lambda root: (root / "Labels/labels_detailed.csv").unlink(),
            ["none of labels_detailed.csv", "single workers"],
        ),
        (
            lambda root: (root / "Labels/labels_consensus.csv").unlink(),
            ["no labels_consensus.csv", "labels_detailed.csv"],
        ),
        (put("labels/labels.txt", b"x"), ["'Labels'", "'labels'", "one release"]),
        (put("Labels/labels_detailed.csv", b""), ["labels_detailed.csv: is empty"]),
        (put("Labels/labels_detailed.csv", b"FileName,Sentiment\n"), ["labels_detailed.csv", "not understood"]),
        (put("Labels/labels_detailed.csv", b"FileName,FileName\n"), ["labels_detailed.csv, line 1", "distinct"]),
        (put("Labels/labels_detailed.csv", b"FileName,Workers,EmoClass_Major\n"), ["no utterance or no vote"]),
        (put("Labels/labels_detailed.csv", "FileName,EmoDetail\n".encode("utf-16-be")), ["UTF-16", "iconv"]),
        (
            put("Speaker_ids.txt", b"777 MSP-PODCAST_9999_0001\n" * 9),
            ["Speaker_ids.txt, line 1", "9 of 9 lines", ".wav;12"],
        ),
        (put("Labels/labels_consensus.csv", b"version https://git-lfs.github.com/spec/v1\n"), ["Git-LFS", "lfs pull"]),
        (put("Labels/labels_consensus.csv", b"Name,EmoClass\na,N\n"), ["labels_consensus.csv", "no column FileName"]),
    ],
)
def test_faults_of_the_whole_corpus_stop_with_the_remedy(tmp_path, change, words):
    root = write_podcast(tmp_path / "corpus", VOTES_IN)
    change(root)
    with pytest.raises(UserError) as error:
        read(root)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a.wav": {"WORKER1": {"EmoClass', "not readable as JSON"),
        ("[]", "not a JSON object"),
        ('{"a.wav": {"W\xe9": {}}}', "not all of it is UTF-8"),
    ],
)
def test_broken_json_stops_with_the_place(tmp_path, content, words):
    root = write_podcast(tmp_path, VOTES_IN, "json")
    (root / "Labels/labels_detailed.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=words):
        read(root)


def test_entries_of_json_that_are_no_objects_are_rejected(tmp_path):
    root = write_podcast(tmp_path, VOTES_IN, "json")
    path = root / "Labels/labels_detailed.json"
    path.write_text(path.read_text()[:-1] + ', "x.wav": 3, "y.wav": {"WORKER1": null}}')
    corpus, votes = read(root)
    assert rows(votes) == ANSWER
    assert sorted(corpus.rejects["item"]) == ["x.wav", "y.wav/WORKER1"]


def test_a_large_corpus_is_read_whole(tmp_path):
    corpus, votes = read(write_large_podcast(tmp_path, utterances=2000, votes=11_000, workers=500))
    assert len(corpus.utterances) == 2000
    assert (votes["role"].eq("primary").sum(), len(votes)) == (11_000, 33_000)
    assert votes[votes["role"] == "primary"].groupby("utterance").size().min() >= 5
    assert set(corpus.utterances["split"]) == {"train", "validation", "test", "test2"}
    assert len(corpus.rejects) == 0
    corpus, votes = read(write_large_podcast(tmp_path, utterances=100, votes=600, workers=500, secondary=False))
    assert len(votes) == 600


word = st.text("bcdfghijklm'\"()[]/:-éß", min_size=1, max_size=6)
free_text = st.lists(word, min_size=1, max_size=3).flatmap(
    lambda words: st.sampled_from(["; ", ", ", " "]).map(lambda between: between.join(words))
)
free = st.tuples(st.sampled_from(["Other-", "Other(", "Other:", "other "]), free_text).map("".join)
one_vote = st.tuples(
    st.one_of(st.sampled_from(PRIMARY), free),
    st.lists(st.sampled_from([*PRIMARY, *SECONDARY]), max_size=3, unique=True),
    st.lists(free, max_size=1),
    st.sampled_from(["1.000000", "NaN", ""]),
)


@pytest.mark.ci
@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.integers(1, 9), one_vote, min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_votes_written_and_read_back_are_the_same(tmp_path_factory, shape, given_votes):
    votes = [
        Vote(f"MSP-PODCAST_9999_{i:04d}", f"WORKER{worker}", primary, ",".join([*plain, *other]), act=act)
        for i, of_utterance in enumerate(given_votes)
        for worker, (primary, plain, other, act) in of_utterance.items()
    ]
    corpus, found = read(write_podcast(tmp_path_factory.mktemp("any"), votes, shape))
    wanted = []
    for i, of_utterance in enumerate(given_votes):
        for worker, (primary, plain, other, _) in of_utterance.items():
            key = (f"MSP-PODCAST_9999_{i:04d}", f"worker{worker}")
            wanted.append((*key, "primary", 0, "other" if primary not in PRIMARY else primary.lower(), primary, 1.0))
            labels = [(text.lower(), text) for text in plain] + [("other", text) for text in other]
            for rank, (label, raw) in enumerate(labels, start=1):
                wanted.append((*key, "secondary", rank, label, raw, 1 / len(labels)))
    assert sorted(rows(found)) == sorted(wanted)
    assert len(corpus.rejects) == 0


def test_the_writer_quotes_as_the_format_does():
    assert quoted("Neutral,Concerned") == '"Neutral,Concerned"'
    assert "FileName,EmoDetail\n" in DETAILED["1.7"][1](VOTES_IN)
    assert (
        f"{ONE}.wav; N; A:3.800000; V:4.200000; D:4.000000;\nWORKER99999901; Neutral; Neutral,Concerned; A:4"
        in text(VOTES_IN)
    )
