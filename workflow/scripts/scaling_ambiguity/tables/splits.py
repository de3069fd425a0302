"""``results/splits/{corpus}/{protocol}.parquet``: the part of every utterance in every fold."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

SPLITS = Table(
    name="splits",
    key=("utterance", "fold"),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "fold": pa.Column(int, pa.Check.ge(0)),
            "part": pa.Column(str, pa.Check.isin(["train", "validation", "test"])),
        }
    ),
)
