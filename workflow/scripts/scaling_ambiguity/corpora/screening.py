"""Results of the full decode of the sounds: shards joined to one table, faulty items left out with their reasons."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.accounting import FOLLOWS, contained, join_rejects, reject, reject_votes
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.sound_check import SOUNDS
from scaling_ambiguity.errors import UserError

MEASURED = ("duration", "sample_rate", "channels", "rms", "clipped", "sha256")


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


def compare_with_published(utterances: pd.DataFrame, published: pd.Series) -> dict[str, int]:
    """Return how many sounds could be compared with the published files, how many differ, and their rate in Hz.

    Sound that was resampled, cut or converted is no fault, but the paper and the user are informed of it. The rate is
    the most frequent one.

    Args:
        utterances: As screened: utterance, sha256, sample_rate.
        published: SHA-256 of the published file by utterance.
    """
    decoded = utterances.dropna(subset=["sha256"]).set_index("utterance")
    hashes = decoded["sha256"][decoded.index.isin(published.index)]
    differ = hashes != published.reindex(hashes.index)
    counts = {"compared": len(hashes), "differ": int(differ.sum())}
    return counts | {"sample_rate": int(decoded["sample_rate"].mode().iloc[0])} if len(hashes) else counts


def screen(corpus: Corpus, sounds: pd.DataFrame, cache: Path) -> Corpus:
    """Return the corpus with the measurements of each sound, without the utterances whose sound is faulty.

    Those are rejects of the stage ``audio``, their votes of the stage ``vote``. An utterance that has
    no sound, in a corpus where sound is optional, is unchanged. Found = kept + left out, asserted.

    Args:
        corpus: As read_corpus wrote it.
        sounds: Table of :data:`sound_check.SOUNDS`, one row per utterance of the corpus.
        cache: Folder of the copies at 16 kHz, relative to the folder of the run.
    """
    audible = corpus.utterances[corpus.utterances["path"].notna()]["utterance"]
    rows = sounds.set_index("utterance").reindex(audible)
    faults = faults_of(rows.reset_index())
    measured = rows.assign(sound=[None if pd.isna(name) else str(cache / name) for name in rows["cached"]])
    utterances = corpus.utterances.set_index("utterance")
    for column in (*MEASURED, "sound"):
        values = measured[column].reindex(utterances.index)
        previous = utterances.get(column, values)
        utterances[column] = values.where(values.notna(), previous).astype(_TYPES[column])
    utterances = utterances.reset_index()
    kept = utterances[~contained(utterances["utterance"], faults["item"])]
    item, names = pd.factorize(corpus.votes["utterance"])
    with_sound = contained(names, kept["utterance"])[item] if len(names) else np.zeros(0, dtype=bool)
    followers = corpus.votes[~with_sound]
    assert len(kept) + len(faults) == len(corpus.utterances)
    rejects = join_rejects(corpus.rejects, faults, reject_votes(followers, FOLLOWS))
    return Corpus(kept.reset_index(drop=True), corpus.votes[with_sound].reset_index(drop=True), rejects)


_TYPES = {
    "duration": "float64",
    "sample_rate": "Int64",
    "channels": "Int64",
    "rms": "float64",
    "clipped": "float64",
    "sha256": "str",
    "sound": "str",
}
