"""Make a balanced evaluation split of real test items, by weighting and by subsampling.

Class, level, bin and weight of an item come from its level votes alone; its reference votes are not used.
"""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.augmentation.balanced_table import BALANCED, BIN, KEPT, WEIGHT
from scaling_ambiguity.augmentation.evaluation_split import LEAST, balance, group_report, size_report
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.labels.counting import deal_votes
from scaling_ambiguity.labels.levels import level_places
from scaling_ambiguity.labels.others import test_parts
from scaling_ambiguity.tables.base import deal_columns
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Weight the test items of all folds together, and report the sizes."""
    unknown = sorted(set(arguments.options) - {"by", "least"})
    if unknown:
        raise UserError(f"balanced evaluation: unknown option {unknown[0]!r}; it reads by and least.")
    roles, levels = ROLES.read(arguments.roles), LEVELS.read(arguments.levels)
    if (levels["votes"] == 0).any():
        raise UserError(
            f"{arguments.levels}: these levels use all votes, including the predicted ones. Balance the evaluation "
            "of a protocol whose levels have their own votes: definition agreement, entropy or pattern."
        )
    names = sorted(roles["utterance"].unique())
    tested = test_parts(SPLITS.read(arguments.splits), names, arguments.splits) >= 0
    dealt = deal_votes(roles, VOTES.read(arguments.votes), names, arguments.classes, arguments.roles).of(tested)
    test = [name for name, inside in zip(names, tested, strict=True) if inside]
    places = level_places(levels, names, arguments.levels)[:, tested]
    if len(places) != dealt.shape[0]:
        raise UserError(f"{arguments.levels}: {len(places)} deals, the roles have {dealt.shape[0]}. Assign them again.")
    balanced = balance(
        dealt.in_role("level"),
        places,
        test,
        arguments.classes,
        by=arguments.options.get("by", "bin"),
        least=arguments.options.get("least", LEAST),
        seed=arguments.seed,
    )
    if balanced.lacking:
        print(f"no balanced evaluation: {balanced.lacking}")
    columns = {"utterance": np.array(test, dtype=object)}
    for prefix, values, kind in (
        (BIN, balanced.bin, np.int16),
        (WEIGHT, balanced.weight, float),
        (KEPT, balanced.kept, np.int8),
    ):
        columns |= dict(zip(deal_columns(len(values), prefix), values.astype(kind), strict=True))
    sizes = size_report(balanced)
    BALANCED.write(pd.DataFrame(columns).astype({"utterance": "str"}), arguments.output)
    write_csv(group_report(balanced), arguments.summary)
    write_csv(sizes, arguments.sizes)
    mean = sizes.mean()
    print(
        f"{mean['used']:.1f} of {mean['items']:.0f} test items, effective {mean['effective']:.1f}, "
        f"subsample {mean['subsample']:.1f} (means over {len(sizes)} deals)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roles", required=True)
    parser.add_argument("--votes", required=True)
    parser.add_argument("--levels", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--classes", required=True, type=cli.name_list)
    parser.add_argument("--options", required=True, type=cli.json_value, help="by and least, as JSON")
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, help="table of weights")
    parser.add_argument("--summary", required=True, help="CSV, one row per group")
    parser.add_argument("--sizes", required=True, help="CSV, one row per deal")
    cli.run(main, parser)
