"""An annotator's candidates as lines of a submission: ids and answers, without sound, transcript or prompt."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.testtime.pool import KINDS

_DECIMALS = 9  # of a probability


def candidate_lines(candidates: pd.DataFrame, pool: str, classes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the lines of one pool, by utterance and candidate.

    An answer goes out as the model wrote it, also where it states no distribution; what was read out of the model goes
    out as numbers.

    Args:
        candidates: Rows of ``tables.candidates``.
        pool: Kind of pool that they are.
        classes: The class set, in order.

    Raises:
        UserError: An unknown kind of pool.
    """
    if pool not in KINDS:
        raise UserError(f"pool {pool!r} is unknown; there are {', '.join(KINDS)}.")
    rows = candidates.sort_values(["utterance", "draw"], kind="stable")
    for row in rows.to_dict("records"):
        line = {"corpus": row["corpus"], "utterance": row["utterance"], "pool": pool, "candidate": int(row["draw"])}
        for name, column in (("logprob_sum", "logprob"), ("n_tokens", "tokens"), ("seconds", "seconds")):
            line[name] = None if pd.isna(row[column]) else float(row[column])
        if line["n_tokens"] is not None:
            line["decode_tokens"] = line["n_tokens"]
        status = row["status"]
        if status == "ok" and (pool == "readout" or not row["response"]):
            line["p"] = {label: float(np.round(row[f"p_{label}"], _DECIMALS)) for label in classes}
        elif status in ("ok", "invalid"):
            line["response"], status = row["response"], "ok" if row["response"] else "failed"
        if status not in ("ok", "cut", "refused"):
            status = "failed"
        if status != "ok":
            line["response"], line["reason"] = row["response"], row["reason"]
        yield line | {"status": status}
