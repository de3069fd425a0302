"""Encoder outputs on disk change no byte of a training, spare its encoder, and are refused where they are another's."""

import json
import shutil

import pandas as pd
import pytest
import torch

from scaling_ambiguity.alms import encoding_shards
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.training.examples import Examples


@pytest.fixture
def counted(monkeypatch):
    """One entry for each clip that goes through the encoder."""
    calls, hear = [], encoding_shards.frozen_states
    monkeypatch.setattr(encoding_shards, "frozen_states", lambda *given: calls.append(1) or hear(*given))
    return calls


def test_a_training_gives_the_same_bytes_without_its_encoder(train, encoded, counted, settings, tmp_path):
    settings.options["steps"] = 2
    own = train(tmp_path / "own")
    assert len(counted) == 20
    counted.clear()
    assert train(tmp_path / "shared", encodings=encoded) == own
    assert not counted
    records = [json.loads((tmp_path / kind / "run-1" / "run.json").read_text()) for kind in ("own", "shared")]
    # the same fingerprints: a state that one left is taken up by the other
    assert records[0]["training_fingerprint"] == records[1]["training_fingerprint"]
    assert records[0]["data_fingerprint"] == records[1]["data_fingerprint"]


@pytest.mark.ci
def test_the_program_takes_them(program, run, encoded, settings, tmp_path):
    settings.options["steps"] = 2
    (tmp_path / "shared").mkdir()
    run(program(tmp_path / "shared", encodings=encoded))
    assert len(pd.read_parquet(tmp_path / "shared" / "seed-0.parquet")) == 4


def test_only_augmented_sounds_are_encoded_in_the_job(gather, encoded, alm, settings, counted, corpus, tmp_path):
    def frozen(examples):
        return FrozenInputs(alm, load_prompts(settings.prompts), examples, settings.classes, "train")

    part = gather(encoded=encoded).train
    names = [*part.utterances, "repeated", "cut short"]
    repeated, new = tmp_path / "repeated.wav", tmp_path / "new.wav"
    shutil.copy(part.paths[3], repeated)
    new.write_bytes(part.paths[3].read_bytes()[:-2000])
    more = Examples(names, [*part.paths, repeated, new], [*part.transcripts, None, None], None, part.encoded)
    taken = frozen(more)
    assert len(counted) == 1
    whole = frozen(Examples(names, more.paths, more.transcripts, None))
    assert len(counted) == 1 + 14
    assert taken.audio_sha256 == whole.audio_sha256 and taken.lengths() == whole.lengths()
    for key, value in taken.batch(list(range(14))).items():
        assert torch.equal(value, whole.batch(list(range(14)))[key])


def test_those_of_another_model_or_sound_are_refused(gather, encoded, checkpoint, settings, corpus, tmp_path):
    other = load_alm(checkpoint, device="cpu")
    other.model.save_pretrained(tmp_path)
    other.processor.save_pretrained(tmp_path)
    with torch.no_grad():
        other.model.model.multi_modal_projector.linear.weight *= 2
    other.model.save_pretrained(tmp_path)
    prompts, part = load_prompts(settings.prompts), gather(encoded=encoded).test
    with pytest.raises(UserError, match="encoded with revision"):
        FrozenInputs(load_alm(tmp_path, device="cpu"), prompts, part, settings.classes, "test")
    with pytest.raises(UserError, match=r"encoded with dtype float32, .* bfloat16"):
        half = load_alm(checkpoint, device="cpu")
        half.model.to(torch.bfloat16)
        FrozenInputs(half, prompts, part, settings.classes, "test")
    swapped = Examples(part.utterances, part.paths[::-1], part.transcripts, None, part.encoded)
    with pytest.raises(UserError, match="is not the one that was encoded"):
        FrozenInputs(load_alm(checkpoint, device="cpu"), prompts, swapped, settings.classes, "test")
