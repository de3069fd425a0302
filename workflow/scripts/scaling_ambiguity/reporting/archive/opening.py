"""An archive as the source of a run: its configuration, the files that it starts from, their way into the folder."""

import copy
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path
from scaling_ambiguity.reporting.archive.container import REMEDY, opened, verified_names

FORMAT = 1
ABOUT = "archive.json"  # what the archive is of: format, configuration, what was left out and why
START = "run/"  # files that a redraw starts from, at their places in the folder of a run
PRODUCT = re.compile(r"(results|paper)/[A-Za-z0-9_./-]+")
PRODUCTS = "products/"  # files that a redraw makes again


def read_about(path: str | Path) -> dict[str, Any]:
    """Return what an archive says about itself.

    Raises:
        UserError: It has another format.
    """
    with opened(path) as archive:
        manifest = json.loads(archive.read(ABOUT)) if ABOUT in archive.namelist() else {}
    if (
        not isinstance(manifest, dict)
        or manifest.get("format") != FORMAT
        or not isinstance(manifest.get("config"), dict)
    ):
        written = manifest.get("format") if isinstance(manifest, dict) else None
        raise UserError(
            f"{path}: {ABOUT} is of format {written!r}; expected {FORMAT}. Redraw it with the code that made it, which "
            "is in its folder `code`."
        )
    return manifest


def start_files(path: str | Path) -> list[str]:
    """Return the files that a redraw starts from, relative to the folder of a run, sorted.

    Raises:
        UserError: One lies outside results/ and paper/, where only products are.
    """
    with opened(path) as archive:
        names = [name.removeprefix(START) for name in archive.namelist() if name.startswith(START)]
    if odd := [name for name in names if not PRODUCT.fullmatch(name) or ".." in name.split("/")]:
        raise UserError(f"{path}: {odd[0]!r} is no product of a run. {REMEDY}")
    return sorted(names)


def lay_out(path: str | Path, folder: Path) -> list[str]:
    """Verify an archive once more, write the files that a redraw starts from into ``folder``, return their names.

    Raises:
        UserError: The archive is not as it was written.
    """
    verified_names(path)
    names = start_files(path)
    with opened(path) as archive:
        for name in names:
            with archive.open(START + name) as source, atomic_path(folder / name) as target, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
    return names


def source_config(config: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """Return the configuration that an archive is redrawn with: its own, in the folder of the present one.

    Args:
        config: The present configuration; its ``run.directory`` holds.
        source: The archive, absolute.
    """
    archived = copy.deepcopy(read_about(source)["config"])
    directory = config.get("run", {}).get("directory", ".")
    return archived | {"source": str(source), "run": archived.get("run", {}) | {"directory": directory}}


def refuse_other_settings(archived: dict[str, Any], merged: dict[str, Any]) -> None:
    """Raise UserError if settings given beside ``source`` differ from those of the archive.

    Args:
        archived: The checked configuration of the archive.
        merged: The same with the given settings laid over it, checked.
    """
    if different := _difference(archived, merged):
        key, own, given = different
        raise UserError(
            f"config: {key} = {given!r} is given in addition to source, whose run has {own!r}. An archive is redrawn "
            "with its own configuration: give run.directory alone in addition to source, or run the workflow without "
            "source."
        )


def _difference(one: Any, other: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """Return (key path, value, other value) of the first difference of two configurations; None if they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if found := _difference(one.get(key), other.get(key), f"{path}.{key}" if path else key):
                return found
        return None
    return None if one == other else (path, one, other)
