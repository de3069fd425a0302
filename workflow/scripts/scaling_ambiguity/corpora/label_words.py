"""A canonical form for label words from any source: a corpus' files, a merge map or the classes of a run."""

import re
import unicodedata

import pandas as pd

_BLANKS = re.compile(r"[\s_]+")


def canonical(word: str) -> str:
    """Return a label without visually irrelevant differences: NFC, case folded, invisible characters removed.

    Runs of white space of any kind and underscores are one blank, so that ``very_happy`` is ``Very  happy``. Invisible
    are the characters of Unicode's category Cf, such as the zero-width space and the byte order mark.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold())
    visible = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return _BLANKS.sub(" ", visible).strip()


def canonical_labels(labels: pd.Series) -> pd.Series:
    """Return a column of labels in the form of :func:`canonical`; missing ones stay missing."""
    codes, distinct = pd.factorize(labels)
    words = pd.array([*(canonical(str(word)) for word in distinct), None], dtype="str")
    return pd.Series(words.take(codes), index=labels.index, dtype="str")
