"""The unfinished training of one seed: saved completely, and resumed only by the same training."""

import sys
from pathlib import Path
from typing import Any

import torch

from scaling_ambiguity.io import atomic_path
from scaling_ambiguity.progress import announce

FILE = "state.pt"


def save_state(folder: Path, fingerprint: str, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, text, lists and maps of them) and its fingerprint, atomically."""
    with atomic_path(folder / FILE) as temporary:
        torch.save({"fingerprint": fingerprint, "state": state}, temporary)


def load_state(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return the state saved under ``fingerprint``, or None.

    A state of another training (other data, options, model, code or versions), or one that
    cannot be read, is renamed ``state.pt.foreign-{number}`` with a message and kept.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        saved = content["fingerprint"]
    except Exception:  # any error that torch raises on a broken file
        saved = "unreadable"
    if saved == fingerprint:
        return content["state"]
    number = len(list(folder.glob(f"{FILE}.foreign-*")))
    aside = path.with_name(f"{FILE}.foreign-{number}")
    path.rename(aside)
    message = f"finetune: {path} belongs to another training ({saved[:12]}); set aside as {aside.name}"
    print(message, file=sys.stderr)
    announce(message)
    return None


def drop_state(folder: Path) -> None:
    """Remove the state of a finished training, and the folder if nothing else is in it."""
    (folder / FILE).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
