"""``results/statistics/*.parquet``: one row per estimate, with its interval and its estimand."""

import numpy as np
import pandas as pd
import pandera.pandas as pa

from scaling_ambiguity.metrics.catalogue import range_of
from scaling_ambiguity.tables.base import Table

_text = (
    "corpus",
    "protocol",
    "model",
    "labels",
    "augmentation",
    "stratum",
    "metric",
    "reference",
    "population",
    "method",
)
THESE, LIKE_THESE = "these raters", "raters like these"  # the population of an estimate
NOT_IDENTIFIABLE = "not_identifiable"  # the method of a row whose estimate the corpus does not allow
LEAST_CLUSTERS = 5  # for an interval or a p-value: no study supports them with fewer
FEW = "few_clusters"  # the method of a row that has neither for this reason
_OVER_CLUSTERS = (
    *("bootstrap_t", "percentile", "bca", "t", "jackknife_t"),
    *("test_inversion", "test_inversion_any_weight", "sequential"),
)
SIGN_FLIP = "sign_flip"  # a test: its rows accompany those of intervals and keep the name of their method
_numbers = ("votes", "estimate", "low", "high", "p", "p_adjusted", "p_least")

STATISTICS = Table(
    name="statistics",
    key=(*_text, "votes"),
    schema=pa.DataFrameSchema(
        {
            "corpus": pa.Column(str),
            "protocol": pa.Column(str),
            "model": pa.Column(str),
            "labels": pa.Column(str),
            "augmentation": pa.Column(str),
            "stratum": pa.Column(str),
            "metric": pa.Column(str),
            "reference": pa.Column(str, pa.Check.isin(["human", "own", "truth", "none"])),
            "population": pa.Column(str),
            "votes": pa.Column(float, nullable=True),
            "estimate": pa.Column(float, nullable=True),
            "low": pa.Column(float, nullable=True),
            "high": pa.Column(float, nullable=True),
            "one_sided": pa.Column(str, pa.Check.isin(["no", "low", "high"])),
            "n": pa.Column(int, pa.Check.ge(0)),
            "n_clusters": pa.Column(int, pa.Check.ge(0)),
            "method": pa.Column(str),
            "p": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
            "p_adjusted": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
            # the smallest p possible with the resamples: a p of that size means "at most"
            "p_least": pa.Column(float, pa.Check.in_range(0, 1), nullable=True, required=False),
        }
    ),
)


def statistics_frame(rows: list[dict]) -> pd.DataFrame:
    """Return ``rows`` as a statistics table; absent text is ``"none"``, absent numbers NaN, ``n`` 0.

    An interval is cut to the range of its metric: with few clusters bootstrap-t reaches beyond. That of an estimate
    which itself lies beyond, as a correlation corrected by Spearman and Brown may, is not cut. With fewer than
    five clusters the estimate has no interval and no p, and ``method`` is ``few_clusters``.
    """
    frame = pd.DataFrame(rows, columns=list(STATISTICS.schema.columns))
    for column in _text:
        frame[column] = frame[column].astype(object).fillna("none").astype(str)
    for column in _numbers:
        frame[column] = frame[column].astype(float)
    for column in ("n", "n_clusters"):
        frame[column] = frame[column].fillna(0).astype(int)
    frame["one_sided"] = frame["one_sided"].astype(object).fillna("no").astype(str)
    least, most = np.array([range_of(name) for name in frame["metric"]], float).reshape(-1, 2).T
    bounded = frame["estimate"].between(least, most).to_numpy()
    for column in ("low", "high"):
        frame.loc[bounded, column] = frame.loc[bounded, column].clip(least[bounded], most[bounded])
    few = frame["n_clusters"].between(1, LEAST_CLUSTERS - 1)
    frame.loc[few & frame["method"].isin((*_OVER_CLUSTERS, SIGN_FLIP)), ["low", "high", "p", "p_adjusted"]] = np.nan
    frame.loc[few & frame["method"].isin(_OVER_CLUSTERS), "method"] = FEW
    return frame
