"""``ids.parquet`` of a folder of vectors: which item each row of ``x.npy`` belongs to, in the order of the rows."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

VECTOR_IDS = Table(
    name="vector ids",
    key=("row",),
    schema=pa.DataFrameSchema(
        {
            "row": pa.Column(int, pa.Check.ge(0)),
            "utterance": pa.Column(str, unique=True),
            "sha256": pa.Column(str, nullable=True),  # of the samples (float32, 16 kHz) or of the text (UTF-8)
            "reason": pa.Column(str, nullable=True),  # why there is no vector; the row is then zero
        }
    ),
)
