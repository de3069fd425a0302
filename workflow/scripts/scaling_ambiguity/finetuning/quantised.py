"""A quantised base under the adapter, where bitsandbytes and a GPU are available."""

from importlib.util import find_spec
from typing import Any

import torch

from scaling_ambiguity.errors import UserError


def quantisation(kind: str) -> Any:
    """Return the transformers configuration that loads a base model in 4 bits (NF4, arXiv 2305.14314) or 8 bits.

    Raises:
        UserError: bitsandbytes or a GPU is missing.
    """
    if find_spec("bitsandbytes") is None:
        raise UserError(
            f"finetuning.quantised = {kind!r} needs the package bitsandbytes, which is not installed. "
            "`pip install bitsandbytes`, or remove the key: the base is then loaded whole."
        )
    if not torch.cuda.is_available():
        raise UserError(
            f"finetuning.quantised = {kind!r} needs a GPU, and torch sees none. "
            "Run where one is, or remove the key: the base is then loaded whole."
        )
    from transformers import BitsAndBytesConfig

    if kind == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
