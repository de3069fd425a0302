"""The conversations of IEMOCAP, from ``Session*/dialog/transcriptions``.

A turn is ``Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.``: id, start and end in seconds, words. Turns that
the corpus does not label (``..._FXX0``) count, since they were spoken; lines without a time are not turns.
"""

import re
from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.folders import contents, existing
from scaling_ambiguity.corpora.label_files import read_lines
from scaling_ambiguity.errors import UserError

TURN = re.compile(r"((Ses\d\d)[FM]_\w+_([FM])\w+)\s+\[([\d.]+)\s*-\s*[\d.]+\]:\s*(.*)")
COLUMNS = ["dialogue", "place", "utterance", "speaker", "start", "transcript"]


def turns(root: Path) -> tuple[pd.DataFrame, int]:
    """Return the turns table below ``root``, and the number of lines that are not turns.

    The order is that of the starting times, then of the lines. Of an id that occurs twice the first line counts,
    as for the transcript of the utterance.

    Args:
        root: The folder that holds the sessions.

    Raises:
        UserError: There is no transcription.
    """
    files = sorted(
        path for path in existing(root).glob("Session*/dialog/transcriptions/*.txt") if not path.name.startswith(".")
    )
    if not files:
        raise UserError(
            f"{root}: no Session*/dialog/transcriptions/*.txt, but {contents(root)}; extract the transcriptions "
            "there, or set the annotator's context to 0."
        )
    rows, other = [], 0
    for path in files:
        lines = read_lines(path)
        by_id: dict[str, tuple] = {}
        for damaged, line in zip(lines.damaged, lines.text.to_pylist(), strict=True):
            turn = None if damaged else TURN.fullmatch(line)
            if turn is None or turn[1] in by_id:
                other += bool(line)
                continue
            by_id[turn[1]] = (float(turn[4]), f"{turn[2]}{turn[3]}", turn[5])
        spoken = sorted(by_id.items(), key=lambda item: item[1][0])
        rows += [
            (path.stem, place, name, speaker, start, words)
            for place, (name, (start, speaker, words)) in enumerate(spoken)
        ]
    return pd.DataFrame(rows, columns=COLUMNS), other
