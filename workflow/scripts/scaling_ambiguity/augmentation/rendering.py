"""Render recipes to sounds, each checked by the audit of the corpora."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.augmentation.concatenation import concatenate, overlay
from scaling_ambiguity.augmentation.recipes import Recipe, recipe_frame
from scaling_ambiguity.augmentation.spectra import mask_spectrum, mixup_spectra
from scaling_ambiguity.augmentation.transforms import apply_transform
from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.corpora.sound_check import check_sound
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import generator

CACHE = 256  # sounds kept in memory: parents come back


def render(recipe: Recipe, parents: list[np.ndarray], seed: int) -> np.ndarray:
    """Return the samples of one item: float32, mono, 16 kHz, in [-1, 1].

    Random parts of an operation (noise, a room, masks) depend only on the seed and the item's name.
    """
    random = generator(seed, "sound", recipe.utterance)
    if recipe.operation == "concatenate":
        return concatenate(*parents)
    if recipe.operation in ("overlay", "mixup"):
        first, second = parents
        return (overlay if recipe.operation == "overlay" else mixup_spectra)(first, second, recipe.alpha)
    if recipe.operation == "specaugment":
        [sound], settings = parents, recipe.settings
        return mask_spectrum(sound, int(settings["masks"]), settings["frequency"], settings["time"], random)
    if recipe.operation == "copy":
        return parents[0]
    return apply_transform(parents[0], recipe.operation, next(iter(recipe.settings.values())), random)


def write_items(
    recipes: list[Recipe], utterances: pd.DataFrame, root: Path, folder: Path, columns: list[str], seed: int
) -> pd.DataFrame:
    """Write ``folder/audio/{utterance}.wav`` (16 kHz mono PCM16) for every recipe; return the items table.

    Args:
        recipes: What to make.
        utterances: The corpus' utterances; paths are relative to ``root``.
        root: The corpus folder.
        folder: An existing folder.
        columns: ``p_<label>`` in order of the classes.
        seed: Global seed.

    Raises:
        UserError: A parent has no audio or its file cannot be read, or an item does not pass the audit.
    """
    (folder / "audio").mkdir(exist_ok=True)
    sound_of = dict(zip(utterances["utterance"], sound_paths(utterances, root), strict=True))
    kept: OrderedDict[str, np.ndarray] = OrderedDict()

    def sound(parent: str) -> np.ndarray:
        if sound_of[parent] is None:
            raise UserError(f"utterance {parent}: no audio to augment. Use `augmentation: [none]`.")
        if parent not in kept:
            kept[parent] = load_waveform(sound_of[parent])
            if len(kept) > CACHE:
                kept.popitem(last=False)
        return kept[parent]

    for recipe in progress(recipes, "items", len(recipes), "clip"):
        path = folder / f"audio/{recipe.utterance}.wav"
        samples = render(recipe, [sound(parent) for parent in recipe.parents], seed)
        soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
        fault = check_sound(path)[0]["fault"]
        if fault:
            raise UserError(
                f"augmented item {recipe.utterance} ({recipe.transform} of {', '.join(recipe.parents)}) is {fault}. "
                "Listen to its parents and leave them out of the corpus if they are at fault."
            )
    table = recipe_frame(recipes, columns)
    table.insert(4, "path", pd.Series([f"audio/{recipe.utterance}.wav" for recipe in recipes], dtype="str"))
    return table
