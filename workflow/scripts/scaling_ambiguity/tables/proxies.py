"""``results/proxies/{corpus}/{annotator}/votes.parquet``: one row a synthetic vote, invalid answers included."""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table
from scaling_ambiguity.tables.votes import VOTE_COLUMNS

PROXIES = Table(
    name="synthetic votes",
    key=("utterance", "draw"),
    schema=pa.DataFrameSchema(
        VOTE_COLUMNS
        | {
            "draw": pa.Column(int, pa.Check.ge(0)),
            "prompt": pa.Column(str),
            "temperature": pa.Column(float, pa.Check.ge(0)),
            "response": pa.Column(str),
            "status": pa.Column(str, pa.Check.isin(["ok", "invalid", "refused", "failed"])),
            "logprob": pa.Column(float, nullable=True),
        }
    ),
)
