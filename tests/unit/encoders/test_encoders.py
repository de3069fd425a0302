"""Encoders of the published classes, tiny and of random weights, and real ones where their weights are available."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from scaling_ambiguity.encoders.kinds import NoVector, open_encoder
from scaling_ambiguity.encoders.speech import shortened
from scaling_ambiguity.errors import UserError

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
CONVOLUTIONS = {"conv_dim": (8,) * 7, "num_feat_extract_layers": 7, "num_conv_pos_embeddings": 4,
                "num_conv_pos_embedding_groups": 2, "do_stable_layer_norm": False}  # fmt: skip
SPEECH = {
    "wav2vec2": lambda: transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SMALL, **CONVOLUTIONS)),
    "hubert": lambda: transformers.HubertModel(transformers.HubertConfig(**SMALL, **CONVOLUTIONS)),
    "wavlm": lambda: transformers.WavLMModel(transformers.WavLMConfig(**SMALL, **CONVOLUTIONS)),
    "whisper": lambda: transformers.WhisperModel(
        transformers.WhisperConfig(
            d_model=16, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=24, decoder_ffn_dim=24, vocab_size=60, pad_token_id=0, bos_token_id=1, eos_token_id=2,
            decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None,
        )
    ),
}  # fmt: skip
TEXT = {
    "bert": lambda: transformers.BertModel(transformers.BertConfig(**SMALL, vocab_size=40)),
    "roberta": lambda: transformers.RobertaModel(
        transformers.RobertaConfig(**SMALL, vocab_size=40, max_position_embeddings=30)
    ),
}
MODELS = Path(os.environ.get("SA_MODELS", "/nonexistent"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a function that saves a tiny checkpoint of a class and returns its folder."""
    torch.manual_seed(0)

    def save(name):
        place = tmp_path_factory.mktemp(name)
        (SPEECH | TEXT)[name]().save_pretrained(place)
        if name in TEXT:
            words = ["[PAD]", "[UNK]", "it", "is", "late"]
            tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
            tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
            fast = transformers.PreTrainedTokenizerFast(
                tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=20
            )
            fast.save_pretrained(place)
        elif name == "whisper":
            transformers.WhisperFeatureExtractor().save_pretrained(place)
        else:
            transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(place)
        return place

    return save


def noise(seconds, seed=0):
    return (np.random.default_rng(seed).normal(size=int(16_000 * seconds)) * 0.1).astype(np.float32)


@pytest.mark.parametrize("name", SPEECH)
def test_speech_is_the_mean_of_the_states_over_time(folder, name):
    place = folder(name)
    whole = open_encoder({"kind": "speech", "checkpoint": place, "layers": "all", "device": "cpu"})
    clip = noise(0.7)
    states = whole.encode(clip).reshape(3, 16)
    assert whole.width == 48 and states.dtype == np.float32 and np.isfinite(states).all()
    for layers, expected in {"mean": states.mean(0), "last": states[-1], 1: states[1]}.items():
        one = open_encoder({"kind": "speech", "checkpoint": place, "layers": layers, "device": "cpu"})
        np.testing.assert_allclose(one.encode(clip), expected, rtol=1e-5, atol=1e-6)
        assert one.width == 16 and one.identity["layers"] == layers
    assert not np.allclose(whole.encode(noise(0.7, 1)), whole.encode(clip), atol=1e-3)
    assert whole.encode(noise(0.0251)).shape == (48,)
    with pytest.raises(NoVector, match="too short for a frame"):
        whole.encode(noise(0.02))


def test_wav2vec2_is_as_transformers_computes_it(folder):
    place, clip = folder("wav2vec2"), noise(1)
    model = transformers.Wav2Vec2Model.from_pretrained(place).eval()
    given = transformers.Wav2Vec2FeatureExtractor.from_pretrained(place)(
        clip, sampling_rate=16_000, return_tensors="pt"
    )
    with torch.no_grad():
        expected = model(**given).last_hidden_state[0].mean(0)
    one = open_encoder({"kind": "speech", "checkpoint": place, "layers": "last", "device": "cpu"})
    np.testing.assert_allclose(one.encode(clip), expected, rtol=1e-5, atol=1e-6)


