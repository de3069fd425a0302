"""Open an audio-language model: the 7-billion-parameter one and the tiny one by the same few lines."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from scaling_ambiguity.alms.families.known import find_family
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256


@dataclass(frozen=True)
class LoadedALM:
    """An audio-language model ready to be asked.

    Attributes:
        model: The transformers (or peft-wrapped) model, in evaluation mode.
        processor: Its feature extractor, tokenizer and chat template.
        tokenizer: ``processor.tokenizer``.
        device: Where the weights are.
        revision: What identifies the weights: the commit of a hub checkpoint, or the
            SHA-256 of the configuration and weights of a local folder.
    """

    model: Any
    processor: Any
    tokenizer: Any
    device: torch.device
    revision: str


def load_alm(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    device: str | torch.device | None = None,
    trust_remote_code: bool = False,
    quantisation: Any = None,
    placed: bool = True,
) -> LoadedALM:
    """Open a checkpoint with the class its configuration names, from safetensors alone.

    Args:
        checkpoint: A local folder, or the name of a checkpoint on the Hugging Face hub.
        revision: Commit of a hub checkpoint; meaningless for a folder.
        device: Defaults to the GPU if there is one. On the CPU weights are float32,
            elsewhere as stored.
        trust_remote_code: Run code that comes with the checkpoint.
        quantisation: Configuration of transformers by which the weights are loaded quantised; needs a GPU.
        placed: Bring the weights to the device; otherwise they stay in main memory for the caller to place.

    Raises:
        UserError: There is no such checkpoint, or neither this library nor transformers knows its class.
    """
    folder = Path(checkpoint)
    local = folder.is_dir()
    if local and not (folder / "config.json").is_file():
        raise UserError(
            f"{checkpoint}: not a model folder (no config.json). Remove it and run again, or correct `checkpoint`."
        )
    if not local and (folder.is_absolute() or str(checkpoint).count("/") != 1 or folder.parent.is_dir()):
        raise UserError(
            f"{checkpoint}: no such model folder. Make it first (`snakemake -c1 {checkpoint}`) or correct `checkpoint`."
        )
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    options = {"revision": None if local else revision, "trust_remote_code": trust_remote_code}
    options = {key: value for key, value in options.items() if value is not None}
    try:
        config = transformers.AutoConfig.from_pretrained(checkpoint, **options)
        architecture = (config.architectures or ["none"])[0]
        family = find_family(architecture)
        name = family.architectures[architecture]
        if not hasattr(transformers, name):
            raise UserError(f"{checkpoint}: transformers {transformers.__version__} has no class {name!r}.")
        # quantised weights are placed while they are loaded, and cannot be moved afterwards
        placed = {} if quantisation is None else {"quantization_config": quantisation, "device_map": {"": device}}
        model = getattr(transformers, name).from_pretrained(
            checkpoint,
            use_safetensors=True,
            dtype=torch.float32 if device.type == "cpu" else "auto",
            **placed,
            **options,
        )
        family.load_adapters(model, checkpoint, options)
        processor = family.open_processor(checkpoint, options)
    except (OSError, ValueError) as error:
        raise UserError(f"{checkpoint}: cannot be opened as an audio-language model ({error}).") from error
    processor.tokenizer.padding_side = "left"
    name = folder_revision(folder) if local else (getattr(config, "_commit_hash", None) or revision or "unknown")
    model = model.to(device) if placed and quantisation is None else model
    return LoadedALM(model.eval(), processor, processor.tokenizer, device, name)


def folder_revision(folder: str | Path) -> str:
    """Return the SHA-256 over configuration and weights (``config.json``, ``*.safetensors``) of a model folder."""
    digest = hashlib.sha256()
    for path in sorted([Path(folder) / "config.json", *Path(folder).glob("*.safetensors")]):
        digest.update(f"{path.name}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
