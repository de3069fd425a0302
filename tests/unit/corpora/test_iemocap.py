"""IEMOCAP: every quirk of the format and every kind of damage, with known answers."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_ambiguity.corpora.readers import iemocap
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

sys.path.insert(0, str(Path(__file__).resolve().parent))

from make_iemocap import CODES, Clip, block, sample, write, write_sound

OPTIONS = {"reader": "iemocap", "release": "part", "audio": "optional"}
CLIPS = [
    Clip(
        "Ses09F_impro01_F003",
        [
            ("E1", ["Frustration"], ""),
            ("E2", ["Frustration", "Anger"], "sounds a bit tired"),
            ("E4", ["Neutral"], ""),
            ("F1", ["Other"], "relieved"),
        ],
        [("E3", "2", "4", "3", ""), ("E4", "2", "3", "", "tense"), ("F1", "3", "2", "4", "")],
    ),
    Clip("Ses09F_impro01_M000", [("E1", ["Sadness"], ""), ("E2", ["Neutral state"], "")], text="[LAUGHTER]"),
]


def read(root, **options):
    corpus = iemocap.read(root, OPTIONS | options)
    UTTERANCES.validate(corpus.utterances, "utterances")
    VOTES.validate(corpus.votes, "votes")
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.validate(corpus.rejects.astype(text), "rejects")
    return corpus


def label_file(root, dialogue="Ses09F_impro01"):
    return root / f"Session9/dialog/EmoEvaluation/{dialogue}.txt"


def edit(path, old, new):
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")


def summary(votes):
    return votes[["utterance", "rater", "kind", "rank", "label", "weight"]].to_numpy().tolist()


def reasons(corpus):
    return dict(zip(corpus.rejects["item"], corpus.rejects["reason"], strict=True))


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "corpus", CLIPS)


def test_a_dialogue_with_known_answers(root):
    assert block(CLIPS[0]).startswith("[12.3400 - 15.6700]\tSes09F_impro01_F003\tfru\t[2.0000, 4.0000, 3.0000]\n")
    corpus = read(root)
    first, second = "Ses09F_impro01_F003", "Ses09F_impro01_M000"
    assert summary(corpus.votes) == [
        [first, "e1", "observer", 0, "frustration", 1.0],
        [first, "e2", "observer", 0, "frustration", 0.5],
        [first, "e2", "observer", 1, "anger", 0.5],
        [first, "e4", "observer", 0, "neutral", 1.0],
        [first, "ses09_f1", "self", 0, "other", 1.0],
        [second, "e1", "observer", 0, "sadness", 1.0],
        [second, "e2", "observer", 0, "neutral", 1.0],
    ]
    assert corpus.votes["label_raw"].tolist()[-1] == "Neutral state"
    assert set(corpus.votes["presentation"]) == {"audiovisual"}
    assert set(corpus.votes["role"]) == {"primary"}
    assert corpus.votes["raters_known"].all()
    assert len(corpus.rejects) == 0
    row = corpus.utterances.iloc[1]
    assert row[["utterance", "session", "transcript"]].tolist() == [second, "Session9", "[LAUGHTER]"]
    assert row["path"] == "Session9/sentences/wav/Ses09F_impro01/Ses09F_impro01_M000.wav"
    assert (root / row["path"]).is_file()


def test_the_speaker_is_the_letter_of_the_turn_not_of_the_dialogue(root):
    assert read(root).utterances["speaker"].tolist() == ["Ses09F", "Ses09M"]


def test_presentation_can_be_stated(root):
    assert set(read(root, presentation="voice").votes["presentation"]) == {"voice"}


@pytest.mark.parametrize(
    "note", ["sounds a bit tired", "Anger; Sadness;", "C-E9: Fear; ()", "(again) (and again)", "é"]
)
def test_comments_in_parentheses_are_never_labels(tmp_path, note):
    corpus = read(write(tmp_path, [Clip("Ses09F_impro01_F000", [("E1", ["Neutral"], note)])]))
    assert corpus.votes["label"].tolist() == ["neutral"]
    assert len(corpus.rejects) == 0


def test_all_ten_words_have_their_label(tmp_path):
    corpus = read(write(tmp_path, [Clip("Ses09F_impro01_F000", [("E1", list(CODES), "")])]))
    assert tuple(corpus.votes["label"]) == iemocap.WORDS
    assert np.allclose(corpus.votes["weight"], 0.1)


def test_utterances_without_majority_stay(tmp_path):
    clip = Clip("Ses09F_impro01_F000", [("E1", ["Neutral"], ""), ("E2", ["Anger"], ""), ("E3", ["Fear"], "")])
    assert "\txxx\t" in block(clip)
    assert len(read(write(tmp_path, [clip])).votes) == 3


def test_apple_double_files_do_not_count(root):
    for path in (label_file(root), root / "Session9/sentences/wav/Ses09F_impro01/Ses09F_impro01_F003.wav"):
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (label_file(root).parent / ".DS_Store").write_bytes(b"\0")
    corpus = read(root)
    assert (len(corpus.utterances), len(corpus.votes), len(corpus.rejects)) == (2, 7, 0)


def test_dialogues_whose_names_begin_alike_are_not_mixed(tmp_path):
    names = ["Ses05M_script01_1", "Ses05M_script01_1b", "Ses05M_impro05a", "Ses05M_impro05b"]
    clips = [Clip(f"{name}_{who}000", [("E1", ["Neutral"], "")], text=name) for name in names for who in "FM"]
    corpus = read(write(tmp_path, clips))
    assert len(corpus.utterances) == 8
    assert corpus.utterances["utterance"].str.rpartition("_")[0].equals(corpus.utterances["transcript"])
    assert len(corpus.rejects) == 0
    file = tmp_path / "Session5/dialog/EmoEvaluation/Ses05M_script01_1.txt"
    edit(file, "Ses05M_script01_1_F000", "Ses05M_script01_1b_F001")
    assert "of another dialogue than Session5/Ses05M_script01_1" in reasons(read(tmp_path))["Ses05M_script01_1b_F001"]


def test_turns_without_a_label_or_an_id_are_no_utterances(root):
    path = root / "Session9/dialog/transcriptions/Ses09F_impro01.txt"
    more = "Ses09F_impro01_MXX0 [016.0000-016.4000]: [LAUGHTER]\nM: [overlapping remark without id]\n"
    path.write_text(path.read_text() + more)
    corpus = read(root)
    assert len(corpus.utterances) == 2
    assert corpus.utterances["transcript"].tolist() == [CLIPS[0].text, "[LAUGHTER]"]


def test_utf_16_with_a_byte_order_mark_is_read(root):
    whole = read(root)
    label_file(root).write_text(label_file(root).read_text(), encoding="utf-16")
    assert read(root).votes.equals(whole.votes)


def test_a_turn_without_its_colon_is_a_reject(root):
    path = root / "Session9/dialog/transcriptions/Ses09F_impro01.txt"
    edit(path, "]: ", "] ")
    corpus = read(root)
    assert corpus.utterances["transcript"].isna().tolist() == [True, False]
    assert corpus.rejects[["item", "stage", "source_line"]].to_numpy().tolist() == [[CLIPS[0].name, "transcript", 1]]


def test_a_missing_transcription_leaves_null_and_a_reject(root):
    path = root / "Session9/dialog/transcriptions/Ses09F_impro01.txt"
    path.rename(path.with_name("Ses09F_impro01.bak"))
    corpus = read(root)
    assert corpus.utterances["transcript"].isna().all()
    assert corpus.rejects["stage"].tolist() == ["transcript"]


def test_ratings_survive_two_spaces_and_missing_values(root):
    ratings = iemocap.ratings(root, OPTIONS)
    assert ratings["rater"].tolist() == ["e3", "e4", "ses09_f1"]
    numbers = ratings[["valence", "arousal", "dominance"]].to_numpy()
    assert np.array_equal(numbers, [[2, 4, 3], [2, 3, np.nan], [3, 2, 4]], equal_nan=True)


def test_actors_of_different_sessions_are_different_raters(tmp_path):
    clips = [Clip(f"Ses0{s}F_impro01_F000", [("E1", ["Neutral"], ""), ("F1", ["Anger"], "")]) for s in (1, 2)]
    assert sorted(set(read(write(tmp_path, clips)).votes["rater"])) == ["e1", "ses01_f1", "ses02_f1"]


def test_without_sound_the_path_is_null_if_sound_is_optional(tmp_path):
    root = write(tmp_path, CLIPS, audio=False)
    assert read(root).utterances["path"].isna().all()
    with pytest.raises(UserError, match=r"sentences/wav: missing.*audio: none"):
        read(root, audio="required")


@pytest.mark.parametrize(
    ("old", "new", "item", "reason"),
    [
        ("C-E4:\tNeutral", "C-E4:\tBored", "Ses09F_impro01_F003/e4", "unknown label 'Bored'"),
        ("Frustration; Anger;", "Frustration; Angr;", "Ses09F_impro01_F003/e2", "unknown label 'Angr'"),
        ("C-E4:\tNeutral;", "C-E4:\t", "Ses09F_impro01_F003/e4", "the vote has no label"),
        ("C-E4:", "C-E1:", "Ses09F_impro01_F003/e1", "already voted"),
        ("(relieved)", "(relie", "Session9/dialog/EmoEvaluation/Ses09F_impro01.txt:7", "cut or damaged"),
    ],
)
def test_a_faulty_vote_is_left_out_alone(root, old, new, item, reason):
    edit(label_file(root), old, new)
    corpus = read(root)
    lost = 2 if "Angr;" in new else 1
    assert len(corpus.votes) == 7 - lost
    assert reason in reasons(corpus)[item]
    row = corpus.rejects.iloc[0]
    assert row["source_file"] == "Session9/dialog/EmoEvaluation/Ses09F_impro01.txt"
    assert root.joinpath(row["source_file"]).read_text().split("\n")[row["source_line"] - 1].startswith("C-")


@pytest.mark.parametrize(
    "name", ["Ses09F impro01_F003", "../Ses09F_impro01_F003", "Ses09F_impro01_F0ü3", "Ses09F_impro02_F003"]
)
def test_a_faulty_id_takes_its_votes_along(root, name):
    edit(label_file(root), "Ses09F_impro01_F003", name)
    corpus = read(root)
    assert corpus.utterances["utterance"].tolist() == ["Ses09F_impro01_M000"]
    assert len(corpus.votes) == 2
    stages = corpus.rejects["stage"].value_counts().to_dict()
    assert stages == {"vote": 4, "utterance": 2}  # the id, and the sound that no block names
    assert f"{name}/F1" in reasons(corpus)


@pytest.mark.parametrize("header", ["[12.3400 - 15.6700]\tSes09F_im", "2.3400 - 15.6700]\tSes09F_impro01_M000\txxx"])
def test_a_damaged_header_does_not_hand_its_votes_to_the_utterance_before(root, header):
    edit(label_file(root), "[12.3400 - 15.6700]\tSes09F_impro01_M000\txxx", header)
    corpus = read(root)
    assert len(corpus.votes) == 5
    assert set(corpus.utterances["utterance"]) == {"Ses09F_impro01_F003"}
    assert len(corpus.rejects) == 4  # the header, its two votes, the sound without a block


def test_a_second_block_of_an_utterance_is_rejected(root):
    path = label_file(root)
    path.write_text(path.read_text() + block(CLIPS[1]))
    corpus = read(root)
    assert (len(corpus.utterances), len(corpus.votes)) == (2, 7)
    assert sorted(corpus.rejects["stage"]) == ["utterance", "vote", "vote"]


def test_byte_order_mark_and_crlf_change_nothing(root):
    before = read(root)
    path = label_file(root)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    after = read(root)
    assert after.votes.equals(before.votes)
    assert len(after.rejects) == 0


def test_a_line_in_another_encoding_is_rejected_alone(root):
    path = label_file(root)
    path.write_bytes(path.read_bytes().replace(b"(relieved)", "(relieved, très)".encode("cp1252")))
    corpus = read(root)
    assert len(corpus.votes) == 6
    assert reasons(corpus) == {"Session9/dialog/EmoEvaluation/Ses09F_impro01.txt:7": "the line is not UTF-8"}


@pytest.mark.parametrize("end", range(60, 560, 20))
def test_a_cut_file_loses_nothing_without_a_reason(root, end):
    path = label_file(root)
    path.write_bytes(path.read_bytes()[:end])
    corpus = read(root)
    named = set(corpus.utterances["utterance"]) | {item.partition("/")[0] for item in corpus.rejects["item"]}
    assert {clip.name for clip in CLIPS} <= named  # the sound tells of blocks that are gone
    begun = sum(line.startswith("C-") for line in path.read_text().split("\n"))
    whole = corpus.votes.drop_duplicates(["utterance", "rater"])
    lost = corpus.rejects["stage"].isin(["vote"]) | (corpus.rejects["stage"].eq("label_file"))
    assert begun - 1 <= len(whole) + lost.sum() <= begun + 1


def test_links_in_a_circle_do_no_harm(root):
    (root / "Session8").symlink_to("Session8")
    (label_file(root).parent / "again").symlink_to(root)
    (root / "Session9/sentences/wav/again").symlink_to(root / "Session9/sentences/wav")
    assert len(read(root).votes) == 7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root, file: shutil.rmtree(root), ["no such folder", "correct its root"]),
        (lambda root, file: (shutil.rmtree(root), root.mkdir()), ["empty", "extract"]),
        (lambda root, file: (root / "Session9").rename(root / "stuff"), ["no folder Session1", "stuff"]),
        (lambda root, file: shutil.rmtree(file.parent), ["EmoEvaluation: missing", "part only"]),
        (lambda root, file: file.unlink(), ["no label file of Ses09F_impro01", "part only"]),
        (lambda root, file: file.write_bytes(b""), ["Ses09F_impro01.txt: is empty"]),
        (lambda root, file: file.write_text(file.read_text(), encoding="utf-16-be"), ["Ses09F_impro01.txt", "UTF-16"]),
        (
            lambda root, file: file.write_text("version https://git-lfs.github.com/spec/v1\n"),
            ["Git-LFS", "git lfs pull"],
        ),
    ],
)
def test_faults_of_the_whole_corpus_stop_with_the_remedy(root, change, words):
    change(root, label_file(root))
    with pytest.raises(UserError) as error:
        read(root)
    for word in words:
        assert word in str(error.value)


def test_the_folder_around_the_corpus_is_recognised(root):
    with pytest.raises(UserError, match="the root is its folder corpus"):
        read(root.parent)


def test_a_dialogue_known_only_from_its_sound_is_missed(root):
    write_sound(root / "Session9/sentences/wav/Ses09M_impro02/Ses09M_impro02_F000.wav")
    with pytest.raises(UserError, match="no label file of Ses09M_impro02"):
        read(root)


def test_the_full_release_has_five_sessions_and_151_dialogues(root, tmp_path):
    with pytest.raises(UserError, match="Session1 is missing"):
        read(root, release="full")
    sizes = {1: 28, 2: 30, 3: 32, 4: 30, 5: 31}
    names = [f"Ses{s:02d}F_impro{d:02d}_F000" for s, n in sizes.items() for d in range(1, n + 1)]
    whole = write(tmp_path / "whole", [Clip(name, [("E1", ["Neutral"], "")]) for name in names], audio=False)
    corpus = iemocap.read(whole, {"audio": "optional"})
    assert len(corpus.utterances) == 151
    assert "1791 of the session's 1819 utterances have no readable label block" in reasons(corpus)["Session1"]
    shutil.rmtree(whole / "Session1/dialog")
    write(whole, [Clip(name, [("E1", ["Neutral"], "")]) for name in names[1:28]], audio=False)
    with pytest.raises(UserError, match="150 dialogues instead of 151"):
        iemocap.read(whole, {"audio": "optional"})


def test_a_strange_file_among_the_labels_is_reported(root):
    label_file(root, "notes").write_text("remember the milk\n")
    assert reasons(read(root)) == {"Session9/dialog/EmoEvaluation/notes.txt": "not named after a dialogue"}


def test_a_sampled_corpus_is_read_whole(tmp_path):
    clips = sample()
    corpus = read(write(tmp_path, clips))
    assert len(corpus.utterances) == len(clips) == 80
    assert len(corpus.votes) == sum(len(labels) for clip in clips for _, labels, _ in clip.votes)
    assert corpus.utterances.groupby("session")["speaker"].nunique().eq(2).all()
    assert len(corpus.rejects) == 0


comments = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
votes_of_a_clip = st.dictionaries(
    st.sampled_from(["E1", "E2", "E3", "E4", "E5", "E6", "F1", "M1"]),
    st.tuples(st.lists(st.sampled_from(list(CODES)), min_size=1, max_size=4), comments),
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(votes_of_a_clip, min_size=1, max_size=4))
def test_any_votes_written_and_read_back_are_the_same(tmp_path_factory, given_votes):
    clips = [
        Clip(f"Ses09F_impro01_F{i:03d}", [(rater, *vote) for rater, vote in votes.items()])
        for i, votes in enumerate(given_votes)
    ]
    corpus = read(write(tmp_path_factory.mktemp("any"), clips, audio=False))
    wanted = [
        (clip.name, rater.lower() if rater[0] == "E" else f"ses09_{rater.lower()}", rank, label, 1 / len(labels))
        for clip in clips
        for rater, labels, _ in clip.votes
        for rank, label in enumerate(labels)
    ]
    found = corpus.votes[["utterance", "rater", "rank", "label_raw", "weight"]]
    assert list(found.itertuples(index=False, name=None)) == wanted
    assert len(corpus.utterances) == len(clips)
    assert len(corpus.rejects) == 0
