"""Reader of MSP-Podcast, releases 1.6 to 2.0: consensus and detailed labels as CSV, JSON or text.

Folder and file names are matched in any case and in both spellings (consensus, concensus). Utterances come from the
consensus file (labels.txt where there is none), votes from the detailed one, CSV before JSON before labels.txt. Only
folders directly below the root are searched, so that labels of earlier releases shipped with a release are not mixed
with its own.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.accounting import Rejects
from scaling_ambiguity.corpora.folders import (
    audio_folder,
    contents,
    existing,
    subfolders,
    text_column,
    without_headers,
)
from scaling_ambiguity.corpora.found import assemble_votes, drop_faulty_utterances
from scaling_ambiguity.corpora.identifiers import whole_numbers
from scaling_ambiguity.corpora.label_files import find_file, read_text
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.msp_format import PRIMARY, SECONDARY, primary_labels, rating_columns, secondary_labels
from scaling_ambiguity.corpora.msp_tables import (
    read_consensus,
    read_detailed,
    read_listing,
    read_transcripts,
)
from scaling_ambiguity.corpora.sound_files import SoundAtHand, sound_files
from scaling_ambiguity.errors import UserError

LISTED = re.compile(r"([^\s;,\"{]+)\.wav\b", re.IGNORECASE)
CONSENSUS = tuple(f"labels_{word}.{kind}" for kind in ("csv", "json") for word in ("consensus", "concensus"))
DETAILED = ("labels_detailed.csv", "labels_detailed.json", "labels.txt")
TEXT = ("labels.txt",)
LISTINGS = ("partitions.txt", "partition.txt")
SPEAKERS = ("speaker_ids.txt",)
SPLITS = {"train": "train", "validation": "validation", "development": "validation"}
SPLITS |= {f"test{i}": f"test{i}" for i in (1, 2, 3)}
HIDDEN = "test3"
AUDIO = ("audios", "audio")
VOCABULARY = (*PRIMARY, *SECONDARY, "other")  # the raters' choices
UNKNOWN = ("", "unknown", "nan", "none")


def read(root: Path, options: dict) -> Corpus:
    """Return utterances and votes of one release.

    Utterances: split train, validation (Development in later releases), test (Test1, or what ``test_set`` names),
    else test1, test2; session null; a speaker who is unknown is ``unknown_{utterance}``, so that unknown speakers are
    not taken for one person. Utterances of Test3, whose labels are hidden, are rejected (stage ``hidden``), as are
    those on which the consensus file and the list of partitions disagree. Votes: primary rank 0; secondary labels,
    the repeated primary one among them as in the file, ranks 1, 2, ... Ratings are not needed for a vote.

    Args:
        root: The folder that holds Labels and Audios.
        options: The corpus' entry in the configuration; ``audio`` is ``required``, ``optional`` or
            ``none``, ``presentation`` is ``voice`` unless given, ``test_set`` is ``Test1`` unless given.

    Raises:
        UserError: Labels or the required sound are missing, or a file is not as expected.
    """
    labels = _label_folder(existing(root))
    audio = audio_folder(root, AUDIO, options)
    rejects = Rejects()
    utterances, votes = _sources(root, labels, rejects)
    utterances = _describe(root, utterances, options, rejects)
    n = len(utterances)
    if audio is not None:
        files, again = sound_files(audio, root)
        for path, counts in again:
            rejects.add([path], "sound", f"a second sound of this name; {counts} counts", path, [0])
        missing = f"{audio.name}/" + utterances["utterance"] + ".wav"
        utterances["path"] = utterances["utterance"].map(files).fillna(missing).astype("str")
    else:
        utterances["path"] = text_column(None, n)
    utterances["transcript"] = read_transcripts(root, utterances["utterance"], rejects)
    votes = assemble_votes(
        votes.assign(kind="observer"),
        presentation=options.get("presentation", "voice"),
        parse_primary=primary_labels,
        parse_secondary=secondary_labels,
        rejects=rejects,
    )
    return Corpus(without_headers(utterances.assign(session=text_column(None, n))), votes, rejects.table())


def sound_at_hand(root: Path, options: dict) -> SoundAtHand:
    """Return how many of the utterances in the labels have sound, by the names of the files."""
    root = existing(Path(root))
    folder = audio_folder(root, AUDIO, {"audio": "optional"})
    labels = _label_folder(root)
    source = find_file(labels, CONSENSUS) or find_file(labels, TEXT) or find_file(labels, DETAILED)
    assert source is not None, "a label folder has one of these files"
    text, _ = read_text(source)
    wanted = set(LISTED.findall(text))
    files = sound_files(folder, root)[0] if folder else {}
    return SoundAtHand(folder or root / "Audios", len(wanted), len(wanted & set(files)))


def ratings(root: Path, options: dict) -> pd.DataFrame:
    """Return utterance, rater, arousal, valence, dominance (1 to 7, NaN where not given).

    Args:
        root: The folder that holds Labels.
        options: Not used.
    """
    labels = _label_folder(existing(root))
    _, votes = _sources(root, labels, Rejects())
    columns = ["arousal", "valence", "dominance"]
    if "ratings" in votes:
        votes[columns] = rating_columns(votes["ratings"])[columns]
    frame = votes.reindex(columns=["utterance", "rater", *columns])
    frame[columns] = frame[columns].apply(pd.to_numeric, errors="coerce")
    frame["rater"] = frame["rater"].str.lower()
    return frame.drop_duplicates(["utterance", "rater"], ignore_index=True)


def _label_folder(root: Path) -> Path:
    """Return the folder with the label files, ``root`` itself if they are there."""
    candidates = [*subfolders(root, ("labels", "label")), root]
    matches = [folder for folder in candidates if find_file(folder, (*CONSENSUS, *DETAILED))]
    if not matches:
        held = f"; {candidates[0].name} holds {contents(candidates[0])}" if candidates[0] != root else ""
        raise UserError(
            f"{root}: no labels_consensus.csv, labels_detailed.csv or labels.txt below it, but {contents(root)}{held}; "
            "extract Labels there, or correct the corpus' root."
        )
    if len(matches) > 1:
        raise UserError(
            f"{root}: label files in {matches[0].name!r} and in {matches[1].name!r}; keep those of one release."
        )
    return matches[0]


def _sources(root: Path, labels: Path, rejects: Rejects) -> tuple[pd.DataFrame, pd.DataFrame]:
    detailed, consensus = find_file(labels, DETAILED), find_file(labels, CONSENSUS)
    if detailed is None:
        raise UserError(
            f"{labels}: none of {', '.join(DETAILED)}, but {contents(labels)}; the votes of single workers are "
            "needed, extract them there."
        )
    blocks, votes = read_detailed(root, detailed, rejects)
    if consensus is not None:
        blocks = read_consensus(root, consensus, rejects)
    elif blocks is None:
        text = find_file(labels, TEXT)
        if text is None:
            raise UserError(f"{labels}: no labels_consensus.csv, but {contents(labels)}; extract it there.")
        blocks, _ = read_detailed(root, text, Rejects())
    if blocks is None or not len(blocks) or not len(votes):
        raise UserError(f"{consensus or detailed}, {detailed}: no utterance or no vote in them; extract them again.")
    return blocks, votes


def _describe(root: Path, utterances: pd.DataFrame, options: dict, rejects: Rejects) -> pd.DataFrame:
    """Return utterance, speaker, split of the utterances whose labels are public."""
    utterances = drop_faulty_utterances(utterances, rejects)
    stated = utterances["split"].str.strip().str.casefold() if "split" in utterances else None
    listing = find_file(root, LISTINGS)
    split = pd.Series("", utterances.index, dtype="str") if stated is None else stated.fillna("")
    if listing is not None:
        listed = read_listing(root, listing, rejects)
        by_list = utterances["utterance"].map(listed["value"].str.casefold()).fillna("")
        both = split.ne("") & by_list.ne("")
        differ = both & split.map(SPLITS).ne(by_list.map(SPLITS))
        part = utterances[differ]
        reasons = [
            f"split {a!r} here, {b!r} in {listing.name}" for a, b in zip(split[differ], by_list[differ], strict=True)
        ]
        rejects.add(part["utterance"], "utterance", reasons, part["file"], part["line"])
        split = split.where(split.ne(""), by_list)[~differ]
        utterances = utterances[~differ]
        unlisted = listed[~listed.index.isin(set(utterances["utterance"]) | set(part["utterance"]))]
        closed = unlisted["value"].str.casefold().eq(HIDDEN)
        _hide(unlisted[closed].reset_index(names="utterance"), rejects)
        rest = unlisted[~closed]
        rejects.add(rest.index, "utterance", "listed with a split but not labelled", rest["file"], rest["line"])
    hidden = split.eq(HIDDEN)
    strange = split.ne("") & ~split.isin(SPLITS)
    _hide(utterances[hidden], rejects)
    part = utterances[strange]
    rejects.add(
        part["utterance"],
        "utterance",
        [f"unknown split {text!r}" for text in split[strange]],
        part["file"],
        part["line"],
    )
    utterances = utterances[~hidden & ~strange].reset_index(drop=True)
    split = split[~hidden & ~strange].reset_index(drop=True)
    test_set = str(options.get("test_set", "Test1")).casefold()
    names = {text: "test" if text == test_set else name for text, name in SPLITS.items()}
    return pd.DataFrame(
        {
            "utterance": utterances["utterance"],
            "speaker": _speakers(root, utterances, rejects),
            "split": split.map(names).astype("str"),
        }
    )


def _hide(part: pd.DataFrame, rejects: Rejects) -> None:
    rejects.add(part["utterance"], "hidden", "the labels of Test3 are not public", part["file"], part["line"])


def _speakers(root: Path, utterances: pd.DataFrame, rejects: Rejects) -> pd.Series:
    speaker = whole_numbers(utterances.get("speaker", text_column("", len(utterances))).fillna("").str.strip())
    file = find_file(root, SPEAKERS)
    if file is not None:
        listed = utterances["utterance"].map(read_listing(root, file, rejects, name_first=True)["value"])
        listed = whole_numbers(listed)
        speaker = speaker.where(~speaker.str.casefold().isin(UNKNOWN), listed.fillna(""))
    unknown = speaker.str.casefold().isin(UNKNOWN)
    return pd.Series(np.where(unknown, "unknown_" + utterances["utterance"], speaker), dtype="str")
