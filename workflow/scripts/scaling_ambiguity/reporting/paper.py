"""The PDFs: sources and built parts in one folder, latexmk, and logs that have to be free of errors."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_text
from scaling_ambiguity.reporting.captions import captions_tex
from scaling_ambiguity.reporting.chapters import FIGURES, TABLES

# Seconds since 1970 that the PDF states as its date, so that the same content gives the same bytes.
EPOCH = "1700000000"
MAIN, SUPPLEMENT = "main", "supplement"
SECTIONS = {MAIN: "sections", SUPPLEMENT: "supplement"}  # folder of the sections of each document
DRAFT = " --- draft: the sources differ from their last commit"
OVERFULL_TOLERANCE = 1.0  # pt; smaller ones are invisible
PROBLEMS = (
    re.compile(r"LaTeX Warning: (?:Citation|Reference|Hyper reference) .*undefined.*"),
    re.compile(r"LaTeX Warning: There were (?:undefined|multiply-defined) .*"),
    re.compile(r"LaTeX Warning: File .* not found.*"),
    re.compile(r"LaTeX Warning: Float too large for page by (?!0?\.\d+pt)[\d.]+pt.*"),
    re.compile(r"(?<!! )(?:LaTeX|Package \w+) Error: .*"),
    re.compile(r"! .*"),
)
OVERFULL = re.compile(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\).*")
BIBTEX = re.compile(r"Warning--.*|I couldn't .*|I found no .*")


def source_files(paper: Path) -> list[Path]:
    """Return the LaTeX of both documents in the folder ``paper``: the documents, then their sections."""
    parts = [sorted((paper / part).glob("*.tex")) for part in SECTIONS.values()]
    return [*(paper / f"{document}.tex" for document in SECTIONS), *(file for files in parts for file in files)]


def log_problems(log: str) -> list[str]:
    """Return the lines of a LaTeX log that make a paper unfit: lost references, files or numbers, overfull boxes."""
    problems = [match[0] for pattern in PROBLEMS for match in pattern.finditer(log)]
    problems += [match[0] for match in OVERFULL.finditer(log) if float(match[1]) > OVERFULL_TOLERANCE]
    return list(dict.fromkeys(problems))


def uncommitted(folder: Path) -> bool:
    """Return whether a file in ``folder`` that git tracks differs from the last commit; False where git knows none."""
    command = ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no", "--", "."]
    try:
        status = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # git is not installed
        return False
    return status.returncode == 0 and bool(status.stdout.strip())


def gather(
    folder: Path,
    sources: Path,
    *,
    sections: Mapping[str, list[str]],
    figures: Iterable[Path],
    tables: Iterable[Path],
    votes: str,
    numbers: Path,
) -> None:
    """Copy everything LaTeX needs into ``folder``; files that it cannot read (CSV, SVG) are ignored.

    Args:
        folder: Where LaTeX will run.
        sources: Folder of main.tex, supplement.tex, refs.bib and their sections.
        sections: Names of the sections of each document, in order.
        figures: Figures of the run.
        tables: Tables of the run.
        votes: Name of the synthetic votes in captions.
        numbers: numbers.tex.

    Raises:
        UserError: A section does not exist.
    """
    for document, names in sections.items():
        part = SECTIONS[document]
        absent = [name for name in names if not (sources / part / f"{name}.tex").is_file()]
        if absent:
            raise UserError(f"{sources / part}: no section {absent[0]!r}; write {absent[0]}.tex or leave it out.")
        (folder / part).mkdir()
        for name in names:
            shutil.copyfile(sources / part / f"{name}.tex", folder / part / f"{name}.tex")
        inputs = "".join(f"\\input{{{part}/{name}}}\n" for name in names)
        write_text(inputs, folder / ("sections.tex" if document == MAIN else f"{document}-sections.tex"))
    for name in (*(f"{document}.tex" for document in sections), "refs.bib"):
        shutil.copyfile(sources / name, folder / name)
    for part, files, ending in (("figures", figures, ".pdf"), ("tables", tables, ".tex")):
        (folder / part).mkdir()
        for file in files:
            if Path(file).suffix == ending:
                shutil.copyfile(file, folder / part / Path(file).name)
    captions = {name: display.caption for name, display in (FIGURES | TABLES).items()}
    simulated = {name: display.simulated for name, display in (FIGURES | TABLES).items()}
    write_text(captions_tex(captions, votes, simulated), folder / "captions.tex")
    mark = DRAFT if uncommitted(sources.parent) else ""
    write_text(f"\\newcommand{{\\draftmark}}{{{mark}}}\n", folder / "draft.tex")
    shutil.copyfile(numbers, folder / "numbers.tex")


def compile_paper(folder: Path) -> dict[str, Path]:
    """Return the PDFs of the paper and its supplement, which refer to each other, by document.

    Raises:
        UserError: One of them cannot be built, see :func:`compile_pdf`.
    """
    _latex(folder, ["pdflatex", "-interaction=nonstopmode", "-draftmode", f"{MAIN}.tex"])  # numbers of its floats
    return {document: compile_pdf(folder, document) for document in (SUPPLEMENT, MAIN)}


def compile_pdf(folder: Path, document: str = MAIN) -> Path:
    """Run latexmk on a document in ``folder`` and return the PDF.

    Raises:
        UserError: latexmk is not installed, LaTeX fails, or the log names undefined references,
            missing files or overfull boxes; the message holds the lines.
    """
    if shutil.which("latexmk") is None:
        raise UserError(
            "latexmk was not found. Install a TeX: `apt-get install latexmk texlive-latex-recommended "
            "texlive-publishers texlive-fonts-recommended`, or `conda install -c conda-forge texlive-core latexmk`."
        )
    process = _latex(folder, ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", f"{document}.tex"])
    logs = {name: _read(folder / f"{document}.{name}") for name in ("log", "blg")}
    problems = log_problems(logs["log"]) + BIBTEX.findall(logs["blg"])
    if process.returncode != 0 or not (folder / f"{document}.pdf").is_file():
        tail = process.stdout.decode(errors="replace").splitlines()[-12:]
        raise UserError("\n  ".join([f"LaTeX could not build {document}.pdf:", *(problems or tail)]))
    if problems:
        raise UserError("\n  ".join([f"{document}.pdf was built, but is not fit to be read:", *problems]))
    return folder / f"{document}.pdf"


def _latex(folder: Path, command: list[str]) -> subprocess.CompletedProcess:
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