def test_whisper_reads_the_clip_alone_and_its_own_30_seconds_as_transformers_does(folder):
    place = folder("whisper")
    model = transformers.WhisperModel.from_pretrained(place).eval().encoder
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(place)
    encoder = open_encoder({"kind": "speech", "checkpoint": place, "layers": "last", "device": "cpu"})
    full = noise(30)
    with torch.no_grad():
        features = extractor(full, sampling_rate=16_000, return_tensors="pt")["input_features"]
        expected = model(features).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(encoder.encode(full), expected, rtol=1e-4, atol=1e-5)
    # a shorter clip: the encoder's own layers on the first positions
    features = extractor(noise(2), sampling_rate=16_000, return_tensors="pt", padding="longest")["input_features"]
    with torch.no_grad():
        hidden = torch.nn.functional.gelu(model.conv2(torch.nn.functional.gelu(model.conv1(features)))).transpose(1, 2)
        hidden = hidden + model.embed_positions.weight[: hidden.shape[1]]
        for layer in model.layers:
            hidden = layer(hidden, None)
        expected = model.layer_norm(hidden)[0].mean(0)
    np.testing.assert_allclose(encoder.encode(noise(2)), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(RuntimeError), shortened(model, 10):
        raise RuntimeError
    assert model.embed_positions.num_embeddings == model.config.max_source_positions == 1500


def test_longer_sound_is_read_window_by_window(folder):
    encoder = open_encoder({"kind": "speech", "checkpoint": folder("whisper"), "layers": "last", "device": "cpu"})
    clip = noise(45)
    first, second = encoder.encode(clip[: 30 * 16_000]), encoder.encode(clip[30 * 16_000 :])
    np.testing.assert_allclose(encoder.encode(clip), (2 * first + second) / 3, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TEXT)
def test_text_is_the_mean_of_the_states_over_tokens(folder, name):
    place = folder(name)
    encoder = open_encoder({"kind": "text", "checkpoint": place, "layers": "last", "device": "cpu"})
    model = transformers.AutoModel.from_pretrained(place).eval()
    with torch.no_grad():
        expected = model(torch.tensor([[2, 3, 4]])).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(encoder.encode("it is late"), expected, rtol=1e-5, atol=1e-6)
    assert encoder.encode("it is late " * 50).shape == (16,), "what is too long is cut"
    with pytest.raises(NoVector, match="transcript is empty"):
        encoder.encode("  ")


def test_statistics_need_no_weights():
    encoder = open_encoder({"kind": "statistics"})
    assert encoder.encode(noise(1)).shape == (72,) and encoder.dtype == "float32"


def test_a_checkpoint_that_lacks_a_tensor_or_is_no_safetensors_is_refused(folder):
    from safetensors.torch import load_file, save_file

    place = folder("wavlm")
    weights = load_file(place / "model.safetensors")
    dropped = next(name for name in weights if "layers.1" in name)
    save_file(
        {name: value for name, value in weights.items() if name != dropped},
        place / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(UserError, match=f"{dropped} is missing"):
        open_encoder({"kind": "speech", "checkpoint": place, "device": "cpu"})
    (place / "model.safetensors").rename(place / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be opened as an encoder"):
        open_encoder({"kind": "speech", "checkpoint": place, "device": "cpu"})


@pytest.mark.parametrize("name", ["wav2vec2", "whisper"])
def test_weights_reach_the_device(folder, name):
    encoder = open_encoder({"kind": "speech", "checkpoint": folder(name), "device": "meta"})
    assert {tensor.device.type for tensor in encoder.model.parameters()} == {"meta"}


def test_a_folder_stands_in_for_a_name_on_the_hub(folder, monkeypatch, tmp_path):
    place = folder("bert")
    place.rename(tmp_path / "some-model")
    monkeypatch.setenv("SA_MODELS", str(tmp_path))
    encoder = open_encoder({"kind": "text", "checkpoint": "Owner/Some-Model", "revision": "0" * 40, "device": "cpu"})
    assert encoder.identity["checkpoint"] == "Owner/Some-Model" and encoder.identity["revision"] != "0" * 40


@pytest.mark.skipif(not (MODELS / "whisper-base").is_dir(), reason="SA_MODELS holds no whisper-base")
def test_the_real_whisper_hears_a_sentence():
    encoder = open_encoder({"kind": "speech", "checkpoint": "openai/whisper-base", "device": "cpu"})
    assert encoder.width == 512 and np.isfinite(encoder.encode(noise(1))).all()


@pytest.mark.skipif(not (MODELS / "all-minilm-l6-v2").is_dir(), reason="SA_MODELS holds no all-minilm-l6-v2")
def test_the_real_minilm_knows_what_is_alike():
    encoder = open_encoder({"kind": "text", "checkpoint": "sentence-transformers/all-MiniLM-L6-v2", "layers": "last",
                            "device": "cpu"})  # fmt: skip
    texts = ["I hate you", "I am so furious with you", "The train leaves at nine"]
    vectors = np.stack([encoder.encode(text) for text in texts])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert vectors[0] @ vectors[1] > 0.4 > 0.2 > vectors[0] @ vectors[2]
