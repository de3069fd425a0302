"""Trace how well human and synthetic votes predict one more human vote, by the number of each.

One fixed set of utterances and one held-out vote per deal, the same for every pair of numbers; pooled unweighted
and with the weight fitted to other speakers.
"""

import argparse

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.costs import ALL, HUMAN, Surface, cost_surface
from scaling_ambiguity.inference.draws import draw_table
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Write NLL of every cell, and its paired difference from the same number of human votes alone."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    surface = cost_surface(
        deal_votes(ROLES.read(arguments.roles), votes, names, classes, arguments.roles),
        human_counts(votes, names, classes),
        speaker_blocks(speakers, arguments.utterances),
        draw_table(PROXIES.read(arguments.proxies), names, classes, arguments.proxies),
        names,
        human=options["costs"]["human"],
        synthetic=options["costs"]["synthetic"],
        floor=options["smoothing"],
        seed=arguments.seed,
        where=arguments.votes,
    )
    for kind in ("human", "synthetic"):
        left = [value for value in options["costs"][kind] if str(value) not in map(str, getattr(surface, kind))]
        if left:
            print(f"{kind} votes {', '.join(map(str, left))}: too few votes per utterance; left out")
    settings = {"resamples": options["resamples"], "level": options["level"], "method": options["interval"]}
    rows = surface_rows(surface, speakers[surface.used], settings | {"seed": arguments.seed}, options["adjust"])
    for row in rows:
        model = "none" if row["labels"] == HUMAN else arguments.annotator
        row |= {"corpus": arguments.corpus, "model": model, "population": THESE, "reference": "human"}
    STATISTICS.write(statistics_frame(rows), arguments.output)
    print(f"{int(surface.used.sum())} of {len(names)} utterances, {len(surface.losses)} cells")


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
    common = {"n": intervals.n, "n_clusters": intervals.n_clusters, "method": settings["method"]}
    rows = []
    for i, (labels, k, m, metric, _) in enumerate(columns):
        row = common | {"labels": labels, "stratum": f"human={k}", "votes": m, "metric": metric}
        row |= {"estimate": intervals.estimate[i], "low": intervals.low[i], "high": intervals.high[i]}
        rows.append(row | ({"p": intervals.p[i], "p_least": intervals.p_least} if metric == "nll_minus_human" else {}))
    for labels in sorted({row["labels"] for row in rows} - {HUMAN}):
        family = [row for row in rows if row["labels"] == labels and "p" in row]
        for row, p in zip(family, adjust(np.array([row["p"] for row in family]), method), strict=True):
            row["p_adjusted"] = p
    if ALL in surface.human:
        point = common | {"labels": HUMAN, "stratum": f"human={ALL}", "metric": "mean_votes", "method": "point"}
        rows.append(point | {"estimate": surface.votes})
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="trace_costs.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "roles", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
