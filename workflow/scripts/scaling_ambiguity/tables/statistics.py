"""``results/statistics/*.parquet``: one row an estimate, with its interval and what it is an estimate of."""

import pandas as pd
import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

_text = (
    "corpus",
    "protocol",
    "model",
    "labels",
    "augmentation",
    "stratum",
    "metric",
    "reference",
    "population",
    "method",
)
_numbers = ("votes", "estimate", "low", "high", "p", "p_adjusted")

STATISTICS = Table(
    name="statistics",
    key=(*_text, "votes"),
    schema=pa.DataFrameSchema(
        {
            "corpus": pa.Column(str),
            "protocol": pa.Column(str),
            "model": pa.Column(str),
            "labels": pa.Column(str),
            "augmentation": pa.Column(str),
            "stratum": pa.Column(str),
            "metric": pa.Column(str),
            "reference": pa.Column(str, pa.Check.isin(["human", "own", "truth", "none"])),
            "population": pa.Column(str),
            "votes": pa.Column(float, nullable=True),
            "estimate": pa.Column(float, nullable=True),
            "low": pa.Column(float, nullable=True),
            "high": pa.Column(float, nullable=True),
            "one_sided": pa.Column(str, pa.Check.isin(["no", "low", "high"])),
            "n": pa.Column(int, pa.Check.ge(0)),
            "n_clusters": pa.Column(int, pa.Check.ge(0)),
            "method": pa.Column(str),
            "p": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
            "p_adjusted": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
        }
    ),
)


def statistics_frame(rows: list[dict]) -> pd.DataFrame:
    """Return ``rows`` as a statistics table; absent text is ``"none"``, absent numbers NaN, ``n`` 0."""
    frame = pd.DataFrame(rows, columns=list(STATISTICS.schema.columns))
    for column in _text:
        frame[column] = frame[column].astype(object).fillna("none").astype(str)
    for column in _numbers:
        frame[column] = frame[column].astype(float)
    for column in ("n", "n_clusters"):
        frame[column] = frame[column].fillna(0).astype(int)
    frame["one_sided"] = frame["one_sided"].astype(object).fillna("no").astype(str)
    return frame
