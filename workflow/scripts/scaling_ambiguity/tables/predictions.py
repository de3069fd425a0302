"""``results/predictions/.../seed-{seed}.parquet``: the distribution a model predicts for each test utterance."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

PREDICTIONS = Table(
    name="predictions",
    key=("utterance",),
    schema=pa.DataFrameSchema({"utterance": pa.Column(str)}),
    families=("p_",),
    distributions=("p_",),
)
