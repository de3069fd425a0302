"""``results/corpora/{corpus}/utterances.parquet``: one row an utterance."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

UTTERANCES = Table(
    name="utterances",
    key=("utterance",),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "speaker": pa.Column(str),
            "session": pa.Column(str, nullable=True),
            "split": pa.Column(str, nullable=True),
            "path": pa.Column(str, nullable=True),
            "duration": pa.Column(float, pa.Check.gt(0), nullable=True),
            "sample_rate": pa.Column("Int64", pa.Check.gt(0), nullable=True, coerce=True),
            "transcript": pa.Column(str, nullable=True),
        }
    ),
)
