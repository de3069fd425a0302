"""A file is encoded once while it is kept, and what is kept is what would be computed."""

import sys
import warnings
from pathlib import Path

import pytest
import soundfile
import torch

from scaling_ambiguity.alms import encodings
from scaling_ambiguity.alms.encodings import Encodings
from scaling_ambiguity.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import noise, open_family


@pytest.fixture
def files(tmp_path):
    for place, seconds in enumerate((0.5, 2.0, 1.0)):
        soundfile.write(tmp_path / f"{place}.wav", noise(place, seconds), 16_000, subtype="FLOAT")
    return sorted(tmp_path.iterdir())


@pytest.fixture
def counted(monkeypatch):
    calls, hear = [], encodings.hear_features
    monkeypatch.setattr(encodings, "hear_features", lambda alm, features: calls.append(1) or hear(alm, features))
    return calls


@pytest.mark.parametrize(("family", "chunks"), [("qwen2_audio", 1), ("voxtral", 3)])
def test_encoded_once_over_calls(family, chunks, files, counted, tmp_path_factory):
    kept = Encodings(open_family(family, tmp_path_factory))
    first, cut = kept.tokens(kept.prepare(files))
    assert len(counted) == chunks and list(first) == list(cut) == files
    again, same = kept.tokens(kept.prepare(files))
    assert len(counted) == chunks and same == cut
    assert all(torch.equal(first[path], again[path]) for path in files)
    # prepared before, heard in the meantime: a call that runs ahead does not encode twice either
    other = Encodings(kept.alm)
    ahead = [other.prepare(files), other.prepare(files)]
    tokens = [other.tokens(chunks)[0] for chunks in ahead]
    assert len(counted) == 2 * chunks
    assert all(torch.equal(first[path], found[path]) for path in files for found in tokens)


def test_only_the_same_batch_is_found_again(files, counted, tmp_path_factory):
    # neighbours may change last digits where clips are heard together
    kept = Encodings(open_family("qwen2_audio", tmp_path_factory))
    kept.tokens(kept.prepare(files))
    kept.tokens(kept.prepare(files[:2]))
    assert len(counted) == 2
    alone = Encodings(open_family("voxtral", tmp_path_factory))
    alone.tokens(alone.prepare(files))
    alone.tokens(alone.prepare(files[:2]))
    assert len(counted) == 2 + 3


def test_a_changed_file_is_heard_anew(files, tmp_path_factory):
    kept = Encodings(open_family("voxtral", tmp_path_factory))
    before = kept.tokens(kept.prepare(files))[0]
    soundfile.write(files[0], noise(9, 0.7), 16_000, subtype="FLOAT")
    after = kept.tokens(kept.prepare(files))[0]
    assert not torch.equal(before[files[0]], after[files[0]]) and torch.equal(before[files[1]], after[files[1]])


def test_the_last_used_stay(files, counted, tmp_path_factory):
    alm = open_family("voxtral", tmp_path_factory)
    sizes = {path: tokens.nbytes for path, tokens in Encodings(alm).tokens(Encodings(alm).prepare(files))[0].items()}
    counted.clear()
    kept = Encodings(alm, kept_bytes=sizes[files[0]] + sizes[files[1]])
    for path in (files[0], files[1], files[0], files[2]):  # the second was used longest ago
        kept.tokens(kept.prepare([path]))
    assert len(counted) == 3
    kept.tokens(kept.prepare([files[0]]))
    assert len(counted) == 3
    kept.tokens(kept.prepare([files[1]]))
    assert len(counted) == 4


def test_messages_name_the_file(tmp_path, tmp_path_factory):
    short = tmp_path / "short.wav"
    soundfile.write(short, noise(0, 0.01), 16_000)
    kept = Encodings(open_family("voxtral", tmp_path_factory))
    with pytest.raises(UserError, match=r"short\.wav.*too short"):
        kept.prepare([short])
    with pytest.raises(UserError, match=r"absent\.wav"):
        kept.prepare([tmp_path / "absent.wav"])


def test_what_is_cut_is_known_from_what_is_kept(tmp_path, tmp_path_factory):
    long = tmp_path / "long.wav"
    soundfile.write(long, noise(0, 5.5), 16_000)
    kept = Encodings(open_family("qwen2_audio", tmp_path_factory))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cuts = [kept.tokens(kept.prepare([long]))[1][long] for _ in range(2)]
    assert cuts == [1.5, 1.5]
