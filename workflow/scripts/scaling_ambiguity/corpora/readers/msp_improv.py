"""Reader of MSP-IMPROV: ``Evaluation.txt`` and the sound files below ``Audio``.

The evaluation calls a clip ``UTD-IMPROV-S01A-F01-P-FM01.avi``, its sound is
``MSP-IMPROV-S01A-F01-P-FM01.wav``; the utterance is named after the sound. The speaker is its
second field, the session the dyad of that speaker.
"""

import re
from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.accounting import Rejects
from scaling_ambiguity.corpora.folders import audio_folder, contents, existing, text_column, without_headers
from scaling_ambiguity.corpora.found import assemble_votes, drop_faulty_utterances
from scaling_ambiguity.corpora.label_files import find_file, read_text
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.msp_format import (
    PRIMARY,
    SECONDARY,
    primary_labels,
    rating_columns,
    read_blocks,
    secondary_labels,
)
from scaling_ambiguity.corpora.sound_files import SoundAtHand, sound_files
from scaling_ambiguity.errors import UserError

AUDIO = ("audio", "audios", "wav")
VOCABULARY = (*PRIMARY, *SECONDARY, "other")  # the raters' choices
NAME = r"^(?:UTD|MSP)-IMPROV-(S\d\d[A-Z]-([FM](\d\d))-[PRST]-[FM]{2}\d\d)$"
CLIP = re.compile(NAME.removesuffix("$") + r"\.avi\s*;")
HIGHEST = 5.0


def read(root: Path, options: dict) -> Corpus:
    """Return utterances and votes.

    Utterances: speaker ``F01``, session ``Session01``, split null, transcript null. Votes: of a rater who appears
    twice on a clip the first counts; the other goes to the rejects (stage ``filter``, as this is a property of the
    corpus).

    Args:
        root: The folder with Audio and, directly or one folder below, Evaluation.txt.
        options: The corpus' entry in the configuration; ``audio`` is ``required``, ``optional``
            or ``none``, ``presentation`` is ``audiovisual`` unless given.

    Raises:
        UserError: The labels or the required sound are missing, or Evaluation.txt is not text.
    """
    rejects = Rejects()
    headers, votes = _parse(existing(root), rejects)
    folder = audio_folder(root, AUDIO, options)
    utterances = drop_faulty_utterances(headers, rejects).reset_index(drop=True)
    n = len(utterances)
    utterances = pd.DataFrame(
        {
            "utterance": utterances["utterance"],
            "speaker": utterances["speaker"],
            "session": "Session" + utterances["dyad"],
            "split": text_column(None, n),
            "path": _paths(root, folder, utterances["utterance"], rejects),
            "transcript": text_column(None, n),
        }
    )
    votes = assemble_votes(
        votes.assign(kind="observer"),
        presentation=options.get("presentation", "audiovisual"),
        parse_primary=primary_labels,
        parse_secondary=secondary_labels,
        rejects=rejects,
        repeated="filter",
    )
    return Corpus(without_headers(utterances), votes, rejects.table())


def sound_at_hand(root: Path, options: dict) -> SoundAtHand:
    """Return how many of the clips in Evaluation.txt have sound, by the names of the files."""
    root = existing(Path(root))
    folder = audio_folder(root, AUDIO, {"audio": "optional"})
    text, _ = read_text(_evaluation(root))
    wanted = {f"MSP-IMPROV-{clip[1]}" for line in text.split("\n") if (clip := CLIP.match(line))}
    files = sound_files(folder, root)[0] if folder else {}
    return SoundAtHand(folder or root / "Audio", len(wanted), len(wanted & set(files)))


def ratings(root: Path, options: dict) -> pd.DataFrame:
    """Return utterance, rater, arousal, valence, dominance, naturalness (1 to 5, NaN where not given).

    The corpus counts arousal downwards; here it is 6 minus the rating, so that 5 is the most
    excited as in the other corpora.

    Args:
        root: The folder with Evaluation.txt.
        options: Not used.
    """
    _, votes = _parse(existing(root), Rejects())
    numbers = rating_columns(votes["ratings"])
    numbers["arousal"] = 1.0 + HIGHEST - numbers["arousal"]
    frame = pd.concat([votes[["utterance", "rater"]], numbers], axis=1)
    frame["rater"] = frame["rater"].str.lower()
    return frame.drop_duplicates(["utterance", "rater"], ignore_index=True)


def _evaluation(root: Path) -> Path:
    """Return the file of labels: in the root or one folder below."""
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    path = next((file for folder in folders if (file := find_file(folder, ("evaluation.txt",)))), None)
    if path is None:
        raise UserError(
            f"{root}: no Evaluation.txt in it or one folder below, but {contents(root)}; extract it there, "
            "or correct the corpus' root."
        )
    return path


def _parse(root: Path, rejects: Rejects) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (utterance, speaker, dyad, file, line; the votes), both with the names of the sound files."""
    path = _evaluation(root)
    headers, votes = read_blocks(path, "avi", str(path.relative_to(root)), rejects)
    if not len(headers) or not len(votes):
        raise UserError(f"{path}: no clip or no vote in it; extract it again.")
    parts = headers["utterance"].str.extract(NAME)
    good = parts[0].notna()
    strange = headers[~good]
    rejects.add(strange["utterance"], "utterance", "not the name of a clip", strange["file"], strange["line"])
    headers = headers.assign(utterance="MSP-IMPROV-" + parts[0], speaker=parts[1], dyad=parts[2])[good]
    names = votes["utterance"].str.extract(NAME)[0]
    lost = votes[names.isna()]
    items = lost["utterance"] + "/" + lost["rater"]
    rejects.add(items, "vote", "its utterance was left out", lost["file"], lost["line"])
    votes = votes.assign(utterance="MSP-IMPROV-" + names)[names.notna()].reset_index(drop=True)
    return headers, votes


def _paths(root: Path, folder: Path | None, utterances: pd.Series, rejects: Rejects) -> pd.Series:
    """Return the path of each sound, at any depth below ``folder``."""
    if folder is None:
        return text_column(None, len(utterances))
    path_of, again = sound_files(folder, root)
    for path, counts in again:
        rejects.add([path], "sound", f"a second sound of this name; {counts} counts", path, [0])
    missing = f"{folder.name}/" + utterances + ".wav"
    return utterances.map(path_of).where(utterances.isin(path_of), missing).astype("str")
