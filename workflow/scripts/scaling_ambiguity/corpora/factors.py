"""Factors of a corpus by which bias is examined: speaker group, sex, conflict of words and voice."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError

MOST_LEVELS = 12


def read_factors(entry: dict[str, Any], utterances: pd.DataFrame) -> dict[str, NDArray]:
    """Return the levels of each factor as text, (U,) in the order of ``utterances``; "" where it is not known.

    Args:
        entry: ``table``, a CSV file; ``utterance`` or ``speaker``, its column with their names; ``columns``, the
            factors, each with at most 12 levels.
        utterances: With columns utterance and speaker.

    Raises:
        UserError: no such file or column, a name that occurs twice, no known name, or too many levels.
    """
    path, columns = entry["table"], list(entry["columns"])
    kind = "speaker" if "speaker" in entry else "utterance"
    key = entry[kind]
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as CSV ({str(error).strip()}); see corpora.*.factors.") from error
    absent = [name for name in (key, *columns) if name not in table]
    if absent:
        raise UserError(f"{path}: no column {absent[0]!r}; it has {list(table)}. Correct corpora.*.factors.")
    twice = table[key].duplicated()
    if twice.any():
        raise UserError(f"{path}: {kind} {table.loc[twice, key].iloc[0]!r} occurs twice.")
    levels_of = table.set_index(key).reindex(utterances[kind])[columns]
    if levels_of.isna().all(axis=None):
        raise UserError(
            f"{path}: none of the corpus' {kind}s, such as {utterances[kind].iloc[0]!r}, is in column {key!r}."
        )
    factors = {name: levels_of[name].fillna("").to_numpy(dtype=object) for name in columns}
    for name, values in factors.items():
        levels = len(set(values) - {""})
        if levels > MOST_LEVELS:
            raise UserError(f"{path}: factor {name!r} has {levels} levels; at most {MOST_LEVELS} can be compared.")
    return {name: np.array(values, dtype=object) for name, values in factors.items()}
