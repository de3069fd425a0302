"""Score synthetic votes against held-out human votes, with floors and ceilings, overall and by level."""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference import alignment, crossed
from scaling_ambiguity.inference.alignment_rows import Rows
from scaling_ambiguity.inference.ceilings import equal_counts, leave_one_out
from scaling_ambiguity.inference.draws import draw_table
from scaling_ambiguity.inference.validity import across_raters, refuse
from scaling_ambiguity.labels.counting import deal_votes, human_counts, synthetic_counts
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.levels import level_places, report_rows
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.labels.others import LEFT_OUT, class_prior, from_others, test_parts
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Score every predictor in every deal, average over deals, and add intervals."""
    options, votes = arguments.options, VOTES.read(arguments.votes)
    table, roles = UTTERANCES.read(arguments.utterances), ROLES.read(arguments.roles)
    predictors = read_predictors(arguments, votes, roles, table["utterance"].tolist())
    speakers, raters = table["speaker"].to_numpy(str), predictors.dealt.raters
    refuse(arguments.validity, THESE, options["interval"], len(set(speakers)), raters)
    of_level = level_places(LEVELS.read(arguments.levels), table["utterance"].tolist(), str(arguments.levels))
    rows = Rows(
        predictors, of_level[:, predictors.keep], speakers[predictors.keep], options,
        {"corpus": arguments.corpus, "protocol": arguments.protocol}, arguments.seed,
    )  # fmt: skip
    rows.add_scores(arguments.classes)
    rows.add_leave_one_out(leave_one_out(predictors.dealt, predictors.keep, predictors.a, options["smoothing"]))
    rows.add_equal_counts(
        *equal_counts(predictors.dealt, predictors.keep, predictors.draws, predictors.names, arguments.seed)
    )
    if across_raters(arguments.validity, len(set(speakers)), raters):
        rows.add_raters_like_these()
    elif not crossed.enough(raters):
        print(f"no intervals for raters like these: they need {crossed.MINIMUM_RATERS} identified raters")
    common = {"corpus": arguments.corpus, "protocol": arguments.protocol}
    levels = [common | row for row in report_rows(pd.read_csv(arguments.thresholds))]
    STATISTICS.write(statistics_frame(rows.adjusted() + levels), arguments.output)


def read_predictors(
    arguments: argparse.Namespace, votes: pd.DataFrame, roles: pd.DataFrame, names: list[str]
) -> alignment.Predictors:
    """Return the predictors of the reference votes, for the utterances that have reference votes."""
    classes = arguments.classes
    dealt = deal_votes(roles, votes, names, classes, str(arguments.roles))
    part = test_parts(SPLITS.read(arguments.splits), names, str(arguments.splits))
    inside = part != LEFT_OUT
    keep = inside & alignment.scorable(dealt)
    if not keep.any():
        raise UserError(f"{arguments.votes}: no utterance has two votes or more; nothing can be held out.")
    print(f"{keep.sum()} of {len(names)} utterances have both conditioning and reference votes")
    # fitted on the speakers of the other test parts, which the models of that fold may also use
    _, part = np.unique(part[inside], return_inverse=True)
    human = human_counts(votes, names, classes, str(arguments.votes))[inside]
    proxies = PROXIES.read(arguments.proxies)
    synthetic = synthetic_counts(proxies, names, classes, str(arguments.proxies))[keep]
    silent = int((synthetic.sum(axis=1) == 0).sum())
    if silent:
        print(f"{silent} utterances have no valid synthetic vote; their prediction is uniform")
    return alignment.Predictors(
        dealt=dealt, keep=keep, names=[name for name, kept in zip(names, keep, strict=True) if kept],
        own=str(Labels("synthetic", arguments.annotator)), synthetic=synthetic,
        draws=draw_table(proxies, names, classes, str(arguments.proxies))[keep],
        prior=from_others(human, part, class_prior)[keep[inside]],
        a=from_others(human, part, fit_dirichlet_multinomial)[keep[inside]], seed=arguments.seed,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="align_votes.py", description=__doc__)
    for name in ("corpus", "annotator", "protocol", "votes", "proxies", "roles", "levels", "utterances", "splits"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--thresholds", required=True, help="edges and reliability of the levels, CSV of assign_levels")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
