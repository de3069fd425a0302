"""Further strata of the evaluation: the balanced split, the class of the level votes, conflict, levels of factors."""

from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.augmentation.balanced_table import BIN, KEPT, WEIGHT
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.strata import Stratum
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.tables.base import deal_columns

BALANCED, SUBSAMPLE = "balanced", "balanced_subsample"
CONFLICT = "conflict"
AGAIN = "Rebuild it with balance_evaluation."


def balanced_strata(
    table: pd.DataFrame, names: list[str], deals: int, classes: list[str], where: str | Path
) -> list[Stratum]:
    """Return the weighted and the subsampled balanced split, and one stratum per class.

    The weights of a deal come from its level votes and are applied to the losses against the reference
    votes of the same deal: another deal's reference votes contain them. The class is the one that most level
    votes name; its utterances are judged by the votes that did not decide it.

    Args:
        table: Output of balance_evaluation.
        names: The U tested utterances.
        deals: Number of deals D.
        classes: The class set, in order.
        where: The table's file, for messages.

    Raises:
        UserError: The table lacks or adds an utterance or a deal, or has a bin beyond the classes.
    """
    wrong = sorted(set(names) ^ set(table["utterance"]))
    if wrong:
        raise UserError(f"{where}: not the tested utterances (see {wrong[0]}). {AGAIN}")
    columns = {kind: deal_columns(deals, kind) for kind in (BIN, WEIGHT, KEPT)}
    tabulated = sum(name.startswith(WEIGHT) for name in table)
    if tabulated != deals:
        raise UserError(f"{where}: {tabulated} deals, the roles have {deals}. {AGAIN}")
    rows = table.set_index("utterance").loc[names]
    bins, weight, kept = (rows[columns[kind]].to_numpy(dtype=float).T for kind in (BIN, WEIGHT, KEPT))
    top = np.where(bins >= 0, bins // len(LEVELS), -1)
    if top.max(initial=-1) >= len(classes):
        raise UserError(f"{where}: bin {int(bins.max())} is of no class of {classes}. {AGAIN}")
    strata = [
        Stratum(name, "balanced", values, "reference", sized=True)
        for name, values in ((BALANCED, weight), (SUBSAMPLE, kept))
        if values.any()  # too few test items with level votes to balance
    ]
    return strata + [
        Stratum(f"class={label}", "class", (top == place) * 1.0, "fair") for place, label in enumerate(classes)
    ]


def factor_strata(factors: dict[str, np.ndarray], deals: int) -> list[Stratum]:
    """Return one stratum per level of each factor, such as ``group=deep``, judged by all human votes.

    Args:
        factors: Levels as text by factor, (U,) each; "" where it is not known.
        deals: Number of deals D.
    """
    return [
        Stratum(f"{name}={level}", name, np.tile((values == level) * 1.0, (deals, 1)), "all")
        for name, values in factors.items()
        for level in sorted(set(values) - {""})
    ]


def conflict_strata(places: np.ndarray) -> list[Stratum]:
    """Return one stratum per third of the conflict between two presentations that has an utterance.

    They are judged by the votes that did not decide it: the level votes did, and votes that are never scored.

    Args:
        places: (D, U), index in ``LEVELS``, -1 where the conflict is not known.
    """
    return [
        Stratum(f"{CONFLICT}={level}", CONFLICT, (places == place) * 1.0, "fair")
        for place, level in enumerate(LEVELS)
        if (places == place).any()
    ]
