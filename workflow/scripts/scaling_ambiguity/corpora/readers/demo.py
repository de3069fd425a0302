"""Reader of the embedded demo: ``utterances.csv``, ``votes.csv`` and the folder ``audio``."""

from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.sound_files import SoundAtHand, sound_files
from scaling_ambiguity.errors import UserError

REMEDY = "remove the corpus' folder and run the workflow again"


def read(root: Path, options: dict) -> Corpus:
    """Return the demo unmodified; every label has to be one of ``options["classes"]``.

    Args:
        root: Folder that holds utterances.csv and votes.csv.
        options: The corpus' entry in the configuration.

    Raises:
        UserError: A file is missing or malformed, or a label is not in the class set; the message names file and line.
    """
    utterances = _read(root / "utterances.csv", ["utterance", "speaker", "path", "duration", "transcript"])
    votes = _read(root / "votes.csv", ["utterance", "rater", "label"])
    wrong = ~votes["label"].isin(options["classes"])
    if wrong.any():
        line, label = int(wrong.to_numpy().argmax()) + 2, votes.loc[wrong, "label"].iloc[0]
        raise UserError(
            f"{root / 'votes.csv'}, line {line}: label {label!r} is not one of {list(options['classes'])}; "
            "correct the file or the corpus' classes."
        )
    durations = pd.to_numeric(utterances["duration"], errors="coerce")
    if durations.isna().any() or (durations <= 0).any():
        line = int((durations.isna() | (durations <= 0)).to_numpy().argmax()) + 2
        raise UserError(f"{root / 'utterances.csv'}, line {line}: the duration is not a positive number; {REMEDY}.")
    utterances = utterances.assign(
        session=pd.Series(pd.NA, utterances.index, dtype="str"),
        split=pd.Series(pd.NA, utterances.index, dtype="str"),
        duration=durations.astype(float),
        sample_rate=pd.array([None] * len(utterances), dtype="Int64"),
    )
    votes = votes.assign(
        presentation="voice",
        kind="observer",
        role="primary",
        rank=0,
        label_raw=votes["label"],
        weight=1.0,
        raters_known=True,
    )
    return Corpus(utterances, votes)


def sound_at_hand(root: Path, options: dict) -> SoundAtHand:
    """Return how many of the utterances have sound, by the names of the files."""
    wanted = set(_read(Path(root) / "utterances.csv", ["utterance"])["utterance"])
    files, _ = sound_files(Path(root) / "audio", Path(root))
    return SoundAtHand(Path(root) / "audio", len(wanted), len(wanted & set(files)))


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    """Return the columns of a CSV file as text; a UserError names file, line or column."""
    if not path.is_file():
        raise UserError(f"{path}: missing; {REMEDY}, or correct the corpus' root.")
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: not readable as CSV ({str(error).strip()}); {REMEDY}.") from error
    absent = [column for column in columns if column not in frame]
    if absent:
        raise UserError(f"{path}: no column {absent[0]!r}; it needs {columns}.")
    frame = frame[columns]
    empty = frame.eq("")
    if empty.any(axis=None):
        row, column = (int(value[0]) for value in empty.to_numpy().nonzero())
        raise UserError(f"{path}, line {row + 2}: {columns[column]} is empty; {REMEDY}.")
    return frame
