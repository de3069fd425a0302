"""Changes of a transcript: masked words, words in another order, or a paraphrase from the user's table.

They accompany recordings that keep their label distribution, and are recorded with the item. That
the distribution still holds is the user's responsibility: by default no text is changed.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError

KINDS = ("none", "mask", "order", "paraphrase")
MASK = "..."


def mask_words(text: str, share: float, random: np.random.Generator) -> tuple[str, int]:
    """Replace round(share x words) random words, and not all, by an ellipsis; return the text and their number."""
    words = text.split()
    count = min(round(share * len(words)), len(words) - 1)
    for place in random.permutation(len(words))[: max(count, 0)]:
        words[place] = MASK
    return " ".join(words), max(count, 0)


def swap_words(text: str, share: float, random: np.random.Generator) -> tuple[str, int]:
    """Swap round(share x (words - 1)) random pairs of adjacent words; return the text and the number of swaps."""
    words = text.split()
    count = round(share * max(len(words) - 1, 0))
    for place in random.permutation(max(len(words) - 1, 0))[:count]:
        words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words), count


class TextChange:
    """A change of transcripts, as ``text: {kind: none | mask | order | paraphrase, share: .2, table: FILE}`` says."""

    def __init__(self, options: dict[str, Any] | None, where: str) -> None:
        options = options or {}
        self.kind, self.share = options.get("kind", "none"), options.get("share", 0.2)
        if self.kind not in KINDS or set(options) - {"kind", "share", "table"}:
            raise UserError(
                f"{where}: text {options} is unknown; kind is one of {', '.join(KINDS)}, besides share, table."
            )
        if not 0 < self.share < 1:
            raise UserError(f"{where}: text.share {self.share} must lie in (0, 1).")
        self.paraphrases: dict[str, list[str]] = {}
        if self.kind == "paraphrase":
            self.paraphrases = _read_paraphrases(options.get("table"), where)

    def change(
        self, utterance: str, text: str | None, random: np.random.Generator
    ) -> tuple[str | None, dict[str, float]]:
        """Return the text, and its changes as settings of a recipe; nothing where there is no text."""
        if text is None or not text.strip() or self.kind == "none":
            return text, {}
        if self.kind == "paraphrase":
            choices = self.paraphrases.get(utterance, [])
            place = int(random.integers(len(choices))) if choices else -1
            return (text, {}) if place < 0 else (choices[place], {"paraphrase": place})
        changed, count = (mask_words if self.kind == "mask" else swap_words)(text, self.share, random)
        return changed, {f"words_{'masked' if self.kind == 'mask' else 'swapped'}": count}


def _read_paraphrases(path: str | None, where: str) -> dict[str, list[str]]:
    if not path:
        raise UserError(f"{where}: text.kind paraphrase needs text.table, a CSV file with columns utterance and text.")
    try:
        table = pd.read_csv(Path(path), dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as CSV ({error}). Give the file of {where}.text.table.") from error
    if not {"utterance", "text"} <= set(table.columns) or (table["text"].str.strip() == "").any():
        raise UserError(f"{path}: a table of paraphrases has columns utterance and text, and no empty text.")
    return table.groupby("utterance")["text"].apply(list).to_dict()
