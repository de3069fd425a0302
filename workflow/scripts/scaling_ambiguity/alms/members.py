"""A cross-fitted audio-language model: one member per fold, and no clip goes to a member that has heard its speaker.

Its checkpoint is a folder with a folder ``fold-{number}`` for each member, an ordinary checkpoint with a table
``heard.csv`` of the utterances and speakers that it was trained or chosen on. To the outside the members are one model:
answers are stored under the name of the whole and a hash of all of them.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv

HEARD = "heard.csv"


def member_folder(checkpoint: str | Path, fold: int) -> Path:
    """Return the folder of one member."""
    return Path(checkpoint) / f"fold-{fold}"


def write_heard(utterances: pd.DataFrame, folder: str | Path) -> None:
    """Write which utterances a member was trained or chosen on.

    Args:
        utterances: Rows of the utterances table.
        folder: The member's checkpoint.
    """
    write_csv(utterances[["utterance", "speaker"]].sort_values("utterance"), Path(folder) / HEARD)


def refuse_heard(folder: str | Path, utterances: pd.DataFrame) -> None:
    """Stop if a member has been trained or chosen on a speaker of ``utterances`` (columns ``utterance``, ``speaker``).

    Raises:
        UserError: It has; the first such speaker is named.
    """
    shared = sorted(set(utterances["speaker"]) & _speakers(Path(folder)))
    if shared:
        raise UserError(
            f"{folder}: was trained on votes about speaker {shared[0]} ({len(shared)} such speakers), whose utterances "
            "it is to judge. The splits changed after it was trained: remove the folder and run again."
        )


def members_of(alm: dict[str, Any], utterances: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield (entry to be opened, rows of ``utterances`` that it may judge).

    An ordinary model is its only member. The rows of a cross-fitted one go to the first member that has heard nothing
    of their speaker, whatever corpus the speaker is of.

    Args:
        alm: The ``alms`` entry of a job; ``members`` lists the folders of a cross-fitted model.
        utterances: Rows of the utterances table.

    Raises:
        UserError: Every member has heard a speaker, or a member lacks its table.
    """
    if "members" not in alm:
        yield alm, utterances
        return
    folders = [Path(folder) for folder in alm["members"]]
    entry = {key: value for key, value in alm.items() if key != "members"}
    entry["known_as"] = {"model": alm["checkpoint"], "revision": joint_revision(folders)}
    heard = [_speakers(folder) for folder in folders]
    place = {
        speaker: next((i for i, speakers in enumerate(heard) if speaker not in speakers), None)
        for speaker in utterances["speaker"].unique()
    }
    for speaker, member in place.items():
        if member is None:
            raise UserError(
                f"{alm['checkpoint']}: every member was trained on votes about speaker {speaker}. Its protocol needs "
                "folds in which each speaker is tested once (scheme speaker, groups or sessions)."
            )
    member_of = utterances["speaker"].map(place)
    for i, folder in enumerate(folders):
        if (member_of == i).any():
            yield entry | {"checkpoint": str(folder)}, utterances[member_of == i]


def joint_revision(folders: list[Path]) -> str:
    """Return the SHA-256 over the revisions of all members, in order."""
    from scaling_ambiguity.alms.loading import folder_revision  # torch only where a model is opened

    return hashlib.sha256("\n".join(folder_revision(folder) for folder in folders).encode()).hexdigest()


def _speakers(folder: Path) -> set[str]:
    path = folder / HEARD
    try:
        return set(pd.read_csv(path, dtype=str)["speaker"])
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: not readable ({error}). Remove {folder} and run again.") from error
