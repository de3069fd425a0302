"""``results/corpora/{corpus}/utterances.parquet``: one row an utterance.

What the full decode of a sound adds: channels, rms (dBFS), clipped (share of samples), sha256 of the file, and
sound, the copy at 16 kHz mono, relative to the folder of the run, where the file itself is something else.
"""

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
            "channels": pa.Column("Int64", pa.Check.gt(0), nullable=True, coerce=True, required=False),
            "rms": pa.Column(float, nullable=True, required=False),
            "clipped": pa.Column(float, pa.Check.in_range(0, 1), nullable=True, required=False),
            "sha256": pa.Column(str, pa.Check.str_length(64, 64), nullable=True, required=False),
            "sound": pa.Column(str, nullable=True, required=False),
        }
    ),
)
