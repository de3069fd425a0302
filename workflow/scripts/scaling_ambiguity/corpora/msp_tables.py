"""The files of MSP-Podcast: three shapes of CSV, JSON and lists of one value per file."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scaling_ambiguity.corpora import LARGEST_REJECT_SHARE
from scaling_ambiguity.corpora.accounting import Rejects
from scaling_ambiguity.corpora.folders import subfolders
from scaling_ambiguity.corpora.label_files import (
    REMEDY,
    Lines,
    Pairs,
    csv_columns,
    drop_blank,
    drop_damaged,
    read_json_pairs,
    read_lines,
    read_rows,
    read_text,
    to_numpy,
)
from scaling_ambiguity.corpora.msp_format import CUT, read_blocks, read_votes
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress

FIELDS = {
    "filename": "utterance",
    "emoclass_major": "primary",
    "emoclass_second": "secondary",
    "emoact": "arousal",
    "emoval": "valence",
    "emodom": "dominance",
    "spkrid": "speaker",
    "split_set": "split",
}
WORKER = ("worker", "annotator", "rater", "evaluator")
NEITHER = ("emoclass", "gender")


def _name(files: pd.Series) -> pd.Series:
    bare = pc.replace_substring_regex(pa.array(files, pa.large_string()), r"^\s+|(?i:\.wav)?\s*$", "")
    return pd.Series(bare.to_pandas().to_numpy(), files.index, dtype="str")


def read_consensus(root: Path, path: Path, rejects: Rejects) -> pd.DataFrame:
    """Return utterance, file, line and, where the file has them, speaker and split.

    Args:
        root: The corpus' root.
        path: labels_consensus as CSV or JSON.
        rejects: Receives faulty lines.

    Raises:
        UserError: The file is not what its name says, or has no column FileName.
    """
    source = str(path.relative_to(root))
    if path.suffix.casefold() == ".json":
        entries = read_json_pairs(path)
        strange = [name for name, value in entries if not isinstance(value, Pairs)]
        rejects.add(strange, "utterance", "the entry is not an object", source, [0] * len(strange))
        rows = [{**dict(value), "FileName": name} for name, value in entries if isinstance(value, Pairs)]
        frame = pd.DataFrame(rows, dtype=object).map(_text).astype("str").assign(line=0)
    else:
        frame = read_rows(path, read_lines(path), source, rejects, "utterance")
    frame = frame.rename(columns=lambda column: FIELDS.get(column.casefold(), column))
    if "utterance" not in frame:
        raise UserError(f"{path}: no column FileName among {list(frame.columns)[:-1]}; {REMEDY}.")
    kept = [column for column in ("utterance", "speaker", "split", "line") if column in frame]
    return frame[kept].assign(utterance=_name(frame["utterance"]), file=source)


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def read_detailed(root: Path, path: Path, rejects: Rejects) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """Return (utterances named in it or None, one row per worker's vote) of a file of detailed labels.

    Votes have columns utterance, rater ("" if the file has no column of workers), primary,
    secondary, file, line, and either ratings (text) or arousal, valence, dominance.

    Args:
        root: The corpus' root.
        path: labels_detailed as CSV or JSON, or labels.txt.
        rejects: Receives faulty lines.

    Raises:
        UserError: The file is not what its name says, or its columns are not understood.
    """
    source = str(path.relative_to(root))
    suffix = path.suffix.casefold()
    if suffix == ".txt":
        return read_blocks(path, "wav", source, rejects)
    if suffix == ".json":
        return None, _detailed_json(path, source, rejects)
    lines = drop_damaged(drop_blank(read_lines(path)), source, rejects)
    columns = [column.casefold() for column in csv_columns(path, lines)]
    if columns == ["filename", "emodetail"]:
        return None, _detailed_pairs(lines, source, rejects)
    frame = read_rows(path, lines, source, rejects)
    frame = frame.rename(columns=lambda column: FIELDS.get(column.casefold(), column))
    missing = [c for c in ("utterance", "primary") if c not in frame]
    if missing:
        raise UserError(
            f"{path}: columns {columns} are not understood; FileName with EmoDetail, or with EmoClass_Major, needed."
        )
    expected = {*FIELDS.values(), "line"}
    spare = [column for column in frame if column not in expected and column.casefold() not in NEITHER]
    workers = [column for column in spare if any(word in column.casefold() for word in WORKER)] or spare
    if len(workers) > 1:
        raise UserError(f"{path}: which of the columns {workers} names the worker is not clear; rename it to Workers.")
    frame["rater"] = frame[workers[0]] if workers else ""
    frame["secondary"] = frame.get("secondary", "")
    return None, frame.assign(utterance=_name(frame["utterance"]), file=source)


def _detailed_pairs(lines: Lines, source: str, rejects: Rejects) -> pd.DataFrame:
    """Read the two-column shape line by line, so that stray quotes in free text are harmless."""
    lines = lines[np.arange(len(lines.number)) > 0]
    parts = pc.extract_regex(lines.text, pattern=r'^"?(?P<name>[^",]*)"?,\s*"?\s*(?P<detail>.*?)\s*"?$')
    faulty = to_numpy(parts.is_null())
    rejects.lines(lines.number[faulty], "not FileName,EmoDetail; the line is cut or damaged", source)
    parts, number = parts.filter(pa.array(~faulty)), lines.number[~faulty]
    detail = pc.replace_substring(pc.struct_field(parts, "detail"), '""', '"')
    votes, faulty = read_votes(detail)
    rejects.lines(number[faulty], CUT, source)
    names = pc.struct_field(parts, "name").filter(pa.array(~faulty)).to_pandas()
    return votes.assign(utterance=_name(names), line=number[~faulty], file=source)


def _detailed_json(path: Path, source: str, rejects: Rejects) -> pd.DataFrame:
    entries = read_json_pairs(path)
    whole = [(name, entry) for name, entry in entries if isinstance(entry, Pairs)]
    rows = [(name, worker, dict(vote)) for name, entry in whole for worker, vote in entry if isinstance(vote, Pairs)]
    strange = [name for name, entry in entries if not isinstance(entry, Pairs)]
    strange += [f"{name}/{worker}" for name, entry in whole for worker, vote in entry if not isinstance(vote, Pairs)]
    rejects.add(strange, "label_file", "the entry is not an object", source, [0] * len(strange))
    columns = {
        "utterance": [name for name, _, _ in rows],
        "rater": [worker for _, worker, _ in rows],
        "primary": [_text(vote.get("EmoClass_Major")) for _, _, vote in rows],
        "secondary": [_text(vote.get("EmoClass_Second")) for _, _, vote in rows],
        "arousal": [_text(vote.get("EmoAct")) for _, _, vote in rows],
        "valence": [_text(vote.get("EmoVal")) for _, _, vote in rows],
        "dominance": [_text(vote.get("EmoDom")) for _, _, vote in rows],
    }
    frame = pd.DataFrame(columns, dtype="str")
    return frame.assign(utterance=_name(frame["utterance"]), file=source, line=0)


def read_listing(root: Path, path: Path, rejects: Rejects, *, name_first: bool = False) -> pd.DataFrame:
    """Return value, file, line by utterance of a list such as ``Test1;MSP-PODCAST_0001_0008.wav``.

    Args:
        root: The corpus' root.
        path: The file.
        rejects: Receives faulty lines and repeated utterances (stage ``listing``).
        name_first: The file name precedes the value.

    Raises:
        UserError: More than one line, and more than one in fifty, has another form.
    """
    source = str(path.relative_to(root))
    lines = drop_blank(drop_damaged(read_lines(path), source, rejects, "listing"))
    value, name = r"(?P<value>[^;,]*?)", r"(?P<utterance>[^;,]*)\.wav"
    pattern = rf"^{name}\s*[;,]\s*{value};?$" if name_first else rf"^{value}\s*[;,]\s*{name};?$"
    parts = pc.extract_regex(lines.text, pattern=f"(?i){pattern}")
    faulty = to_numpy(parts.is_null())
    if faulty.sum() > max(1, LARGEST_REJECT_SHARE * len(faulty)):
        first = int(faulty.argmax())
        form = "MSP-PODCAST_0001_0008.wav;12" if name_first else "Test1;MSP-PODCAST_0001_0008.wav"
        raise UserError(
            f"{path}, line {lines.number[first]}: {int(faulty.sum())} of {len(faulty)} lines are not a file name with "
            f"its value, as in {form!r}, e.g. {lines.text[first].as_py()[:80]!r}; correct or remove the file."
        )
    rejects.lines(lines.number[faulty], "not a file name with its value; the line is cut or damaged", source, "listing")
    frame = pa.Table.from_struct_array(parts.filter(pa.array(~faulty))).to_pandas()
    frame = frame.assign(file=source, line=lines.number[~faulty])
    again = frame["utterance"].duplicated()
    rejects.lines(frame.loc[again, "line"], "the file is already listed; the first entry counts", source, "listing")
    return frame[~again].set_index("utterance")


def read_transcripts(root: Path, utterances: pd.Series, rejects: Rejects) -> pd.Series:
    """Return the text of each utterance from ``Transcripts/{utterance}.txt``; null where there is none.

    Args:
        root: The corpus' root.
        utterances: Ids.
        rejects: Receives unreadable files (stage ``transcript``).
    """
    folders = subfolders(root, ("transcripts", "transcript"))
    texts: list[str | None] = [None] * len(utterances)
    present = {path.name for path in folders[0].iterdir()} if folders else set()
    wanted = [(i, name) for i, name in enumerate(utterances) if f"{name}.txt" in present]
    for i, name in progress(wanted, "read transcripts", total=len(wanted), unit="file") if wanted else ():
        path = folders[0] / f"{name}.txt"
        fault = None
        try:
            text, whole = read_text(path)
            texts[i] = " ".join(text.split()) if whole else None
            fault = None if whole else "not UTF-8"
        except UserError:
            fault = "the file is empty or not text"
        if fault:
            rejects.add([name], "transcript", fault, str(path.relative_to(root)), [0])
    return pd.Series(texts, utterances.index, dtype="str")
