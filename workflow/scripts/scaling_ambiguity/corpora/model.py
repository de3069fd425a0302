"""The output of a reader: everything found in a corpus, and what was left out."""

from dataclasses import dataclass, field

import pandas as pd

REJECT_COLUMNS = ("item", "stage", "reason", "source_file", "source_line")


def no_rejects() -> pd.DataFrame:
    """Return an empty table of rejects."""
    return pd.DataFrame({column: pd.Series(dtype=object) for column in REJECT_COLUMNS})


@dataclass(frozen=True)
class Corpus:
    """A corpus as tables (see ``scaling_ambiguity.tables``).

    Attributes:
        utterances: One row per utterance; ``path`` is relative to the corpus' root.
        votes: One row per vote.
        rejects: What has been left out so far, and why; its items are not in the other tables.
    """

    utterances: pd.DataFrame
    votes: pd.DataFrame
    rejects: pd.DataFrame = field(default_factory=no_rejects)
