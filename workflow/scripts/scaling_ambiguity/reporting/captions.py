"""Captions, written once as reStructuredText in the registry of chapters, turned into LaTeX for the paper."""

import re
from collections.abc import Mapping

from scaling_ambiguity.latex import escape_latex

EMPHASIS = re.compile(r"\*([^*\s][^*]*)\*")


def to_latex(text: str) -> str:
    """Return the plain reStructuredText ``text`` (words and ``*emphasis*``) as one LaTeX paragraph."""
    parts = EMPHASIS.split(" ".join(text.split()))
    return "".join(rf"\emph{{{escape_latex(part)}}}" if i % 2 else escape_latex(part) for i, part in enumerate(parts))


def first_sentence(text: str) -> tuple[str, str]:
    """Return the first sentence of a caption, without its full stop, and the rest."""
    title, _, rest = " ".join(text.split()).partition(". ")
    return title.removesuffix("."), rest


def captions_tex(captions: Mapping[str, str]) -> str:
    r"""Return captions.tex, which gives every figure and table three macros; an unknown name stops LaTeX.

    ``\reportcaption{name}`` is the whole text, ``\reporttitle{name}`` its first sentence and
    ``\reportnote{name}`` the rest.
    """
    lines = [r"\makeatletter"]
    for part in ("caption", "title", "note"):
        lines += [
            rf"\newcommand{{\report{part}}}[1]{{\@ifundefined{{{part}@#1}}%",
            r"  {\PackageError{captions}{No caption '#1'}{Write it in reporting/chapters.py.}}%",
            rf"  {{\csname {part}@#1\endcsname}}}}",
        ]
    for name, text in sorted(captions.items()):
        for part, words in zip(("caption", "title", "note"), (text, *first_sentence(text)), strict=True):
            lines.append(rf"\@namedef{{{part}@{name}}}{{{to_latex(words)}}}")
    return "\n".join([*lines, r"\makeatother", ""])
