"""``results/labels/{corpus}/{protocol}/{labels}.parquet``: one label distribution per utterance."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

LABELS = Table(
    name="labels",
    key=("utterance",),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "n_human": pa.Column(int, pa.Check.ge(0)),
            "n_synthetic": pa.Column(int, pa.Check.ge(0)),
        }
    ),
    families=("p_", "low_", "high_"),  # low_, high_: the credible band of a Dirichlet posterior
    distributions=("p_",),
)
