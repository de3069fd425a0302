"""What the page shows of one corpus: which files, read and joined once."""

from pathlib import Path

import pandas as pd
from pydantic import Field

from scaling_ambiguity.corpora.accounting import VOTE_STAGES
from scaling_ambiguity.settings import Settings
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES


class Annotated(Settings):
    """The files of one annotator: its votes, and tables of its own distributions."""

    proxies: Path
    read_out: list[Path]


class Explored(Settings):
    """The files of one corpus.

    Attributes:
        corpus: Its name.
        classes: The class set, in order.
        root: Folder that the paths of the sound are relative to.
        utterances, found: The utterances that are kept, and all that were read.
        votes, found_votes: The human votes on them.
        rejects: What was left out, and why.
        levels: Levels of ambiguity in every deal.
        splits: Parts of the protocol.
        protocol: Its name.
        silent: Why the corpus has no sound in this run; "" if it has.
        annotators: By name.
        first: The annotator that is shown first.
        labels: Combined labels by name.
        predictions: Of trained models.
        strategies: Folder of predictions by submission.
        given: Table of distributions by predictor.
        conflict: Votes in another presentation; they need ``roles``.
        roles: Roles of the votes in every deal.
    """

    corpus: str
    classes: list[str] = Field(min_length=2)
    root: Path
    utterances: Path
    found: Path
    votes: Path
    found_votes: Path
    rejects: Path
    levels: Path
    splits: Path
    protocol: str
    silent: str = ""
    annotators: dict[str, Annotated]
    first: str = ""
    labels: dict[str, Path]
    predictions: list[Path]
    strategies: dict[str, Path]
    given: dict[str, Path]
    conflict: Path | None = None
    roles: Path | None = None


COLUMNS = ("utterance", "speaker", "transcript", "duration", "path", "sound")


def read_rows(files: Explored) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per utterance that is kept or was left out, and the rejects that are no utterance.

    Columns of the first: those of :data:`COLUMNS`, None where not known; ``kept``; ``reason``, "" of a kept one, with
    its stage, and ``source``, file and line. The second has ``utterance``, "" where an item belongs to none, ``stage``
    and ``reason``.
    """
    kept, found = UTTERANCES.read(files.utterances), UTTERANCES.read(files.found)
    rejects = REJECTS.read(files.rejects)
    kept_names = set(kept["utterance"])
    name = rejects["item"].str.replace(r"#\d+$", "", regex=True)
    name = name.where(~rejects["item"].isin({*kept_names, *found["utterance"]}), rejects["item"])
    whole = ~rejects["stage"].isin(VOTE_STAGES) & ~name.isin(kept_names)
    reasons = _reasons(rejects[whole].assign(utterance=name[whole]))
    rest = found[~found["utterance"].isin(kept_names)]
    others = sorted(set(reasons.index) - set(rest["utterance"]))
    parts = [part.reindex(columns=list(COLUMNS)).astype(object) for part in (kept, rest)]
    parts.append(pd.DataFrame({"utterance": others}, dtype=object).reindex(columns=list(COLUMNS)).astype(object))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.astype(object).where(rows.notna(), None)
    rows["kept"] = rows["utterance"].isin(kept_names)
    for column in ("reason", "source"):
        rows[column] = rows["utterance"].map(reasons[column]).fillna("")
    rows = rows.sort_values("utterance", kind="stable").reset_index(drop=True)
    return rows, _others(rejects[~whole].assign(utterance=name[~whole]), set(rows["utterance"]))


def _reasons(rejects: pd.DataFrame) -> pd.DataFrame:
    """Return ``reason`` and ``source`` of each left-out utterance; several reasons are joined."""
    line = rejects["source_line"].map(lambda number: "" if pd.isna(number) else f":{number}")
    source = (rejects["source_file"].astype(object).fillna("") + line).astype(object)
    stated = pd.DataFrame({"reason": rejects["stage"] + ": " + rejects["reason"], "source": source})
    joined = stated.groupby(rejects["utterance"]).agg(lambda values: "; ".join(dict.fromkeys(v for v in values if v)))
    return joined.reindex(columns=["reason", "source"])


def _others(rejects: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    """Return the rejects that are votes or lines; a vote is named ``utterance/rater/rank``, perhaps with more parts."""
    owner = rejects["utterance"].where(rejects["utterance"].isin(names), "")
    for parts in (2, 3):
        prefix = rejects["utterance"].str.rsplit("/", n=parts).str[0]
        owner = owner.where((owner != "") | ~prefix.isin(names), prefix)
    return rejects.assign(utterance=owner)[["utterance", "stage", "reason"]].reset_index(drop=True)
