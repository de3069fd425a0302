"""``results/augmented/.../fold-{fold}/items.parquet``: the synthetic training items and their parents.

``parents`` are the utterances mixed, joined by ``|``, the one of weight ``alpha`` first;
``path`` is relative to the folder of the table.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

ITEMS = Table(
    name="augmented items",
    key=("utterance",),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "parents": pa.Column(str),
            "alpha": pa.Column(float, pa.Check.in_range(0, 1)),
            "transform": pa.Column(str),
            "path": pa.Column(str),
            "transcript": pa.Column(str, nullable=True),
        }
    ),
    families=("p_",),
    distributions=("p_",),
)
