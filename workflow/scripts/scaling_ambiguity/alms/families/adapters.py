"""Adapters that belong to a checkpoint and are active only where the input has a clip."""

from typing import Any


def has_adapters(model: Any) -> bool:
    """Return whether adapters were loaded into the model (transformers' peft integration)."""
    return bool(getattr(model, "_hf_peft_config_loaded", False))


def switch_adapters(model: Any, on: bool) -> None:
    """Turn the model's own adapters on or off, if it has any."""
    if has_adapters(model):
        (model.enable_adapters if on else model.disable_adapters)()


def own_adapters(model: Any) -> list[str]:
    """Return the names of the adapters that came with the model's checkpoint."""
    return list(model.peft_config) if has_adapters(model) else []
