"""An annotator whose votes are given as a table, from a model that was queried elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.csv_file import LINE
from scaling_ambiguity.corpora.label_words import canonical, canonical_labels
from scaling_ambiguity.corpora.readers.table import load_table
from scaling_ambiguity.corpora.row_faults import first_fault, lost_rows
from scaling_ambiguity.errors import UserError

COLUMNS = {"utterance": True, "label": True, "draw": False, "prompt": False}  # whether it has to be there
PROMPT = "table"


def read_model_votes(
    path: Path, utterances: Sequence[str], columns: dict[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (votes, rejects) of a table with one row per vote of a model.

    Args:
        path: CSV, TSV or parquet with ``utterance`` and ``label``, and perhaps ``draw``, a whole number from 0 that
            orders an utterance's votes (without it the order of the rows is used), and ``prompt``, a name of
            the question that was asked.
        utterances: The utterances of the corpus.
        columns: {our column: column of the file}, where the two differ.

    Returns:
        utterance, label (in canonical form), label_raw, place (0, 1, ... in each utterance), prompt; and the rows left
        out, with file, line and reason.

    Raises:
        UserError: The file cannot be read, lacks a column, or votes on none of the utterances.
    """
    columns = columns or {}
    strange = sorted(set(columns) - set(COLUMNS))
    if strange:
        raise UserError(f"alms: columns has no {strange[0]!r}; it maps {', '.join(COLUMNS)}.")
    rows, lost, source = load_table(path, COLUMNS, columns)
    rows = rows.reset_index(drop=True)
    rows["utterance"] = rows["utterance"].str.strip()
    rows["prompt"] = rows["prompt"].str.strip().replace("", PROMPT) if "prompt" in rows else PROMPT
    in_corpus = rows["utterance"].isin(pd.Index(utterances, dtype="str"))
    if not in_corpus.any():
        here, there = next(iter(rows["utterance"]), ""), next(iter(utterances), "")
        raise UserError(
            f"{path}: votes on none of the corpus' {len(utterances)} utterances. Its names look like {there!r}, "
            f"those of the corpus {here!r}; correct the names, or name the column in alms.<name>.columns.utterance."
        )
    order = pd.to_numeric(rows["draw"], errors="coerce") if "draw" in rows else pd.Series(rows.index, rows.index)
    faults = [
        (rows["utterance"] == "", "the vote names no utterance"),
        (~in_corpus, "the corpus has no such utterance, or has left it out"),
        (canonical_labels(rows["label"]) == "", "the vote has no label"),
        (~((order >= 0) & (order == np.floor(order))), "the draw is not a whole number from 0"),
    ]
    reason = first_fault(faults, len(rows))
    sound = rows.assign(order=order)[pd.isna(reason)]
    reason[sound.index[sound.duplicated(["utterance", "order"])]] = "the draw of this utterance is there twice"
    items = source + ":" + rows[LINE].astype("str")
    lost = pd.concat([lost, lost_rows(rows, reason, items, source, "vote")], ignore_index=True)
    kept = rows.assign(order=order)[pd.isna(reason)].sort_values(["utterance", "order"], kind="stable")
    kept = kept.assign(place=kept.groupby("utterance").cumcount(), label_raw=kept["label"])
    kept["label"] = canonical_labels(kept["label"])
    return kept[["utterance", "label", "label_raw", "place", "prompt"]].reset_index(drop=True), lost


def as_proxies(
    votes: pd.DataFrame,
    utterances: Sequence[str],
    *,
    annotator: str,
    draws: int,
    classes: Sequence[str],
    merge: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Return the first ``draws`` votes of each utterance as synthetic votes.

    A label outside ``classes``, after the merge map, is an answer of status ``invalid``; a draw that the table does not
    have is ``failed``, so that every (utterance, draw) is there.

    Args:
        votes: From :func:`read_model_votes`.
        utterances: The utterances of the corpus.
        annotator: Name of the annotator, the ``rater`` of every row.
        draws: Votes per utterance, at least 1.
        classes: The class set.
        merge: {label: class} of the corpus' class policy.
    """
    names = pd.Index(utterances, dtype="str").unique().sort_values()
    merged = {canonical(label): canonical(target) for label, target in (merge or {}).items()}
    class_of = {canonical(name): name for name in classes}
    first = votes[votes["place"] < draws]
    label = first["label"].replace(merged).map(class_of)
    place = names.get_indexer(first["utterance"]) * draws + first["place"].to_numpy()

    def spread(values: pd.Series, otherwise: str | None) -> pd.Series:
        column = np.full(len(names) * draws, otherwise, dtype=object)
        column[place] = values.to_numpy(object)
        return pd.Series(column, dtype="str")

    return pd.DataFrame(
        {
            "utterance": pd.Series(names.repeat(draws), dtype="str"),
            "presentation": "voice",
            "rater": annotator,
            "kind": "synthetic",
            "role": "primary",
            "rank": 0,
            "label": spread(label.where(label.notna(), None), None),
            "label_raw": spread(first["label_raw"], None),
            "weight": 1.0,
            "raters_known": True,
            "draw": np.tile(np.arange(draws), len(names)),
            "prompt": spread(first["prompt"], PROMPT),
            "temperature": 0.0,
            "response": spread(first["label_raw"], ""),
            "status": spread(label.notna().map({True: "ok", False: "invalid"}), "failed"),
            "logprob": np.nan,
        }
    )
