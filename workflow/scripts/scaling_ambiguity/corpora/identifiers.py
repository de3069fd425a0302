"""Names from a corpus' files as identifiers that are safe in paths, tables and keys."""

import hashlib
import re

import pandas as pd

_SAFE = r"[A-Za-z0-9_.-]+"
_LONGEST = 200


def unsafe(names: pd.Series) -> pd.Series:
    """Return True where a name cannot be an identifier: empty, too long, ``..``, or other than letters, digits, _.-."""
    text = names.fillna("").astype("str")
    return ~text.str.fullmatch(_SAFE) | text.str.contains("..", regex=False) | (text.str.len() > _LONGEST)


def whole_numbers(names: pd.Series) -> pd.Series:
    """Return names without the ``.0`` of a whole number that was saved as a fraction: ``101.0`` is ``101``."""
    return names.str.replace(r"^\s*(\d+)\.0+\s*$", r"\1", regex=True)


def alike(name: str) -> str:
    """Return a name without what is often lost or added: case, the suffix of a sound file, leading zeros, ``.0``."""
    bare = re.sub(r"\.(?:wav|flac|mp3|ogg|mp4|avi)$|\.0+$", "", name.strip().lower().rpartition("/")[2])
    return re.sub(r"(?<!\d)0+(?=\d)", "", bare)


def rater_names(raw: pd.Series) -> pd.Series:
    """Return raters as in the file, in lower case, with ``_`` for all but [a-z0-9_.-].

    Raters whose names would then coincide are kept apart: each gets the start of its name's SHA-256.
    """
    codes, unique = pd.factorize(raw.astype("str"))
    names = pd.Series(unique, dtype="str")
    safe = names.str.strip().str.lower().str.replace(r"[^a-z0-9_.-]", "_", regex=True)
    shared = safe.duplicated(keep=False)
    digest = names.map(lambda name: hashlib.sha256(name.encode()).hexdigest()[:8])
    safe = safe.where(~shared, safe + "-" + digest)
    return pd.Series(safe.array.take(codes), index=raw.index, dtype="str")
