"""``results/predictions/...parquet``: predicted distribution of each test utterance, and its model.

``labels`` and ``augmentation`` state what the model was trained on; ``strategy`` how its answers were combined at test
time. A trained model has the strategy ``none``; a strategy without training has neither fold nor seed.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

IDENTITY = ("corpus", "protocol", "model", "labels", "augmentation", "strategy", "fold", "seed")
NO_STRATEGY = "none"

PREDICTIONS = Table(
    name="predictions",
    key=(*IDENTITY, "utterance"),
    schema=pa.DataFrameSchema(
        {name: pa.Column(str) for name in IDENTITY[:-2]}
        | {name: pa.Column("Int64", pa.Check.ge(0), nullable=True, coerce=True) for name in IDENTITY[-2:]}
        | {"utterance": pa.Column(str)}
    ),
    families=("p_",),
    distributions=("p_",),
)
