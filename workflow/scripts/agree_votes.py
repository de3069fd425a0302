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
from scaling_ambiguity.inference.draws import draw_class, draw_table, uniforms
from scaling_ambiguity.labels.counting import codes, frequencies, human_counts, human_votes, synthetic_counts
from scaling_ambiguity.labels.dawid_skene import ANONYMOUS, ballots, fit
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.metrics.arrays import modes
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

LEAST_VOTES = 20  # minimum number of votes of a rater whose matrix is written


def main(arguments: argparse.Namespace) -> None:
    """Estimate the agreement of people, with and without the synthetic rater, and test the latter."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table, proxies = UTTERANCES.read(arguments.utterances), PROXIES.read(arguments.proxies)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    counts = human_counts(votes, names, classes, str(arguments.votes))
    synthetic = synthetic_counts(proxies, names, classes, str(arguments.proxies))
    whole = np.abs(counts - np.rint(counts)).max(axis=1) < 1e-9
    if not whole.all():
        print(f"{(~whole).sum()} utterances have votes that name several labels; they are left out here")
    keep = whole & (counts.sum(axis=1) >= 2) & (synthetic.sum(axis=1) > 0)
    if not keep.any():
        print("agreement is not identifiable: no utterance has two whole votes and a synthetic one")
    settings = {"resamples": options["resamples"], "seed": arguments.seed}
    settings |= {"level": options["level"], "method": options["interval"]}
    rows: list[dict] = []
    common = {"corpus": arguments.corpus, "stratum": "all", "reference": "human", "population": THESE}
    extra = frequencies(synthetic)[keep]
    for labels, joined in (("human", None), (f"human+{Labels('synthetic', arguments.annotator)}", extra)):
        if not keep.any():
            rows += [common | {"labels": labels, "metric": metric, "method": "not_identifiable"} for metric in METRICS]
            continue
        intervals = agreement_intervals(moments(counts[keep], joined), speakers[keep], **settings)
        for metric, value in intervals.items():
            numbers = {"estimate": value.estimate[0], "low": value.low[0], "high": value.high[0]}
            numbers |= {"n": value.n, "n_clusters": value.n_clusters, "method": options["interval"]}
            rows.append(common | {"labels": labels, "metric": metric} | numbers)
    why = applicable(votes, str(arguments.votes))
    if why:
        print(f"alternative annotator test: not applicable, {why}")
        rows.append(common | {"labels": "human", "metric": "alt_test_winning_rate", "method": "not_applicable"})
    else:
        draws = draw_table(proxies, names, classes, str(arguments.proxies))
        for labels, outcome in candidates(votes, names, classes, counts, synthetic, draws, arguments).items():
            rows += [common | row for row in alt_rows(labels, outcome)]
    rows += [common | row for row in confusion_rows(votes, proxies, names, classes, arguments)]
    STATISTICS.write(statistics_frame(rows), arguments.output)


def confusion_rows(
    votes: pd.DataFrame, proxies: pd.DataFrame, names: list[str], classes: list[str], arguments: argparse.Namespace
) -> list[dict]:
    """Return Dawid and Skene's matrices of people, of the ALM and of each rater with enough votes, entry by entry.

    Stratum: the class of the utterance; metric: the label given to it; labels: the one who gives it.
    """
    cast = ballots(votes, proxies, names, classes, str(arguments.votes))
    fitted = fit(cast)
    given = np.bincount(cast.rater, cast.weight, minlength=len(cast.raters))
    shown = {"people": (fitted.groups[0], given[cast.group == 0].sum())}
    for r, name in enumerate(cast.raters):
        if cast.group[r]:
            shown[str(Labels("synthetic", arguments.annotator))] = fitted.matrix[r], given[r]
        elif given[r] >= LEAST_VOTES and name != ANONYMOUS:
            shown[f"rater {name}"] = fitted.matrix[r], given[r]
    return [
        {"labels": labels, "stratum": f"class={kind}", "metric": f"called_{label}", "reference": "none",
         "estimate": matrix[k, c], "n": round(number), "method": "dawid_skene"}
        for labels, (matrix, number) in shown.items()
        for k, kind in enumerate(classes)
        for c, label in enumerate(classes)
    ]  # fmt: skip


def candidates(
    votes: pd.DataFrame, names: list[str], classes: list[str], counts: np.ndarray, synthetic: np.ndarray,
    draws: np.ndarray, arguments: argparse.Namespace,
) -> dict[str, AltTest]:  # fmt: skip
    """Return the outcome of one draw of the ALM, of the mode of its draws, of a constant and of the class prior.

    Where several classes have the most votes, one of them is drawn by the utterance's own random number.
    """
    human = human_votes(votes)
    item, label = (
        codes(human["utterance"], names, "utterance", "votes"),
        codes(human["label"], classes, "label", "votes"),
    )
    rater = pd.factorize(human["rater"])[0]
    answered = synthetic.sum(axis=1) > 0
    prior = counts.sum(axis=0) / counts.sum()
    luck, ties = (uniforms(arguments.seed, what, names, 1)[:, 0] for what in ("alternative annotator", "mode ties"))
    given = {
        str(Labels("synthetic", arguments.annotator)): draws[:, 0],
        str(Labels("synthetic", arguments.annotator, "mode")): np.where(
            answered, draw_class(modes(synthetic), ties), -1
        ),
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
    parser = argparse.ArgumentParser(prog="agree_votes.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
