"""Trace the divergence between synthetic and human votes against the number of synthetic votes."""

import argparse

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.draws import first_counts, fresh_groups, subsets, vote_table
from scaling_ambiguity.inference.saturation import fit_exponential
from scaling_ambiguity.inference.study import Study, study_parser
from scaling_ambiguity.labels.counting import human_votes, whole_votes
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits, limit_jsd_bits
from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.tables.statistics import NOT_IDENTIFIABLE, THESE


def main(arguments: argparse.Namespace) -> None:
    """Average the divergence over fresh draws, decompose it, and do the same for human votes."""
    study = Study(arguments)
    most = study.draws.shape[1]
    sizes = [n for n in study.options["saturation_votes"] if n <= most]
    keep = (study.counts.sum(axis=1) >= 2) & (study.draws >= 0).any(axis=1)
    if not sizes or not keep.any():
        why = "no utterance has two human votes and a synthetic one"
        if not sizes:
            why = f"no number in statistics.saturation_votes is within the {most} synthetic votes"
        print(f"saturation is not identifiable: {why}")
        unknown = {"labels": study.annotator, "metric": "jsd_bits", "method": NOT_IDENTIFIABLE}
        rows = [unknown | {"votes": size} for size in sizes or [most]]
    else:
        short = int(((study.draws[keep] >= 0).sum(axis=1) < sizes[-1]).sum())
        used = f"{keep.sum()} of {len(study.names)} utterances used"
        print(f"{used}; {short} have fewer than {sizes[-1]} valid synthetic votes")
        curves = Curves(study, np.flatnonzero(keep), sizes)
        curves.add_parts(curves.add_fresh())
        curves.add_published()
        curves.add_human(str(arguments.votes))
        rows = curves.rows
    study.write(rows, stratum="all", reference="human", population=THESE)


