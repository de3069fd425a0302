"""A Qwen2-Audio of about 0.6 million parameters: transformers' own classes at a small size.

Sizes are those that were found to learn the demo's task in one CPU minute; the classes, the
processor and the chat template are the ones of Qwen2-Audio-7B-Instruct.
"""

from typing import Any

import torch
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    WhisperFeatureExtractor,
)

from scaling_ambiguity.alms.tiny.tokenizer import AUDIO, END, END_OF_TEXT
from scaling_ambiguity.corpora.heard import SAMPLE_RATE

MEL_BINS, HOP, WINDOW, SECONDS = 80, 500, 800, 4


def build_processor(tokenizer: PreTrainedTokenizerFast) -> Qwen2AudioProcessor:
    """Return the processor: 80 log-mel bins every 31 ms of a 4 s window, and Qwen2-Audio's chat template."""
    extractor = WhisperFeatureExtractor(
        feature_size=MEL_BINS, hop_length=HOP, n_fft=WINDOW, chunk_length=SECONDS, return_attention_mask=True
    )
    return Qwen2AudioProcessor(feature_extractor=extractor, tokenizer=tokenizer)


def build_model(processor: Qwen2AudioProcessor, seed: int) -> Qwen2AudioForConditionalGeneration:
    """Return the untrained model; the same seed gives the same weights."""
    audio = {
        "model_type": "qwen2_audio_encoder",
        "d_model": 96,
        "encoder_layers": 2,
        "encoder_attention_heads": 4,
        "encoder_ffn_dim": 384,
        "num_mel_bins": MEL_BINS,
        # Half the frames of the window: the encoder's second convolution has stride 2.
        "max_source_positions": SECONDS * SAMPLE_RATE // HOP // 2,
        "dropout": 0.05,
    }
    return assemble(processor.tokenizer, audio, seed)


def assemble(
    tokenizer: PreTrainedTokenizerFast, audio: dict[str, Any], seed: int
) -> Qwen2AudioForConditionalGeneration:
    """Return an untrained Qwen2-Audio with a language model of one layer of 128 units behind any audio tower.

    Args:
        tokenizer: Of :func:`~.tokenizer.train_tokenizer`.
        audio: Configuration of the audio tower.
        seed: The same seed gives the same weights.
    """
    token = {name: tokenizer.convert_tokens_to_ids(name) for name in (AUDIO, END, END_OF_TEXT)}
    text = {
        "model_type": "qwen2",
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "intermediate_size": 384,
        "max_position_embeddings": 1024,
        "pad_token_id": token[END_OF_TEXT],
        "bos_token_id": None,
        "eos_token_id": token[END],
        "tie_word_embeddings": False,
    }
    config = Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=token[AUDIO])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Qwen2AudioForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        eos_token_id=[token[END], token[END_OF_TEXT]], pad_token_id=token[END_OF_TEXT], do_sample=False
    )
    return model
