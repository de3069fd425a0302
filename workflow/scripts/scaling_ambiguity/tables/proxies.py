"""``results/proxies/{corpus}/{annotator}/votes.parquet``: one row per synthetic vote, invalid answers included.

Some annotators' votes have more columns: class_order, the classes as the prompt lists them, joined by ``|``, where that
differs from draw to draw; label_mass, of a read-out, the share of all answers that begin with a label; reason, why a
failed draw has no answer.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table
from scaling_ambiguity.tables.votes import VOTE_COLUMNS

NOT_ASKED = "not_asked"  # the utterance lacks what the annotator's modality needs
# no label: not one of the classes, cut at the token limit, declined or withheld by a filter, none was given
STATUSES = ("ok", "invalid", "cut", "refused", "failed", NOT_ASKED)

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
            "status": pa.Column(str, pa.Check.isin(STATUSES)),
            "logprob": pa.Column(float, nullable=True),
            "class_order": pa.Column(str, nullable=True, required=False),
            "label_mass": pa.Column(float, pa.Check.ge(0), nullable=True, required=False),
            "reason": pa.Column(str, nullable=True, required=False),
        }
    ),
)