class Curves:
    """Collects the rows of the divergence by number of votes.

    Args:
        study: The votes.
        where: Places of the utterances with two human votes and a synthetic one.
        sizes: Numbers N of synthetic votes, ascending.
    """

    def __init__(self, study: Study, where: np.ndarray, sizes: list[int]) -> None:
        self.rows: list[dict] = []
        self._study, self._where, self._sizes = study, where, sizes
        self._names = [study.names[place] for place in where]
        self._draws, self._human = study.draws[where], study.counts[where]

    def _add(self, labels: str, metric: str, sizes: list[int], values: np.ndarray, used: np.ndarray) -> None:
        """Add the means of values (used, K), one column per size, with intervals over speakers."""
        intervals = mean_interval(values, self._study.speakers[used], **self._study.settings)
        common = {"labels": labels, "metric": metric, "method": self._study.settings["method"]}
        self.rows += [common | {"votes": size} | intervals.row(i) for i, size in enumerate(sizes)]

    def _subsets(self, table: np.ndarray, names: list[str], sizes: list[int], purpose: str) -> list[np.ndarray]:
        study = self._study
        return subsets(table, names, sizes, study.options["deals"], len(study.classes), study.seed, purpose)

    def add_fresh(self) -> np.ndarray:
        """Add jsd_bits at every N, its variance over fresh draws where there are two sets of them; return (U, K)."""
        study, target, plain, spread = self._study, histogram(self._human), [], {}
        for size in self._sizes:
            counts, whole = fresh_groups(
                self._draws, self._names, size, study.options["deals"], len(study.classes), study.seed, "fresh draws"
            )
            shares = histogram(np.where(whole[..., None], counts, 1.0))
            values, number = np.where(whole, jsd_bits(shares, target), 0.0), whole.sum(axis=1)
            mean = values.sum(axis=1) / number
            plain.append(mean.mean(axis=0))
            if (number >= 2).all():
                squares = np.where(whole, (values - mean[:, None]) ** 2, 0.0).sum(axis=1) / (number - 1)
                spread[size] = squares.mean(axis=0)
        self._add(study.annotator, "jsd_bits", self._sizes, np.stack(plain, axis=1), self._where)
        if spread:
            values = np.stack(list(spread.values()), axis=1)
            self._add(study.annotator, "jsd_bits_variance", list(spread), values, self._where)
        return np.stack(plain, axis=1)

    def add_parts(self, plain: np.ndarray) -> None:
        """Decompose the divergence (U, K): the bias from few synthetic votes at each N, from few human ones, the rest.

        jsd_bits_excess: the divergence at N minus jsd_bits_limit, that of the annotator's own distribution from the
        histogram of the human votes; jsd_bits_human_noise: the limit minus jsd_bits_corrected, the divergence of the
        two sources, which no further vote removes. Intervals resample speakers.
        """
        proxy, human = self._study.annotator, self._human
        pool = np.stack([(self._draws == c).sum(axis=1) for c in range(human.shape[1])], axis=-1).astype(float)
        enough = (pool.sum(axis=1) >= 2) & whole_votes(human)
        if not enough.all():
            print(
                f"{(~enough).sum()} utterances with one synthetic vote, or votes of several labels, are not decomposed"
            )
        if not enough.any():
            return
        used = self._where[enough]
        limit, rest = (f(pool[enough], human[enough])[:, None] for f in (limit_jsd_bits, corrected_jsd_bits))
        most = [int(pool.sum(axis=1).max())]
        self._add(proxy, "jsd_bits_excess", self._sizes, plain[enough] - limit, used)
        for metric, values in (("limit", limit), ("human_noise", limit - rest), ("corrected", rest)):
            self._add(proxy, f"jsd_bits_{metric}", most, values, used)

    def add_published(self) -> None:
        """Add the published procedure (arXiv 2601.14620): nested subsets of one pool, and an exponential.

        Its range is that of the corpus mean over subsets, which is 0 where a subset is the pool: it carries no
        information about other draws, other raters or other speakers.
        """
        pools = self._subsets(self._draws, self._names, self._sizes, "saturation subsets")
        target = histogram(self._human)
        curve = np.stack([jsd_bits(histogram(pool), target).mean(axis=1) for pool in pools])  # (sizes, deals)
        common = {"labels": f"{self._study.annotator}-faithful", "n": len(self._names)}
        common |= {"n_clusters": len(np.unique(self._study.speakers[self._where]))}
        for size, values in zip(self._sizes, curve, strict=True):
            ends = {"estimate": values.mean(), "low": values.min(), "high": values.max()}
            self.rows.append(common | ends | {"metric": "jsd_bits", "votes": size, "method": "range_of_subsets"})
        if len(self._sizes) >= 4:
            fit = fit_exponential(curve.mean(axis=1)[None, :], self._sizes)
            values = {"asymptote": fit.asymptote, "amplitude": fit.amplitude, "rate": fit.rate}
            values["saturation_votes"] = fit.saturation
            fitted = common | {"method": "exponential"}
            self.rows += [fitted | {"metric": metric, "estimate": value[0]} for metric, value in values.items()]

    def add_human(self, where: str) -> None:
        """Add k human votes, and N synthetic ones, against the same held-out human votes of the same utterances."""
        study = self._study
        rows = human_votes(study.votes).sort_values(["utterance", "rater", "rank"], kind="stable")
        # k counts raters: of a vote that names several labels the first is used, and their number is reported.
        several = int(rows.duplicated(["utterance", "rater"]).sum())
        if several:
            print(f"curve of human votes: {several} further labels of votes that name several are ignored")
            rows = rows.drop_duplicates(["utterance", "rater"])
        table = vote_table(rows, study.names, study.classes, where)
        largest = min(study.options["exchange"]["largest_k"], table.shape[1] - 1)
        used = ((table >= 0).sum(axis=1) > largest) & (study.draws >= 0).any(axis=1)
        if largest < 1 or not used.any():
            print(f"no utterance has more than {largest} human votes; the curve of human votes is left out")
            return
        table, kept, steps = table[used], study.chosen(used), list(range(1, largest + 1))
        human = self._subsets(table, kept, steps, "human subsets")
        rest = histogram(first_counts(table, table * 0, table.shape[1], len(study.classes)) - human[-1])
        pools = self._subsets(study.draws[used], kept, self._sizes, "saturation subsets")
        for labels, sizes, votes in (("human", steps, human), (f"{study.annotator}-heldout", self._sizes, pools)):
            curve = [jsd_bits(histogram(counts), rest).mean(axis=0) for counts in votes]
            self._add(labels, "jsd_bits", sizes, np.stack(curve, axis=1), used)


if __name__ == "__main__":
    cli.run(main, study_parser(__doc__, "annotator", "proxies"))
