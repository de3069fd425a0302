"""``results/corpora/{corpus}/truth.parquet``: simulated corpora only, for evaluation and validation only.

``p_<label>`` is the latent distribution, ``v_<label>`` the expected vote of a rater drawn
from the pool: the target of every human-referenced estimand.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

TRUTH = Table(
    name="truth",
    key=("utterance",),
    schema=pa.DataFrameSchema({"utterance": pa.Column(str)}),
    families=("p_", "v_"),
    distributions=("p_", "v_"),
)
