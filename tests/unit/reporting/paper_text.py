"""The keys used by the sections of the paper, and a check that no result is typed by hand."""

import re
from pathlib import Path

RESULT = re.compile(r"\\result\{([^}]*)\}")
COMMENT = re.compile(r"(?<!\\)%.*")
# Arguments that are names, not text.
NAMED = re.compile(
    r"\\(?:result|nounof|cite|ref|label|eqref|input|includegraphics|reportcaption|reporttitle|reportnote|builttable|tablenote|url|href|bibliography\w*|usepackage"
    r"|documentclass|begin|end|setlength|hyphenation|graphicspath)\*?(?:\[[^\]]*\])*(?:\{[^}]*\})+"
)
YEAR = re.compile(r"(?<![\d.])(?:19|20)\d\d(?![\d.])")
MATH = re.compile(r"\$[^$]*\$|\\begin\{equation\}.*?\\end\{equation\}", re.DOTALL)
# In a formula the constants 0, 1 and 2 belong to its definition.
CONSTANT = re.compile(r"(?<![\d.])[012](?![\d.])")
# A digit inside a name, as in Qwen2-Audio.
IN_NAME = re.compile(r"[A-Za-z][A-Za-z-]*\d+[A-Za-z-]*")


def taken_branches(text: str, switches: dict[str, bool]) -> str:
    r"""Return ``text`` as LaTeX reads it with ``switches``: the branches of ``\if<switch>`` that are taken.

    Raises:
        ValueError: an ``\else`` or ``\fi`` without its ``\if``, or the other way round.
    """
    names = "|".join(sorted(switches, key=len, reverse=True))
    parts = re.split(rf"(\\(?:if(?:{names})|else|fi)(?![A-Za-z]))", COMMENT.sub("", text)) if names else [text]
    taken: list[bool] = []
    kept = []
    for part in parts:
        if part.startswith("\\if") and part[3:] in switches:
            taken.append(switches[part[3:]])
        elif part in ("\\else", "\\fi"):
            if not taken:
                raise ValueError(f"{part} without an \\if")
            last = taken.pop()
            if part == "\\else":
                taken.append(not last)
        elif all(taken):
            kept.append(part)
    if taken:
        raise ValueError("an \\if is not closed")
    return "".join(kept)


def switches_used(texts: list[str]) -> set[str]:
    r"""Return the names of all ``\if<name>`` outside comments, conditionals of LaTeX itself apart."""
    return {name for text in texts for name in re.findall(r"\\if([a-z]+)", COMMENT.sub("", text))} - {"dimgreater"}


def keys_used(texts: list[str]) -> set[str]:
    r"""Return the keys of all ``\result{key}`` outside comments."""
    return {key for text in texts for key in RESULT.findall(COMMENT.sub("", text))}


def keys_reached(used: set[str], provenance: dict[str, dict]) -> set[str]:
    """Return ``used`` and the keys that their words are derived from."""
    reached, waiting = set(), list(used)
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting += list(provenance.get(key, {}).get("derived_from", ()))
    return reached


def bare_digits(text: str) -> list[tuple[int, str]]:
    r"""Return (line, digits) of every number typed by hand.

    Allowed are years, arguments of ``\result``, ``\cite``, ``\ref`` and the like, digits inside a name
    (Qwen2-Audio), and 0, 1 and 2 in formulas.
    """

    def blank(match: re.Match) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = COMMENT.sub(blank, text)
    text = MATH.sub(lambda match: CONSTANT.sub(" ", match[0]), text)
    text = NAMED.sub(blank, text)
    text = YEAR.sub(blank, text)
    text = IN_NAME.sub(blank, text)
    return [
        (number, match[0])
        for number, line in enumerate(text.splitlines(), 1)
        for match in re.finditer(r"\d[\d.]*", line)
    ]


MAIN_SECTIONS = ["introduction", "method", "results", "related", "limits"]
SUPPLEMENT_SECTIONS = ["data", "method", "results_votes", "results_hypotheses", "validity", "procedures"]


def sections_with(*optional: str) -> dict[str, list[str]]:
    """Return the sections of both documents of a run with some of ``strategies``, ``models`` and ``conflict``."""
    main = [name for name in optional if name in ("strategies", "models")]
    return {
        "main": [*MAIN_SECTIONS[:-2], *main, *MAIN_SECTIONS[-2:]],
        "supplement": [*SUPPLEMENT_SECTIONS[:3], *(f"results_{name}" for name in optional), *SUPPLEMENT_SECTIONS[3:]],
    }


def read_sources(folder: Path, sections: dict[str, list[str]]) -> dict[str, str]:
    """Return the text of both documents and of their sections, by path: ``main``, ``sections/method`` ..."""
    folders = {"main": "sections", "supplement": "supplement"}
    names = [*sections, *(f"{folders[document]}/{name}" for document in sections for name in sections[document])]
    return {name: (folder / f"{name}.tex").read_text(encoding="utf-8") for name in names}
