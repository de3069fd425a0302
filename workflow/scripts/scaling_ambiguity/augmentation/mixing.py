"""Mixtures of two recordings."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.augmentation.dime import TRANSFORM
from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress


def mix_waveforms(first: np.ndarray, second: np.ndarray, alpha: float) -> np.ndarray:
    """Return ``alpha first + (1 - alpha) second`` (float32), cut to the shorter of the two; in [-1, 1] if both are."""
    length = min(len(first), len(second))
    return (alpha * first[:length] + (1 - alpha) * second[:length]).astype(np.float32)


def write_mixtures(items: pd.DataFrame, utterances: pd.DataFrame, root: Path, folder: Path) -> pd.DataFrame:
    """Write ``folder/audio/{utterance}.wav`` (16 kHz mono PCM16) for every item; return the items table.

    The transcript is that of the nearer parent (alpha >= .5: the first), the published rule.
    16-bit samples, because the float format stores the time of writing.

    Args:
        items: Items of a :class:`~scaling_ambiguity.augmentation.dime.Plan`.
        utterances: The corpus' utterances; paths are relative to ``root``.
        root: The corpus folder.
        folder: An existing folder.

    Raises:
        UserError: A parent has no audio or its file cannot be read.
    """
    (folder / "audio").mkdir(exist_ok=True)
    rows = utterances.set_index("utterance")
    sound_of = dict(zip(utterances["utterance"], sound_paths(utterances, root), strict=True))
    waveforms: dict[str, np.ndarray] = {}
    for parent in sorted(set(items["first"]) | set(items["second"])):
        if sound_of[parent] is None:
            raise UserError(f"utterance {parent}: no audio for DiME-Aug to mix. Use `augmentation: [none]`.")
        waveforms[parent] = load_waveform(sound_of[parent])
    paths = []
    for item in progress(items.itertuples(index=False), "mixtures", len(items), "clip"):
        path = f"audio/{item.utterance}.wav"
        mixed = mix_waveforms(waveforms[item.first], waveforms[item.second], item.alpha)
        soundfile.write(folder / path, mixed, SAMPLE_RATE, subtype="PCM_16")
        paths.append(path)
    nearer = items["first"].where(items["alpha"] >= 0.5, items["second"])
    table = items.drop(columns=["first", "second"])
    table["parents"] = items["first"] + "|" + items["second"]
    table["transform"] = TRANSFORM
    table["path"] = paths
    table["transcript"] = [rows.at[parent, "transcript"] for parent in nearer]
    return table.astype(dict.fromkeys(("utterance", "parents", "transform", "path", "transcript"), "str"))
