"""Assign each utterance, in each deal, a level of ambiguity from the agreement of its level votes."""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.labels import levels
from scaling_ambiguity.labels.counting import deal_votes, human_votes
from scaling_ambiguity.labels.others import test_parts
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Choose the edges on each fold's training part, assign the levels, report what came out."""
    wanted, definition = arguments.options["votes"], arguments.options["definition"]
    if definition != "agreement":
        raise UserError(f"protocols.*.levels.definition: {definition!r} is unknown; expected 'agreement'.")
    votes, roles, splits = VOTES.read(arguments.votes), ROLES.read(arguments.roles), SPLITS.read(arguments.splits)
    names = sorted(roles["utterance"].unique())
    classes = sorted(human_votes(votes)["label"].unique())
    dealt = deal_votes(roles, votes, names, classes, str(arguments.roles))
    counts = dealt.in_role("level")
    has_level = counts.sum(axis=-1) > 0
    if not (counts.sum(axis=-1)[has_level] == wanted).all() or not has_level.any():
        raise UserError(f"{arguments.roles}: the roles were not dealt with {wanted} level votes. Deal them again.")
    agreement = np.where(has_level, levels.pairwise_agreement(counts), np.nan)
    rest = levels.pairwise_agreement(dealt.count(dealt.role != "level"))
    tested = test_parts(splits, names, str(arguments.splits))
    home = np.where(tested >= 0, tested, splits["fold"].min())  # never tested: the first fold's edges
    level = np.full(agreement.shape, "", dtype=object)
    report = []
    for fold, part in splits.groupby("fold"):
        training = pd.Index(names).isin(part.loc[part["part"] == "train", "utterance"])
        values = agreement[:, training]
        if not has_level[:, training].any():
            raise UserError(f"{arguments.roles}: no training utterance of fold {fold} has {wanted} votes to spare.")
        edges = levels.choose_edges(values[~np.isnan(values)], wanted, len(classes))
        mine = has_level & (home == fold)
        level[mine] = levels.level_of(agreement[mine], edges)
        here = home == fold
        sizes = {name: (level[:, here] == name).sum() / len(level) for name in levels.LEVELS}
        report.append(
            {"fold": fold, "lower_edge": edges[0], "upper_edge": edges[1], **sizes}
            | {"without_level": int(here.sum() - has_level[0, here].sum())}
            | {"reliability": levels.between_sets_correlation(agreement[:, here], rest[:, here])}
        )
        for name in (name for name, size in sizes.items() if size == 0):
            print(f"warning: fold {fold} has no utterance of {name} ambiguity; its rows will be absent")
    deal, utterance = np.nonzero(has_level)
    frame = pd.DataFrame({"utterance": np.array(names, dtype=object)[utterance], "deal": deal})
    frame["level"], frame["agreement"], frame["votes"] = level[has_level], agreement[has_level], int(wanted)
    LEVELS.write(frame, arguments.output)
    write_csv(pd.DataFrame(report), arguments.thresholds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="assign_levels.py", description=__doc__)
    parser.add_argument("--roles", required=True)
    parser.add_argument("--votes", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--thresholds", required=True)
    cli.run(main, parser)
