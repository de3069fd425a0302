"""Which characters the paper can print, and how they are written in LaTeX.

The paper is set by pdfLaTeX in T1 and its companion encoding: Latin letters with the accents of nearly every
language that is written in them, typographic signs and currencies; no Greek, Cyrillic or Han, no symbols beyond.
"""

import unicodedata

# Characters that pdfLaTeX with T1 and TS1 prints unchanged (LaTeX's t1enc.dfu and ts1enc.dfu, each character tried).
_RANGES = [(0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x125), (0x128, 0x137), (0x139, 0x13E), (0x141, 0x148), (0x14A, 0x165)]
_RANGES += [(0x168, 0x17E), (0x218, 0x21B), (0x1E9E, 0x1E9E)]
_SIGNS = "‐‑–—‘’‚“”„†‡•…‰‹›€№™℃←↑→↓"
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}
_ACCENTS = {
    "\u0300": r"\`",
    "\u0301": r"\'",
    "\u0302": r"\^",
    "\u0303": r"\~",
    "\u0304": r"\=",
    "\u0306": r"\u",
    "\u0307": r"\.",
    "\u0308": r"\"",
    "\u030a": r"\r",
    "\u030b": r"\H",
    "\u030c": r"\v",
    "\u0323": r"\d",
    "\u0327": r"\c",
    "\u0328": r"\k",
    "\u0331": r"\b",
}


def printed(character: str) -> str | None:
    r"""Return one composed character as LaTeX, e.g. ``ễ`` as ``\~{ê}``, or None if the paper's fonts lack it."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _SIGNS or any(first <= ord(character) <= last for first, last in _RANGES):
        return character
    parts = unicodedata.decomposition(character).split()  # base and accent; other kinds begin with <kind>
    if len(parts) != 2 or parts[0].startswith("<"):
        return None
    base, accent = (chr(int(part, 16)) for part in parts)
    inner = printed(base)
    return None if accent not in _ACCENTS or inner is None else f"{_ACCENTS[accent]}{{{inner}}}"


def escape_latex(text: str) -> str:
    """Return ``text`` as LaTeX that prints it, composed (NFC); what the fonts lack is printed as its code, U+4E2D."""
    composed = unicodedata.normalize("NFC", str(text))
    whole = (printed(character) for character in composed)
    return "".join(
        rf"\texttt{{U+{ord(character):04X}}}" if latex is None else latex
        for character, latex in zip(composed, whole, strict=True)
    )


def unprintable(text: str) -> list[str]:
    """Return the characters of ``text`` (NFC) that the paper's fonts lack, each once, as ``ễ (U+1EC5)``."""
    lacking = [character for character in unicodedata.normalize("NFC", text) if printed(character) is None]
    return [f"{character!r} (U+{ord(character):04X})" for character in dict.fromkeys(lacking)]
