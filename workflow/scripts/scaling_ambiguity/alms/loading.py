"""Open an audio-language model; the 7-billion-parameter and the tiny one are opened by the same code."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from scaling_ambiguity.alms.availability import located
from scaling_ambiguity.alms.families.known import find_family
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256

SHARED_TOWER = "shared_audio_tower"  # key of a checkpoint's configuration, see LoadedALM.tower
SHOWN = 3  # number of tensors that a message names

LOADING = ("revision", "device", "trust_remote_code")  # keys of an entry that determine how it is opened


@dataclass(frozen=True)
class LoadedALM:
    """An audio-language model ready to be queried.

    Attributes:
        model: The transformers (or peft-wrapped) model, in evaluation mode.
        processor: Its feature extractor, tokenizer and chat template.
        tokenizer: ``processor.tokenizer``.
        device: Where the weights are.
        revision: Identifies the weights: the commit of a hub checkpoint, or the SHA-256 of the configuration and
            weights of a local folder.
        tower: Identity of a frozen audio tower that several models share, each with a projector of its own; None: the
            projector belongs to the encoder.
    """

    model: Any
    processor: Any
    tokenizer: Any
    device: torch.device
    revision: str
    tower: str | None = None


def load_alm(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    device: str | torch.device | None = None,
    trust_remote_code: bool = False,
    quantisation: Any = None,
    placed: bool = True,
) -> LoadedALM:
    """Open a checkpoint with the class its configuration names, from safetensors only.

    Args:
        checkpoint: A local folder, or the name of a checkpoint on the Hugging Face hub.
        revision: Commit of a hub checkpoint; meaningless for a folder.
        device: Defaults to the GPU if there is one. On the CPU weights are float32,
            elsewhere as stored.
        trust_remote_code: Run code that comes with the checkpoint.
        quantisation: Configuration of transformers by which the weights are loaded quantised; needs a GPU.
        placed: Bring the weights to the device; otherwise they stay in main memory for the caller to move.

    Raises:
        UserError: There is no such checkpoint, neither this library nor transformers knows its class, or its files
            lack a tensor of the model or hold it in another shape.
    """
    folder = located(checkpoint)
    local = folder.is_dir()
    if local and not (folder / "config.json").is_file():
        raise UserError(
            f"{checkpoint}: not a model folder (no config.json). Remove it and run again, or correct `checkpoint`."
        )
    if not local and (folder.is_absolute() or str(checkpoint).count("/") != 1 or folder.parent.is_dir()):
        raise UserError(
            f"{checkpoint}: no such model folder. Make it first (`snakemake -c1 {checkpoint}`) or correct `checkpoint`."
        )
    place = torch.device(device) if device else default_device()
    options = {"revision": None if local else revision, "trust_remote_code": trust_remote_code}
    options = {key: value for key, value in options.items() if value is not None}
    with explained(checkpoint, "an audio-language model"):
        config = transformers.AutoConfig.from_pretrained(str(folder), **options)
    architecture = (config.architectures or ["none"])[0]
    family = find_family(architecture)
    name = family.architectures[architecture]
    if not hasattr(transformers, name):
        raise UserError(f"{checkpoint}: transformers {transformers.__version__} has no class {name!r}.")
    # quantised weights are placed while they are loaded, and cannot be moved afterwards
    quantised = {} if quantisation is None else {"quantization_config": quantisation, "device_map": {"": place}}
    with explained(checkpoint, "an audio-language model"):
        model, report = getattr(transformers, name).from_pretrained(
            str(folder),
            use_safetensors=True,
            dtype=torch.float32 if place.type == "cpu" else "auto",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, by name
            **quantised,
            **options,
        )
    refuse_incomplete(checkpoint, report)
    with explained(checkpoint, "an audio-language model"):
        family.load_adapters(model, folder, options)
        processor = family.open_processor(folder, options)
    processor.tokenizer.padding_side = "left"
    identity = folder_revision(folder) if local else (getattr(config, "_commit_hash", None) or revision or "unknown")
    if placed and quantisation is None:
        model = model.to(place)
    tower = getattr(config, SHARED_TOWER, None)
    return LoadedALM(model.eval(), processor, processor.tokenizer, place, identity, tower)


def default_device() -> torch.device:
    """Return the default device: the GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def explained(checkpoint: str | Path, what: str) -> Iterator[None]:
    """Turn what transformers raises about a checkpoint's files into a UserError; wrap only its calls."""
    try:
        yield
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{checkpoint}: cannot be opened as {what} ({error}).") from error


def refuse_incomplete(checkpoint: str | Path, report: dict[str, Any]) -> None:
    """Refuse weights that transformers filled with random numbers.

    Tied weights are not among them; tensors that no part of the opened class has (the Talker of an Omni model)
    are of no consequence.

    Args:
        checkpoint: For the message.
        report: The ``loading_info`` of ``from_pretrained``.

    Raises:
        UserError: A tensor of the model is not in the files, or has another shape there.
    """
    faults = [f"{name} is missing" for name in sorted(report["missing_keys"])]
    faults += [
        f"{name} is {tuple(stored)} in the files and {tuple(expected)} in the model"
        for name, stored, expected in sorted(report["mismatched_keys"])
    ]
    faults += [f"{what}" for what in report["error_msgs"]]
    if faults:
        more = f" (and {len(faults) - SHOWN} others)" if len(faults) > SHOWN else ""
        raise UserError(
            f"{checkpoint}: its weights are not those of the model that its config.json names: "
            f"{'; '.join(faults[:SHOWN])}{more}. They would be random numbers. Fetch the whole checkpoint again, or "
            f"install the version of transformers that it was made for (installed: {transformers.__version__})."
        )


def folder_revision(folder: str | Path) -> str:
    """Return the SHA-256 over configuration and weights (``config.json``, ``*.safetensors``) of a model folder."""
    digest = hashlib.sha256()
    for path in sorted([Path(folder) / "config.json", *Path(folder).glob("*.safetensors")]):
        digest.update(f"{path.name}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
