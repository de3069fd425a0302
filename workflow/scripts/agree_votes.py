"""Measure how far people agree, what changes when the synthetic rater joins them, and whether it may replace one.

All draws of one ALM are one rater. Agreement has intervals over speakers; the alternative annotator test is shown
next to a constant answer and draws from the class prior, without which it is not informative.
"""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.inference.agreement import METRICS, agreement_intervals, moments
from scaling_ambiguity.inference.alt_test import EPSILON, AltTest, alt_test, applicable
from scaling_ambiguity.inference.draws import draw_class, uniforms
from scaling_ambiguity.inference.study import Study, study_parser
from scaling_ambiguity.labels.counting import codes, frequencies, human_votes, whole_votes
from scaling_ambiguity.labels.dawid_skene import ANONYMOUS, ballots, fit
from scaling_ambiguity.metrics.arrays import modes
from scaling_ambiguity.tables.statistics import NOT_IDENTIFIABLE, THESE

LEAST_VOTES = 20  # minimum number of votes of a rater whose matrix is written


def main(arguments: argparse.Namespace) -> None:
    """Estimate the agreement of people, with and without the synthetic rater, and test the latter."""
    study = Study(arguments)
    rows = agreement_rows(study)
    why = applicable(study.votes, str(arguments.votes))
    if why:
        print(f"alternative annotator test: not applicable, {why}")
        rows.append({"labels": "human", "metric": "alt_test_winning_rate", "method": "not_applicable"})
    else:
        rows += [row for labels, outcome in candidates(study).items() for row in alt_rows(labels, outcome)]
    rows += confusion_rows(study, str(arguments.votes))
    study.write(rows, stratum="all", reference="human", population=THESE)


def agreement_rows(study: Study) -> list[dict]:
    """Return the agreement of people alone, and with the synthetic rater, whose vote is the share of its draws."""
    whole = whole_votes(study.counts)
    if not whole.all():
        print(f"{(~whole).sum()} utterances have votes that name several labels; they are left out here")
    keep = whole & (study.counts.sum(axis=1) >= 2) & (study.synthetic.sum(axis=1) > 0)
    both = {"human": None, f"human+{study.annotator}": frequencies(study.synthetic)[keep]}
    if not keep.any():
        print("agreement is not identifiable: no utterance has two whole votes and a synthetic one")
        unknown = {"method": NOT_IDENTIFIABLE}
        return [unknown | {"labels": labels, "metric": metric} for labels in both for metric in METRICS]
    rows = []
    for labels, joined in both.items():
        intervals = agreement_intervals(moments(study.counts[keep], joined), study.speakers[keep], **study.settings)
        common = {"labels": labels, "method": study.settings["method"]}
        rows += [common | {"metric": metric} | value.row(0) for metric, value in intervals.items()]
    return rows


def confusion_rows(study: Study, where: str) -> list[dict]:
    """Return Dawid and Skene's matrices of people, of the ALM and of each rater with enough votes, entry by entry.

    Stratum: the class of the utterance; metric: the label given to it; labels: the one who gives it.
    """
    cast = ballots(study.votes, study.proxies, study.names, study.classes, where)
    fitted = fit(cast)
    given = np.bincount(cast.rater, cast.weight, minlength=len(cast.raters))
    shown = {"people": (fitted.groups[0], given[cast.group == 0].sum())}
    for r, name in enumerate(cast.raters):
        if cast.group[r]:
            shown[study.annotator] = fitted.matrix[r], given[r]
        elif given[r] >= LEAST_VOTES and name != ANONYMOUS:
            shown[f"rater {name}"] = fitted.matrix[r], given[r]
    return [
        {"labels": labels, "stratum": f"class={kind}", "metric": f"called_{label}", "reference": "none",
         "estimate": matrix[k, c], "n": round(number), "method": "dawid_skene"}
        for labels, (matrix, number) in shown.items()
        for k, kind in enumerate(study.classes)
        for c, label in enumerate(study.classes)
    ]  # fmt: skip


def candidates(study: Study) -> dict[str, AltTest]:
    """Return the outcome of one draw of the ALM, of the mode of its draws, of a constant and of the class prior.

    Where several classes have the most votes, one of them is drawn by the utterance's own random number.
    """
    names, classes, counts, synthetic = study.names, study.classes, study.counts, study.synthetic
    human = human_votes(study.votes)
    item = codes(human["utterance"], names, "utterance", "votes")
    label = codes(human["label"], classes, "label", "votes")
    rater = pd.factorize(human["rater"])[0]
    answered = synthetic.sum(axis=1) > 0
    prior = counts.sum(axis=0) / counts.sum()
    luck, ties = (uniforms(study.seed, what, names, 1)[:, 0] for what in ("alternative annotator", "mode ties"))
    given = {
        study.annotator: study.draws[:, 0],
        f"{study.annotator}-mode": np.where(answered, draw_class(modes(synthetic), ties), -1),
        "constant": np.full(len(names), draw_class(modes(prior[None]), ties[:1])[0]),
        "prior": draw_class(prior[None], luck),
    }
    return {name: alt_test(item, label, rater, candidate, len(classes)) for name, candidate in given.items()}


def alt_rows(labels: str, outcome: AltTest) -> list[dict]:
    """Return winning rate and advantage as rows; the method names the margin."""
    common = {"labels": labels, "n": outcome.items, "n_clusters": outcome.raters, "method": f"alt_test_{EPSILON:g}"}
    return [
        common | {"metric": "alt_test_winning_rate", "estimate": outcome.winning_rate},
        common | {"metric": "alt_test_advantage", "estimate": outcome.advantage},
    ]


if __name__ == "__main__":
    cli.run(main, study_parser(__doc__, "annotator", "proxies"))
