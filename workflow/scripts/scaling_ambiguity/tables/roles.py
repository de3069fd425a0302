"""``results/corpora/{corpus}/roles.parquet``: what each human vote does in each deal.

``position`` is the vote's place in the random order of that deal, from 0: level votes come
first, then conditioning votes, then reference votes.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

ROLES = Table(
    name="roles",
    key=("utterance", "rater", "deal"),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "rater": pa.Column(str),
            "deal": pa.Column(int, pa.Check.ge(0)),
            "role": pa.Column(str, pa.Check.isin(["level", "conditioning", "reference"])),
            "position": pa.Column(int, pa.Check.ge(0)),
        }
    ),
)
