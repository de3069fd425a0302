"""The table of rejects: what is left out of a corpus and why; made for many items at once, joined and counted."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scaling_ambiguity.corpora.model import REJECT_COLUMNS, no_rejects
from scaling_ambiguity.errors import UserError

UTTERANCE_STAGES = ("utterance", "audio", "votes", "class_policy", "hidden")  # their items are utterances
FAULTY_STAGES = ("utterance", "audio", "votes")  # of these, the stages that are faults and not choices
VOTE_STAGES = ("vote", "label_file", "filter")  # their items are votes, or lines that would have been votes
FAULTY_VOTE_STAGES = ("vote", "label_file")
FOLLOWS = "its utterance was left out"  # why a vote is left out


class Rejects:
    """Collects the items that are left out, and why."""

    def __init__(self) -> None:
        self._parts: list[pd.DataFrame] = []

    def add(self, items: Sequence, stage: str, reason: str | Sequence, source: str | Sequence, lines: Sequence) -> None:
        """Add items; reason and source are common or one per item; a line number of 0 means unknown."""
        if len(items):
            numbers = pd.array(np.asarray(lines, dtype=np.int64), dtype="Int64")
            values = (np.asarray(items, dtype=object), stage, reason, source, numbers)
            part = pd.DataFrame(dict(zip(REJECT_COLUMNS, values, strict=True)))
            self._parts.append(part.assign(source_line=part["source_line"].mask(part["source_line"] <= 0)))

    def lines(self, numbers: Sequence[int], reason: str | Sequence, source: str, stage: str = "label_file") -> None:
        """Add lines of a file; the item is ``file:line``, the stage ``label_file`` for lines of votes."""
        self.add([f"{source}:{number}" for number in numbers], stage, reason, source, numbers)

    def table(self) -> pd.DataFrame:
        """Return the rejects; an item that occurs again within its stage gets ``#2``, ``#3``, ..."""
        return join_rejects(*self._parts) if self._parts else no_rejects()


def rejects(rows: list[tuple]) -> pd.DataFrame:
    """Return a table of rejects from (item, stage, reason, source file, source line)."""
    return pd.DataFrame(rows, columns=list(REJECT_COLUMNS), dtype=object)


def reject(items: pd.Series, stage: str, reasons: object, source_file: object = None) -> pd.DataFrame:
    """Return one reject for each of ``items``; ``reasons`` and ``source_file`` are one value or one per item."""
    values = {"item": items.to_numpy(object), "stage": stage, "reason": reasons, "source_file": source_file}
    return pd.DataFrame(values | {"source_line": None}, columns=list(REJECT_COLUMNS)).astype(object)


def reject_votes(votes: pd.DataFrame, reasons: object) -> pd.DataFrame:
    """Return one reject per row of the votes table; the item is ``utterance/rater/rank``."""
    items = votes["utterance"].astype(object) + "/" + votes["rater"].astype(object)
    if votes["presentation"].nunique() > 1:  # only then would an item be ambiguous without it
        items = items + "/" + votes["presentation"].astype(object)
    return reject(items + "/" + votes["rank"].astype(str).astype(object), "vote", reasons)


def join_rejects(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return all rejects, numbered within item and stage: the second is ``item#2``, and so on."""
    joined = pd.concat([table.astype(object) for table in tables], ignore_index=True)
    again = joined.groupby(["item", "stage"], sort=False).cumcount().to_numpy()
    if again.any():
        suffix = np.where(again > 0, np.char.add("#", (again + 1).astype(str)), "").astype(object)
        joined["item"] = joined["item"] + suffix
    return joined


def refuse_if_too_many(faulty: pd.DataFrame, listed: int, left: int, what: str, *, name: str, largest: float) -> None:
    """Raise UserError if more than the share ``largest`` of a corpus' items is faulty, or none is left.

    Args:
        faulty: The rejects that count as faults.
        listed: Number of items in the corpus.
        left: Number of items that remain.
        what: What the items are, for the message.
        name: Name of the corpus.
        largest: Share, in [0, 1].
    """
    if left and len(faulty) <= largest * listed:
        return
    example = audio = ""
    if len(faulty):
        first = faulty.iloc[0]
        line = "" if pd.isna(first["source_line"]) else f", line {int(first['source_line'])}"
        place = "no file" if pd.isna(first["source_file"]) else f"{first['source_file']}{line}"
        example = f", e.g. {first['item']}: {first['reason']} ({place})"
        if faulty["stage"].eq("audio").any():
            audio = f", set corpora.{name}.audio: none to use the votes alone"
    raise UserError(
        f"corpus {name}: {len(faulty)} of {listed} {what} are unusable{example}; correct the files{audio}, or raise "
        f"corpora.{name}.max_reject_share ({largest})."
    )


def by_reason(rejects: pd.DataFrame, stages: tuple[str, ...]) -> dict[str, int]:
    """Return the number of rejects of some stages by reason, the most frequent first."""
    return tally(rejects.loc[rejects["stage"].isin(stages), "reason"])


def tally(values: pd.Series) -> dict[str, int]:
    """Return the number of each value, the most frequent first, ties by name; missing values do not count."""
    return tally_codes(*pd.factorize(values))


def tally_codes(codes: np.ndarray, names: Sequence[str] | pd.Index) -> dict[str, int]:
    """Return how often each of ``names`` is coded, as :func:`tally`; negative codes and absent names do not count."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    pairs = [(str(name), int(count)) for name, count in zip(names, counts, strict=True) if count]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def contained(values: Iterable[str], members: Iterable[str]) -> np.ndarray:
    """Return which ``values`` are among ``members``, both without missing ones; pandas' own isin takes seconds here."""
    here, there = (pa.array(pd.Series(names, dtype="str"), type=pa.large_string()) for names in (values, members))
    return pc.is_in(here, value_set=there).to_numpy(zero_copy_only=False)
