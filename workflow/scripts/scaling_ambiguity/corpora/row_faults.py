"""Unusable rows of a label file: the fault of each, and the corresponding rejects."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.csv_file import LINE


def first_fault(faults: Sequence[tuple[pd.Series | np.ndarray, str]], size: int) -> np.ndarray:
    """Return the first reason that holds for each of ``size`` rows, or None: (size,) of object.

    Args:
        faults: Pairs of a boolean (size,) and the reason where it is true, the most informative first.
        size: Number of rows.
    """
    reason = np.full(size, None, dtype=object)
    for wrong, words in reversed(faults):
        reason[np.asarray(wrong, dtype=bool)] = words
    return reason


def repeated(rows: pd.DataFrame, key: list[str], content: list[str], reason: np.ndarray, what: str) -> np.ndarray:
    """Return the reasons with repetitions added: an equal row counts once, of unequal rows none counts.

    Args:
        rows: The rows, with a unique index.
        key: Columns that identify a row.
        content: Columns that have to agree where the key does.
        reason: The reasons found before; such rows are not considered.
        what: What the key identifies, for the reason.
    """
    sound = rows[pd.isna(reason)]
    again = sound.duplicated([*key, *content])
    distinct = sound[~again]
    clash = distinct.loc[distinct.duplicated(key), key].drop_duplicates()
    words = pd.Series(None, index=rows.index, dtype=object)
    words[again.index[again]] = "the row is there twice"
    members = sound.reset_index(names="row").merge(clash, on=key)["row"]
    words[members] = f"{what} has several rows that differ"
    return np.where(pd.isna(reason), words.to_numpy(), reason)


def lost_rows(rows: pd.DataFrame, reason: np.ndarray, items: pd.Series, source: str, stage: str) -> pd.DataFrame:
    """Return the rejects among ``rows``, those with a reason.

    A reject of an item that another row already keeps or rejects is named ``item:line``.

    Args:
        rows: The rows, with their ``source_line``.
        reason: The fault of each row, or None, (rows,).
        items: Name of each row's item.
        source: The file, relative to the corpus' root.
        stage: ``label_file``, ``utterance`` or ``vote``.
    """
    bad = ~pd.isna(reason)
    lost = pd.DataFrame({"item": items[bad], "stage": stage, "reason": reason[bad], "source_file": source})
    lost[LINE] = rows[LINE][bad]
    kept = items[~bad]
    apart = lost["item"].isin(kept[kept.isin(lost["item"].unique())]) | lost["item"].duplicated() | (lost["item"] == "")
    lost["item"] = lost["item"].where(~apart, lost["item"] + ":" + lost[LINE].astype("str"))
    return lost.astype(object)
