"""Result of the recovery study: whether an interval of the exchange rate covers in a design and may be reported."""

from pathlib import Path

import pandas as pd

from scaling_ambiguity.inference.exchange_losses import WHOLE

LEAST_COVERAGE = 0.94  # of a nominal 95 % interval; the upper 99 % Monte-Carlo limit of the coverage has to reach it


def covers(table: pd.DataFrame) -> pd.Series:
    """Return whether each row of the study may have a coverage of 94 % or more: its upper limit reaches it."""
    return table["high"] >= LEAST_COVERAGE


def nearest_speakers(table: pd.DataFrame, speakers: int) -> int:
    """Return the largest number of speakers in the study that a corpus reaches, or else the smallest."""
    sizes = table["speakers"]
    return int(sizes[sizes <= speakers].max() if (sizes <= speakers).any() else sizes.min())


def calibrated_refused(path: Path | str, speakers: int) -> bool:
    """Return whether calibrated intervals are known to undercover with this many speakers; print why if so.

    They are if, at the nearest number of speakers, the upper 99 % limit of the coverage of some calibrated proxy
    is below 94 %.

    Args:
        path: Table of validate_recovery, CSV.
        speakers: Speakers of the corpus.
    """
    table = pd.read_csv(path)
    number = nearest_speakers(table, speakers)
    rows = table[(table["speakers"] == number) & (table["stratum"] == WHOLE)]
    rows = rows[rows["proxy"].str.startswith("calibrated")]
    short = rows[~covers(rows)]
    if short.empty:
        return False
    worst = short.loc[short["coverage"].idxmin()]
    print(
        f"calibrated: no interval is given; it covers {worst['coverage']:.1%} instead of 95 % "
        f"({worst['proxy']}, {number} speakers, {path})"
    )
    return True
