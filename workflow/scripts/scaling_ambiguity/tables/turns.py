"""``results/corpora/{corpus}/turns.parquet``: every turn of a corpus' conversations, in the order of speaking.

Turns that are not utterances of the run are included, as they are context for those that are. ``start`` is in
seconds from the start of the conversation.
"""

import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

TURNS = Table(
    name="turns",
    key=("dialogue", "place"),
    schema=pa.DataFrameSchema(
        {
            "dialogue": pa.Column(str),
            "place": pa.Column(int, pa.Check.ge(0)),
            "utterance": pa.Column(str),
            "speaker": pa.Column(str),
            "start": pa.Column(float, pa.Check.ge(0)),
            "transcript": pa.Column(str),
        }
    ),
)
