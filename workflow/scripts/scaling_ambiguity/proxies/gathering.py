"""The shards of an annotator as one table, without missing or duplicate draws."""

from collections.abc import Sequence

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.proxies import NOT_ASKED, PROXIES, STATUSES


def gather(shards: Sequence[str]) -> pd.DataFrame:
    """Return all shards as one table of synthetic votes.

    Raises:
        UserError: An utterance is in two shards, or lacks a draw that another utterance has.
    """
    tables = [PROXIES.read(path) for path in shards]
    seen: dict[str, str] = {}
    for path, table in zip(shards, tables, strict=True):
        for utterance in table["utterance"].unique():
            if utterance in seen:
                raise UserError(
                    f"{path}: utterance {utterance!r} is also in {seen[utterance]}. Remove both shards and run again."
                )
            seen[utterance] = str(path)
    votes = PROXIES.validate(pd.concat(tables, ignore_index=True), "the gathered shards")
    expected = int(votes["draw"].max()) + 1 if len(votes) else 0
    counts = votes.groupby("utterance")["draw"].nunique()
    short = counts[counts != expected]
    if len(short):
        utterance = short.index[0]
        raise UserError(
            f"{seen[utterance]}: utterance {utterance!r} has {short.iloc[0]} draws, others {expected}. "
            "Remove the shard and run again; stored answers are not requested again."
        )
    return votes


def status_counts(votes: pd.DataFrame) -> pd.DataFrame:
    """Return the number of draws by prompt and temperature: a column per status, and ``total``, those asked for."""
    table = votes.groupby(["prompt", "temperature", "status"]).size().unstack(fill_value=0)
    table = table.reindex(columns=list(STATUSES), fill_value=0)
    table["total"] = table.drop(columns=NOT_ASKED).sum(axis=1)
    return table.reset_index().rename_axis(columns=None)
