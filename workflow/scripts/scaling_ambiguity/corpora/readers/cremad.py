"""Reader of CREMA-D: 7,442 acted clips, judged by voice, by face and by both.

Source: Cao et al. 2014, 10.1109/TAFFC.2014.2336244; github.com/CheyneyComputerScience/CREMA-D.

Votes come from ``tabulatedVotes.csv``, which counts them by clip and presentation and leaves out
answers whose first click came after 10 s; or, with ``votes: raw``, from ``finishedResponses.csv``
and ``finishedEmoResponses.csv``, which name the raters, with the same rule.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.accounting import rejects
from scaling_ambiguity.corpora.cremad_sounds import AUDIO, clips_with_sound, sounds
from scaling_ambiguity.corpora.csv_file import LINE, read_csv, read_text
from scaling_ambiguity.corpora.identifiers import rater_names
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.row_faults import first_fault, lost_rows, repeated
from scaling_ambiguity.corpora.sound_files import SoundAtHand
from scaling_ambiguity.errors import UserError

LABELS = {"A": "anger", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad"}
VOCABULARY = tuple(LABELS.values())  # the raters' choices
PRESENTATIONS = {"1": "voice", "2": "face", "3": "audiovisual"}
SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
CLIP = rf"\d{{4}}_(?:{'|'.join(SENTENCES)})_(?:ANG|DIS|FEA|HAP|NEU|SAD)_(?:XX|LO|MD|HI)"
SLOWEST_FIRST_CLICK = 10_000  # ms; the official tabulation leaves out later answers
LARGEST_COUNT = 1_000  # votes of one label on one clip; a larger number is a fault
PRACTICE = {"7443", "7444"}  # clip numbers
FILTERED = LATE, PRACTISED = f"the first click came after {SLOWEST_FIRST_CLICK // 1000} s", "a practice clip"
REMEDY = "get it with `snakemake fetch_cremad`, or copy all of it from github.com/CheyneyComputerScience/CREMA-D"
_RAW = ["localid", "queryType", "clipNum", "questNum", "clipName", "sessionNums", "respEmo"]
_FIRST_CLICK = ["sessionNums", "queryType", "questNum", "ttr"]


def read(root: Path, options: dict) -> Corpus:
    """Return the clips, and the votes of one presentation, unmodified.

    Args:
        root: A clone of the corpus' repository, or a folder with its ``tabulatedVotes.csv``.
        options: The corpus' entry: ``presentation`` (voice by default, face, audiovisual), ``votes``
            (tabulated by default, raw) and ``audio`` (required by default, optional, none).

    Raises:
        UserError: A file that is needed is missing or unreadable, or an option has an unknown value.
    """
    root = Path(root)
    presentation = _choice(options, "presentation", list(PRESENTATIONS.values()))
    readers = {"tabulated": _tabulated, "raw": _responses}
    clips, votes, lost = readers[_choice(options, "votes", list(readers))](root, presentation)
    listed, lost_names = _listed(root)
    required = _choice(options, "audio", ["required", "optional", "none"]) == "required"
    paths, lost_sounds = sounds(root, CLIP, required=required)
    lost = pd.concat([lost, lost_names, lost_sounds], ignore_index=True)
    clips = pd.concat([clips, listed, pd.Series(list(paths), dtype="str")]).drop_duplicates()
    clips = clips[~clips.isin(lost["item"])].sort_values(ignore_index=True)
    if votes.empty:
        first = f", e.g. {lost['item'].iloc[0]}: {lost['reason'].iloc[0]}" if len(lost) else ""
        raise UserError(f"{root}: not one usable vote by {presentation}{first}; {REMEDY}.")
    return Corpus(_utterances(clips, paths), votes, lost)


def sound_at_hand(root: Path, options: dict) -> SoundAtHand:
    """Return how many of the clips in the table of votes have sound, by the names of the files."""
    name = {"tabulated": "tabulatedVotes.csv", "raw": "finishedResponses.csv"}[options.get("votes", "tabulated")]
    text = read_text(_file(root, name), REMEDY)
    return clips_with_sound(root, CLIP, set(re.findall(rf"\b{CLIP}\b", text)))


def _choice(options: dict, key: str, values: list[str]) -> str:
    value = options.get(key, values[0])
    if value not in values:
        raise UserError(f"corpora: {key} {value!r} is unknown to the reader cremad; it is one of {values}.")
    return value


def _file(root: Path, name: str) -> Path:
    """Return where a file of the corpus is: in the root or its folder processedResults."""
    for path in (root / "processedResults" / name, root / name):
        if path.is_file():
            return path
    raise UserError(f"{root}: no {name}, neither in it nor in its folder processedResults; {REMEDY}.")


def _tabulated(root: Path, presentation: str) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """Return (clips, votes, rejects) from the table of counts: raters have no names."""
    path = _file(root, "tabulatedVotes.csv")
    source = path.relative_to(root).as_posix()
    rows, lost = read_csv(path, ["", *LABELS, "fileName"], REMEDY, root=root)
    # row name = 100000 * presentation + number of the clip
    shown = rows[""].str.extract(r"^([123])\d{5}$")[0].map(PRESENTATIONS)
    rows = rows[(shown == presentation) | shown.isna()]
    counts = rows[list(LABELS)].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    stated = pd.to_numeric(rows.get("numResponses", pd.Series(dtype="str")), errors="coerce").to_numpy(float)
    with np.errstate(invalid="ignore"):
        total = counts.sum(axis=1)
        uncountable = ~((counts >= 0) & (counts <= LARGEST_COUNT) & (counts == np.floor(counts))).all(axis=1)
    faults = [
        (shown.loc[rows.index].isna(), "the row name does not begin with a presentation 1, 2 or 3"),
        (~rows["fileName"].str.fullmatch(CLIP), "the name is not that of a CREMA-D clip"),
        (uncountable, f"a count of votes is not a whole number from 0 to {LARGEST_COUNT}"),
        (total == 0, "nobody voted on it"),
    ]
    if "numResponses" in rows:
        faults.append((total != stated, "the counts of votes do not add up to numResponses"))
    reason = first_fault(faults, len(rows))
    reason = repeated(rows, ["fileName"], [*LABELS], reason, "the clip")
    good = pd.isna(reason)
    faulty = lost_rows(rows, reason, rows["fileName"], source, "label_file")
    faulty.loc[faulty["item"].astype("str").str.fullmatch(CLIP), "stage"] = "utterance"  # the clip is dropped with its
    # row
    lost = pd.concat([lost, faulty], ignore_index=True)
    number = counts[good].astype(int)
    clips, labels = rows["fileName"].to_numpy()[good], np.array(list(LABELS))
    letters = np.tile(labels, len(clips)).repeat(number.ravel())
    utterance = pd.Series(clips.repeat(number.sum(axis=1)), dtype="str")
    place = utterance.groupby(utterance, sort=False).cumcount()
    rater = utterance + "#" + place.astype("str")
    votes = _votes(utterance, rater, pd.Series(letters, dtype="str"), presentation, False)
    return pd.Series(clips, dtype="str"), votes, lost


def _responses(root: Path, presentation: str) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """Return (clips, votes, rejects) from the answers of each rater, later than 10 s left out."""
    path, first_path = _file(root, "finishedResponses.csv"), _file(root, "finishedEmoResponses.csv")
    source = path.relative_to(root).as_posix()
    rows, lost = read_csv(path, _RAW, REMEDY, root=root)
    first, lost_first = read_csv(first_path, _FIRST_CLICK, REMEDY, root=root)
    late = _question(first[pd.to_numeric(first["ttr"], errors="coerce") > SLOWEST_FIRST_CLICK])
    shown = rows["queryType"].str.strip().map(PRESENTATIONS)
    rows = rows[(shown == presentation) | shown.isna()].reset_index(drop=True)
    rows["utterance"] = rows["clipName"].str.strip().str.replace(r"\.(?:flv|mp3|wav)$", "", regex=True)
    rows["letter"] = rows["respEmo"].str.strip()
    question = _question(rows)
    faults = [
        (~rows["queryType"].str.strip().isin(PRESENTATIONS), "queryType is not 1, 2 or 3"),
        (rows["clipNum"].str.strip().isin(PRACTICE), PRACTISED),
        (~rows["utterance"].str.fullmatch(CLIP), "the name is not that of a CREMA-D clip"),
        (~rows["letter"].isin(LABELS), "respEmo is none of A D F H N S"),
        (rows["localid"].str.strip() == "", "the rater has no name"),
        (question.isna(), "sessionNums, queryType or questNum is not a number"),
        (question.isin(late.dropna()), LATE),
    ]
    reason = first_fault(faults, len(rows))
    rows["rater"] = rater_names(rows["localid"])
    sound = rows[pd.isna(reason)]
    reason[sound.index[sound.duplicated(["utterance", "rater"])]] = "the rater has voted on this clip before"
    items = pd.Series([f"{source}:{line}" for line in rows[LINE]], rows.index, dtype="str")
    faulty = lost_rows(rows, reason, items, source, "vote")
    faulty.loc[faulty["reason"].isin(FILTERED), "stage"] = "filter"  # not a fault, and not counted as one
    lost = pd.concat([lost, lost_first, faulty], ignore_index=True)
    kept = rows[pd.isna(reason)]
    votes = _votes(kept["utterance"], kept["rater"], kept["letter"], presentation, True)
    clips = rows.loc[rows["utterance"].str.fullmatch(CLIP) & ~rows["clipNum"].str.strip().isin(PRACTICE), "utterance"]
    return clips, votes, lost  # a clip whose answers are all dropped still counts as found


def _question(rows: pd.DataFrame) -> pd.Series:
    """Return the key that joins the two files: 1000 session + 100 presentation + question."""
    number = {key: pd.to_numeric(rows[key], errors="coerce") for key in ("sessionNums", "queryType", "questNum")}
    return number["sessionNums"] * 1000 + number["queryType"] * 100 + number["questNum"]


def _votes(
    utterance: pd.Series,
    rater: pd.Series,
    letter: pd.Series,
    presentation: str,
    raters_known: bool,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "utterance": utterance.array,
            "presentation": presentation,
            "rater": rater.array,
            "kind": "observer",
            "role": "primary",
            "rank": 0,
            "label": letter.map(LABELS).astype("str").array,
            "label_raw": letter.array,
            "weight": 1.0,
            "raters_known": raters_known,
        }
    )


def _listed(root: Path) -> tuple[pd.Series, pd.DataFrame]:
    """Return (clips, rejects) of SentenceFilenames.csv, which shows where a table of votes was truncated."""
    path = root / "SentenceFilenames.csv"
    if not path.is_file():
        return pd.Series(dtype="str"), rejects([])
    rows, lost = read_csv(path, ["Filename"], REMEDY, root=root)
    wrong = ~rows["Filename"].str.fullmatch(CLIP)
    reason = np.where(wrong, "the name is not that of a CREMA-D clip", None)
    items = path.name + ":" + rows[LINE].astype("str")
    return rows.loc[~wrong, "Filename"], pd.concat([lost, lost_rows(rows, reason, items, path.name, "label_file")])


def _utterances(clips: pd.Series, paths: dict[str, str]) -> pd.DataFrame:
    path = clips.map(paths).astype("str")
    if paths:  # single clips without sound are left for the audit to find
        path = path.fillna(AUDIO + "/" + clips + ".wav")
    return pd.DataFrame(
        {
            "utterance": clips,
            "speaker": clips.str.slice(0, 4),
            "session": pd.Series(pd.NA, clips.index, dtype="str"),
            "split": pd.Series(pd.NA, clips.index, dtype="str"),
            "path": path,
            "duration": np.nan,
            "sample_rate": pd.array([None] * len(clips), dtype="Int64"),
            "transcript": clips.str.slice(5, 8).map(SENTENCES),
        }
    )
