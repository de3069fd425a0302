"""Fetch models of the Hugging Face hub: pinned commits, safetensors only, every file checked.

To be done where there is internet (the login node of a cluster); the jobs then run with ``HF_HUB_OFFLINE=1``. Files
that have arrived are kept. A broken connection resumes in the middle of a file; after a kill the file that was
being fetched starts from scratch, as the hub's client gives it another name each time.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.availability import located
from scaling_ambiguity.alms.before_work import missing_weights
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.progress import progress

# What a model is opened with; weights in formats that execute code when read are not fetched.
ALLOWED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken", "LICENSE*", "README.md")
CODE = ("*.py",)
# The same weights again, in the format of their authors' own programs.
TWICE = ("consolidated*", "original/*")
# How the hub's client names a file under way, and seconds without a byte after which no process writes to it.
LEFT, LEFT_S = ".incomplete", 3600
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Pinned:
    """A model to be fetched.

    Attributes:
        name: Its key in the configuration, e.g. ``alms.qwen``.
        checkpoint: Owner and name on the hub.
        revision: Commit, 40 hexadecimal digits.
        code: Its own code is fetched too (``trust_remote_code``).
    """

    name: str
    checkpoint: str
    revision: str
    code: bool = False

    @property
    def patterns(self) -> list[str]:
        """File names that are fetched."""
        return [*ALLOWED, *(CODE if self.code else ())]


def is_on_hub(entry: dict[str, Any]) -> bool:
    """Return whether the checkpoint of an entry is a name on the hub: neither a folder nor trained here."""
    name = entry.get("checkpoint")
    if name is None or "trained_on" in entry or located(name).is_dir():
        return False
    return not Path(name).is_absolute() and name.count("/") == 1 and not Path(name).parent.is_dir()


def pinned(entries: dict[str, dict[str, Any]]) -> list[Pinned]:
    """Return the models among entries of the configuration that are on the hub, by key.

    Raises:
        UserError: One has no commit as ``revision``: a branch or tag may name other weights tomorrow.
    """
    models = []
    for name, entry in entries.items():
        if is_on_hub(entry):
            revision = str(entry.get("revision", ""))
            if not _COMMIT.fullmatch(revision):
                raise UserError(
                    f"{name}: {entry['checkpoint']} has revision {revision or 'none'!r}, which pins nothing; set "
                    f"`revision` to a commit, 40 hexadecimal digits, of https://huggingface.co/{entry['checkpoint']}"
                    "/commits/main."
                )
            models.append(Pinned(name, entry["checkpoint"], revision, entry.get("trust_remote_code", False)))
    return models


def fetch(model: Pinned) -> dict[str, Any]:
    """Fetch a model into the cache of the hub (``HF_HUB_CACHE``, ``HF_HOME``) and check every file.

    Returns:
        {checkpoint, revision, bytes, files: [{path, bytes, sha256}]}, sorted by path.

    Raises:
        UserError: The model is gated, absent or without safetensors; the hub is out of reach; the disk is too
            small; a file differs from the hub's hash (it is removed, so that the next fetch requests it again).
    """
    from huggingface_hub import snapshot_download

    tree = _asked(model, lambda: _tree(model))
    if not any(path.endswith(".safetensors") for path in tree):
        raise UserError(
            f"{model.name}: {model.checkpoint} at {model.revision[:12]} has no safetensors file, and other "
            "formats are not opened here; choose a revision that has."
        )
    _room_for(model, tree)
    folder = _asked(
        model,
        lambda: snapshot_download(
            model.checkpoint, revision=model.revision, allow_patterns=model.patterns, ignore_patterns=list(TWICE)
        ),
    )
    files = []
    for path in progress(sorted(tree), f"check {model.checkpoint}", unit="file"):
        files.append(
            {"path": path, "bytes": tree[path].size, "sha256": _checked(model, Path(folder) / path, tree[path])}
        )
    total = sum(entry["bytes"] for entry in files)
    return {"checkpoint": model.checkpoint, "revision": model.revision, "bytes": total, "files": files}


def fetch_all(models: Iterable[Pinned]) -> dict[str, dict[str, Any]]:
    """Fetch models, one after the other; return entry -> result of :func:`fetch`."""
    fetched = {}
    for model in models:
        fetched[model.name] = fetch(model)
        size = fetched[model.name]["bytes"] / 1e9
        print(f"{model.checkpoint} at {model.revision[:12]}: {len(fetched[model.name]['files'])} files, {size:.2f} GB")
    return fetched


def whole_snapshot(checkpoint: str, revision: str | None) -> Path:
    """Return the folder of a model that was fetched completely; nothing is sent anywhere.

    Raises:
        UserError: It was not fetched, or not completely.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                checkpoint,
                revision=revision,
                local_files_only=True,
                allow_patterns=list(ALLOWED),
                ignore_patterns=list(TWICE),
            )
        )
    except (LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"{checkpoint} is not here, or not whole ({type(error).__name__}): `snakemake fetch_models` where there "
            "is internet, with the same HF_HOME."
        ) from error
    if missing := missing_weights(folder):
        raise UserError(
            f"{checkpoint} is not here whole: {', '.join(missing)} missing in {folder}: `snakemake fetch_models` where "
            "there is internet, with the same HF_HOME."
        )
    return folder


