"""``results/predictors/{corpus}/{predictor}.parquet``: the distributions of a predictor that was given as a table."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

GIVEN = Table(
    name="given predictor",
    key=("utterance",),
    schema=pa.DataFrameSchema({"utterance": pa.Column(str)}),
    families=("p_",),
    distributions=("p_",),
)
