"""The folder of augmented items of one label table, fold and arm; ``published.py`` has the published procedure."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from scaling_ambiguity.augmentation.balancing import bin_report, distances, lifted
from scaling_ambiguity.augmentation.feature_table import FEATURES
from scaling_ambiguity.augmentation.recipes import Recipe, Training
from scaling_ambiguity.augmentation.rendering import write_items
from scaling_ambiguity.augmentation.simplex_bins import make_bins
from scaling_ambiguity.augmentation.training_part import Part, require_rows, training_names
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, write_csv, write_json
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS

METHODS = ("balanced", "oversample", "mixup", "specaugment")


def gather_training(part: Part) -> Training:
    """Return the training part of a fold; labels and features of other utterances are never read.

    Raises:
        UserError: The fold is unknown, or a training utterance lacks labels, features or sound.
    """
    names = training_names(part.splits, part.fold)
    table = LABELS.read(part.labels, utterances=names).set_index("utterance")
    space = FEATURES.read(part.features, utterances=names).set_index("utterance")
    rows = part.utterances.set_index("utterance")
    for frame, what, remedy in (
        (table, part.labels, "pool_votes"),
        (space, part.features, "extract_features"),
        (rows, "utterances", "read_corpus"),
    ):
        require_rows(names, frame.index, what, remedy)
    rows = rows.loc[names]
    return Training(
        np.array(names, dtype=object),
        table.loc[names, class_columns(part.classes)].to_numpy(dtype=np.float64),
        space.loc[names].to_numpy(dtype=np.float64),
        rows["speaker"].to_numpy(dtype=object).astype(str),
        _durations(rows, part.root),
        [None if pd.isna(text) else str(text) for text in rows["transcript"]],
        part.classes,
    )


def _durations(rows: pd.DataFrame, root: Path) -> np.ndarray:
    seconds = rows["duration"].to_numpy(dtype=np.float64).copy()
    for place in np.flatnonzero(np.isnan(seconds)):
        path = sound_paths(rows.iloc[[place]], root)[0]
        if path is None:
            raise UserError(f"utterance {rows.index[place]}: no audio to augment. Use `augmentation: [none]`.")
        try:
            seconds[place] = soundfile.info(path).duration
        except (OSError, soundfile.LibsndfileError) as error:
            raise UserError(f"{path}: not readable as audio ({error}). Restore the file.") from error
    return seconds


def check_recipes(recipes: list[Recipe], splits: pd.DataFrame, fold: int, taken: set[str]) -> None:
    """Raise UserError unless every parent is a training item of ``fold``, no item its own parent, names new."""
    part = splits.loc[splits["fold"] == fold].set_index("utterance")["part"]
    seen = set(taken)
    for recipe in recipes:
        for parent in recipe.parents:
            if part.get(parent) != "train":
                raise UserError(
                    f"augmented item {recipe.utterance}: parent {parent} lies in part {part.get(parent)} of fold "
                    f"{fold}, not in train. Rebuild labels and split."
                )
        if len(set(recipe.parents)) < len(recipe.parents):
            raise UserError(f"augmented item {recipe.utterance}: {recipe.parents[0]} is mixed with itself.")
        if recipe.utterance in seen:
            raise UserError(
                f"augmented item {recipe.utterance}: an utterance of this name exists. Rename the augmentation."
            )
        seen.add(recipe.utterance)


def augment(part: Part, output: Path) -> None:
    """Write ``output/{items.parquet, audio/, summary.csv, distances.json}``, completely or not at all.

    summary.csv has a row per bin (before, target, mixed, transformed, copied, after, shortfall
    and shares), distances.json how far the items are from the target and from balance.

    Args:
        part: Its options have a ``method``, one of ``METHODS``.
        output: The folder to write; replaced if it exists.

    Raises:
        UserError: The method or an option is unknown, the fold is incomplete, or an item breaks a guard.
    """
    options, where, method = part.options, f"augmentations.{part.name}", part.options.get("method")
    if method not in METHODS:
        raise UserError(f"{where}: method {method!r} is unknown; use one of {', '.join(METHODS)}.")
    arm = importlib.import_module(f"scaling_ambiguity.augmentation.arms.{method}")
    training = gather_training(part)
    recipes = arm.plan(training, options, f"{part.name}{part.fold}", part.seed, where)
    check_recipes(recipes, part.splits, part.fold, set(part.utterances["utterance"]))
    bins = make_bins(options, training.distributions, part.classes, where)
    new = np.array([recipe.distribution for recipe in recipes]).reshape(-1, len(part.classes))
    before = bins.count(training.distributions)
    after = before + bins.count(new)
    # arms without a ratio do not balance: their target is the present state
    target = lifted(before, options.get("ratio", 0.3)) if method in ("balanced", "oversample") else before
    kinds = pd.DataFrame({"bin": bins.place(new), "kind": [recipe.kind for recipe in recipes]})
    report = bin_report(bins, before, target, after, kinds)
    short = report[report["shortfall"] > 0]
    for row in short.itertuples():
        print(f"warning: {where}: bin {row.bin} has {row.after} of {row.target} items; its parents are used up")
    with atomic_path(output) as temporary:
        temporary.mkdir()
        items = write_items(recipes, part.utterances, part.root, temporary, class_columns(part.classes), part.seed)
        ITEMS.write(items, temporary / "items.parquet")
        write_csv(report, temporary / "summary.csv")
        write_json(
            {"items": len(recipes), "parents": len({p for recipe in recipes for p in recipe.parents})}
            | distances(before, target, after),
            temporary / "distances.json",
        )
