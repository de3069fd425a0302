"""Trace the divergence between synthetic and human votes against the number of synthetic votes."""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.draws import draw_table, first_counts, fresh_groups, subsets, vote_table
from scaling_ambiguity.inference.saturation import fit_exponential
from scaling_ambiguity.labels.counting import human_counts, human_votes
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits, limit_jsd_bits
from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

Add = Callable[[str, str, list[int], np.ndarray, np.ndarray], None]


def main(arguments: argparse.Namespace) -> None:
    """Average the divergence over fresh draws, decompose it, and do the same for human votes."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    human = human_counts(votes, names, classes, str(arguments.votes))
    draws = draw_table(PROXIES.read(arguments.proxies), names, classes, str(arguments.proxies))
    sizes = [n for n in options["saturation_votes"] if n <= draws.shape[1]]
    keep = (human.sum(axis=1) >= 2) & (draws >= 0).any(axis=1)
    common = {"corpus": arguments.corpus, "stratum": "all", "reference": "human", "population": THESE}
    own_labels, where = str(Labels("synthetic", arguments.annotator)), np.flatnonzero(keep)
    if not sizes or not len(where):
        why = "no utterance has two human votes and a synthetic one"
        if not sizes:
            why = f"no number in statistics.saturation_votes is within the {draws.shape[1]} synthetic votes"
        print(f"saturation is not identifiable: {why}")
        row = common | {
            "labels": own_labels,
            "metric": "jsd_bits",
            "method": "not_identifiable",
            "n": 0,
            "n_clusters": 0,
        }
        rows = [row | {"votes": size} for size in sizes or [draws.shape[1]]]
        STATISTICS.write(statistics_frame(rows), arguments.output)
        return
    short = int(((draws[keep] >= 0).sum(axis=1) < sizes[-1]).sum())
    print(f"{keep.sum()} of {len(names)} utterances used; {short} have fewer than {sizes[-1]} valid synthetic votes")
    kept = [name for name, used in zip(names, keep, strict=True) if used]
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": options["level"]}
    rows = []

    def add(labels: str, metric: str, sizes: list[int], values: np.ndarray, used: np.ndarray) -> None:
        intervals = mean_interval(values, speakers[used], method=options["interval"], **settings)
        for i, size in enumerate(sizes):
            rows.append(common | {
                "labels": labels, "metric": metric, "votes": size, "estimate": intervals.estimate[i],
                "low": intervals.low[i], "high": intervals.high[i], "n": intervals.n,
                "n_clusters": intervals.n_clusters, "method": options["interval"],
            })  # fmt: skip

    plain = _add_fresh(add, own_labels, draws, human, where, kept, sizes, arguments)
    _add_parts(add, own_labels, draws, human, where, plain, sizes, classes)
    about_fit = {"n": len(kept), "n_clusters": len(np.unique(speakers[keep]))}
    rows += [
        common | about_fit | row for row in _published(own_labels, draws[keep], human[keep], kept, sizes, arguments)
    ]
    _add_human(arguments, votes, names, draws, sizes, add)
    STATISTICS.write(statistics_frame(rows), arguments.output)


def _add_fresh(
    add: Add, own: str, draws: np.ndarray, human: np.ndarray, where: np.ndarray, names: list[str], sizes: list[int],
    arguments: argparse.Namespace,
) -> np.ndarray:  # fmt: skip
    """Add jsd_bits at every N and its variance over fresh draws where there are two sets of them; return (U, K)."""
    target, plain, spread = histogram(human[where]), [], {}
    for size in sizes:
        counts, whole = fresh_groups(
            draws[where], names, size, arguments.options["deals"], len(arguments.classes), arguments.seed, "fresh draws"
        )
        shares = histogram(np.where(whole[..., None], counts, 1.0))
        values, number = np.where(whole, jsd_bits(shares, target), 0.0), whole.sum(axis=1)
        mean = values.sum(axis=1) / number
        plain.append(mean.mean(axis=0))
        if (number >= 2).all():
            squares = np.where(whole, (values - mean[:, None]) ** 2, 0.0).sum(axis=1) / (number - 1)
            spread[size] = squares.mean(axis=0)
    add(own, "jsd_bits", sizes, np.stack(plain, axis=1), where)
    if spread:
        add(own, "jsd_bits_variance", list(spread), np.stack(list(spread.values()), axis=1), where)
    return np.stack(plain, axis=1)


def _add_parts(
    add: Add, own: str, draws: np.ndarray, human: np.ndarray, where: np.ndarray, plain: np.ndarray, sizes: list[int],
    classes: list[str],
) -> None:  # fmt: skip
    """Decompose the divergence: the bias from few synthetic votes at each N, that from few human ones, and the rest.

    jsd_bits_excess: the divergence at N minus jsd_bits_limit, that of the annotator's own distribution from the
    histogram of the human votes; jsd_bits_human_noise: the limit minus jsd_bits_corrected, the divergence of the two
    sources, which no further vote removes. Intervals resample speakers.
    """
    pool = np.stack([(draws[where] == c).sum(axis=1) for c in range(len(classes))], axis=-1).astype(float)
    whole = np.abs(human[where] - np.rint(human[where])).max(axis=1) < 1e-9
    enough = (pool.sum(axis=1) >= 2) & whole
    if not enough.all():
        print(f"{(~enough).sum()} utterances with one synthetic vote, or votes of several labels, are not decomposed")
    if not enough.any():
        return
    used = where[enough]
    limit, rest = (f(pool[enough], human[used]) for f in (limit_jsd_bits, corrected_jsd_bits))
    most = int(pool.sum(axis=1).max())
    add(own, "jsd_bits_excess", sizes, plain[enough] - limit[:, None], used)
    add(own, "jsd_bits_limit", [most], limit[:, None], used)
    add(own, "jsd_bits_human_noise", [most], (limit - rest)[:, None], used)
    add(own, "jsd_bits_corrected", [most], rest[:, None], used)


def _published(
    own: str, draws: np.ndarray, human: np.ndarray, names: list[str], sizes: list[int], arguments: argparse.Namespace
) -> list[dict]:
    """Return the published procedure (arXiv 2601.14620): nested subsets of one pool, and an exponential.

    Its range is that of the corpus mean over subsets, which is 0 where a subset is the pool: it carries no information
        about
    other draws, other raters or other speakers.
    """
    options, classes = arguments.options, arguments.classes
    pools = subsets(draws, names, sizes, options["deals"], len(classes), arguments.seed, "saturation subsets")
    target = histogram(human)
    curve = np.stack([jsd_bits(histogram(pool), target).mean(axis=1) for pool in pools])  # (sizes, deals)
    common, rows = {"labels": f"{own}-faithful", "method": "range_of_subsets"}, []
    for size, values in zip(sizes, curve, strict=True):
        ends = {"estimate": values.mean(), "low": values.min(), "high": values.max()}
        rows.append(common | ends | {"metric": "jsd_bits", "votes": size})
    if len(sizes) >= 4:
        fit = fit_exponential(curve.mean(axis=1)[None, :], sizes)
        for metric, value in (("asymptote", fit.asymptote), ("amplitude", fit.amplitude), ("rate", fit.rate)):
            rows.append(common | {"metric": metric, "estimate": value[0], "method": "exponential"})
        rows.append(common | {"metric": "saturation_votes", "estimate": fit.saturation[0], "method": "exponential"})
    return rows


def _add_human(
    arguments: argparse.Namespace,
    votes: pd.DataFrame,
    names: list[str],
    draws: np.ndarray,
    sizes: list[int],
    add: Add,
) -> None:
    """Add k human votes, and N synthetic ones, against the same held-out human votes of the same utterances."""
    options, classes, seed = arguments.options, arguments.classes, arguments.seed
    rows = human_votes(votes).sort_values(["utterance", "rater", "rank"], kind="stable")
    # k counts raters: of a vote that names several labels the first is used, and their number is reported.
    several = int(rows.duplicated(["utterance", "rater"]).sum())
    if several:
        print(f"curve of human votes: {several} further labels of votes that name several are ignored")
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
    add(str(Labels("synthetic", arguments.annotator, "heldout")), "jsd_bits", sizes, np.stack(curve, axis=1), used)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="trace_saturation.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
