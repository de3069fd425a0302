"""Trace how well human and synthetic votes predict one more human vote, by the number of each.

One fixed set of utterances and one held-out vote per deal, the same for every pair of numbers; pooled unweighted
and with the weight fitted to other speakers.
"""

import argparse

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.inference.adjust import adjust_rows
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.costs import ALL, HUMAN, Surface, cost_surface
from scaling_ambiguity.inference.study import Study, study_parser
from scaling_ambiguity.tables.statistics import THESE


def main(arguments: argparse.Namespace) -> None:
    """Write NLL of every cell, and its paired difference from the same number of human votes alone."""
    study = Study(arguments)
    costs = study.options["costs"]
    surface = cost_surface(
        study.human, study.draws, human=costs["human"], synthetic=costs["synthetic"],
        floor=study.options["smoothing"], seed=study.seed, where=arguments.votes,
    )  # fmt: skip
    for kind in ("human", "synthetic"):
        left = [value for value in costs[kind] if str(value) not in map(str, getattr(surface, kind))]
        if left:
            print(f"{kind} votes {', '.join(map(str, left))}: too few votes per utterance; left out")
    rows = surface_rows(surface, study.speakers[surface.used], study.settings, study.options["adjust"])
    for row in rows:
        row["model"] = "none" if row["labels"] == HUMAN else arguments.annotator
    study.write(rows, population=THESE, reference="human")
    print(f"{int(surface.used.sum())} of {len(study.names)} utterances, {len(surface.losses)} cells")


def surface_rows(surface: Surface, speakers: np.ndarray, settings: dict, method: str) -> list[dict]:
    """Return ``nll`` and, with synthetic votes, ``nll_minus_human``; Holm's family is one pooling.

    ``stratum`` holds the number of human votes, ``human=3`` or ``human=all``; ``votes`` that of synthetic ones.
    """
    columns = [(*cell, "nll", values) for cell, values in surface.losses.items()]
    columns += [
        (labels, k, m, "nll_minus_human", values - surface.losses[HUMAN, k, 0])
        for (labels, k, m), values in surface.losses.items()
        if labels != HUMAN
    ]
    intervals = mean_interval(np.stack([values for *_, values in columns], axis=1), speakers, **settings)
    rows = []
    for i, (labels, k, m, metric, _) in enumerate(columns):
        row = {"labels": labels, "stratum": f"human={k}", "votes": m, "metric": metric, "method": settings["method"]}
        rows.append(row | intervals.row(i, tested=metric == "nll_minus_human"))
    rows = adjust_rows(rows, method, lambda row: row["labels"])
    if ALL in surface.human:
        point = {"labels": HUMAN, "stratum": f"human={ALL}", "metric": "mean_votes", "method": "point"}
        rows.append(point | {"estimate": surface.votes, "n": intervals.n, "n_clusters": intervals.n_clusters})
    return rows


if __name__ == "__main__":
    cli.run(main, study_parser(__doc__, "annotator", "proxies", "roles"))
