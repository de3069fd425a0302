"""``results/testtime/...parquet``: one row per strategy and metric of the test-time benchmark.

``against`` names what the estimate is a difference to: ``none`` (it is none), ``mean`` (the plain mean of the
candidates that the strategy could have chosen), ``single`` (the first answer) or ``matched`` (the plain mean of as many
samples as its cost would have bought). ``block`` keeps apart what is proper per vote, what papers publish (never in a
difference), further scores, costs, and facts about the run. A strategy that could not be applied has one row of metric
``nll`` without an estimate, and the ``reason``.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

BLOCKS = ("proper", "published", "further", "cost", "fact")

STRATEGY_SCORES = Table(
    name="strategy scores",
    key=("corpus", "alm", "strategy", "form", "metric", "against"),
    schema=pa.DataFrameSchema(
        {
            "corpus": pa.Column(str),
            "alm": pa.Column(str),
            "strategy": pa.Column(str),
            "form": pa.Column(str, pa.Check.isin(["faithful", "fair", "control"])),
            "pool": pa.Column(str),
            "metric": pa.Column(str),
            "block": pa.Column(str, pa.Check.isin(BLOCKS)),
            "against": pa.Column(str, pa.Check.isin(["none", "mean", "single", "matched"])),
            "estimate": pa.Column(float, nullable=True),
            "low": pa.Column(float, nullable=True),
            "high": pa.Column(float, nullable=True),
            "p": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
            "p_adjusted": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
            "n": pa.Column(int, pa.Check.ge(0)),
            "n_clusters": pa.Column(int, pa.Check.ge(0)),
            "method": pa.Column(str),
            "reason": pa.Column(str, nullable=True),
            "tier": pa.Column(str, pa.Check.isin(["A", "B", "C", "D"])),
            "benchmark": pa.Column(str),
        }
    ),
)
