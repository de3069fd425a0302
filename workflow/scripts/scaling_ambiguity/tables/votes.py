"""``results/corpora/{corpus}/votes.parquet``: one row per vote; ``label`` is null outside the class set."""

import pandas as pd
import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table


def observed(votes: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows are primary votes of observers, inside the class set or not, excluding self reports."""
    return (votes["kind"] == "observer") & (votes["role"] == "primary")


def counted(votes: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows count as human votes: primary votes of observers inside the class set."""
    return observed(votes) & votes["label"].notna()


VOTE_COLUMNS = {
    "utterance": pa.Column(str),
    "presentation": pa.Column(str, pa.Check.isin(["voice", "face", "audiovisual"])),
    "rater": pa.Column(str),
    "kind": pa.Column(str, pa.Check.isin(["observer", "self", "synthetic"])),
    "role": pa.Column(str, pa.Check.isin(["primary", "secondary"])),
    "rank": pa.Column(int, pa.Check.ge(0)),
    "label": pa.Column(str, nullable=True),
    "label_raw": pa.Column(str, nullable=True),
    "weight": pa.Column(float, pa.Check.in_range(0, 1)),
    "raters_known": pa.Column(bool),
}

VOTES = Table(
    name="votes",
    key=("utterance", "presentation", "rater", "rank"),
    schema=pa.DataFrameSchema(VOTE_COLUMNS),
)
