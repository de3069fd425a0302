"""Tiny random checkpoints of every family, built with transformers' own configuration classes and saved as folders."""

import warnings
from pathlib import Path

import numpy as np
import torch
import transformers as tf
from transformers import GenerationConfig, WhisperFeatureExtractor

from scaling_ambiguity.alms.loading import LoadedALM, load_alm
from scaling_ambiguity.alms.tiny.build import build_model, build_processor
from scaling_ambiguity.alms.tiny.tokenizer import END, END_OF_TEXT, START, train_tokenizer
from scaling_ambiguity.proxies.prompts import MODALITIES, load_prompts, render

CLASSES = ["neutral", "happy", "sad", "angry"]
PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts" / "focus.yaml"

FAMILIES = (
    "qwen2_audio",
    "qwen2_5_omni",
    "qwen3_omni",
    "voxtral",
    "audio_flamingo_3",
    "phi4_multimodal",
    "granite_speech",
)
# What shows whether sampling can be changed by a checkpoint: anything but the plain distribution.
LOUD = {"do_sample": True, "top_k": 1, "top_p": 0.1, "temperature": 0.01, "repetition_penalty": 9.0}
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for p in m['content'] %}{% if p['type'] == 'audio' %}AUDIO{% else %}{{ p['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
FLAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}CLOSE{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}


def text_config(tokenizer, **changes) -> dict:
    return SMALL | {
        "vocab_size": len(tokenizer),
        "intermediate_size": 96,
        "max_position_embeddings": 8192,
        "pad_token_id": tokenizer.convert_tokens_to_ids(END_OF_TEXT),
        "bos_token_id": None,
        "eos_token_id": tokenizer.convert_tokens_to_ids(END),
        "tie_word_embeddings": False,
        **changes,
    }


def whisper(seconds: int = 4, hop: int = 160, mels: int = 80) -> WhisperFeatureExtractor:
    return WhisperFeatureExtractor(
        feature_size=mels, hop_length=hop, n_fft=400, chunk_length=seconds, return_attention_mask=True
    )


def _omni(tokenizer, generation: int):
    audio = {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64}
    audio |= {"num_mel_bins": 80, "output_dim": 64}
    token = tokenizer.convert_tokens_to_ids
    if generation == 2:
        # n_window keeps its published value: the frames of a chunk are what the encoder's length rule is made for.
        text = text_config(tokenizer, rope_parameters={"rope_type": "default", "mrope_section": [2, 3, 3]})
        vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 64}
        config = tf.Qwen2_5OmniThinkerConfig(
            audio_config=audio,
            text_config=text,
            vision_config=vision | {"fullatt_block_indexes": [0]},
            audio_token_index=token("<|AUDIO|>"),
            image_token_index=token("<|IMAGE|>"),
            video_token_index=token("<|VIDEO|>"),
            audio_start_token_id=token("<|audio_bos|>"),
            audio_end_token_id=token("<|audio_eos|>"),
            vision_start_token_id=token("<|VISION|>"),
            pad_token_id=token(END_OF_TEXT),
        )
        return tf.Qwen2_5OmniThinkerForConditionalGeneration(config)
    text = text_config(
        tokenizer,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=32,
        head_dim=16,
        rope_parameters={"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0},
    )
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 64}
    config = tf.Qwen3OmniMoeThinkerConfig(
        audio_config=audio | {"downsample_hidden_size": 8},
        text_config=text,
        vision_config=vision | {"deepstack_visual_indexes": [0]},
        audio_token_id=token("<|audio_pad|>"),
        image_token_id=token("<|IMAGE|>"),
        video_token_id=token("<|VIDEO|>"),
        audio_start_token_id=token("<|audio_bos|>"),
        vision_start_token_id=token("<|VISION|>"),
        pad_token_id=token(END_OF_TEXT),
    )
    return tf.Qwen3OmniMoeThinkerForConditionalGeneration(config)


def _voxtral(tokenizer):
    audio = {"hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = tf.VoxtralConfig(
        audio_config=audio | {"num_mel_bins": 80, "max_source_positions": 200},
        text_config=text_config(tokenizer) | {"model_type": "llama"},
        audio_token_id=tokenizer.convert_tokens_to_ids("[AUDIO]"),
    )
    return tf.VoxtralForConditionalGeneration(config)


def _flamingo(tokenizer):
    audio = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = tf.AudioFlamingo3Config(
        audio_config=audio | {"num_mel_bins": 80, "max_source_positions": 200, "model_type": "audioflamingo3_encoder"},
        text_config=text_config(tokenizer) | {"model_type": "qwen2"},
        audio_token_id=tokenizer.convert_tokens_to_ids("<sound>"),
    )
    return tf.AudioFlamingo3ForConditionalGeneration(config)


def _phi4(tokenizer):
    audio = {"hidden_size": 32, "intermediate_size": 48, "num_blocks": 2, "num_attention_heads": 2}
    audio |= {"ext_pw_out_channel": 32, "depthwise_separable_out_channel": 32, "nemo_conv_channels": 16}
    token = tokenizer.convert_tokens_to_ids
    config = tf.Phi4MultimodalConfig(
        **text_config(tokenizer, original_max_position_embeddings=8192),
        audio_config=audio | {"audio_token_id": token("<|audio|>")},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "crop_size": 28,
            "image_token_id": token("<|IMAGE|>"),
        },
    )
    return tf.Phi4MultimodalForCausalLM(config)


