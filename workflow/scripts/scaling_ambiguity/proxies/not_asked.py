"""Utterances that an annotator cannot be asked about, because what its modality needs is not there."""

import numpy as np
import pandas as pd

from scaling_ambiguity.proxies.designs import assign
from scaling_ambiguity.proxies.prompts import PromptSet
from scaling_ambiguity.tables.proxies import NOT_ASKED

# `both` without a transcript is the sound alone
_NEEDS = {"text": "transcript", "audio": "path", "both": "path"}


def lacking(utterances: pd.DataFrame, modality: str) -> set[str]:
    """Return the names of the utterances that have not what ``modality`` needs."""
    return set(utterances.loc[utterances[_NEEDS[modality]].isna(), "utterance"])


def with_not_asked(
    votes: pd.DataFrame, rows: pd.DataFrame, options: dict, prompts: PromptSet, annotator: str
) -> pd.DataFrame:
    """Return the synthetic votes and, of each utterance of ``rows``, every draw without label as ``not_asked``."""
    about = {"presentation": "voice", "rater": annotator, "kind": "synthetic", "role": "primary", "rank": 0}
    about |= {"label": None, "label_raw": "", "weight": 1.0, "raters_known": True}
    found = []
    for utterance in rows["utterance"]:
        for draw in range(options["votes"]):
            focus, temperature = assign(options["design"], draw, prompts.focus_ids, options["temperatures"])
            asked = {"draw": draw, "prompt": focus, "temperature": temperature, "response": "", "logprob": np.nan}
            found.append({"utterance": utterance} | about | asked | {"status": NOT_ASKED})
    left = pd.DataFrame(found, columns=votes.columns).astype(votes.dtypes)
    return pd.concat([votes, left]).sort_values(["utterance", "draw"], ignore_index=True)
