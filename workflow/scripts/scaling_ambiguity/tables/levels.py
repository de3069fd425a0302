"""``results/levels/{corpus}/{protocol}.parquet``: the ambiguity level of an utterance in each deal."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

LEVELS = Table(
    name="levels",
    key=("utterance", "deal"),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "deal": pa.Column(int, pa.Check.ge(0)),
            "level": pa.Column(str, pa.Check.isin(["low", "medium", "high"])),
            "agreement": pa.Column(float, pa.Check.in_range(0, 1)),
            "votes": pa.Column(int, pa.Check.ge(2)),
        }
    ),
)
