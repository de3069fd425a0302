"""Convert the entries of a label file to rows of votes: ids, raters, several labels in one vote, repetitions."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from scaling_ambiguity.corpora.accounting import Rejects
from scaling_ambiguity.corpora.identifiers import rater_names, unsafe

Parsed = list[tuple[str | None, str]]
BAD_ID = "the utterance id is too long, has characters outside A-Z a-z 0-9 _ . - or two dots in a row"
SECOND_VOTE = "the rater has already voted on this utterance; the first vote counts"
SECOND_ENTRY = "the utterance has already been listed; the first entry counts"


def safe_ids(utterances: pd.Series) -> np.ndarray:
    """Return which ids can be used as they are; see :func:`identifiers.unsafe`."""
    codes, distinct = pd.factorize(utterances)
    return ~unsafe(pd.Series(distinct, dtype="str")).to_numpy(bool)[codes]


def drop_faulty_utterances(utterances: pd.DataFrame, rejects: Rejects) -> pd.DataFrame:
    """Return the utterances with a safe id, each once; the others go to the rejects (stage ``utterance``).

    Args:
        utterances: Columns utterance, file and line, and any others.
        rejects: Receives the others.
    """
    good = safe_ids(utterances["utterance"])
    again = good & utterances["utterance"].duplicated().to_numpy()
    for faulty, reason in ((~good, BAD_ID), (again, SECOND_ENTRY)):
        part = utterances[faulty]
        rejects.add(part["utterance"], "utterance", reason, part["file"], part["line"])
    return utterances[good & ~again]


def expand(cells: pd.Series, parse: Callable[[str], Parsed]) -> pd.DataFrame:
    """Return one row per label: row (position in ``cells``), rank within the cell, label, label_raw.

    ``parse`` sees each distinct text once, so its speed does not matter.

    Args:
        cells: Texts that hold labels.
        parse: Returns the (label or None if unknown, text) pairs of a cell.
    """
    codes, distinct = pd.factorize(cells)
    parsed = [parse(text) for text in distinct]
    sizes = np.array([len(labels) for labels in parsed], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    counts = sizes[codes]
    rows = np.repeat(np.arange(len(codes)), counts)
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    flat = [pair for labels in parsed for pair in labels]
    at = pa.array(starts[codes][rows] + rank)
    labels, raws = (pa.array([pair[i] for pair in flat], pa.large_string()).take(at) for i in (0, 1))
    return pa.table({"row": rows, "rank": rank, "label": labels, "label_raw": raws}).to_pandas()


def _spell_out(expanded: pd.DataFrame, entries: pd.DataFrame, role: str, shift: np.ndarray | int) -> pd.DataFrame:
    expanded = expanded.reset_index(drop=True)
    counts = np.bincount(expanded["row"], minlength=len(entries))
    columns = entries.iloc[expanded["row"]][["utterance", "rater", "kind", "raters_known"]].reset_index(drop=True)
    offset = shift if isinstance(shift, int) else shift[expanded["row"]]
    return columns.assign(
        role=role,
        rank=expanded["rank"].to_numpy() + offset,
        label=expanded["label"],
        label_raw=expanded["label_raw"],
        weight=1.0 / counts[expanded["row"]],
    )


def assemble_votes(
    entries: pd.DataFrame,
    *,
    presentation: str,
    parse_primary: Callable[[str], Parsed],
    parse_secondary: Callable[[str], Parsed] | None = None,
    rejects: Rejects,
    repeated: str = "vote",
) -> pd.DataFrame:
    """Return one row per label of every complete vote, in the format of the votes table.

    The k labels of a vote have ranks 0 ... k - 1 and weight 1/k; the secondary labels follow in
    rank, with weight 1/k among themselves. A rater without a name is ``{utterance}#{i}`` with
    raters_known false. Rejected (stage ``vote``, item ``utterance/rater``): votes with an unsafe
    utterance id, without a label or with an unknown one, second votes of a rater on an
    utterance; an unknown secondary label alone, its vote stays.

    Args:
        entries: Columns utterance, rater ("" if unknown), kind, primary, secondary (only with
            ``parse_secondary``), file, line; one row per vote, in the order of the file.
        presentation: voice, face or audiovisual.
        parse_primary: Labels of the text in ``primary``.
        parse_secondary: Labels of the text in ``secondary``.
        rejects: Receives the others.
        repeated: Stage for second votes of a rater: ``filter`` where the corpus documents them.
    """
    entries = entries.reset_index(drop=True)
    has_name = entries["rater"].str.strip().ne("").to_numpy()
    raters = rater_names(entries["rater"])
    if not has_name.all():
        place = entries.groupby("utterance").cumcount().astype("str")
        raters = raters.where(has_name, entries["utterance"] + "#" + place)
    entries = entries.assign(rater=raters, raters_known=has_name)

    primary = expand(entries["primary"], parse_primary)
    unknown = primary[primary["label"].isna()].drop_duplicates("row")
    reasons = np.full(len(entries), None, dtype=object)
    reasons[np.bincount(primary["row"], minlength=len(entries)) == 0] = "the vote has no label"
    reasons[unknown["row"]] = [f"unknown label {raw!r}" for raw in unknown["label_raw"]]
    reasons[~safe_ids(entries["utterance"])] = BAD_ID
    whole = pd.isna(reasons)
    again = np.zeros(len(entries), dtype=bool)
    sound = entries[whole]
    place, rater = (pd.factorize(sound[column])[0].astype(np.int64) for column in ("utterance", "rater"))
    again[whole] = pd.Series(place * (len(entries) + 1) + rater).duplicated()
    _reject(entries[~whole], list(reasons[~whole]), rejects)
    _reject(entries[again], SECOND_VOTE, rejects, repeated)
    whole &= ~again

    tables = [_spell_out(primary[whole[primary["row"]]], entries, "primary", 0)]
    if parse_secondary is not None:
        n_primary = np.bincount(primary["row"], minlength=len(entries))
        second = expand(entries["secondary"], parse_secondary)
        second = second[whole[second["row"]]]
        strange = second[second["label"].isna()]
        reasons = [f"unknown secondary label {raw!r}; the vote's other labels stay" for raw in strange["label_raw"]]
        _reject(entries.iloc[strange["row"]], reasons, rejects)
        tables.append(_spell_out(second[second["label"].notna()], entries, "secondary", n_primary))
    return pd.concat(tables, ignore_index=True).assign(presentation=presentation)


def _reject(votes: pd.DataFrame, reasons: str | list[str], rejects: Rejects, stage: str = "vote") -> None:
    rejects.add(votes["utterance"] + "/" + votes["rater"], stage, reasons, votes["file"], votes["line"])
