"""Small corpora in memory: votes from rows of (utterance, rater, label), and the utterances they are on."""

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.model import Corpus

ROW = {"presentation": "voice", "kind": "observer", "role": "primary", "rank": 0, "weight": 1.0, "raters_known": True}


def votes_of(rows: list[tuple], **columns: list) -> pd.DataFrame:
    """Return a votes table of (utterance, rater, label) with other columns given or ordinary."""
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label"]).astype("str")
    frame["label_raw"] = frame["label"]
    for name, value in ROW.items():
        frame[name] = columns.get(name, value)
    return frame.astype({"weight": float, "rank": int, "raters_known": bool})


def utterances_of(names: list[str], **columns: list) -> pd.DataFrame:
    """Return an utterances table; speakers s1, s2 ... in turn, no session, split, path or transcript."""
    frame = pd.DataFrame({"utterance": pd.Series(names, dtype="str")})
    frame["speaker"] = columns.get("speaker", [f"s{i % 3}" for i in range(len(names))])
    for name in ("session", "split", "path", "transcript"):
        frame[name] = pd.Series(columns.get(name, [None] * len(names)), dtype="str")
    frame["duration"] = np.nan
    frame["sample_rate"] = pd.array([None] * len(names), dtype="Int64")
    return frame


def corpus_of(rows: list[tuple], names: list[str] | None = None, **columns: list) -> Corpus:
    """Return a corpus of these votes; ``names`` are its utterances where not all or others than those voted on."""
    votes = votes_of(rows, **columns)
    return Corpus(utterances_of(names or sorted(set(votes["utterance"]))), votes)
