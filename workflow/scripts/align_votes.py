"""Score synthetic votes against held-out human votes, with floors and ceilings, overall and by level."""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference import alignment, crossed
from scaling_ambiguity.inference.alignment_rows import Rows
from scaling_ambiguity.inference.ceilings import equal_counts, leave_one_out
from scaling_ambiguity.inference.study import Study, study_parser
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.levels import report_rows
from scaling_ambiguity.labels.others import LEFT_OUT, class_prior, from_others, test_parts
from scaling_ambiguity.tables.splits import SPLITS


def main(arguments: argparse.Namespace) -> None:
    """Score every predictor in every deal, average over deals, and add intervals."""
    study = Study(arguments)
    predictors = read_predictors(arguments, study)
    keep, raters = predictors.keep, predictors.dealt.raters
    study.refuse_uncovered(raters)
    rows = Rows(predictors, study.level_places()[:, keep], study.speakers[keep], study.options, study.seed)
    rows.add_scores(study.classes)
    smoothing = study.options["smoothing"]
    rows.add_leave_one_out(leave_one_out(predictors.dealt, keep, predictors.a, smoothing))
    rows.add_equal_counts(*equal_counts(predictors.dealt, keep, predictors.draws, predictors.names, study.seed))
    if study.across_raters(raters):
        rows.add_raters_like_these()
    elif not crossed.enough(raters):
        print(f"no intervals for raters like these: they need {crossed.MINIMUM_RATERS} identified raters")
    study.write(rows.adjusted() + report_rows(pd.read_csv(arguments.thresholds)), protocol=arguments.protocol)


def read_predictors(arguments: argparse.Namespace, study: Study) -> alignment.Predictors:
    """Return the predictors of the reference votes, for the utterances that have reference votes."""
    part = test_parts(SPLITS.read(arguments.splits), study.names, str(arguments.splits))
    inside = part != LEFT_OUT
    keep = inside & alignment.scorable(study.dealt)
    if not keep.any():
        raise UserError(f"{arguments.votes}: no utterance has two votes or more; nothing can be held out.")
    print(f"{keep.sum()} of {len(study.names)} utterances have both conditioning and reference votes")
    # fitted on the speakers of the other test parts, which the models of that fold may also use
    _, part = np.unique(part[inside], return_inverse=True)
    human, synthetic = study.counts[inside], study.synthetic[keep]
    silent = int((synthetic.sum(axis=1) == 0).sum())
    if silent:
        print(f"{silent} utterances have no valid synthetic vote; their prediction is uniform")
    return alignment.Predictors(
        dealt=study.dealt, keep=keep, names=study.chosen(keep), own=study.annotator, synthetic=synthetic,
        draws=study.draws[keep],
        prior=from_others(human, part, class_prior)[keep[inside]],
        a=from_others(human, part, fit_dirichlet_multinomial)[keep[inside]], seed=study.seed,
    )  # fmt: skip


if __name__ == "__main__":
    parser = study_parser(__doc__, "annotator", "protocol", "proxies", "roles", "levels", "splits")
    parser.add_argument("--thresholds", required=True, help="edges and reliability of the levels, CSV of assign_levels")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    cli.run(main, parser)
