"""A small ALM behind a frozen Whisper encoder: its sound, its training, and who may judge whom."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import train_alm
import transformers

from scaling_ambiguity.alms import encoding_shards
from scaling_ambiguity.alms.encoded_clips import EncodedClips
from scaling_ambiguity.alms.encoding_shards import encode_shard
from scaling_ambiguity.alms.encodings import Encodings
from scaling_ambiguity.alms.engines.transformers import open_engine
from scaling_ambiguity.alms.families.qwen2_audio import encode_features, mel_features
from scaling_ambiguity.alms.inputs import (
    audio_features,
    embed_prompts,
    embed_tokens,
    encode_audio,
    frozen_states,
    prompt_tokens,
)
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.members import joint_revision, member_folder, members_of, refuse_heard, write_heard
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.alms.tiny.answers import Lesson, last_hidden
from scaling_ambiguity.alms.tiny.frozen import fold_whitening
from scaling_ambiguity.alms.tiny.member import Course, train_member
from scaling_ambiguity.alms.tiny.sound import FrozenSound
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.alms.tiny.whisper import build_model, build_processor, open_whisper, window
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import MODALITIES, lesson_prompts, render
from scaling_ambiguity.training.examples import Examples

CLASSES = ["neutral", "happy", "sad", "angry"]


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    """Save a random Whisper of two encoder layers."""
    folder = tmp_path_factory.mktemp("hub") / "whisper"
    with torch.random.fork_rng():
        torch.manual_seed(2)
        config = transformers.WhisperConfig(
            d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4,
            encoder_ffn_dim=64, decoder_ffn_dim=64, vocab_size=64, pad_token_id=0, bos_token_id=0, eos_token_id=0,
            decoder_start_token_id=0,
        )  # fmt: skip
        transformers.WhisperModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def untrained(whisper, prompts, tmp_path_factory):
    texts = [prompts.user_text(f, "", CLASSES, m) for f in prompts.focus_ids for m in MODALITIES]
    encoder = open_whisper({"checkpoint": str(whisper), "layers": 2})
    processor = build_processor(train_tokenizer(texts, CLASSES), encoder, window(2.1, encoder))
    model = build_model(processor, encoder, layers=2, seed=1)
    folder = tmp_path_factory.mktemp("alm") / "untrained"
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)


def states(alm, *clips):
    return frozen_states(alm, audio_features(alm, list(clips)))


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.999, 3.0, 5.0])
def test_the_tower_alone_gives_what_the_whole_window_gives(untrained, seconds):
    alm = load_alm(untrained, device="cpu")
    assert alm.processor.feature_extractor.chunk_length == 3
    clip = noise(min(seconds, 3.0))
    with torch.no_grad():
        whole = encode_features(parts(alm.model), *mel_features(alm.processor, [clip]))[0]
    tokens = encode_audio(alm, [clip])[0]
    assert tokens.shape == whole.shape and torch.allclose(tokens, whole, atol=1e-5)
    assert torch.equal(tokens, parts(alm.model).projector(states(alm, clip)[0]))


def test_the_tower_is_whispers_first_layers(untrained, whisper):
    alm, encoder = load_alm(untrained, device="cpu"), open_whisper({"checkpoint": str(whisper), "layers": 2})
    tower, published = parts(alm.model).audio_tower.state_dict(), encoder.state_dict()
    for name, weight in tower.items():
        if not name.startswith("layer_norm."):
            assert torch.equal(weight, published[name][: len(weight)]), name
    features, _ = mel_features(alm.processor, [noise(3.0)])
    encoder.config.max_source_positions = 150
    encoder.embed_positions = torch.nn.Embedding.from_pretrained(encoder.embed_positions.weight[:150])
    with torch.no_grad():
        hidden = encoder.layer_norm.normalized_shape, encoder(features, output_hidden_states=True).hidden_states
        own = parts(alm.model).audio_tower(features).last_hidden_state
    # Whisper's last state is normalised; the one before the second layer is not: the tower with one layer
    one = build_model(alm.processor, encoder, layers=1, seed=1).eval().model.audio_tower
    with torch.no_grad():
        pooled = torch.nn.functional.avg_pool1d(hidden[1][1].transpose(1, 2), 2).transpose(1, 2)
        expected = torch.nn.functional.layer_norm(pooled, (32,))
        assert torch.allclose(one(features).last_hidden_state, expected, atol=1e-5)
    assert own.shape == (1, 75, 32)


def test_another_model_or_too_many_layers_are_refused(whisper, untrained):
    with pytest.raises(UserError, match="has 2 encoder layers, not 3"):
        open_whisper({"checkpoint": str(whisper), "layers": 3})
    with pytest.raises(UserError, match="is a qwen2_audio"):
        open_whisper({"checkpoint": str(untrained), "layers": 1})
    with pytest.raises(UserError, match="rename the class to one word"):
        train_tokenizer(["x"], ["very happy", "sad"])


@pytest.mark.parametrize("layers", [1, 2])
def test_last_places_are_those_of_the_whole_model(alm, texts, waveforms, layers):
    model = parts(alm.model).language_model
    if layers == 2:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = type(model)(
                type(model.config)(**model.config.to_dict() | {"num_hidden_layers": 2, "layer_types": None})
            )
    clips = encode_audio(alm, waveforms)
    rows = prompt_tokens(alm, texts, clips)
    inputs = embed_tokens(alm, rows, clips)
    inputs = {name: value.detach().clone() for name, value in inputs.items()}
    gradients = []
    for hidden_of in (
        lambda m, x: m(**x, use_cache=False).last_hidden_state[:, -2:],
        lambda m, x: last_hidden(m, x, 2),
    ):
        model.zero_grad()
        hidden = hidden_of(model, inputs)
        (hidden**2).sum().backward()
        gradients.append([hidden.detach()] + [w.grad.clone() for w in model.parameters() if w.grad is not None])
    assert inputs["attention_mask"].min() == 0
    for whole, last in zip(*gradients, strict=True):
        assert torch.allclose(whole, last, atol=1e-4, rtol=1e-4)


def test_folded_whitening_is_the_same_function(untrained):
    projector = parts(load_alm(untrained, device="cpu").model).projector
    x, mean, spread = torch.randn(7, 32), torch.randn(32), torch.rand(32) + 0.5
    with torch.no_grad():
        expected = projector((x - mean) / spread)
        fold_whitening(projector, mean, spread)
        assert torch.allclose(projector(x), expected, atol=1e-5)


def test_a_clip_without_transcript_has_prompts_too(untrained, prompts):
    alm = load_alm(untrained, device="cpu")
    texts = lesson_prompts(alm.processor, prompts, None, CLASSES)
    assert len(texts) == 9 * len(prompts.focus_ids) and all("None" not in text for text in texts)
    assert all(alm.processor.audio_token in text for text in texts)


@pytest.mark.parametrize(("clips", "batch"), [(40, 4), (3, 8), (17, 5)])
def test_batches_are_full_and_of_like_length(untrained, clips, batch):
    alm, draw = load_alm(untrained, device="cpu"), np.random.default_rng(0)
    lengths = draw.integers(1, 200, clips)
    sound = FrozenSound(alm, [torch.zeros(n, 32) for n in lengths], torch.zeros(32), torch.ones(32))
    order = sound.order(20, batch, draw)
    assert order.shape == (20 * batch,) and set(order) <= set(range(clips))
    if clips == 40:
        spread = np.ptp(lengths[order.reshape(20, batch)], axis=1).mean()
        assert spread < np.ptp(lengths[draw.permutation(order).reshape(20, batch)], axis=1).mean() / 2
        assert len(set(order[:40])) == 40  # one pass


def course(alm, prompts, seeds):
    """Tones whose pitch is the class, each with its own words."""
    clips, lessons = [], []
    for seed in seeds:
        kind = seed % 4
        wave = 0.3 * np.sin(2 * np.pi * (300 * 2**kind) * np.arange(9_000 + 500 * seed) / 16_000)
        clips += states(alm, (wave + noise(1, seed)[:1].item()).astype(np.float32))
        target = np.full(4, 0.04) + 0.84 * np.eye(4)[kind]
        lessons.append(Lesson(lesson_prompts(alm.processor, prompts, f"words {seed}", CLASSES), target))
    return Course(clips, lessons)


@pytest.mark.ci
def test_a_member_learns_by_ear_is_deterministic_and_doubts_silence(untrained, prompts):
    options, trained = {"steps": 120, "batch": 8, "learning_rate": 3e-3, "silence": 0.3}, []
    for _ in range(2):
        alm = load_alm(untrained, device="cpu")
        tower = parts(alm.model).audio_tower
        before = {name: weight.clone() for name, weight in tower.state_dict().items()}
        lessons, held_out = course(alm, prompts, range(24)), course(alm, prompts, range(24, 32))
        report = train_member(alm, lessons, held_out, CLASSES, options, 5)
        assert all(torch.equal(weight, before[name]) for name, weight in tower.state_dict().items())
        trained.append(alm.model.state_dict())
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])
    assert report["validation"] < 0.9 < np.log(4)
    text = render(alm.processor, prompts, prompts.focus_ids[0], "words 40", CLASSES, "both")
    silent = encode_audio(alm, [np.zeros(20_000, dtype=np.float32)])
    with torch.no_grad():
        p = label_log_probabilities(alm, embed_prompts(alm, [text], silent), CLASSES).exp()
    assert p.max() < 0.5  # the classes are equally frequent


def test_states_on_disk_are_projected_by_each_member(untrained, tmp_path):
    sounds = []
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", noise(1.3, len(sounds)), 16_000, subtype="FLOAT")
        sounds.append((name, tmp_path / f"{name}.wav"))
    alm = load_alm(untrained, device="cpu")
    assert not encode_shard(alm, sounds, tmp_path / "state", tmp_path / "shard")
    other = load_alm(untrained, device="cpu")
    with torch.no_grad():
        parts(other.model).projector.linear.weight.mul_(2)
    for model in (alm, other):
        files = [path for _, path in sounds]
        read, computed = Encodings(model, shared=EncodedClips([tmp_path / "shard"])), Encodings(model)
        stored, made = read.tokens(read.prepare(files))[0], computed.tokens(computed.prepare(files))[0]
        assert not read.missed
        assert all(torch.equal(stored[path], made[path]) for path in files)
    assert not torch.equal(made[files[0]], alm_tokens(alm, files[0]))


def test_a_member_learns_from_states_that_a_gpu_made(untrained, prompts, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", noise(1.3), 16_000, subtype="FLOAT")
    alm = load_alm(untrained, device="cpu")
    made = encoding_shards.encoder_of(alm)
    monkeypatch.setattr(encoding_shards, "encoder_of", lambda alm: made | {"device": "cuda"})
    encode_shard(alm, [("a", tmp_path / "a.wav")], tmp_path / "state", tmp_path / "shard")
    encoded = EncodedClips([tmp_path / "shard"])
    part = Examples(["a"], [tmp_path / "a.wav"], ["words"], np.full((1, 4), 0.25), encoded)
    assert len(train_alm.course(alm, part, [prompts], CLASSES).states) == 1
    other = replace(alm, tower="another")
    with pytest.raises(UserError, match="encoded with revision"):
        train_alm.course(other, part, [prompts], CLASSES)


def alm_tokens(alm, path):
    encodings = Encodings(alm)
    return encodings.tokens(encodings.prepare([path]))[0][path]


@pytest.fixture
def cross_fitted(untrained, tmp_path):
    """Three members, each of which has heard the speakers of the other two."""
    speakers = pd.DataFrame({"utterance": list("uvwxyz"), "speaker": list("aabbcc")})
    for fold, tested in enumerate("abc"):
        folder = member_folder(tmp_path / "alm", fold)
        folder.mkdir(parents=True)
        for path in Path(untrained).iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        write_heard(speakers[speakers["speaker"] != tested], folder)
    entry = {"engine": "transformers", "checkpoint": str(tmp_path / "alm"), "gpus": 0}
    return entry | {"members": [str(member_folder(tmp_path / "alm", fold)) for fold in range(3)]}, speakers


def test_each_speaker_is_judged_by_the_member_that_never_heard_it(cross_fitted):
    entry, speakers = cross_fitted
    judged = {}
    for alm, rows in members_of(entry, speakers.sample(frac=1, random_state=0)):
        heard = pd.read_csv(Path(alm["checkpoint"]) / "heard.csv")
        assert not set(rows["speaker"]) & set(heard["speaker"]) and not set(rows["utterance"]) & set(heard["utterance"])
        assert "members" not in alm
        judged |= dict.fromkeys(rows["utterance"], alm["checkpoint"])
        engine = open_engine(alm)
        assert engine.model == entry["checkpoint"] and engine.revision == joint_revision(map(Path, entry["members"]))
    assert set(judged) == set("uvwxyz") and len(set(judged.values())) == 3
    unknown = pd.DataFrame({"utterance": ["n"], "speaker": ["nobody"]})
    assert len(list(members_of(entry, unknown))) == 1
    ordinary = {"engine": "transformers", "checkpoint": "m"}
    assert [alm for alm, _ in members_of(ordinary, speakers)] == [ordinary]


def test_a_planted_leak_is_refused(cross_fitted):
    entry, speakers = cross_fitted
    refuse_heard(entry["members"][0], speakers[speakers["speaker"] == "a"])
    with pytest.raises(UserError, match=r"fold-0: was trained on votes about speaker b"):
        refuse_heard(entry["members"][0], speakers[speakers["speaker"] != "c"])
    write_heard(speakers, entry["members"][1])  # as if the splits had changed after training
    with pytest.raises(UserError, match="every member was trained on votes about speaker b"):
        list(members_of(entry, speakers))
    (Path(entry["members"][2]) / "heard.csv").unlink()
    with pytest.raises(UserError, match=r"heard\.csv: not readable"):
        list(members_of(entry, speakers))
