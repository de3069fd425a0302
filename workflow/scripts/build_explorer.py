"""Build the page on which every utterance of a run is heard beside its votes and what models say about it."""

import argparse
from pathlib import Path

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.io import atomic_path
from scaling_ambiguity.reporting.explorer import PAGE
from scaling_ambiguity.reporting.explorer.contents import Contents
from scaling_ambiguity.reporting.explorer.folder import (
    write_corpus,
    write_libraries,
    write_page,
    write_settings,
)
from scaling_ambiguity.reporting.explorer.inputs import Explored


def main(arguments: argparse.Namespace) -> None:
    """Write the data, the libraries and the page; the page comes last and is there only if the rest is."""
    corpora = {name: Explored.read(entry, f"--corpora: {name}") for name, entry in arguments.corpora.items()}
    with atomic_path(arguments.lib) as lib:
        write_libraries(arguments.template, lib)
    with atomic_path(arguments.data) as data:
        for files in corpora.values():
            print(write_corpus(Contents(files, arguments.level, arguments.page.parent), data))
        settings = {"title": arguments.title, "run": arguments.name, "corpora": list(corpora), "level": arguments.level}
        write_settings(settings, data)
    write_page(arguments.template / PAGE, arguments.title, arguments.page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=json_value, required=True, help="files of each corpus by its name, JSON")
    parser.add_argument("--template", type=Path, required=True, help="folder of the page's template and scripts")
    parser.add_argument("--title", required=True)
    parser.add_argument("--name", required=True, help="of the run")
    parser.add_argument("--level", type=float, required=True, help="coverage of credible intervals")
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lib", type=Path, required=True)
    run(main, parser)
