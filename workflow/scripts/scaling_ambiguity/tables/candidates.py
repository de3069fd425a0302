"""``results/proxies/{corpus}/{annotator}/candidates.parquet``: one row per answer, with its contents and cost.

``p_<label>`` is the distribution that the answer represents: the stated one in mode ``verbalised``, the one that the
vote was drawn from in mode ``readout``, all on the label otherwise; NaN where the status is not ``ok``. ``logprob`` is
the natural-log probability of the answer's tokens at temperature 1, ``logprob_answer`` (mode ``verbalised``) the mean
over the tokens of its JSON object, NaN where the engine did not record it, ``seconds`` its share of the time of its
batch, ``reason`` states why a row has no distribution, and ``revision`` is that of the model that answered.
"""

import numpy as np
import pandas as pd
import pandera.pandas as pa

from scaling_ambiguity.tables.base import PROBABILITY_TOLERANCE, Table
from scaling_ambiguity.tables.proxies import STATUSES


def _are_distributions(frame: pd.DataFrame) -> pd.Series:
    """Return whether each row sums to 1 where its status is ``ok``, and is NaN with a reason elsewhere."""
    shares = frame[[column for column in frame.columns if column.startswith("p_")]]
    sums = np.isclose(shares.sum(axis=1), 1, rtol=0, atol=PROBABILITY_TOLERANCE) & (shares >= 0).all(axis=1)
    without = shares.isna().all(axis=1) & frame["reason"].notna()
    return sums.where(frame["status"] == "ok", without)


CANDIDATES = Table(
    name="candidates",
    key=("corpus", "annotator", "utterance", "draw"),
    schema=pa.DataFrameSchema(
        {
            "corpus": pa.Column(str),
            "annotator": pa.Column(str),
            "utterance": pa.Column(str),
            "draw": pa.Column(int, pa.Check.ge(0)),
            "prompt": pa.Column(str),
            "temperature": pa.Column(float, pa.Check.ge(0)),
            "response": pa.Column(str),
            "status": pa.Column(str, pa.Check.isin(STATUSES)),
            "reason": pa.Column(str, nullable=True),
            "logprob": pa.Column(float, pa.Check.le(0), nullable=True),
            "logprob_answer": pa.Column(float, pa.Check.le(0), nullable=True, required=False),
            "tokens": pa.Column(float, pa.Check.ge(0), nullable=True),
            "seconds": pa.Column(float, pa.Check.ge(0), nullable=True),
            "revision": pa.Column(str, nullable=True),
        },
        checks=pa.Check(_are_distributions, error="p_ columns are a distribution exactly where the status is ok"),
    ),
    families=("p_",),
)
