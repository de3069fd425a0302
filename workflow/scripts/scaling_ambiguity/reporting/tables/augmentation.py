"""The training part of a fold before and after each augmentation: by class, by bin, and its distance from balance."""

import numpy as np
import pandas as pd

from scaling_ambiguity.augmentation.balancing import shares_of
from scaling_ambiguity.augmentation.simplex_bins import make_bins
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.metrics.divergences import total_variation
from scaling_ambiguity.reporting.naming import escape_latex
from scaling_ambiguity.reporting.tables.booktabs import tabular
from scaling_ambiguity.reporting.text import number
from scaling_ambiguity.tables.base import class_columns


def augmentation_table(
    labels: pd.DataFrame, arms: dict[str, pd.DataFrame], classes: list[str]
) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the counts behind it, one column per arm.

    All arms are counted in the same classes and bins of three levels, whatever they balanced themselves. The distance
    is the total variation, in [0, 1], to equal shares of the classes or bins with a training item.

    Args:
        labels: Label table of the training part.
        arms: Items tables, by the name of the augmentation.
        classes: The class set, in order.

    Raises:
        UserError: There is no training item or no augmentation.
    """
    if labels.empty or not arms:
        raise UserError("tab_augmentation: no training item or no augmented folder to count. Check labels, fold, run.")
    columns = class_columns(classes)
    original = labels[columns].to_numpy(dtype=np.float64)
    body: list = []
    shown = []
    for title, kind in (("dominant class", {"bins": "class"}), ("bin", {})):
        bins = make_bins(kind, original, classes, "tab_augmentation")
        before = bins.count(original)
        after = {name: before + bins.count(items[columns].to_numpy(dtype=np.float64)) for name, items in arms.items()}
        counts = {"none": before, **after}
        body.append(f"training items by {title}")
        for place, name in enumerate(bins.names):
            body.append(
                [escape_latex(name.replace("_", " ")), *(str(int(values[place])) for values in counts.values())]
            )
        equal = shares_of((before > 0).astype(float))
        far = {name: float(total_variation(shares_of(values), equal)) for name, values in counts.items()}
        body.append(["distance from balance", *(number(value) for value in far.values())])
        for name, values in counts.items():
            rows = pd.DataFrame({"augmentation": name, "by": title, "value": bins.names, "items": values})
            shown.append(rows.assign(distance=far[name]))
    body.append("what was made")
    made = [len(items) for items in arms.values()]
    parents = [items["parents"].astype("str").str.split("|") for items in arms.values()]
    body.append(["items", "0", *map(str, made)])
    body.append(["of two parents", "0", *(str(int((pair.str.len() == 2).sum())) for pair in parents)])
    body.append(["different parents", "0", *(str(pair.explode().nunique()) for pair in parents)])
    head = ["", *(escape_latex(name.replace("_", " ")) for name in ("none", *arms))]
    return tabular("l" + "r" * (len(head) - 1), head, body), pd.concat(shown, ignore_index=True)
