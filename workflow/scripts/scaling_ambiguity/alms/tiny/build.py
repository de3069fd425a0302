"""An ALM of about 0.6 million parameters: transformers' own classes at a small size.

Sizes are those that learned the demo's task in one CPU minute. The classes, the processor and the chat template are
the ones of Qwen2-Audio-7B-Instruct; or the classes are those of Audio Flamingo 3, with a template of the same kind.
"""

from typing import Any

import torch
from transformers import (
    AudioFlamingo3Config,
    AudioFlamingo3ForConditionalGeneration,
    AudioFlamingo3Processor,
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
QWEN2_AUDIO, AUDIO_FLAMINGO_3 = FAMILIES = ("qwen2_audio", "audio_flamingo_3")
# Half the frames of the window: the encoder's second convolution has stride 2.
_POSITIONS = SECONDS * SAMPLE_RATE // HOP // 2
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for p in m['content'] %}{% if p['type'] == 'audio' %}"
    + AUDIO
    + "{% else %}{{ p['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_processor(tokenizer: PreTrainedTokenizerFast, family: str = QWEN2_AUDIO) -> Any:
    """Return the processor: 80 log-mel bins every 31 ms of a 4 s window, and the family's chat template."""
    extractor = WhisperFeatureExtractor(
        feature_size=MEL_BINS, hop_length=HOP, n_fft=WINDOW, chunk_length=SECONDS, return_attention_mask=True
    )
    if family == AUDIO_FLAMINGO_3:
        return AudioFlamingo3Processor(extractor, tokenizer, _TEMPLATE, audio_token=AUDIO, max_audio_len=SECONDS)
    return Qwen2AudioProcessor(feature_extractor=extractor, tokenizer=tokenizer)


def build_model(processor: Any, seed: int, family: str = QWEN2_AUDIO) -> Any:
    """Return the untrained model of one of ``FAMILIES``; the same seed gives the same weights."""
    if family == AUDIO_FLAMINGO_3:
        sizes = {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 384}
        encoder = {"model_type": "audioflamingo3_encoder", "num_mel_bins": MEL_BINS, "dropout": 0.05}
        return assemble(processor.tokenizer, sizes | encoder | {"max_source_positions": _POSITIONS}, seed, family)
    audio = {
        "model_type": "qwen2_audio_encoder",
        "d_model": 96,
        "encoder_layers": 2,
        "encoder_attention_heads": 4,
        "encoder_ffn_dim": 384,
        "num_mel_bins": MEL_BINS,
        "max_source_positions": _POSITIONS,
        "dropout": 0.05,
    }
    return assemble(processor.tokenizer, audio, seed)


def assemble(tokenizer: PreTrainedTokenizerFast, audio: dict[str, Any], seed: int, family: str = QWEN2_AUDIO) -> Any:
    """Return an untrained ALM with a language model of one layer of 128 units behind any audio tower.

    Args:
        tokenizer: Of :func:`~.tokenizer.train_tokenizer`.
        audio: Configuration of the audio tower.
        seed: The same seed gives the same weights.
        family: One of ``FAMILIES``.
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
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if family == AUDIO_FLAMINGO_3:
            flamingo = AudioFlamingo3Config(audio_config=audio, text_config=text, audio_token_id=token[AUDIO])
            model: Any = AudioFlamingo3ForConditionalGeneration(flamingo)
        else:
            config = Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=token[AUDIO])
            model = Qwen2AudioForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        eos_token_id=[token[END], token[END_OF_TEXT]], pad_token_id=token[END_OF_TEXT], do_sample=False
    )
    return model
