"""Say, after a finished run, what was made and where to look."""

import argparse
import json
from pathlib import Path

from scaling_ambiguity.cli import run

LOOK_AT = (
    ("paper/main.pdf", "the paper"),
    ("paper/supplement.pdf", "its supplement: every table, validity, procedures"),
    ("results/report.zip", "the report: unpack, open report/report.html; it opens on the answer"),
    ("results/notebooks/index.html", "the notebooks: each claim checked, with badges of the verdicts"),
    ("results/archive.zip", "the archive: --config source=ARCHIVE draws the paper again"),
    ("paper/numbers.json", "every number of the paper: file, column, n and interval"),
    ("results/statistics", "every estimate, one row each"),
)


def main(arguments: argparse.Namespace) -> None:
    """Print the files that exist, with their sizes, and the verdicts."""
    print("\nMade:")
    for name, meaning in LOOK_AT:
        path = arguments.directory / name
        if path.exists():
            size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.iterdir()))
            print(f"  {path!s:<48} {size / 1024:>7.0f} kB  {meaning}")
    verdicts = arguments.directory / "results" / "verdicts.json"
    if verdicts.exists():
        entries = json.loads(verdicts.read_text(encoding="utf-8"))
        print(f"  {verdicts!s:<48} {len(entries):>7} verdicts of the statistical validation")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="folder of the run")
    run(main, parser)
