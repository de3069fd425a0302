"""A file is encoded once while it is kept, and what is kept is what would be computed."""

import sys
import warnings
from pathlib import Path

import pytest
import soundfile
import torch

from scaling_ambiguity.alms import encodings
from scaling_ambiguity.alms.encoded_clips import EncodedClips
from scaling_ambiguity.alms.encoding_shards import encode_shard
from scaling_ambiguity.alms.encodings import Encodings
from scaling_ambiguity.alms.families import family
from scaling_ambiguity.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import FAMILIES, noise, open_family


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


@pytest.mark.parametrize("family", ["qwen2_audio", "voxtral"])
def test_encoded_once_over_calls(family, files, counted, tmp_path_factory):
    kept = Encodings(open_family(family, tmp_path_factory))
    first, cut = kept.tokens(kept.prepare(files))
    assert len(counted) == 3 and list(first) == list(cut) == files
    again, same = kept.tokens(kept.prepare(files))
    assert len(counted) == 3 and same == cut
    assert all(torch.equal(first[path], again[path]) for path in files)
    # prepared before, heard in the meantime: a call that runs ahead does not encode twice either
    other = Encodings(kept.alm)
    ahead = [other.prepare(files), other.prepare(files)]
    tokens = [other.tokens(clips)[0] for clips in ahead]
    assert len(counted) == 2 * 3
    assert all(torch.equal(first[path], found[path]) for path in files for found in tokens)


@pytest.mark.parametrize("family", FAMILIES)
def test_neighbours_change_no_bit_and_neither_does_the_disk(family, files, counted, tmp_path, tmp_path_factory):
    alm = open_family(family, tmp_path_factory)
    together = Encodings(alm)
    tokens, cut = together.tokens(together.prepare(files))
    for path in files:
        alone = Encodings(alm)
        assert torch.equal(alone.tokens(alone.prepare([path]))[0][path], tokens[path])
    encode_shard(alm, [(path.stem, path) for path in files], tmp_path / "state", tmp_path / "shard")
    counted.clear()
    shared = Encodings(alm, shared=EncodedClips([tmp_path / "shard"]))
    found, same = shared.tokens(shared.prepare(files))
    assert same == cut and not counted and not shared.missed
    assert all(torch.equal(found[path], tokens[path]) and found[path].dtype == tokens[path].dtype for path in files)


def test_what_the_disk_lacks_is_encoded_here_and_counted(files, counted, tmp_path, tmp_path_factory):
    alm = open_family("qwen2_audio", tmp_path_factory)
    encode_shard(alm, [("one", files[0])], tmp_path / "state", tmp_path / "shard")
    shared = Encodings(alm, shared=EncodedClips([tmp_path / "shard"]))
    found = shared.tokens(shared.prepare(files))[0]
    own = Encodings(alm)
    assert shared.missed == set(files[1:])
    expected = own.tokens(own.prepare(files))[0]
    assert len(counted) == 2 + 3 and all(torch.equal(found[path], expected[path]) for path in files)


def test_the_outputs_of_another_model_are_refused(files, tmp_path, tmp_path_factory):
    encode_shard(open_family("voxtral", tmp_path_factory), [("one", files[0])], tmp_path / "state", tmp_path / "shard")
    with pytest.raises(UserError, match=r"shard: encoded with revision .*encode_audio"):
        Encodings(open_family("qwen2_audio", tmp_path_factory), shared=EncodedClips([tmp_path / "shard"]))


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


@pytest.mark.parametrize("name", FAMILIES)
def test_a_clip_without_audio_tokens_is_noted_and_the_others_are_encoded(name, files, tmp_path, tmp_path_factory):
    alm, short = open_family(name, tmp_path_factory), tmp_path / "short.wav"
    soundfile.write(short, noise(0, 0.01), 16_000)
    kept, whole = Encodings(alm), Encodings(alm)
    expected = whole.tokens(whole.prepare(files))
    found = kept.tokens(kept.prepare([files[0], short, *files[1:]]))
    reason = "the clip is too short for a single audio token (160 samples at 16000 Hz, at least 800)."
    assert kept.unheard == {short: reason} and not whole.unheard
    assert list(found[0]) == list(found[1]) == files and found[1] == expected[1]
    assert all(torch.equal(found[0][path], expected[0][path]) for path in files)
    soundfile.write(short, noise(0, 0.1), 16_000)  # mended meanwhile
    assert list(kept.tokens(kept.prepare([short]))[0]) == [short]


@pytest.mark.parametrize("name", ["qwen2_audio", "qwen2_5_omni"])
def test_a_front_end_that_needs_more_than_others_is_noted_alike(name, files, tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(family, "SHORTEST", 0)
    short = tmp_path / "short.wav"
    soundfile.write(short, noise(0, 0.0125), 16_000)
    kept = Encodings(open_family(name, tmp_path_factory))
    assert list(kept.tokens(kept.prepare([short, *files]))[0]) == files
    assert kept.unheard == {short: "the clip is too short for a single audio token (200 samples at 16000 Hz)."}


def test_messages_name_the_file(tmp_path, tmp_path_factory):
    kept = Encodings(open_family("voxtral", tmp_path_factory))
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
