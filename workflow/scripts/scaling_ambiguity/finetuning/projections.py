"""The projections of a language model that an adapter can be injected into, identified by object and not by path."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from scaling_ambiguity.alms.families.family import base_of
from scaling_ambiguity.alms.families.known import family_of, find_family
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.errors import UserError

ATTENTION = "attention"  # the family's own projections of self-attention


def projections(model: Any) -> dict[str, list[str]]:
    """Return name -> paths in ``model`` of each linear projection in the layers of the language model.

    Audio tower, projector, other encoders and embeddings are not part of those layers. A projection that already
    has an adapter counts once, by its own name; experts fused into one tensor are not projections.
    """
    base = base_of(model)
    layers = parts(base).language_model.get_submodule("layers")
    inside = {id(module) for module in layers.modules() if isinstance(module, nn.Linear)}
    paths: dict[str, list[str]] = {}
    for path, module in base.named_modules(remove_duplicate=False):
        if id(module) in inside and ".lora_" not in path:
            base_path = path.removesuffix(".base_layer")
            paths.setdefault(base_path.rsplit(".", 1)[-1], []).append(base_path)
    return paths


def chosen(model: Any, targets: str | Sequence[str]) -> list[str]:
    """Return the paths of the projections to adapt, sorted.

    Args:
        model: An open model of a known family, or one on the meta device.
        targets: Names of projections, or ``attention``: those that its family declares.

    Raises:
        UserError: The language model has no projection of such a name.
    """
    family = family_of(model)
    names = list(family.attention) if targets == ATTENTION else list(targets)
    there = projections(model)
    missing = [name for name in names if name not in there]
    if missing:
        raise UserError(
            f"finetuning.lora.targets: the language model of {family.name} has no projection {', '.join(missing)}; "
            f"it has {', '.join(sorted(there))}. Name some of these, or set `targets: {ATTENTION}` "
            f"({', '.join(family.attention)} here)."
        )
    return sorted(path for name in names for path in there[name])


def untrainable(checkpoint: str | Path, targets: str | Sequence[str]) -> str:
    """Return why a model folder cannot be fine-tuned with these targets, empty if it can; no weight is read.

    Args:
        checkpoint: The folder, of which only ``config.json`` is opened: the model is built on the meta device.
        targets: As for :func:`chosen`.
    """
    try:
        config = transformers.AutoConfig.from_pretrained(str(checkpoint))
        family = find_family((config.architectures or ["none"])[0])
        loaded = getattr(transformers, family.architectures[config.architectures[0]])
        # The class may be a part of what the configuration describes, such as the Thinker of an Omni model.
        own_config = (
            getattr(config, "thinker_config", config) if not isinstance(config, loaded.config_class) else config
        )
        with torch.device("meta"):
            chosen(loaded(own_config), targets)
    except UserError as error:
        return str(error)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return f"config.json cannot be read as that of an audio-language model ({error})"
    return ""
