"""The tiny model's tokenizer: byte-level BPE with Qwen2-Audio's special tokens, trained on the prompts."""

import itertools
from collections.abc import Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from scaling_ambiguity.errors import UserError

END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
AUDIO, AUDIO_START, AUDIO_END = "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"
TEMPLATE_WORDS = ["system\n", "user\n", "assistant\n", "Audio 1: "] * 10
SPECIAL = [END_OF_TEXT, START, END, AUDIO, AUDIO_START, AUDIO_END]
VOCABULARY = 1024  # largest number of tokens, special ones included


def train_tokenizer(texts: Sequence[str], labels: Sequence[str]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE in which every label word is one token, with and without a leading space.

    Args:
        texts: Texts the model will read; any other text falls back to bytes.
        labels: The label words.

    Raises:
        UserError: A label is not a single word.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    # The template's own words, and the labels more often than all other text is long: merged first.
    words = [form for label in labels for form in (label, f" {label}")]
    often = 1 + sum(map(len, texts))
    corpus = itertools.chain(texts, TEMPLATE_WORDS, itertools.chain.from_iterable(itertools.repeat(words, often)))
    tokenizer.train_from_iterator(corpus, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END_OF_TEXT,
        padding_side="left",
        extra_special_tokens={"audio_token": AUDIO, "audio_bos_token": AUDIO_START, "audio_eos_token": AUDIO_END},
        additional_special_tokens=[START],
        clean_up_tokenization_spaces=False,
    )
    for word in words:
        if len(fast(word, add_special_tokens=False)["input_ids"]) != 1:
            raise UserError(f"label {word.strip()!r} cannot be one token: rename the class to one word.")
    return fast
