"""``results/balanced/{corpus}/{protocol}.parquet``: the balanced evaluation split, test items only.

One row per test item. In each deal, ``bin_00`` ... is its bin (dominant class x 3 + level of its level votes),
``weight_00`` ... its weight, with mean 1 over the items that have one, and ``kept_00`` ... whether it is in the
subsample. Items without level votes, or in a bin that is too small, have weight 0; the former have bin -1.
"""

import pandas as pd
import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

BIN, WEIGHT, KEPT = "bin_", "weight_", "kept_"


def _possible(frame: pd.DataFrame) -> bool:
    least = {BIN: -1, WEIGHT: 0, KEPT: 0}
    return all((frame[name] >= least[p]).all() for p in least for name in frame if name.startswith(p)) and all(
        frame[name].isin([0, 1]).all() for name in frame if name.startswith(KEPT)
    )


BALANCED = Table(
    name="balanced evaluation",
    key=("utterance",),
    families=(BIN, WEIGHT, KEPT),
    schema=pa.DataFrameSchema(
        {"utterance": pa.Column(str)},
        checks=pa.Check(_possible, error="a bin below -1, a negative weight, or kept neither 0 nor 1"),
    ),
)
