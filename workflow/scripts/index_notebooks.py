"""Write the index of the executed notebooks: what each asks, and badges of its verdicts, failed ones too."""

import argparse
from pathlib import Path

from scaling_ambiguity.cli import run
from scaling_ambiguity.io import write_text
from scaling_ambiguity.reporting.pages import Notebook, notebook_index


def main(arguments: argparse.Namespace) -> None:
    """Read headings and verdicts, write the page."""
    pairs = zip(arguments.notebooks, arguments.verdicts, strict=True)
    write_text(notebook_index([Notebook.read(*pair) for pair in pairs]), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebooks", type=Path, nargs="+", required=True, help="executed notebooks, .ipynb")
    parser.add_argument("--verdicts", type=Path, nargs="+", required=True, help="their verdicts, in the same order")
    parser.add_argument("--output", type=Path, required=True, help=".html, beside the notebooks")
    run(main, parser)
