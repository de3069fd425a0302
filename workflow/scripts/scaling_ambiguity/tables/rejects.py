"""``results/corpora/{corpus}/rejects.parquet``: everything left out, and why."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

REJECTS = Table(
    name="rejects",
    key=("item", "stage"),
    schema=pa.DataFrameSchema(
        {
            "item": pa.Column(str),
            "stage": pa.Column(str),
            "reason": pa.Column(str),
            "source_file": pa.Column(str, nullable=True),
            "source_line": pa.Column("Int64", nullable=True, coerce=True),
        }
    ),
)
