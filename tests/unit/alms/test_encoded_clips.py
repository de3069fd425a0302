"""Encoder outputs on disk: what is read is what was written, of this sound and this encoder, or nothing."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch

from scaling_ambiguity.alms import encoding_shards
from scaling_ambiguity.alms.encoded_clips import EncodedClip, EncodedClips, encoder_of, read_header, write_piece
from scaling_ambiguity.alms.encoding_shards import encode_shard
from scaling_ambiguity.alms.encodings import Encodings
from scaling_ambiguity.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import noise, open_family

ENCODER = {"revision": "abc", "dtype": "bfloat16", "device": "cpu"}


@pytest.fixture
def sounds(tmp_path):
    """Five utterances and their files."""
    (tmp_path / "sounds").mkdir()
    found = [(f"u{place}", tmp_path / "sounds" / f"{place}.wav") for place in range(5)]
    for place, (_, path) in enumerate(found):
        soundfile.write(path, noise(place, 0.4 + 0.2 * place), 16_000, subtype="FLOAT")
    return found


@pytest.fixture
def alm(tmp_path_factory):
    return open_family("qwen2_audio", tmp_path_factory)


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(encoding_shards, "CLIPS_A_PIECE", 2)


@pytest.fixture
def counted(monkeypatch):
    calls, hear = [], encoding_shards.frozen_states
    monkeypatch.setattr(encoding_shards, "frozen_states", lambda alm, features: calls.append(1) or hear(alm, features))
    return calls


def clip(rows, file="f" * 64, cut=0.0):
    return EncodedClip(torch.randn(rows, 6).to(torch.bfloat16), cut, file, "s" * 64)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_is_read_is_what_was_written(tmp_path):
    clips = {"one": clip(3, "1" * 64, 1.5), "two": clip(5, "2" * 64)}
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_piece(tmp_path / folder / "0.safetensors", ENCODER, clips)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    (tmp_path / "plain").touch()
    assert (tmp_path / "a" / "0.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode
    found = EncodedClips([tmp_path / "a"])
    assert len(found) == 2 and found.encoder == ENCODER
    for name, expected in clips.items():
        read = found._clip(found._by_name[name])
        assert torch.equal(read.tokens, expected.tokens) and read.tokens.dtype == torch.bfloat16
        assert replace(read, tokens=expected.tokens) == expected


def test_only_the_sound_that_was_encoded_is_found(sounds, alm, tmp_path):
    encode_shard(alm, sounds[:4], tmp_path / "state", tmp_path / "shard")
    found = EncodedClips([tmp_path / "shard"])
    (name, path), (_, other), (unknown, new) = sounds[0], sounds[1], sounds[4]
    assert torch.equal(found.of(name, path).tokens, found.about(path).tokens)
    assert found.of(unknown, new) is None and found.about(new) is None
    with pytest.raises(UserError, match=r"1\.wav.*u0 is not the one"):
        found.of(name, other)
    path.unlink()
    with pytest.raises(UserError, match=r"0\.wav: not readable"):
        found.of(name, path)


@pytest.mark.parametrize("key", list(ENCODER))
def test_another_encoder_is_refused(tmp_path, key):
    write_piece(tmp_path / "0.safetensors", ENCODER, {"one": clip(3)})
    EncodedClips([tmp_path]).check(ENCODER)
    with pytest.raises(UserError, match=f"encoded with {key} {ENCODER[key]}.*else"):
        EncodedClips([tmp_path]).check(ENCODER | {key: "else"})
    write_piece(tmp_path / "1.safetensors", ENCODER | {key: "else"}, {"two": clip(3)})
    with pytest.raises(UserError, match=r"1\.safetensors: encoded by"):
        EncodedClips([tmp_path])


def test_a_torn_piece_and_an_absent_shard_are_named(tmp_path):
    path = tmp_path / "0.safetensors"
    write_piece(path, ENCODER, {"one": clip(300)})
    whole = path.read_bytes()
    for torn in (whole[:-10], whole[:40], b""):
        path.write_bytes(torn)
        with pytest.raises(UserError, match=r"0\.safetensors: not readable.*encode_audio"):
            EncodedClips([tmp_path])
    with pytest.raises(UserError, match="gone"):
        EncodedClips([tmp_path / "gone"])


def test_a_killed_job_continues_from_its_pieces(sounds, alm, counted, small_pieces, tmp_path):
    encode_shard(alm, sounds, tmp_path / "s", tmp_path / "undisturbed")
    assert not (tmp_path / "s").exists() and len(counted) == 5
    torn, before = sounds[2][1], sounds[2][1].read_bytes()
    torn.write_bytes(before[:30])
    with pytest.raises(UserError, match=r"2\.wav"):
        encode_shard(alm, sounds, tmp_path / "state", tmp_path / "shard")
    assert not (tmp_path / "shard").exists()
    torn.write_bytes(before)
    counted.clear()
    encode_shard(alm, sounds, tmp_path / "state", tmp_path / "shard")
    assert len(counted) == 3, "the first piece was there"
    assert content(tmp_path / "shard") == content(tmp_path / "undisturbed")


def test_pieces_of_other_sounds_or_weights_are_made_anew(sounds, alm, counted, small_pieces, tmp_path, capsys):
    state, last = tmp_path / "state", sounds[4][1].read_bytes()
    sounds[4][1].write_bytes(b"")
    with pytest.raises(UserError):
        encode_shard(alm, sounds, state, tmp_path / "shard")
    sounds[4][1].write_bytes(last)
    soundfile.write(sounds[0][1], noise(9, 0.5), 16_000, subtype="FLOAT")
    counted.clear()
    encode_shard(alm, sounds[:4], state, tmp_path / "shard")
    assert len(counted) == 2, "the piece of the changed sound"
    assert len(EncodedClips([tmp_path / "shard"])) == 4
    sounds[4][1].write_bytes(b"")
    with pytest.raises(UserError):
        encode_shard(alm, sounds, state, tmp_path / "other")
    sounds[4][1].write_bytes(last)
    counted.clear()
    encode_shard(replace(alm, revision="other weights"), sounds, state, tmp_path / "other")
    assert len(counted) == 5 and "encoded from scratch" in capsys.readouterr().err
    assert EncodedClips([tmp_path / "other"]).encoder == encoder_of(alm) | {"revision": "other weights"}


def test_a_shard_without_sound_is_an_empty_folder(alm, tmp_path):
    encode_shard(alm, [], tmp_path / "state", tmp_path / "shard")
    found = EncodedClips([tmp_path / "shard"])
    found.check(encoder_of(alm))
    assert len(found) == 0 and list((tmp_path / "shard").iterdir()) == []


@pytest.mark.parametrize("places", [(1,), (0, 1), range(5)], ids=["one", "a whole piece", "all"])
def test_a_clip_without_audio_tokens_is_skipped_with_its_reason(sounds, alm, counted, small_pieces, places, tmp_path):
    short = [sounds[place] for place in places]
    rest = [named for named in sounds if named not in short]
    for _, path in short:
        soundfile.write(path, noise(0, 0.01), 16_000, subtype="FLOAT")
    reasons = encode_shard(alm, sounds, tmp_path / "state", tmp_path / "shard")
    assert list(reasons) == [name for name, _ in short] and all("160 samples" in why for why in reasons.values())
    found = EncodedClips([tmp_path / "shard"])
    assert len(found) == len(rest) and all(found.of(*named) is None for named in short)
    found.check(encoder_of(alm))
    encode_shard(alm, rest, tmp_path / "other state", tmp_path / "without")
    without = EncodedClips([tmp_path / "without"])
    assert all(torch.equal(found.of(*named).tokens, without.of(*named).tokens) for named in rest)
    # annotation from them: the same answers as without, and no clip counts as missed
    shared = Encodings(alm, shared=found)
    tokens, _ = shared.tokens(shared.prepare([path for _, path in sounds]))
    assert list(tokens) == [path for _, path in rest] and set(shared.unheard) == {path for _, path in short}
    assert not shared.missed


def test_a_killed_job_keeps_the_reasons_of_its_pieces(sounds, alm, counted, small_pieces, tmp_path):
    soundfile.write(sounds[0][1], noise(0, 0.01), 16_000, subtype="FLOAT")
    last = sounds[4][1].read_bytes()
    sounds[4][1].write_bytes(b"")
    with pytest.raises(UserError, match=r"4\.wav"):
        encode_shard(alm, sounds, tmp_path / "state", tmp_path / "shard")
    sounds[4][1].write_bytes(last)
    counted.clear()
    assert list(encode_shard(alm, sounds, tmp_path / "state", tmp_path / "shard")) == ["u0"]
    assert len(counted) == 1, "the last piece alone"


def test_how_a_corpus_is_cut_changes_no_bit(sounds, alm, monkeypatch, tmp_path):
    encode_shard(alm, sounds, tmp_path / "s", tmp_path / "whole")
    monkeypatch.setattr(encoding_shards, "CLIPS_A_PIECE", 1)
    for shard in (0, 1):
        encode_shard(alm, sounds[shard::2], tmp_path / "s", tmp_path / str(shard))
    whole, cut = EncodedClips([tmp_path / "whole"]), EncodedClips([tmp_path / "0", tmp_path / "1"])
    assert len(whole) == len(cut) == 5
    assert all(torch.equal(whole.of(*named).tokens, cut.of(*named).tokens) for named in sounds)
    assert sum(row[3] for row in read_header(tmp_path / "whole" / "00000.safetensors")["clips"]) == sum(
        len(whole.of(*named).tokens) for named in sounds
    )
