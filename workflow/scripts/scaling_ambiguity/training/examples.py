"""The examples for training, validation and test; the labels of the test part are never loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.alms.encoded_clips import EncodedClip, EncodedClips
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS


@dataclass(frozen=True)
class Examples:
    """Items in the order of their names.

    Attributes:
        utterances: Names, n of them.
        paths: Sound files; None where there is no audio.
        transcripts: Texts; None where unknown.
        targets: Label distributions, shape (n, C); None for the test part.
        encoded: Encoder outputs of the corpus' clips on disk; None where there are none.
    """

    utterances: list[str]
    paths: list[Path | None]
    transcripts: list[str | None]
    targets: np.ndarray | None
    encoded: EncodedClips | None = None

    def __len__(self) -> int:
        return len(self.utterances)

    def sounds(self) -> list[tuple[str, Path]]:
        """Return name and sound file of every item.

        Raises:
            UserError: One has none.
        """
        sounds = [(name, path) for name, path in zip(self.utterances, self.paths, strict=True) if path is not None]
        if len(sounds) < len(self.paths):
            raise UserError(f"{self.utterances[self.paths.index(None)]}: no audio; fine-tuning needs it.")
        return sounds

    def taken(self, encoder: dict[str, str]) -> dict[str, EncodedClip]:
        """Return the clips whose encoder outputs are on disk; of augmented items, those that repeat a sound unchanged.

        Args:
            encoder: The required encoder, see :func:`~scaling_ambiguity.alms.encoded_clips.encoder_of`.

        Raises:
            UserError: They come from another encoder or other sounds, or an item has no sound.
        """
        if self.encoded is None:
            return {}
        self.encoded.check(encoder)
        clips = {name: self.encoded.of(name, path) or self.encoded.about(path) for name, path in self.sounds()}
        return {name: clip for name, clip in clips.items() if clip is not None}


def refuse_unheard(unheard: dict[str, str]) -> None:
    """Stop, before any training, if clips of some utterances have no audio token; ``unheard``: utterance -> reason.

    Raises:
        UserError: There are some; all are named.
    """
    if unheard:
        raise UserError(
            f"utterances {', '.join(unheard)}: {next(iter(unheard.values()))} Fine-tuning cannot use them: remove them "
            "from the corpus, or remove their sound files, which makes them rejects of its audio audit."
        )


@dataclass(frozen=True)
class Parts:
    """The three parts of one fold; ``train`` includes augmented items."""

    train: Examples
    validation: Examples
    test: Examples


def gather_examples(
    utterances: pd.DataFrame,
    root: Path,
    labels: Path,
    splits: pd.DataFrame,
    fold: int,
    classes: list[str],
    augmented: Path | None = None,
    encoded: Sequence[Path] = (),
) -> Parts:
    """Collect the parts of one fold.

    Args:
        utterances: The corpus' utterances; paths are relative to ``root``.
        root: The corpus folder.
        labels: Path of a label table; rows of test utterances are never loaded.
        splits: The protocol's splits.
        fold: The fold.
        classes: The class set, in order.
        augmented: Folder of augmented items, added to the training part.
        encoded: Folders of the encoder outputs of all clips of the corpus; none: clips are encoded in the job.

    Raises:
        UserError: The fold lacks a part, a training or validation utterance has no label, an augmented item has a
            parent outside the training part, or encoder outputs are truncated.
    """
    members = splits.loc[splits["fold"] == fold]
    parts = ("train", "validation", "test")
    names = {part: sorted(members.loc[members["part"] == part, "utterance"]) for part in parts}
    for part, present in names.items():
        if not present:
            raise UserError(f"splits: fold {fold} has no {part} utterance. Change `splits` of the protocol.")
    table = LABELS.read(labels, utterances=names["train"] + names["validation"]).set_index("utterance")
    absent = sorted(set(names["train"] + names["validation"]) - set(table.index))
    if absent:
        raise UserError(f"{labels}: no label for utterance {absent[0]} ({len(absent)} absent). Run pool_votes again.")
    columns = class_columns(classes)
    rows = utterances.set_index("utterance")
    on_disk = EncodedClips(encoded) if encoded else None

    def examples(part: str) -> Examples:
        present = rows.loc[names[part]]
        targets = None if part == "test" else table.loc[names[part], columns].to_numpy(dtype=np.float64)
        return Examples(names[part], sound_paths(present, root), _texts(present["transcript"]), targets, on_disk)

    train = examples("train")
    if augmented is not None:
        train = _extend(train, augmented, columns)
    return Parts(train, examples("validation"), examples("test"))


def _extend(train: Examples, folder: Path, columns: list[str]) -> Examples:
    items = ITEMS.read(folder / "items.parquet")
    allowed = set(train.utterances)
    for item in items.itertuples():
        outside = [parent for parent in item.parents.split("|") if parent not in allowed]
        if outside:
            raise UserError(
                f"{folder}: parent {outside[0]} of {item.utterance} is not in train. Rebuild the augmented folder."
            )
    if allowed & set(items["utterance"]):
        raise UserError(f"{folder}: an augmented item has the name of an utterance. Rebuild the augmented folder.")
    return Examples(
        train.utterances + items["utterance"].tolist(),
        train.paths + sound_paths(items, folder),
        train.transcripts + _texts(items["transcript"]),
        np.concatenate([train.targets, items[columns].to_numpy(dtype=np.float64)]),
        train.encoded,
    )


def _texts(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(text) else str(text) for text in column]
