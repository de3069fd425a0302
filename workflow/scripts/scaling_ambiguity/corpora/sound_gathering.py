"""The shards of the audio audit as one table, and its faults as rejects."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.accounting import reject
from scaling_ambiguity.corpora.sound_check import SOUNDS
from scaling_ambiguity.errors import UserError


def gather(shards: Sequence[Path], utterances: pd.Series) -> pd.DataFrame:
    """Return all shards as one table of :data:`SOUNDS` with one row for each of ``utterances``.

    Raises:
        UserError: An utterance is in two shards, in none, or in a shard but not in the corpus.
    """
    tables = [SOUNDS.read(path) for path in shards]
    sources = pd.Series(
        [str(path) for path, table in zip(shards, tables, strict=True) for _ in range(len(table))], dtype="str"
    )
    sounds = pd.concat(tables, ignore_index=True)
    again = sounds["utterance"].duplicated()
    strange = ~sounds["utterance"].isin(utterances)
    for wrong, words in ((again, "is in another shard too"), (strange, "is not in the corpus")):
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise UserError(
                f"{sources[row]}: utterance {sounds.at[row, 'utterance']} {words}. Remove the shards of the audit "
                "and run it again."
            )
    absent = utterances[~utterances.isin(sounds["utterance"])]
    if len(absent):
        raise UserError(
            f"{Path(shards[0]).parent}: {len(absent)} utterances are in no shard, e.g. {absent.iloc[0]}. Remove the "
            "shards of the audit and run it again."
        )
    return SOUNDS.validate(sounds, "the gathered shards")


def faults_of(sounds: pd.DataFrame) -> pd.DataFrame:
    """Return the rejects among ``sounds``, stage ``audio``, with the fault as reason and the file as source."""
    faulty = sounds[sounds["fault"].notna()]
    files = faulty["path"].astype(object).where(faulty["path"] != "", None)
    return reject(faulty["utterance"], "audio", faulty["fault"].to_numpy(object), files.to_numpy(object))


def refuse_if_too_many(rejects: pd.DataFrame, found: int, *, name: str, largest: float) -> None:
    """Raise UserError if more than the share ``largest`` of the ``found`` sounds is faulty, as the reader does."""
    if len(rejects) <= largest * found:
        return
    first = rejects.iloc[0]
    place = first["source_file"] or "no file"
    raise UserError(
        f"corpus {name}: {len(rejects)} of {found} sounds are faulty, e.g. {first['item']}: {first['reason']} "
        f"({place}); mend the files, or raise corpora.{name}.max_reject_share ({largest})."
    )
