"""What a run is planned by, the names of the sound files, agrees with what each reader then finds."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scaling_ambiguity.corpora.audit import audit
from scaling_ambiguity.corpora.readers import cremad, demo, iemocap, look_for_sound, msp_improv, msp_podcast, table

sys.path.insert(0, str(Path(__file__).resolve().parent))

import make_iemocap
import make_msp

READERS = {
    module.__name__.rpartition(".")[2]: module for module in (cremad, demo, iemocap, msp_improv, msp_podcast, table)
}
CLIPS = [f"{1901 + i % 3}_{word}_NEU_XX" for i in range(3) for word in ("IEO", "TIE", "IOM", "IWW")]
IMPROV = "MSP-IMPROV-S99A-F09-P-FM{:02d}"
ITEMS = [f"u{i}" for i in range(12)]


def cremad_root(root):
    rows = "".join(f"{100001 + i},0,0,0,0,3,0,{clip}\n" for i, clip in enumerate(CLIPS))
    (root / "tabulatedVotes.csv").write_text(",A,D,F,H,N,S,fileName\n" + rows)
    return {}, {f"AudioWAV/{clip}.wav" for clip in CLIPS}


def demo_root(root):
    rows = "".join(f"{item},s{i % 3},audio/{item}.wav,0.2,text\n" for i, item in enumerate(ITEMS))
    (root / "utterances.csv").write_text("utterance,speaker,path,duration,transcript\n" + rows)
    (root / "votes.csv").write_text("utterance,rater,label\n" + "".join(f"{item},r1,sad\n" for item in ITEMS))
    return {"classes": ["sad"]}, {f"audio/{item}.wav" for item in ITEMS}


def iemocap_root(root):
    clips = make_iemocap.sample(sessions=(1, 2), dialogues=2, clips=6)
    make_iemocap.write(root, clips, audio=False)
    return {"release": "part"}, {
        f"Session{int(clip.dialogue[3:5])}/sentences/wav/{clip.dialogue}/{clip.name}.wav" for clip in clips
    }


def improv_root(root):
    votes = make_msp.sample(12, name=IMPROV)
    (root / "Evaluation.txt").write_text(make_msp.improv(votes), encoding="utf-8")
    return {}, {f"Audio/session9/S99A/P/{name}.wav" for name in {vote.utterance for vote in votes}}


def podcast_root(root, shape="2.0"):
    votes = make_msp.sample(12)
    make_msp.write_podcast(root, votes, shape)
    return {}, {f"Audios/{name}.wav" for name in {vote.utterance for vote in votes}}


def blocks_root(root):
    options, paths = podcast_root(root, "text")
    (root / "Labels/labels_consensus.csv").unlink()
    return options, paths


def table_root(root):
    rows = "".join(f"{item},s{i % 3},wav/{item}.wav\n" for i, item in enumerate(ITEMS))
    (root / "u.csv").write_text("utterance,speaker,path\n" + rows)
    (root / "v.csv").write_text("utterance,rater,label\n" + "".join(f"{item},r1,sad\n" for item in ITEMS))
    return {"utterances": "u.csv", "votes": "v.csv"}, {f"wav/{item}.wav" for item in ITEMS}


MADE = [
    ("cremad", cremad_root),
    ("demo", demo_root),
    ("iemocap", iemocap_root),
    ("msp_improv", improv_root),
    ("msp_podcast", podcast_root),
    ("msp_podcast", blocks_root),
    ("table", table_root),
]


def all_of_it(root, paths):
    return paths


def none_of_it(root, paths):
    return set()


def one_stray_file(root, paths):
    tone(root / "jingle.wav")
    return set()


def most_of_it(root, paths):
    return set(sorted(paths)[:-1])


def tone(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(3200) * 0.17), 16000, subtype="PCM_16", format="WAV")


@pytest.mark.parametrize("there", [all_of_it, none_of_it, one_stray_file, most_of_it])
@pytest.mark.parametrize(("reader", "make"), MADE, ids=lambda value: getattr(value, "__name__", value))
def test_the_plan_and_the_reading_agree(tmp_path, reader, make, there):
    options, paths = make(tmp_path)
    for path in there(tmp_path, paths):
        tone(tmp_path / path)
    options |= {"reader": reader, "audio": "optional"}
    seen = look_for_sound(reader, tmp_path, options)
    kept = audit(READERS[reader].read(tmp_path, options), tmp_path, name="c", audio="optional")
    assert seen.wanted == len(paths)
    assert seen.found == len(there(tmp_path, paths))
    assert seen.enough(0.02) == (there is all_of_it) == bool(kept.utterances["path"].notna().any())
    assert str(tmp_path) in str(seen)
    assert ("no sound found in" in str(seen)) == (seen.found == 0)


@pytest.mark.parametrize(("reader", "make"), MADE, ids=lambda value: getattr(value, "__name__", value))
def test_sound_behind_links_is_found_and_read(tmp_path, reader, make):
    """As where the label files lie on one disk and the sound on another: a link below the root is followed."""
    (tmp_path / "root").mkdir()
    options, paths = make(tmp_path / "root")
    for path in paths:
        tone(tmp_path / "disk" / path)
    for folder in {Path(path).parts[0] for path in paths}:
        for below in (tmp_path / "disk" / folder).iterdir():
            (tmp_path / "root" / folder).mkdir(exist_ok=True)
            if not (tmp_path / "root" / folder / below.name).exists():
                (tmp_path / "root" / folder / below.name).symlink_to(below)
    options |= {"reader": reader, "audio": "required"}
    assert look_for_sound(reader, tmp_path / "root", options).found == len(paths)
    kept = audit(READERS[reader].read(tmp_path / "root", options), tmp_path / "root", name="c")
    assert len(kept.utterances) == len(paths)
    assert kept.utterances["duration"].tolist() == [0.2] * len(paths)


@pytest.mark.parametrize("suffix", [".WAV", ".flac", ".Mp3"])
@pytest.mark.parametrize(("reader", "make"), MADE[:1] + MADE[2:-1], ids=lambda value: getattr(value, "__name__", value))
def test_sound_of_another_suffix_is_sound(tmp_path, reader, make, suffix):
    options, paths = make(tmp_path)
    for path in paths:
        tone((tmp_path / path).with_suffix(suffix))
    options |= {"reader": reader, "audio": "required"}
    assert look_for_sound(reader, tmp_path, options).found == len(paths)
    kept = audit(READERS[reader].read(tmp_path, options), tmp_path, name="c")
    assert len(kept.utterances) == len(paths)
    assert set(kept.utterances["path"].str[-len(suffix) :]) == {suffix}


def test_pointers_of_git_lfs_are_no_sound(tmp_path):
    options, paths = cremad_root(tmp_path)
    for path in paths:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n")
    assert look_for_sound("cremad", tmp_path, options).found == 0


def test_a_table_without_paths_or_a_root_without_a_corpus_has_no_sound(tmp_path):
    options, paths = table_root(tmp_path)
    for path in paths:
        tone(tmp_path / path)
    (tmp_path / "u.csv").write_text((tmp_path / "u.csv").read_text().replace("path", "file"))
    assert look_for_sound("table", tmp_path, options).found == 0
    assert look_for_sound("table", tmp_path, options | {"columns": {"path": "file"}}).found == 12
    shutil.rmtree(tmp_path)
    for reader in READERS:
        entry = options if reader == "table" else {}
        assert str(look_for_sound(reader, tmp_path, entry)) == f"no sound found in {tmp_path}"
