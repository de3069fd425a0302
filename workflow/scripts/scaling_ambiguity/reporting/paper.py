"""The PDF: sources and built parts in one folder, latexmk, and a log that has to be free of errors."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_text
from scaling_ambiguity.reporting.captions import captions_tex
from scaling_ambiguity.reporting.chapters import FIGURES, TABLES

# Seconds since 1970 that the PDF states as its date, so that the same content gives the same bytes.
EPOCH = "1700000000"
OVERFULL_TOLERANCE = 1.0  # pt; smaller ones are invisible
PROBLEMS = (
    re.compile(r"LaTeX Warning: (?:Citation|Reference|Hyper reference) .*undefined.*"),
    re.compile(r"LaTeX Warning: There were (?:undefined|multiply-defined) .*"),
    re.compile(r"LaTeX Warning: File .* not found.*"),
    re.compile(r"(?<!! )(?:LaTeX|Package \w+) Error: .*"),
    re.compile(r"! .*"),
)
OVERFULL = re.compile(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\).*")
BIBTEX = re.compile(r"Warning--.*|I couldn't .*|I found no .*")


def log_problems(log: str) -> list[str]:
    """Return the lines of a LaTeX log that make a paper unfit: lost references, files or numbers, overfull boxes."""
    found = [match[0] for pattern in PROBLEMS for match in pattern.finditer(log)]
    found += [match[0] for match in OVERFULL.finditer(log) if float(match[1]) > OVERFULL_TOLERANCE]
    return list(dict.fromkeys(found))


def gather(
    folder: Path,
    sources: Path,
    *,
    sections: list[str],
    figures: Iterable[Path],
    tables: Iterable[Path],
    votes: str,
    numbers: Path,
) -> None:
    """Copy everything LaTeX needs into ``folder``; files that it cannot read (CSV, SVG) are ignored.

    ``captions`` is the text of captions.tex.
    """
    absent = [name for name in sections if not (sources / "sections" / f"{name}.tex").is_file()]
    if absent:
        raise UserError(f"{sources}/sections: no section {absent[0]!r}; write {absent[0]}.tex or leave it out.")
    for name in ("main.tex", "refs.bib"):
        shutil.copyfile(sources / name, folder / name)
    for part, files, ending in (("figures", figures, ".pdf"), ("tables", tables, ".tex")):
        (folder / part).mkdir()
        for file in files:
            if Path(file).suffix == ending:
                shutil.copyfile(file, folder / part / Path(file).name)
    (folder / "sections").mkdir()
    for name in sections:
        shutil.copyfile(sources / "sections" / f"{name}.tex", folder / "sections" / f"{name}.tex")
    write_text("".join(f"\\input{{sections/{name}}}\n" for name in sections), folder / "sections.tex")
    captions = {name: display.caption for name, display in (FIGURES | TABLES).items()}
    write_text(captions_tex(captions, votes), folder / "captions.tex")
    shutil.copyfile(numbers, folder / "numbers.tex")


def compile_pdf(folder: Path) -> Path:
    """Run latexmk on ``folder``/main.tex and return the PDF.

    Raises:
        UserError: latexmk is not installed, LaTeX fails, or the log names undefined references,
            missing files or overfull boxes; the message holds the lines.
    """
    if shutil.which("latexmk") is None:
        raise UserError(
            "latexmk was not found. Install a TeX: `apt-get install latexmk texlive-latex-recommended "
            "texlive-publishers texlive-fonts-recommended`, or `conda install -c conda-forge texlive-core latexmk`."
        )
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    logs = {name: _read(folder / f"main.{name}") for name in ("log", "blg")}
    problems = log_problems(logs["log"]) + BIBTEX.findall(logs["blg"])
    if process.returncode != 0 or not (folder / "main.pdf").is_file():
        tail = process.stdout.decode(errors="replace").splitlines()[-12:]
        raise UserError("\n  ".join(["LaTeX could not build the paper:", *(problems or tail)]))
    if problems:
        raise UserError("\n  ".join(["the paper was built, but is not fit to be read:", *problems]))
    return folder / "main.pdf"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
