"""The feature table of a corpus."""

from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.augmentation.audio_features import AUDIO_FEATURES, audio_features
from scaling_ambiguity.augmentation.text_features import TEXT_FEATURES, text_features
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress


def extract_features(utterances: pd.DataFrame, root: Path) -> pd.DataFrame:
    """Return one row per utterance: ``utterance`` and the 82 ``f_*`` columns of FEATURES.

    Args:
        utterances: A table of utterances; paths are relative to ``root``.
        root: The corpus folder.

    Raises:
        UserError: An utterance has no audio, or its file cannot be read or is empty.
    """
    rows = np.empty((len(utterances), len(AUDIO_FEATURES) + len(TEXT_FEATURES)))
    triples = zip(utterances["utterance"], sound_paths(utterances, root), utterances["transcript"], strict=True)
    for row, (utterance, path, transcript) in enumerate(progress(triples, "features", len(utterances), "clip")):
        if path is None:
            raise UserError(f"utterance {utterance}: no audio path; features need audio. Use `augmentation: [none]`.")
        waveform = load_waveform(path)
        try:
            rows[row, : len(AUDIO_FEATURES)] = audio_features(waveform)
        except ValueError as error:
            raise UserError(f"{path}: {error}. Replace the file or drop {utterance} in the reader.") from error
        rows[row, len(AUDIO_FEATURES) :] = text_features(None if pd.isna(transcript) else transcript)
    frame = pd.DataFrame(rows, columns=AUDIO_FEATURES + TEXT_FEATURES)
    frame.insert(0, "utterance", utterances["utterance"].to_numpy())
    return frame
