"""What the label files of MSP-Podcast and MSP-IMPROV share: the label words and the lines of a vote.

A vote on a line: ``rater; primary; secondary; A:4.000000; V:4.000000; D:3.000000;`` with the
secondary labels separated by commas, or absent, or empty. Free text of a label ``Other-...``
may itself hold semicolons, commas, quotes and brackets.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scaling_ambiguity.corpora.accounting import Rejects
from scaling_ambiguity.corpora.found import Parsed
from scaling_ambiguity.corpora.label_files import Lines, drop_damaged, read_lines, to_numpy

PRIMARY = ("angry", "sad", "happy", "surprise", "fear", "disgust", "contempt", "neutral")
SECONDARY = ("amused", "frustrated", "depressed", "concerned", "disappointed", "excited", "confused", "annoyed")
WORDS = {word: word for word in (*PRIMARY, *SECONDARY)} | {"dissapointed": "disappointed"}
OTHER = re.compile(r"other(?![a-z])", re.IGNORECASE)
# the shortest label text that is followed by ratings only
VOTE = r"^(?P<rater>[^;]*?)\s*;\s*(?P<labels>.*?)\s*;(?P<ratings>(?:\s*[AVDN]:[^;]*;)*)$"
RATINGS = {"arousal": "A", "valence": "V", "dominance": "D", "naturalness": "N"}
CUT = "not a vote (rater; label; ...;); the line is cut or damaged"


def _word(text: str) -> str | None:
    return "other" if OTHER.match(text) else WORDS.get(text.casefold())


def primary_labels(text: str) -> Parsed:
    """Return the one label of a primary field: one of eight words, or other for free text ``Other-...``."""
    text = text.strip()
    word = _word(text)
    return [(word if word in (*PRIMARY, "other") else None, text)] if text else []


def secondary_labels(text: str) -> Parsed:
    """Return the labels of a secondary field; text after a comma belongs to the ``Other-...`` before it."""
    labels: Parsed = []
    for piece in text.split(","):
        piece = piece.strip()
        word = _word(piece)
        if word is None and labels and labels[-1][0] == "other":
            labels[-1] = ("other", f"{labels[-1][1]}, {piece}")
        elif piece:
            labels.append((word, piece))
    return labels


def split_fields(text: str) -> tuple[str, str]:
    """Return (primary, secondary) of ``primary; secondary``, either of which may hold semicolons.

    A plain primary word ends at its semicolon. Otherwise the last semicolon counts that is followed by
    nothing, by a known word or by ``Other``.
    """
    pieces = text.split(";")
    if pieces[0].strip().casefold() in (*PRIMARY, ""):
        return pieces[0].strip(), ";".join(pieces[1:]).strip()
    for cut in range(len(pieces) - 1, 0, -1):
        rest = ";".join(pieces[cut:])
        if not rest.strip() or _word(rest.split(",")[0].strip()):
            return ";".join(pieces[:cut]).strip(), rest.strip()
    return text.strip(), ""


def read_votes(text: pa.LargeStringArray) -> tuple[pd.DataFrame, np.ndarray]:
    """Return (rater, primary, secondary and ratings of the lines that are votes, which lines are not)."""
    parts = pc.extract_regex(text, pattern=VOTE)
    faulty = to_numpy(parts.is_null())
    frame = pa.Table.from_struct_array(parts.filter(pa.array(~faulty))).to_pandas()
    codes, distinct = pd.factorize(frame.pop("labels"))
    fields = [split_fields(labels) for labels in distinct]
    for i, name in enumerate(("primary", "secondary")):
        column = pa.array([pair[i] for pair in fields], pa.large_string()).take(pa.array(codes))
        frame[name] = column.to_pandas()
    return frame, faulty


def read_blocks(path: Path, suffix: str, source: str, rejects: Rejects) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (headers, votes) of a text file of blocks, separated by blank lines.

    The first line of a block starts with a file name, the lines below it are votes. A line that is not a vote, or has
    no utterance above it in its block, goes to the rejects, so that a damaged header never assigns its votes to the
    preceding utterance.

    Args:
        path: The file.
        suffix: Ending of the file names in it, e.g. ``wav``.
        source: Its name in the rejects.
        rejects: Receives faulty lines.

    Raises:
        UserError: The file is missing, empty or not text.
    """
    lines = drop_damaged(read_lines(path), source, rejects)
    blank = to_numpy(pc.equal(lines.text, ""))
    header = to_numpy(pc.match_substring_regex(lines.text, rf"(?i)^[^;]*\.{suffix}\s*(;|$)"))
    names = pc.extract_regex(lines.text.filter(pa.array(header)), pattern=rf"(?i)^(?P<name>[^;]*)\.{suffix}\s*(?:;|$)")
    names = pc.struct_field(names, "name").to_pandas()
    at = np.arange(len(blank))
    last_header, last_blank = (np.maximum.accumulate(np.where(mask, at, -1)) for mask in (header, blank))
    below = last_header > last_blank
    wanted = ~blank & ~header
    rejects.lines(lines.number[wanted & ~below], "no utterance is named above this line in its block", source)
    votes, faulty, number = _votes_below(lines, wanted & below)
    rejects.lines(number[faulty], CUT, source)
    owner = (np.cumsum(header) - 1)[wanted & below][~faulty]
    votes = votes.assign(utterance=names.take(owner).to_numpy(), line=number[~faulty], file=source)
    headers = pd.DataFrame({"utterance": names, "line": lines.number[header]}).assign(file=source)
    return headers, votes


def _votes_below(lines: Lines, chosen: np.ndarray) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    chosen_lines = lines[chosen]
    return *read_votes(chosen_lines.text), chosen_lines.number


def rating_columns(ratings: pd.Series) -> pd.DataFrame:
    """Return arousal, valence, dominance and naturalness from texts ``A:4.0; V:NaN; D:;``; NaN where absent."""
    text = pa.array(ratings, pa.large_string())
    columns = {}
    for name, letter in RATINGS.items():
        matches = pc.extract_regex(text, pattern=rf"(?:^|;)\s*{letter}:(?P<value>[^;]*);")
        columns[name] = pd.to_numeric(pc.struct_field(matches, "value").to_pandas(), errors="coerce")
    return pd.DataFrame(columns, index=ratings.index).astype(float)
