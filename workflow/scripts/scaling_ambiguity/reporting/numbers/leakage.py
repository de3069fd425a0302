"""Numbers about the overlap between the parts of a fold: sound, speakers, transcripts."""

from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.text import count, joined
from scaling_ambiguity.reporting.words import several

COLUMNS = ["fold", "kind", "compared", "sets", "across", "test", "examples"]


def add_leakage(numbers: Numbers, path: str) -> None:
    r"""Define ``leakage.*`` from the counts of report_leakage, and the switch ``soundcompared``.

    ``leakage.speaker`` and ``leakage.transcript`` are how many are in several parts of a fold,
    ``leakage.audio`` the sets of byte-identical files, where hashes were at hand.
    """
    frame = pd.read_csv(path, keep_default_na=False)
    if list(frame.columns) != COLUMNS or not {"audio", "speaker", "transcript"} <= set(frame["kind"]):
        raise UserError(f"{path}: expected the columns {COLUMNS} and a row a fold and kind; re-run report_leakage.")
    for kind in ("speaker", "transcript"):
        of_kind = frame[frame["kind"] == kind]
        least, most, compared = (
            int(of_kind["across"].min()),
            int(of_kind["across"].max()),
            int(of_kind["compared"].max()),
        )
        text = several(least, most, kind if compared else f"known {kind}")
        common: dict[str, Any] = {
            "file": path,
            "column": "across",
            "rows": {"kind": kind},
            "function": "max",
            "n": compared,
        }
        numbers.value(f"leakage.{kind}", most, text, **common)
    sound = frame[frame["kind"] == "audio"]
    compared = int(sound["compared"].max())
    numbers.switch("soundcompared", compared > 0)
    if compared:
        row = sound.loc[sound["sets"].idxmax()]
        common = {"file": path, "column": "sets", "rows": {"kind": "audio"}, "function": "max", "n": compared}
        text = _sets(row, int(sound["across"].min()), int(sound["across"].max()))
        numbers.value("leakage.compared", compared, count(compared), **(common | {"column": "compared"}))
        numbers.value("leakage.audio", int(row["sets"]), text, **common)


def _sets(row: pd.Series, least: int, most: int) -> str:
    """Return how many sets of identical files there are, which, and how many are across parts."""
    number = int(row["sets"])
    if not number:
        return "none"
    groups = str(row["examples"]).split("; ")
    names = "; ".join(joined([rf"\path{{{name}}}" for name in group.split()]) for group in groups)
    names = names if len(groups) == number else f"e.g. {names}"
    return f"{several(number, number, 'set')} ({names}), {several(least, most, 'set')} across parts"
