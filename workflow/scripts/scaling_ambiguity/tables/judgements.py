"""``results/testtime/{submission}/judgements/{judge}/{shard}.parquet``: what a verifier said of candidates.

One row per candidate and order in which the candidates were shown, at ``place`` from 0. ``verifier`` is the name of the
verifier or of a control of it (``shuffled``: it heard another clip, ``deaf``: none, ``self``: it wrote the candidates).
``score`` is its score from 0 to 10, ``picked`` whether it named this candidate; both are null where its answer has
none, with the reason. Of a question about several candidates each row bears its share of ``requests``, ``tokens`` and
``seconds``. ``revision`` is that of the model that judged.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

JUDGEMENTS = Table(
    name="judgements",
    key=("corpus", "annotator", "utterance", "draw", "verifier", "order"),
    schema=pa.DataFrameSchema(
        {
            "corpus": pa.Column(str),
            "annotator": pa.Column(str),
            "utterance": pa.Column(str),
            "draw": pa.Column(int, pa.Check.ge(0)),
            "verifier": pa.Column(str),
            "order": pa.Column(int, pa.Check.ge(0)),
            "place": pa.Column(int, pa.Check.ge(0)),
            "score": pa.Column(float, pa.Check.in_range(0, 10), nullable=True),
            "picked": pa.Column("boolean", nullable=True, coerce=True),
            "reason": pa.Column(str, nullable=True),
            "requests": pa.Column(float, pa.Check.ge(0)),
            "tokens": pa.Column(float, pa.Check.ge(0), nullable=True),
            "seconds": pa.Column(float, pa.Check.ge(0), nullable=True),
            "revision": pa.Column(str, nullable=True),
        }
    ),
)
