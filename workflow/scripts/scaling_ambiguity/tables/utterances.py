"""``results/corpora/{corpus}/utterances.parquet``: one row per utterance.

Columns added by the full decode of a sound: channels, rms (dBFS), clipped (share of samples), sha256 of the file, and
sound, the copy at 16 kHz mono, relative to the folder of the run, where the file itself has another format.
"""

import pandas as pd
import pandera.pandas as pa

from scaling_ambiguity.errors import UserError
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


def shard_of(utterances: pd.DataFrame, shard: int, shards: int) -> pd.DataFrame:
    """Return the utterances whose rank by name is ``shard`` modulo ``shards``.

    Raises:
        UserError: ``shard`` is not one of 0 ... ``shards`` - 1.
    """
    if not 0 <= shard < shards:
        raise UserError(f"shard {shard} of {shards}: give a number from 0 to {shards - 1}.")
    return utterances.sort_values("utterance", kind="stable").iloc[shard::shards]
