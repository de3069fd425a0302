"""The sound that is played with each utterance: its own, or a control by which an ALM that listens is misled."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.seeds import generator

SILENCE = Path(__file__).resolve().parents[3] / "resources" / "silence.flac"  # 2.5 s, 16 kHz, mono


def as_played(utterances: pd.DataFrame, options: dict[str, Any], seed: int) -> pd.DataFrame:
    """Return the utterances with the sounds that an annotator is given.

    Args:
        utterances: All utterances of the corpus, whose order does not matter.
        options: The annotator's entry. ``sound: another`` gives each utterance with sound that of another one, each
            sound once; ``silence`` gives all the same silence; ``own``, the default, changes nothing.
        seed: The run's seed.

    Returns:
        The table with other ``path`` and ``sound``; a silent path is absolute. Utterances without sound stay without.
    """
    choice = options.get("sound", "own")
    heard = np.flatnonzero(utterances["path"].notna())
    if choice == "own" or not len(heard):
        return utterances
    columns = [name for name in ("path", "sound") if name in utterances]
    played = utterances.copy()
    places = [played.columns.get_loc(name) for name in columns]
    if choice == "silence":
        for place, value in zip(places, (str(SILENCE), None), strict=False):
            played.iloc[heard, place] = value
        return played
    ranked = heard[np.argsort(utterances["utterance"].to_numpy(str)[heard], kind="stable")]
    order = ranked[generator(seed, "sound of another utterance").permutation(len(ranked))]
    played.iloc[order, places] = utterances[columns].iloc[np.roll(order, 1)].to_numpy()
    return played
