"""``results/features/{corpus}.parquet``: 82 features per utterance, the space in which DiME-Aug searches neighbours."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

FEATURES = Table(
    name="features",
    key=("utterance",),
    schema=pa.DataFrameSchema({"utterance": pa.Column(str)}),
    families=("f_",),
)
