"""Trace the divergence between synthetic and human votes against the number of synthetic votes."""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.draws import draw_table, first_counts, subsets, vote_table
from scaling_ambiguity.inference.saturation import fit_interval
from scaling_ambiguity.labels.counting import human_counts, human_votes
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits
from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Average the divergence over random subsets of the draws, fit its decay, and do the same for human votes."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    human = human_counts(votes, names, classes, str(arguments.votes))
    draws = draw_table(PROXIES.read(arguments.proxies), names, classes, str(arguments.proxies))
    sizes = [n for n in options["saturation_votes"] if n <= draws.shape[1]]
    keep = (human.sum(axis=1) >= 2) & (draws >= 0).any(axis=1)
    short = int(((draws[keep] >= 0).sum(axis=1) < sizes[-1]).sum())
    print(f"{keep.sum()} of {len(names)} utterances used; {short} have fewer than {sizes[-1]} valid synthetic votes")
    kept = [name for name, used in zip(names, keep, strict=True) if used]
    pools = subsets(draws[keep], kept, sizes, options["deals"], len(classes), arguments.seed, "saturation subsets")
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": options["level"]}
    rows: list[dict] = []

    def add(labels: str, metric: str, sizes: list[int], values: np.ndarray, used: np.ndarray) -> None:
        found = mean_interval(values, speakers[used], method=options["interval"], **settings)
        for i, size in enumerate(sizes):
            rows.append({
                "corpus": arguments.corpus, "labels": labels, "stratum": "all", "metric": metric,
                "reference": "human", "population": "these raters", "votes": size, "estimate": found.estimate[i],
                "low": found.low[i], "high": found.high[i], "n": found.n, "n_clusters": found.n_clusters,
                "method": options["interval"],
            })  # fmt: skip

    own = f"synthetic-{arguments.annotator}"
    target = histogram(human[keep])
    plain = np.stack([jsd_bits(histogram(pool), target).mean(axis=0) for pool in pools], axis=1)
    add(own, "jsd_bits", sizes, plain, keep)
    enough = (draws[keep] >= 0).sum(axis=1) >= 2
    larger = [i for i, size in enumerate(sizes) if size >= 2]
    if larger and enough.any():
        whole = np.flatnonzero(keep)[enough]
        corrected = [corrected_jsd_bits(pools[i][:, enough], human[whole]).mean(axis=0) for i in larger]
        add(own, "jsd_bits_corrected", [sizes[i] for i in larger], np.stack(corrected, axis=1), whole)
    if len(sizes) >= 4:
        fitted = fit_interval(plain, speakers[keep], sizes, **settings)
        for metric, (estimate, low, high) in fitted.items():
            rows.append({
                "corpus": arguments.corpus, "labels": own, "stratum": "all", "metric": metric, "reference": "human",
                "population": "these raters", "estimate": estimate, "low": low, "high": high, "n": int(keep.sum()),
                "n_clusters": len(np.unique(speakers[keep])), "method": "percentile",
            })  # fmt: skip
    _add_human(arguments, votes, names, draws, sizes, add)
    STATISTICS.write(statistics_frame(rows), arguments.output)


def _add_human(
    arguments: argparse.Namespace,
    votes: pd.DataFrame,
    names: list[str],
    draws: np.ndarray,
    sizes: list[int],
    add: Callable,
) -> None:
    """Add k human votes, and N synthetic ones, against the same held-out human votes of the same utterances."""
    options, classes, seed = arguments.options, arguments.classes, arguments.seed
    rows = human_votes(votes).sort_values(["utterance", "rater", "rank"], kind="stable")
    # k counts raters: of a vote that names several labels the first is taken, and how many is said.
    several = int(rows.duplicated(["utterance", "rater"]).sum())
    if several:
        print(f"curve of human votes: {several} further labels of votes that name several are left aside")
        rows = rows.drop_duplicates(["utterance", "rater"])
    table = vote_table(rows, names, classes, str(arguments.votes))
    largest = min(options["exchange"]["largest_k"], table.shape[1] - 1)
    used = ((table >= 0).sum(axis=1) > largest) & (draws >= 0).any(axis=1)
    if largest < 1 or not used.any():
        print(f"no utterance has more than {largest} human votes; the curve of human votes is left out")
        return
    table, kept = table[used], [name for name, chosen in zip(names, used, strict=True) if chosen]
    steps = list(range(1, largest + 1))
    human = subsets(table, kept, steps, options["deals"], len(classes), seed, "human subsets")
    rest = histogram(first_counts(table, table * 0, table.shape[1], len(classes)) - human[-1])
    curve = [jsd_bits(histogram(counts), rest).mean(axis=0) for counts in human]
    add("human", "jsd_bits", steps, np.stack(curve, axis=1), used)
    pools = subsets(draws[used], kept, sizes, options["deals"], len(classes), seed, "saturation subsets")
    curve = [jsd_bits(histogram(counts), rest).mean(axis=0) for counts in pools]
    add(f"synthetic-{arguments.annotator}-heldout", "jsd_bits", sizes, np.stack(curve, axis=1), used)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="trace_saturation.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