def _tree(model: Pinned) -> dict[str, Any]:
    """Return path -> what the hub says about it (size, hash), for the files to be fetched."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile
    from huggingface_hub.utils import filter_repo_objects

    listed = HfApi().list_repo_tree(model.checkpoint, recursive=True, revision=model.revision)
    files = {entry.path: entry for entry in listed if isinstance(entry, RepoFile)}
    return {p: files[p] for p in filter_repo_objects(files, allow_patterns=model.patterns, ignore_patterns=list(TWICE))}


def _asked(model: Pinned, ask: Any) -> Any:
    """Return ``ask()``, turning errors of the hub into plain messages."""
    from huggingface_hub import errors

    where = f"{model.name}: {model.checkpoint} at {model.revision[:12]}"
    page = f"https://huggingface.co/{model.checkpoint}"
    try:
        return ask()
    except errors.GatedRepoError as error:
        raise UserError(f"{where} is gated: accept its licence at {page} and `export HF_TOKEN=...`.") from error
    except errors.RevisionNotFoundError as error:
        raise UserError(f"{where}: the hub has no such commit; correct `revision`.") from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(f"{where}: the hub has no such model, or it is private; correct `checkpoint`.") from error
    except Exception as error:  # of several libraries: sockets, HTTP, the hub's own
        if isinstance(error, TypeError | AttributeError | NameError):
            raise
        cause = " ".join(str(error).split())[:300]
        raise UserError(
            f"{where} could not be fetched ({type(error).__name__}: {cause}). What has arrived is kept; run again."
        ) from error


def _room_for(model: Pinned, tree: dict[str, Any]) -> None:
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE)
    folder.mkdir(parents=True, exist_ok=True)
    arrived = folder / f"models--{model.checkpoint.replace('/', '--')}" / "blobs"
    _sweep(arrived)
    here = sum(path.stat().st_size for path in arrived.glob("*") if path.suffix != LEFT) if arrived.is_dir() else 0
    need, free = sum(entry.size for entry in tree.values()) - here, shutil.disk_usage(folder).free
    if need > free:
        raise UserError(
            f"{model.name}: {need / 1e9:.1f} GB are to be fetched to {folder}, which has {free / 1e9:.1f} GB; "
            "make room, or set HF_HOME to a larger file system that the nodes see too."
        )


def _sweep(arrived: Path) -> None:
    """Remove what killed fetches left; a file that another process still writes to is younger."""
    for path in arrived.glob(f"*{LEFT}"):
        if time.time() - path.stat().st_mtime > LEFT_S:
            path.unlink(missing_ok=True)


def _checked(model: Pinned, path: Path, said: Any) -> str:
    """Return the SHA-256 of a file after comparing it with the hub: by SHA-256 if it is large, else by its git hash."""
    sha256 = file_sha256(path)
    if said.lfs is None:
        data = path.read_bytes()
        right = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == said.blob_id
    else:
        right = sha256 == said.lfs.sha256
    if not right:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise UserError(f"{model.checkpoint}/{said.path}: differs from the file on the hub; removed, run again.")
    return sha256
