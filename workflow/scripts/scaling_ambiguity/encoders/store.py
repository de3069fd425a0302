"""Vectors of items on disk: written once by encode_items, mapped into memory by every job that reads them.

A folder holds ``x.npy``, one row per item, ``ids.parquet``, which item a row is and the hash of what was encoded, and
``meta.json``, what encoded it. Several folders, e.g. the shards of a corpus and its augmented items, are read as one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json
from scaling_ambiguity.tables.vector_ids import VECTOR_IDS

ARRAY, IDS, META = "x.npy", "ids.parquet", "meta.json"
_REMEDY = "Remove the folder and run again: encode_items makes it."


class Vectors:
    """The vectors of some folders, as rows of one array (n, width) that is read where it lies.

    Attributes:
        identity: What encoded them.
        width: Numbers of a vector.
    """

    def __init__(self, folders: Sequence[Path | str]) -> None:
        """Map the arrays of ``folders`` and read which items they hold.

        Raises:
            UserError: There is no folder, one is not whole, two are of different encoders, or an item is in two.
        """
        if not folders:
            raise UserError("no folder of vectors was given.")
        metas = [read_json(Path(folder) / META) for folder in folders]
        self.identity: dict[str, Any] = metas[0]["encoder"]
        self.width: int = metas[0]["width"]
        for folder, meta in zip(folders, metas, strict=True):
            if meta["encoder"] != self.identity:
                raise UserError(f"{folder}: encoded by {meta['encoder']}, {folders[0]} by {self.identity}. {_REMEDY}")
        ids = [VECTOR_IDS.read(Path(folder) / IDS) for folder in folders]
        self._arrays = [_mapped(Path(f), len(rows), self.width) for f, rows in zip(folders, ids, strict=True)]
        self._starts = np.cumsum([0, *map(len, ids)])
        joined = pd.concat(ids, ignore_index=True)
        repeated = joined["utterance"][joined["utterance"].duplicated()]
        if len(repeated):
            raise UserError(f"{folders[-1]}: {repeated.iloc[0]} has vectors in two folders. {_REMEDY}")
        self._rows = pd.Series(np.arange(len(joined)), index=joined["utterance"])
        self._hashes, self._reasons = joined["sha256"], joined["reason"]
        self._where = folders[0]

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, utterances: Sequence[str]) -> np.ndarray:
        """Return the row of each utterance, int (n,).

        Raises:
            UserError: One is not among the items.
        """
        rows = self._rows.reindex(list(utterances))
        if rows.isna().any():
            raise UserError(f"{self._where}: holds no vector of {rows.index[rows.isna()][0]}. {_REMEDY}")
        return rows.to_numpy(dtype=np.int64)

    def lacking(self, rows: np.ndarray) -> dict[str, str]:
        """Return utterance -> reason of those of ``rows`` that have no vector."""
        reasons = self._reasons.iloc[rows]
        absent = reasons.notna().to_numpy()
        return dict(zip(self._rows.index[rows[absent]], reasons[absent], strict=True))

    def hashes(self, rows: np.ndarray) -> list[str | None]:
        """Return the SHA-256 of what was encoded into ``rows``: of samples or of a text."""
        return [None if pd.isna(value) else str(value) for value in self._hashes.iloc[rows]]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors of ``rows``, float32 (len(rows), width); read in the order in which they lie."""
        order = np.argsort(rows, kind="stable")
        sorted_rows = rows[order]
        bounds = np.searchsorted(sorted_rows, self._starts)
        taken = np.empty((len(rows), self.width), dtype=np.float32)
        for array, start, low, high in zip(self._arrays, self._starts, bounds[:-1], bounds[1:], strict=False):
            if low < high:
                taken[order[low:high]] = array[sorted_rows[low:high] - start]
        return taken


def _mapped(folder: Path, items: int, width: int) -> np.ndarray:
    path = folder / ARRAY
    try:
        array = np.load(path, mmap_mode="r" if items else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: not readable as vectors ({error}). {_REMEDY}") from error
    if array.shape != (items, width):
        raise UserError(f"{path}: has shape {array.shape}, not {(items, width)}. {_REMEDY}")
    return array
