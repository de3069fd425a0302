"""Captions, written once as reStructuredText for the report and turned into LaTeX for the paper."""

import re
from collections.abc import Iterable
from pathlib import Path

from scaling_ambiguity.reporting.naming import escape_latex

EMPHASIS = re.compile(r"\*([^*\s][^*]*)\*")


def to_latex(text: str) -> str:
    """Return the plain reStructuredText ``text`` (words and ``*emphasis*``) as one LaTeX paragraph."""
    parts = EMPHASIS.split(" ".join(text.split()))
    return "".join(rf"\emph{{{escape_latex(part)}}}" if i % 2 else escape_latex(part) for i, part in enumerate(parts))


def first_sentence(text: str) -> tuple[str, str]:
    """Return the first sentence of a caption, without its full stop, and the rest."""
    title, _, rest = " ".join(text.split()).partition(". ")
    return title.removesuffix("."), rest


def captions_tex(files: Iterable[str | Path]) -> str:
    r"""Return captions.tex, which gives every file three macros; an unknown name stops LaTeX.

    ``\reportcaption{name}`` is the whole text, ``\reporttitle{name}`` its first sentence and
    ``\reportnote{name}`` the rest.
    """
    lines = [r"\makeatletter"]
    for part in ("caption", "title", "note"):
        lines += [
            rf"\newcommand{{\report{part}}}[1]{{\@ifundefined{{{part}@#1}}%",
            r"  {\PackageError{captions}{No caption '#1'}{Write workflow/report/#1.rst.}}%",
            rf"  {{\csname {part}@#1\endcsname}}}}",
        ]
    for file in sorted(Path(file) for file in files):
        text = file.read_text(encoding="utf-8")
        for part, words in zip(("caption", "title", "note"), (text, *first_sentence(text)), strict=True):
            lines.append(rf"\@namedef{{{part}@{file.stem}}}{{{to_latex(words)}}}")
    return "\n".join([*lines, r"\makeatother", ""])
