"""Captions, written once as reStructuredText for the report and turned into LaTeX for the paper."""

import re
from collections.abc import Iterable
from pathlib import Path

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.naming import escape_latex
from scaling_ambiguity.reporting.proxy_names import SYNTHETIC

VOTES = "{{ snakemake.params.votes }}"  # place for the name of the synthetic votes; filled by Snakemake in the report
EMPHASIS = re.compile(r"\*([^*\s][^*]*)\*")


def to_latex(text: str) -> str:
    """Return the plain reStructuredText ``text`` (words and ``*emphasis*``) as one LaTeX paragraph."""
    parts = EMPHASIS.split(" ".join(text.split()))
    return "".join(rf"\emph{{{escape_latex(part)}}}" if i % 2 else escape_latex(part) for i, part in enumerate(parts))


def first_sentence(text: str) -> tuple[str, str]:
    """Return the first sentence of a caption, without its full stop, and the rest."""
    title, _, rest = " ".join(text.split()).partition(". ")
    return title.removesuffix("."), rest


def filled(text: str, votes: str) -> str:
    """Return a caption with the name of the synthetic votes in its place.

    Raises:
        UserError: It has a place for something else, which only the report could fill.
    """
    text = text.replace(VOTES, votes)
    if "{{" in text or "{%" in text:
        raise UserError(f"a caption has a place other than {VOTES!r}: {text.strip()[:80]!r}.")
    return text


def captions_tex(files: Iterable[str | Path], votes: str = SYNTHETIC) -> str:
    r"""Return captions.tex, which gives every file three macros; an unknown name stops LaTeX.

    ``\reportcaption{name}`` is the whole text, ``\reporttitle{name}`` its first sentence and
    ``\reportnote{name}`` the rest. ``votes`` is the name of the synthetic votes of the run.
    """
    lines = [r"\makeatletter"]
    for part in ("caption", "title", "note"):
        lines += [
            rf"\newcommand{{\report{part}}}[1]{{\@ifundefined{{{part}@#1}}%",
            r"  {\PackageError{captions}{No caption '#1'}{Write workflow/report/#1.rst.}}%",
            rf"  {{\csname {part}@#1\endcsname}}}}",
        ]
    for file in sorted(Path(file) for file in files):
        text = filled(file.read_text(encoding="utf-8"), votes)
        for part, words in zip(("caption", "title", "note"), (text, *first_sentence(text)), strict=True):
            lines.append(rf"\@namedef{{{part}@{file.stem}}}{{{to_latex(words)}}}")
    return "\n".join([*lines, r"\makeatother", ""])
