"""``results/levels/{corpus}/{protocol}.parquet``: the ambiguity level of an utterance in each deal.

One row per utterance that has a level; ``votes`` is the number of votes that decide it. In each deal,
``level_00`` ... is its index in (low, medium, high) ambiguity and ``agreement_00`` ... the agreement behind it.
"""

import pandas as pd
import pandera.pandas as pa

from scaling_ambiguity.tables.base import Table

LEVEL, AGREEMENT = "level_", "agreement_"


def _inside(frame: pd.DataFrame) -> bool:
    largest = {LEVEL: 2, AGREEMENT: 1}
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    return all(
        ((columns[name] >= 0) & (columns[name] <= largest[prefix])).all()
        for prefix in largest
        for name in columns
        if name.startswith(prefix)
    )


LEVELS = Table(
    name="levels",
    key=("utterance",),
    families=(LEVEL, AGREEMENT),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "votes": pa.Column(
                "int16", pa.Check(lambda votes: (votes == 0) | (votes >= 2), error="neither 0 nor 2 or more")
            ),
        },
        checks=pa.Check(_inside, error="a level is not 0, 1 or 2, or an agreement not in [0, 1]"),
    ),
)
