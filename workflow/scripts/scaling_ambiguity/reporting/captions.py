"""Captions, written once as reStructuredText in the registry of chapters, turned into LaTeX for the paper."""

import re
from collections.abc import Mapping

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.latex import escape_latex
from scaling_ambiguity.reporting.proxy_names import SYNTHETIC

VOTES = "{votes}"  # place for the name of the synthetic votes
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
        UserError: It has a place for something else.
    """
    text = text.replace(VOTES, votes)
    if "{" in text:
        raise UserError(f"a caption has a place other than {VOTES!r}: {text.strip()[:80]!r}.")
    return text


def captions_tex(
    captions: Mapping[str, str], votes: str = SYNTHETIC, simulated: Mapping[str, str] | None = None
) -> str:
    r"""Return captions.tex, which gives every figure and table three macros; an unknown name stops LaTeX.

    ``\reportcaption{name}`` is the whole text, ``\reporttitle{name}`` its first sentence and
    ``\reportnote{name}`` the rest. ``votes`` is the name of the synthetic votes of the run,
    ``simulated`` what a caption and its note add, by name, in an edition on a simulated corpus.
    """
    lines = [r"\makeatletter"]
    for part in ("caption", "title", "note"):
        lines += [
            rf"\newcommand{{\report{part}}}[1]{{\@ifundefined{{{part}@#1}}%",
            r"  {\PackageError{captions}{No caption '#1'}{Write it in reporting/chapters.py.}}%",
            rf"  {{\csname {part}@#1\endcsname}}}}",
        ]
    for name, template in sorted(captions.items()):
        text = filled(template, votes)
        for part, words in zip(("caption", "title", "note"), (text, *first_sentence(text)), strict=True):
            more = (simulated or {}).get(name, "") if part != "title" else ""
            added = rf"\ifsimulated\ {to_latex(filled(more, votes))}\fi" if more else ""
            lines.append(rf"\@namedef{{{part}@{name}}}{{{to_latex(words)}{added}}}")
    return "\n".join([*lines, r"\makeatother", ""])
