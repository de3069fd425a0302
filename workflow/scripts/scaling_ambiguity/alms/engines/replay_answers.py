"""Engine `replay_answers`: published answers of a model that need not exist any more."""

import hashlib
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.chat_format import ChatFormat, read_kept_format, read_published
from scaling_ambiguity.alms.engine import Capability, PublishedEngine
from scaling_ambiguity.alms.filing import without_limit
from scaling_ambiguity.errors import UserError

_KNOWN = {"engine", "gpus", "max_tokens", "model", "revision", "store"}


class Engine(PublishedEngine):
    """Stands for the model that gave the answers; it is never asked.

    Attributes:
        model: The model's name in the published answers.
        revision: Its revision there, under which answers are stored; answers of any token limit are accepted.
        processor: Renders prompts as the model's own did.
        folder: The published answers: an answer store.
    """

    capabilities: frozenset[Capability] = frozenset({"sample", "read_labels"})  # those that were published
    clips_at_once = 1
    longest: int | None = None
    repeats = True

    def __init__(self, folder: Path, model: str, revision: str, processor: ChatFormat) -> None:
        self.folder, self.model, self.revision, self.processor = folder, model, revision, processor


def open_engine(entry: dict[str, Any]) -> Engine:
    """Open an ``alms`` entry of the configuration: ``store`` and, where it holds several, ``model`` and ``revision``.

    Raises:
        UserError: An unknown key, no such folder, a file that is not as its manifest says, or not exactly one chat
            format that matches the entry.
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
    meant: dict[tuple[str, str], dict[str, Any]] = {}
    there, wanted = [], {key: entry[key] for key in ("model", "revision") if key in entry}
    for path in sorted(folder.glob("chat-*.json")):
        chat = read_kept_format(path)
        revision, _ = without_limit(chat["revision"])
        if wanted.items() <= {**chat, "revision": revision}.items() or wanted.items() <= chat.items():
            meant[chat["model"], revision] = chat
        there.append(f"model: {chat['model']}, revision: {chat['revision']}")
    if len(meant) != 1:
        raise UserError(
            f"{folder}: holds the chat formats of: {'; '.join(there) or 'none'}; {len(meant)} of them match. Set "
            "model and revision of the alms entry to one of them; without any, let `export_answers` write the folder "
            "again where the model is available."
        )
    (((model, revision), chat),) = meant.items()
    return Engine(folder, model, revision, ChatFormat(**chat["format"]))


def check_manifest(folder: Path) -> None:
    """Compare the files of a folder with its ``manifest.json``, if it has one.

    Raises:
        UserError: A file is missing or differs from the published one, or answers were added to the folder.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        return
    named = read_published(path, ("files",))["files"]
    added = sorted({file.name for file in folder.glob("*.jsonl")} - set(named))
    if added:
        raise UserError(f"{folder / added[0]}: not in {path}; move it out of the published answers.")
    for name, facts in named.items():
        file = folder / name
        if not file.is_file():
            raise UserError(f"{file}: missing, but in {path}; fetch the published answers again.")
        with file.open("rb") as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
        if actual != facts["sha256"]:
            raise UserError(
                f"{file}: sha256 {actual[:16]}..., in {path} {facts['sha256'][:16]}...; fetch the published answers "
                "again."
            )