def _granite(tokenizer):
    encoder = {"hidden_dim": 32, "num_layers": 2, "num_heads": 2, "output_dim": 8, "context_size": 50}
    config = tf.GraniteSpeechConfig(
        text_config=text_config(tokenizer, logits_scaling=4.0, embedding_multiplier=3.0) | {"model_type": "granite"},
        encoder_config=encoder | {"max_pos_emb": 64},
        projector_config={
            "model_type": "blip_2_qformer",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "encoder_hidden_size": 32,
            "cross_attention_frequency": 1,
        },
        audio_token_index=tokenizer.convert_tokens_to_ids("<|audio|>"),
        has_lora_adapter=False,
        tie_word_embeddings=False,
    )
    return tf.GraniteSpeechForConditionalGeneration(config)


def save_family(name: str, folder: Path, tokenizer) -> Path:
    """Save a checkpoint of the family; its generation_config asks for a quite other distribution."""
    extras = [
        "<|IMAGE|>",
        "<|VIDEO|>",
        "<|VISION|>",
        "<|audio_pad|>",
        "<sound>",
        "<|audio|>",
        "<|end|>",
        "<|system|>",
        "<|user|>",
    ]
    extras += ["<|assistant|>", "<s>", "[INST]", "[/INST]", "[BEGIN_AUDIO]", "[AUDIO]"]
    tokenizer.add_special_tokens({"additional_special_tokens": [START, *extras]})
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(11)
        if name == "qwen2_audio":
            processor = build_processor(tokenizer)
            model = build_model(processor, 11)
        else:
            build = {
                "qwen2_5_omni": lambda t: _omni(t, 2),
                "qwen3_omni": lambda t: _omni(t, 3),
                "voxtral": _voxtral,
                "audio_flamingo_3": _flamingo,
                "phi4_multimodal": _phi4,
                "granite_speech": _granite,
            }
            model = build[name](tokenizer)
        for key, parameter in model.named_parameters():  # as large as trained ones, so that each part matters
            if parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) * parameter[0].numel() ** -0.5)
            elif key.endswith("bias"):  # without biases padding would stay zero through every convolution
                parameter.copy_(torch.randn_like(parameter) * 0.2)
    model.generation_config = GenerationConfig(**LOUD)
    model.save_pretrained(folder)
    if name == "qwen2_audio":
        processor.save_pretrained(folder)
        return folder
    placeholder = {
        "qwen2_5_omni": "<|audio_bos|><|AUDIO|><|audio_eos|>",
        "qwen3_omni": "<|audio_bos|><|audio_pad|><|audio_eos|>",
        "audio_flamingo_3": "<sound>",
    }
    template = {"phi4_multimodal": FLAT.replace("CLOSE", "<|end|>"), "granite_speech": FLAT.replace("CLOSE", "\n")}
    if name in placeholder:
        template[name] = CHATML.replace("AUDIO", placeholder[name])
    tokenizer.chat_template = template.get(name)
    tokenizer.save_pretrained(folder)
    if name == "audio_flamingo_3":
        tf.AudioFlamingo3Processor(whisper(), tokenizer, template[name], max_audio_len=12).save_pretrained(folder)
    elif name == "phi4_multimodal":
        tf.Phi4MultimodalFeatureExtractor().save_pretrained(folder)
    elif name != "granite_speech":
        whisper(40 if "omni" in name else 4).save_pretrained(folder)
    else:
        (folder / "preprocessor_config.json").write_text('{"melspec_kwargs": {"n_mels": 80}}')
    return folder


_OPEN: dict[str, LoadedALM] = {}


def open_family(name: str, tmp_path_factory) -> LoadedALM:
    """Return the family's model, saved to a folder and loaded from it once a session."""
    if name not in _OPEN:
        torch.set_num_threads(1)
        prompts = load_prompts(PROMPTS)
        texts = [prompts.user_text(f, "", CLASSES, m) for f in prompts.focus_ids for m in MODALITIES]
        folder = save_family(name, tmp_path_factory.mktemp(name) / name, train_tokenizer(texts, CLASSES))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _OPEN[name] = load_alm(folder, device="cpu")
    return _OPEN[name]


def ask(alm: LoadedALM, focus: str, transcript: str, modality: str = "both") -> str:
    return render(alm, load_prompts(PROMPTS), focus, transcript, CLASSES, modality)


def noise(seed: int, seconds: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)
