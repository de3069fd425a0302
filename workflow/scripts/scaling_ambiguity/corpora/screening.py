"""What the full decode of the sounds says about a corpus: measurements joined, faulty items left out with reasons."""

from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.accounting import contained, join_rejects, reject_votes
from scaling_ambiguity.corpora.audit_report import FOLLOWS
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.sound_gathering import faults_of

MEASURED = ("duration", "sample_rate", "channels", "rms", "clipped", "sha256")


def screen(corpus: Corpus, sounds: pd.DataFrame, cache: Path) -> Corpus:
    """Return the corpus with what was measured of each sound, without the utterances whose sound is faulty.

    Those are rejects of the stage ``audio``, their votes of the stage ``vote``. An utterance that has
    no sound, in a corpus where sound is optional, stays as it is. Found = kept + left out, asserted.

    Args:
        corpus: As read_corpus wrote it.
        sounds: Table of :data:`sound_check.SOUNDS`, one row an utterance of the corpus.
        cache: Folder of the copies at 16 kHz, relative to the folder of the run.
    """
    heard = corpus.utterances[corpus.utterances["path"].notna()]["utterance"]
    rows = sounds.set_index("utterance").reindex(heard)
    faults = faults_of(rows.reset_index())
    measured = rows.assign(sound=[None if pd.isna(name) else str(cache / name) for name in rows["cached"]])
    utterances = corpus.utterances.set_index("utterance")
    for column in (*MEASURED, "sound"):
        values = measured[column].reindex(utterances.index)
        known = utterances.get(column, values)
        utterances[column] = values.where(values.notna(), known).astype(_TYPES[column])
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
