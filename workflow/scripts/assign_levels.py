"""Assign each utterance, in each deal, a level of ambiguity from its level votes.

The protocol selects the measure: their agreement, entropy or pattern. The published definition, `faithful`,
uses all votes instead and reserves none.
"""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.labels import levels
from scaling_ambiguity.labels.counting import deal_votes, human_votes, places
from scaling_ambiguity.labels.level_definitions import define
from scaling_ambiguity.labels.others import LEFT_OUT, NEVER_TESTED, test_parts
from scaling_ambiguity.tables.base import deal_columns
from scaling_ambiguity.tables.levels import AGREEMENT, LEVEL, LEVELS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Choose the edges on each fold's training part, assign the levels, report the result."""
    votes, roles, splits = VOTES.read(arguments.votes), ROLES.read(arguments.roles), SPLITS.read(arguments.splits)
    names = sorted(roles["utterance"].unique())
    classes = sorted(human_votes(votes)["label"].unique())
    definition = define(arguments.options, len(classes))
    wanted = definition.votes
    if wanted and (roles["level_votes"] != wanted).any():
        raise UserError(f"{arguments.roles}: the roles were not dealt with {wanted} level votes. Deal them again.")
    if not wanted:
        print("warning: levels from all votes, which are also conditioned on and predicted; edges from all utterances")
    measured = definition.measure(deal_votes(roles, votes, names, classes, str(arguments.roles)))
    values = measured.values
    tested = test_parts(splits, names, str(arguments.splits))
    if (tested == LEFT_OUT).any():
        print(f"{(tested == LEFT_OUT).sum()} utterances are left out of the splits and have no level")
    # whether an utterance has level votes depends only on its number of votes: the same in every deal
    has_level = ~np.isnan(values[0])
    # never tested: the first fold's edges
    home = np.where(tested == NEVER_TESTED, splits["fold"].min(), tested)
    level = np.full(values.shape, -1, dtype=np.int8)
    report = []
    place, part, folds = places(splits["utterance"], names), splits["part"].to_numpy(), splits["fold"].to_numpy()
    trains = (place >= 0) & (part == "train")
    for fold in np.unique(folds):
        training = (tested != LEFT_OUT) & definition.everyone
        training[place[trains & (folds == fold)]] = True
        here = home == fold
        if not (has_level & training).any():
            # three votes per utterance (IEMOCAP) cannot both decide a level and be predicted
            print(
                f"warning: no training utterance of fold {fold} has {wanted or 2} votes to spare: "
                "its levels are not known"
            )
            has_level &= ~here
            report.append({"fold": fold, "without_level": int(here.sum()), **dict.fromkeys(levels.LEVELS, 0)})
            continue
        edges = definition.edges(values[:, training & has_level].ravel(), f"fold {fold}")
        level[:, here & has_level] = definition.places(values[:, here & has_level], edges)
        sizes = {name: (level[:, here] == i).sum() / len(level) for i, name in enumerate(levels.LEVELS)}
        report.append(
            {"fold": fold, "lower_edge": edges[0], "upper_edge": edges[1], **sizes}
            | {"without_level": int((here & ~has_level).sum())}
            | {"reliability": levels.between_sets_correlation(*(half[:, here] for half in measured.halves))}
        )
        for name in (name for name, size in sizes.items() if size == 0):
            print(f"warning: fold {fold} has no utterance of {name} ambiguity; its rows will be absent")
    rows = has_level & (tested != LEFT_OUT)
    columns = {"utterance": np.array(names, dtype=object)[rows], "votes": np.full(rows.sum(), wanted, np.int16)}
    columns |= dict(zip(deal_columns(len(level), LEVEL), level[:, rows], strict=True))
    columns |= dict(zip(deal_columns(len(level), AGREEMENT), measured.agreement[:, rows], strict=True))
    LEVELS.write(pd.DataFrame(columns).astype({"utterance": "str"}), arguments.output)
    report_columns = ["fold", "lower_edge", "upper_edge", *levels.LEVELS, "without_level", "reliability"]
    write_csv(pd.DataFrame(report, columns=report_columns), arguments.thresholds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="assign_levels.py", description=__doc__)
    parser.add_argument("--roles", required=True)
    parser.add_argument("--votes", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--thresholds", required=True)
    cli.run(main, parser)
