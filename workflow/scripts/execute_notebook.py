"""Execute a notebook with parameters to .ipynb, .html and its verdicts."""

import argparse
from pathlib import Path

import nbformat

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.io import write_text
from scaling_ambiguity.reporting.notebook import execute, settle, to_html
from scaling_ambiguity.reporting.verdicts import read_verdicts


def main(arguments: argparse.Namespace) -> None:
    """Execute; the notebook itself writes its verdicts to the path it is given."""
    parameters = arguments.parameters | {"verdict": str(arguments.verdict)}
    arguments.verdict.unlink(missing_ok=True)
    executed = settle(execute(arguments.notebook, parameters))
    verdicts = read_verdicts(arguments.verdict)
    write_text(nbformat.writes(executed) + "\n", arguments.ipynb)
    write_text(to_html(executed, arguments.notebook.stem), arguments.html)
    for verdict in verdicts:
        kind = "gating" if verdict["gating"] else "shown"
        print(f"{'passed' if verdict['passed'] else 'FAILED'} ({kind}) {verdict['name']}: {verdict['message']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebook", type=Path, required=True)
    parser.add_argument("--parameters", type=json_value, required=True, help="JSON map, put after the parameters cell")
    parser.add_argument("--ipynb", type=Path, required=True)
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--verdict", type=Path, required=True, help="JSON list, written by the notebook")
    run(main, parser)
