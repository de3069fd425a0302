"""Utterances that an annotator cannot be asked about, because the input that its modality needs is missing."""

import numpy as np
import pandas as pd

from scaling_ambiguity.proxies.annotation import ORDER_JOIN
from scaling_ambiguity.proxies.designs import plan
from scaling_ambiguity.proxies.prompts import PromptSet
from scaling_ambiguity.tables.proxies import NOT_ASKED

# `both` without a transcript uses the sound alone
_NEEDS = {"text": "transcript", "audio": "path", "both": "path"}


def lacking(utterances: pd.DataFrame, modality: str) -> set[str]:
    """Return the names of the utterances that lack what ``modality`` needs."""
    return set(utterances.loc[utterances[_NEEDS[modality]].isna(), "utterance"])


def with_not_asked(
    votes: pd.DataFrame,
    rows: pd.DataFrame,
    annotator: str,
    options: dict,
    prompts: PromptSet,
    classes: list[str],
    seed: int,
) -> pd.DataFrame:
    """Return the synthetic votes and, for each utterance of ``rows``, every draw without a label as ``not_asked``."""
    common = {"presentation": "voice", "rater": annotator, "kind": "synthetic", "role": "primary", "rank": 0}
    common |= {"label": None, "label_raw": "", "weight": 1.0, "raters_known": True}
    draws, tables = plan(options, prompts.focus_ids, classes, seed), []
    for utterance in rows["utterance"]:
        for draw in draws:
            asked = {"draw": draw.number, "prompt": draw.focus, "temperature": draw.temperature}
            asked |= {"response": "", "logprob": np.nan, "class_order": ORDER_JOIN.join(draw.classes)}
            tables.append({"utterance": utterance} | common | asked | {"status": NOT_ASKED})
    left = pd.DataFrame(tables, columns=votes.columns).astype(votes.dtypes)
    return pd.concat([votes, left]).sort_values(["utterance", "draw"], ignore_index=True)
