"""The folder of the page: scripts that hold data, the page itself, and the libraries it shows them with.

A page opened from disk may load scripts, pictures and sound, but no data files: data are calls of a function of the
page. Nothing is loaded from elsewhere (the page's own policy forbids it).
"""

import html
import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_text
from scaling_ambiguity.progress import progress
from scaling_ambiguity.reporting.explorer import OWN
from scaling_ambiguity.reporting.explorer.contents import Contents
from scaling_ambiguity.reporting.explorer.sounds import drawn

SHARD = 100  # utterances per script of details or sound
# package -> files of it that the page loads; a module becomes a plain script, which can be loaded from disk
LIBRARIES = {
    "itables": ("html/dt_bundle.js",),
    "bokeh": ("server/static/js/bokeh.min.js", "server/static/js/bokeh-api.min.js"),
}
EXPORTED = re.compile(r"export\s*\{([^}]*)\}\s*;?")


def script(name: str, value: Any) -> str:
    """Return a script that hands ``value`` to the page under ``name``; NaN is refused."""
    return f"explorer.receive({json.dumps(name)}, {json.dumps(value, allow_nan=False, separators=(',', ':'))});\n"


def shards(rows: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Return numbers of three digits or more, and the rows of each shard."""
    for start in range(0, len(rows), SHARD):
        yield f"{start // SHARD:03d}", rows[start : start + SHARD]


def write_corpus(contents: Contents, data: Path) -> str:
    """Write the scripts of a corpus below ``data``; return a line for the log."""
    corpus = contents.files.corpus
    folder = data / corpus
    write_text(script(f"{corpus}/index", contents.index()), folder / "index.js")
    for number, rows in shards(contents.details()):
        write_text(script(f"{corpus}/detail-{number}", rows), folder / f"detail-{number}.js")
    if contents.files.silent:
        return f"{corpus}: {len(contents.names)} utterances; no sound: {contents.files.silent}"
    drawings = [None if file is None else drawn(file) for file in progress(contents.audible, "sounds")]
    for number, rows in shards(drawings):
        write_text(script(f"{corpus}/sound-{number}", rows), folder / f"sound-{number}.js")
    heard = sum(drawing is not None and "fault" not in drawing for drawing in drawings)
    return f"{corpus}: {len(contents.names)} utterances, sound of {heard}"


def write_settings(settings: dict[str, Any], data: Path) -> None:
    """Write what the page is about: title, run, names of corpora, utterances per script."""
    write_text(script("settings", settings | {"shard": SHARD}), data / "settings.js")


def write_page(template: Path, title: str, page: Path) -> None:
    """Write the page from its template, in which ``{title}`` stands for the title."""
    write_text(template.read_text(encoding="utf-8").replace("{title}", html.escape(title)), page)


def write_libraries(own: Path, lib: Path) -> None:
    """Copy the page's own scripts and the libraries, with their licences, into ``lib``.

    Raises:
        UserError: A package is not installed, or has not the files that the page loads.
    """
    lib.mkdir(parents=True, exist_ok=True)
    for name in OWN:
        shutil.copyfile(own / name, lib / name)
    for package, names in LIBRARIES.items():
        folder = package_folder(package)
        for name in names:
            if not (folder / name).is_file():
                raise UserError(f"{folder / name}: no such file in this version. Install the {package} of the lock.")
            text = (folder / name).read_text(encoding="utf-8")
            text = plain_script(text, str(folder / name)) if package == "itables" and name.endswith(".js") else text
            write_text(text, lib / Path(name).name)
        for licence in sorted([*folder.glob("LICENSE*"), *folder.parent.glob(f"{package}-*.dist-info/**/LICENSE*")]):
            shutil.copyfile(licence, lib / f"LICENSE-{package}.txt")


def package_folder(package: str) -> Path:
    """Return the folder of an installed package, which is not imported.

    Raises:
        UserError: It is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"{package} is not installed; it brings scripts of the page. Run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations)))


def plain_script(module: str, where: str) -> str:
    """Return a JavaScript module as a script that defines ``Tables``, an object of what the module exports.

    Raises:
        UserError: It has not exactly one list of exports at its end, or imports something.
    """
    lists = list(EXPORTED.finditer(module))
    if len(lists) != 1 or re.search(r"(?:^|[;}\n])import\s*[\w{*\"']", module):
        raise UserError(f"{where}: not one module without imports, as the lock's version is. Install that version.")
    pairs = [entry.split(" as ") for entry in lists[0][1].split(",")]
    members = ",".join(f"{json.dumps(pair[-1].strip())}:{pair[0].strip()}" for pair in pairs)
    body = module[: lists[0].start()] + module[lists[0].end() :]
    return f"var Tables=(function(){{{body}\n;return {{{members}}};}})();\n"
