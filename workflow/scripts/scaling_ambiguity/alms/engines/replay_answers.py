"""Engine `replay_answers`: answers that were published, of a model that need not be there any more."""

import hashlib
import json
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.chat_format import ChatFormat
from scaling_ambiguity.errors import UserError

_KNOWN = {"engine", "gpus", "max_tokens", "model", "revision", "store"}


class Engine:
    """Stands for the model that gave the answers; it is never asked.

    Attributes:
        model: The model's name in the published answers.
        revision: Its revision there.
        processor: Renders prompts as the model's own did.
        folder: The published answers: an answer store.
        answers_only: True.
    """

    answers_only = True

    def __init__(self, folder: Path, model: str, revision: str, processor: ChatFormat) -> None:
        self.folder, self.model, self.revision, self.processor = folder, model, revision, processor


def open_engine(entry: dict[str, Any]) -> Engine:
    """Open an ``alms`` entry of the configuration: ``store`` and, where it holds several, ``model`` and ``revision``.

    Raises:
        UserError: An unknown key, no such folder, a file that is not as its manifest says, or not one chat format
            that the entry means.
    """
    unknown = set(entry) - _KNOWN
    if unknown or "store" not in entry:
        raise UserError(
            f"alms entry: needs `store`; unknown keys {sorted(unknown)}; "
            f"engine `replay_answers` knows {sorted(_KNOWN)}."
        )
    folder = Path(entry["store"])
    if not any(folder.glob("*.jsonl")):
        raise UserError(f"{folder}: no folder with published answers (*.jsonl); correct alms.<name>.store.")
    check_manifest(folder)
    formats = [_read(path) for path in sorted(folder.glob("chat-*.json"))]
    meant = [chat for chat in formats if all(entry.get(key, chat[key]) == chat[key] for key in ("model", "revision"))]
    if len(meant) != 1:
        there = "; ".join(f"model: {chat['model']}, revision: {chat['revision']}" for chat in formats) or "none"
        raise UserError(
            f"{folder}: holds the chat formats of: {there}; {len(meant)} of them are meant. Set model and revision "
            "of the alms entry to one of them; without any, let `export_answers` write the folder anew where the "
            "model is at hand."
        )
    chat = meant[0]
    return Engine(folder, chat["model"], chat["revision"], ChatFormat(**chat["format"]))


def check_manifest(folder: Path) -> None:
    """Compare the files of a folder with its ``manifest.json``, if it has one.

    Raises:
        UserError: A file is missing, is another than published, or answers were added to the folder.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        return
    named = _read(path, ("files",))["files"]
    added = sorted({file.name for file in folder.glob("*.jsonl")} - set(named))
    if added:
        raise UserError(f"{folder / added[0]}: not in {path}; move it out of the published answers.")
    for name, facts in named.items():
        file = folder / name
        if not file.is_file():
            raise UserError(f"{file}: missing, but in {path}; fetch the published answers again.")
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != facts["sha256"]:
            raise UserError(
                f"{file}: sha256 {found[:16]}..., in {path} {facts['sha256'][:16]}...; fetch the published answers "
                "again."
            )


def _read(path: Path, keys: tuple[str, ...] = ("model", "revision", "format")) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable ({error}); fetch the published answers again.") from error
    if not isinstance(value, dict) or not set(keys) <= set(value):
        raise UserError(f"{path}: has to be a map with {list(keys)}; fetch the published answers again.")
    return value
