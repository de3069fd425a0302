"""The printed estimates once more, from the raw votes alone: plain loops and numpy, none of the workflow's library.

They are made from the products of a tiny run, or of any finished run whose folder of results FINISHED_RESULTS names
(corpus demo, annotator tiny_crossed, protocol fair). CREMA-D is counted from the published table of votes.
"""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checkout import REPOSITORY
from scipy.optimize import isotonic_regression, minimize, minimize_scalar
from scipy.special import gammaln
from scipy.stats import t as student
from scipy.stats import ttest_1samp

CORPUS, ANNOTATOR, PROTOCOL = "demo", "tiny_crossed", "fair"
SYNTHETIC = f"synthetic-{ANNOTATOR}"
CLASSES = ["neutral", "happy", "sad", "angry"]
FLOOR, MARGIN, LEAST_ITEMS = 0.001, 0.2, 30
CREMAD = REPOSITORY.parent / "shared" / "data" / "cremad" / "tabulatedVotes.csv"


def nll(p, votes):
    raised = np.maximum(p, FLOOR)
    return float(-(votes / votes.sum()) @ np.log(raised / raised.sum()))


def jsd(p, q):
    middle = (p + q) / 2
    return sum(0.5 * x[x > 0] @ np.log2(x[x > 0] / middle[x > 0]) for x in (p, q))


def bhattacharyya(p, q):
    return float(np.sqrt(p * q).sum())


def brier(p, votes):
    share = votes / votes.sum()
    return float(sum(share[c] * ((p - np.eye(len(p))[c]) ** 2).sum() for c in range(len(p))))


def fitted_dirichlet(rows):
    rows = rows[rows.sum(axis=1) > 0]

    def loss(log_a):
        a = np.exp(log_a)
        n = rows.sum(axis=1)
        value = gammaln(a.sum()) - gammaln(n + a.sum()) + (gammaln(rows + a) - gammaln(a)).sum(axis=1)
        return -value.mean()

    found = minimize(loss, np.zeros(rows.shape[1]), method="BFGS", options={"gtol": 1e-8})
    return np.exp(found.x)


class Raw:
    """The tables of a run as pandas reads them, and what they say utterance by utterance."""

    def __init__(self, results):
        self.results = Path(results)
        corpus = self.results / "corpora" / CORPUS
        votes = pd.read_parquet(corpus / "votes.parquet")
        votes = votes[(votes["kind"] == "observer") & (votes["role"] == "primary") & votes["label"].notna()]
        self.votes = votes.merge(pd.read_parquet(corpus / "roles.parquet"), on=["utterance", "rater"])
        self.deals = sum(name.startswith("position_") for name in self.votes)
        self.speaker = pd.read_parquet(corpus / "utterances.parquet").set_index("utterance")["speaker"]
        self.names = list(self.speaker.index)
        draws = pd.read_parquet(self.results / "proxies" / CORPUS / ANNOTATOR / "votes.parquet")
        self.draws = draws[(draws["status"] == "ok") & draws["label"].notna()]
        self.human = self.count(self.votes)
        self.synthetic = self.count(self.draws)
        splits = pd.read_parquet(self.results / "splits" / CORPUS / f"{PROTOCOL}.parquet")
        tested = splits[splits["part"] == "test"].set_index("utterance")["fold"]
        self.fold = {name: tested[name] for name in self.names}

    def count(self, rows):
        table = {name: np.zeros(len(CLASSES)) for name in self.names}
        for name, label in zip(rows["utterance"], rows["label"], strict=True):
            table[name][CLASSES.index(label)] += 1
        return table

    def statistics(self, kind, *names):
        table = pd.read_parquet(self.results / "statistics" / f"{'-'.join((kind, CORPUS, ANNOTATOR, *names))}.parquet")
        return table[table["population"] == "these raters"]

    def dealt(self, deal):
        """Return the conditioning and the reference votes of each utterance that has both."""
        n, place = self.votes["votes"], self.votes[f"position_{deal:02d}"]
        levels = self.votes["level_votes"].where(n >= self.votes["level_votes"] + 2, 0)
        last = np.maximum((n - levels) // 2, 1)
        reference = place >= n - last
        condition = (place >= levels) & ~reference
        return self.count(self.votes[condition]), self.count(self.votes[reference])

    def fitted_elsewhere(self, fit):
        """Return what ``fit`` says of the utterances of other folds, by fold."""
        return {
            fold: fit(np.array([self.human[name] for name in self.names if self.fold[name] != fold]))
            for fold in set(self.fold.values())
        }


@pytest.fixture(scope="module")
def raw(request):
    finished = os.environ.get("FINISHED_RESULTS")
    return Raw(finished or request.getfixturevalue("tiny_run").root / "runs" / "tiny" / "results")


def one(table, **wanted):
    for key, value in wanted.items():
        table = table[table[key] == value]
    assert len(table) == 1, (wanted, len(table))
    return table.iloc[0]


@pytest.fixture(scope="module")
def scores(raw):
    """Mean over deals and utterances of each score of each predictor."""
    prior = raw.fitted_elsewhere(lambda rows: (rows / rows.sum(axis=1, keepdims=True)).mean(axis=0))
    a = raw.fitted_elsewhere(fitted_dirichlet)
    sums, number = Counter(), 0
    for deal in range(raw.deals):
        condition, reference = raw.dealt(deal)
        for name in raw.names:
            given, target = condition[name], reference[name]
            if not given.sum() or not target.sum():
                continue
            number += 1
            own, fold = raw.synthetic[name], raw.fold[name]
            p = {
                "uniform": np.full(len(CLASSES), 1 / len(CLASSES)),
                "prior": prior[fold],
                "majority": (given == given.max()) / (given == given.max()).sum(),
                "human": given / given.sum(),
                "human-smoothed": (given + a[fold]) / (given + a[fold]).sum(),
                SYNTHETIC: own / own.sum() if own.sum() else np.full(len(CLASSES), 1 / len(CLASSES)),
                f"{SYNTHETIC}-smoothed": (own + a[fold]) / (own + a[fold]).sum(),
            }
            for labels, q in p.items():
                share = target / target.sum()
                sums[labels, "nll"] += nll(q, target)
                sums[labels, "brier"] += brier(q, target)
                sums[labels, "jsd_bits"] += jsd(q, share)
                sums[labels, "bhattacharyya"] += bhattacharyya(q, share)
    return {key: value / number for key, value in sums.items()}


def test_scores_against_held_out_votes(raw, scores):
    table = raw.statistics("alignment", PROTOCOL)
    table = table[(table["stratum"] == "all") & (table["method"] != "sign_flip")]
    assert len(scores) == 28
    for (labels, metric), value in scores.items():
        fitted = labels.endswith("smoothed")  # two optimisers of one likelihood
        found = one(table, labels=labels, metric=metric)["estimate"]
        assert found == pytest.approx(value, abs=2e-4 if fitted else 1e-9), (labels, metric)
    own = f"{SYNTHETIC}-smoothed"
    for baseline in ("prior", "human-smoothed"):
        row = one(table, labels=own, metric=f"nll_minus_{baseline}")
        assert row["estimate"] == pytest.approx(scores[own, "nll"] - scores[baseline, "nll"], abs=4e-4)


def test_agreement_and_the_alternative_annotator_test(raw):
    table = raw.statistics("agreement")
    used = [name for name in raw.names if raw.human[name].sum() >= 2 and raw.synthetic[name].sum() > 0]
    pairs = [sum(c * (c - 1) for c in raw.human[n]) / (raw.human[n].sum() * (raw.human[n].sum() - 1)) for n in used]
    assert one(table, labels="human", metric="pairwise_agreement")["estimate"] == pytest.approx(np.mean(pairs))
    counts = np.array([raw.human[name] for name in used])
    n, per_class = counts.sum(axis=1), counts.sum(axis=0)
    observed = sum((n[u] ** 2 - (counts[u] ** 2).sum()) / (n[u] - 1) for u in range(len(used))) / n.sum()
    expected = (n.sum() ** 2 - (per_class**2).sum()) / (n.sum() * (n.sum() - 1))
    alpha = one(table, labels="human", metric="krippendorff_alpha")["estimate"]
    assert alpha == pytest.approx(1 - observed / expected)
    tests = table[table["metric"] == "alt_test_winning_rate"]
    if tests["estimate"].notna().any():
        first = raw.draws.sort_values("draw").groupby("utterance")["label"].first()
        commonest = CLASSES[int(np.argmax(sum(raw.human.values())))]
        for labels, candidate in ((SYNTHETIC, dict(first)), ("constant", dict.fromkeys(raw.names, commonest))):
            rate, advantage = alternative_annotator(raw, candidate)
            found = {m: one(table, labels=labels, metric=f"alt_test_{m}") for m in ("winning_rate", "advantage")}
            assert found["winning_rate"]["estimate"] == pytest.approx(rate)
            assert found["advantage"]["estimate"] == pytest.approx(advantage)
            assert found["advantage"]["method"] == f"alt_test_{MARGIN:g}"


def alternative_annotator(raw, candidate):
    """Return the share of raters beaten by Benjamini and Yekutieli's steps, and the mean advantage."""
    p, advantages = [], []
    for _, rows in raw.votes.groupby("rater"):
        worse, better = [], []
        for name, label in zip(rows["utterance"], rows["label"], strict=True):
            others = raw.human[name] - np.eye(len(CLASSES))[CLASSES.index(label)]
            if not others.sum() or name not in candidate:
                continue
            people, own = (others[CLASSES.index(c)] / others.sum() for c in (label, candidate[name]))
            better.append(own >= people - 1e-12)
            worse.append(people >= own - 1e-12)
        if len(better) >= LEAST_ITEMS:
            p.append(ttest_1samp(np.subtract(worse, better, dtype=float), MARGIN, alternative="less").pvalue)
            advantages.append(np.mean(better))
    tests, order = len(p), np.sort(p)
    allowed = 0.05 * np.arange(1, tests + 1) / tests / sum(1 / i for i in range(1, tests + 1))
    passed = np.flatnonzero(order <= allowed)
    return (passed[-1] + 1 if len(passed) else 0) / tests, np.mean(advantages)


def test_the_ends_of_the_saturation_curve(raw):
    table = raw.statistics("saturation")
    rows = table[(table["labels"] == SYNTHETIC) & (table["metric"] == "jsd_bits")].set_index("votes")["estimate"]
    used = [name for name in raw.names if raw.human[name].sum() >= 2 and raw.synthetic[name].sum() > 0]
    ones, whole = [], []
    for name in used:
        target, own = raw.human[name] / raw.human[name].sum(), raw.synthetic[name]
        ones.append(sum(own[c] / own.sum() * jsd(np.eye(len(CLASSES))[c], target) for c in range(len(CLASSES))))
        whole.append(jsd(own / own.sum(), target))
    assert rows.loc[1] == pytest.approx(np.mean(ones), abs=1e-9)
    if all(raw.synthetic[name].sum() == rows.index.max() for name in used):
        assert rows.loc[rows.index.max()] == pytest.approx(np.mean(whole), abs=1e-9)
    parts = {m: one(table, labels=SYNTHETIC, metric=f"jsd_bits_{m}")["estimate"] for m in ("limit", "corrected")}
    assert parts["corrected"] < parts["limit"] < rows.min()


def test_levels_and_how_many_utterances_they_hold(raw):
    report = pd.read_csv(raw.results / "levels" / CORPUS / f"{PROTOCOL}.csv")
    # three whole votes agree in none, one or all of their pairs: one pair of edges is possible
    assert report["lower_edge"].to_numpy() == pytest.approx(1 / 6)
    assert report["upper_edge"].to_numpy() == pytest.approx(2 / 3)
    held = Counter()
    for deal in range(raw.deals):
        votes = raw.votes[raw.votes[f"position_{deal:02d}"] < raw.votes["level_votes"]]
        votes = votes[votes["votes"] >= votes["level_votes"] + 2]
        for labels in votes.groupby("utterance")["label"]:
            held[{1: "low", 2: "medium", 3: "high"}[len(set(labels[1]))]] += 1 / raw.deals
    table = raw.statistics("alignment", PROTOCOL)
    bias = raw.statistics("bias", PROTOCOL)
    for level in ("low", "medium", "high"):
        assert report[level].sum() == pytest.approx(held[level])
        assert set(table[(table["stratum"] == level) & (table["metric"] == "nll")]["n"]) == {round(held[level])}
        own = bias[(bias["stratum"] == level) & (bias["metric"] == "match")]["n"]
        assert (own <= round(held[level])).all()


class Exchange:
    """Losses of k human and of an annotator's votes on what remains of each utterance with more votes than K."""

    def __init__(self, raw):
        table = raw.statistics("exchange")
        self.rows = table[(table["stratum"] == "all") & (table["method"] != "dirichlet_multinomial")]
        self.largest = int(self.rows[(self.rows["labels"] == "human") & (self.rows["metric"] == "nll")]["votes"].max())
        self.names = [name for name in raw.names if raw.human[name].sum() > self.largest]
        self.speakers = np.array([raw.speaker[name] for name in self.names])
        self.everyone = [raw.human[name] for name in raw.names]
        deals = [raw.votes[f"position_{deal:02d}"] for deal in range(raw.deals)]
        self.target = self.stacked(raw, [raw.votes[place >= self.largest] for place in deals])
        self.target = self.target / self.target.sum(axis=-1, keepdims=True)
        self.human = [self.stacked(raw, [raw.votes[place < k] for place in deals]) for k in range(self.largest + 1)]
        tables = sorted((raw.results / "proxies" / CORPUS / ANNOTATOR / "read_out").glob("*.parquet"))
        read_out = pd.concat([pd.read_parquet(path) for path in tables]).set_index("utterance")
        read_out = read_out.reindex(self.names)[[f"p_{name}" for name in CLASSES]].fillna(0.0).to_numpy()
        # by the number of votes: the annotator's own distribution, and all that were drawn if that number is printed
        self.synthetic = {np.inf: read_out}
        pool = int(max(raw.draws.groupby("utterance").size()))
        if pool in set(self.rows[self.rows["labels"] == "as_pooled"]["votes"]):
            self.synthetic[pool] = np.array([raw.synthetic[name] for name in self.names])
        self.prior = {  # one speaker a block
            speaker: fitted_dirichlet(np.array([raw.human[n] for n in raw.names if raw.speaker[n] != speaker]))
            for speaker in set(self.speakers)
        }
        self.a = np.array([self.prior[speaker] for speaker in self.speakers])

    def stacked(self, raw, tables):
        return np.array([[counted[name] for name in self.names] for counted in map(raw.count, tables)])

    def loss(self, votes, a):
        p = votes + a
        p = np.maximum(p / p.sum(axis=-1, keepdims=True), FLOOR)
        return -(self.target * np.log(p / p.sum(axis=-1, keepdims=True))).sum(axis=-1)

    def weight(self, speaker, synthetic):
        """Return the weight of synthetic votes that predicts the votes of all other speakers best."""
        others = self.speakers != speaker

        def loss(w):
            p = w * synthetic + self.prior[speaker]
            return -(self.target * np.log(p / p.sum(axis=-1, keepdims=True))).sum(axis=-1)[:, others].mean()

        return minimize_scalar(loss, bounds=(0, 10), method="bounded", options={"xatol": 1e-9}).x

    def overall(self, synthetic):
        """Return the weight that predicts the votes of all speakers best."""
        everybody = fitted_dirichlet(np.array([votes for votes in self.everyone if votes.sum()]))

        def loss(w):
            p = w * synthetic + everybody
            return -(self.target * np.log(p / p.sum(axis=-1, keepdims=True))).sum(axis=-1).mean()

        return minimize_scalar(loss, bounds=(0, 10), method="bounded", options={"xatol": 1e-9}).x

    def curve(self):
        """Return the losses of 0 .. K human votes, (U, K + 1)."""
        return np.array([self.loss(human, self.a).mean(axis=0) for human in self.human]).T

    def losses(self, m):
        """Return the losses (U,) of m synthetic votes as they are and weighted."""
        synthetic = self.synthetic[m]
        w = {speaker: self.weight(speaker, synthetic) for speaker in self.prior}
        each = np.array([w[speaker] for speaker in self.speakers])[:, None]
        taken = 1e9 if m == np.inf else 1
        return {
            "as_pooled": self.loss(taken * synthetic, self.a).mean(axis=0),
            "weighted": self.loss(each * synthetic, self.a).mean(axis=0),
        }


def met_at(curve, loss):
    """Return the number of votes at which a falling curve comes down to a loss, at most its last."""
    falling = isotonic_regression(curve, increasing=False).x
    if loss >= falling[0]:
        return 0.0
    return float(np.interp(-loss, -falling, np.arange(len(falling))))


def test_the_exchange_rate_as_pooled_and_weighted(raw):
    exchange = Exchange(raw)
    assert len(set(raw.speaker)) <= 20  # a block of the cross-fit is a speaker
    curve, rows = exchange.curve(), exchange.rows
    for k, value in enumerate(curve.mean(axis=0)):
        found = one(rows, labels="human", metric="nll", votes=k)
        assert found["estimate"] == pytest.approx(value, abs=2e-4)
        assert found["n"] == len(exchange.names)
    for m in exchange.synthetic:
        for labels, losses in exchange.losses(m).items():
            own = rows[(rows["labels"] == labels) & (rows["votes"] == m)]
            assert one(own, metric="nll")["estimate"] == pytest.approx(losses.mean(), abs=2e-4)
            gain = (losses - curve[:, 0]).mean()
            assert one(own, metric="nll_minus_prior")["estimate"] == pytest.approx(gain, abs=4e-4)
            worth = met_at(curve.mean(axis=0), losses.mean())
            assert one(own, metric="equivalent_votes")["estimate"] == pytest.approx(worth, abs=2e-3)


class Studentised:
    """Bootstrap-t by its definition: whole speakers drawn again and again, with random numbers of its own.

    ``ends`` gives an end for two tails, so many standard deviations on either side of the nominal one as the
    quantile of so many ``printed`` resamples may be off.
    """

    def __init__(self, speakers, printed, resamples=20_000, deviations=4):
        names, self.block = np.unique(speakers, return_inverse=True)
        rng = np.random.default_rng(20_260_801)
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
        self.drawn = drawn[(drawn > 0).sum(axis=1) > 1].astype(float)
        off = deviations * np.sqrt(0.025 * 0.975 * (1 / printed + 1 / resamples))
        self.tails = max(0.025 - off, 0.0), 0.025 + off

    def mean_and_error(self, totals, sizes, drawn):
        n = drawn @ sizes
        mean = drawn @ totals / n
        g = len(totals)
        # drawn @ (totals - mean sizes)^2, whose mean differs from resample to resample
        squares = drawn @ totals**2 - 2 * mean * (drawn @ (totals * sizes)) + mean**2 * (drawn @ sizes**2)
        return mean, np.sqrt(g / (g - 1) * np.maximum(squares, 0.0)) / n

    def ends(self, values):
        """Return (least, largest) of the lower and of the upper end of the mean's interval."""
        totals, sizes = np.bincount(self.block, values), np.bincount(self.block).astype(float)
        centre, spread = (part[0] for part in self.mean_and_error(totals, sizes, np.ones((1, len(totals)))))
        means, errors = self.mean_and_error(totals, sizes, self.drawn)
        t = np.where(errors > 0, (means - centre) / np.where(errors > 0, errors, 1.0), 0.0)
        low = [centre - np.quantile(t, 1 - tail) * spread for tail in self.tails]
        high = [centre - np.quantile(t, tail) * spread for tail in self.tails]
        return tuple(low), tuple(reversed(high))

    def holds(self, row, values, tolerance):
        """Whether the ends that a row prints are those of these values."""
        between = zip(("low", "high"), self.ends(values), strict=True)
        return all(least - tolerance <= row[end] <= largest + tolerance for end, (least, largest) in between)


def resamples_of(rows):
    """Return the number of resamples behind rows: the least p that they can give is 2 / (R + 1)."""
    return round(2 / rows["p_least"].dropna().iloc[0]) - 1


def test_intervals_of_the_exchange_rate_by_inversion(raw):
    """An end of k* is where an end of the interval of the paired difference changes its sign."""
    exchange = Exchange(raw)
    curve, grid = exchange.curve(), np.arange(0, exchange.largest + 0.01, 0.02)
    falling = isotonic_regression(curve.mean(axis=0), increasing=False).x
    own = Studentised(exchange.speakers, resamples_of(exchange.rows))
    inverted = 0
    for m in exchange.synthetic:
        for labels, losses in exchange.losses(m).items():
            rows = exchange.rows[(exchange.rows["labels"] == labels) & (exchange.rows["votes"] == m)]
            assert own.holds(one(rows, metric="nll_minus_prior"), losses - curve[:, 0], 2e-3)
            found = one(rows, metric="equivalent_votes")
            if found["method"] != "test_inversion" or not np.allclose(falling, curve.mean(axis=0)):
                continue  # a bound over all weights; a curve whose violators were pooled
            ends = []
            for k in grid:
                left = min(int(k), exchange.largest - 1)
                human = curve[:, left] * (1 - k + left) + curve[:, left + 1] * (k - left)
                ends.append(own.ends(human - losses))
            lower, upper = np.array([e[0] for e in ends]), np.array([e[1] for e in ends])
            # least and largest k at which an end may cross 0, for the tails on either side
            first = [grid[np.flatnonzero(side <= 0)[0]] if (side <= 0).any() else grid[-1] for side in lower.T]
            last = [grid[np.flatnonzero(side >= 0)[-1]] if (side >= 0).any() else 0.0 for side in upper.T]
            assert min(first) - 0.03 <= found["low"] <= max(first) + 0.03, (m, labels)
            high = grid[-1] if np.isnan(found["high"]) else found["high"]
            assert min(last) - 0.03 <= high <= max(*last, found["estimate"], 0.05) + 0.03, (m, labels)
            inverted += 1
    assert inverted


def test_the_weight_of_a_synthetic_vote_and_its_jackknife(raw):
    exchange = Exchange(raw)
    for m, synthetic in exchange.synthetic.items():
        found = one(exchange.rows, labels="weighted", metric="weight", votes=m)
        assert found["estimate"] == pytest.approx(exchange.overall(synthetic), rel=5e-3, abs=1e-3)
        without = np.array([exchange.weight(speaker, synthetic) for speaker in sorted(set(exchange.speakers))])
        g = len(without)
        reach = student.ppf(0.975, g - 1) * np.sqrt((g - 1) / g * ((without - without.mean()) ** 2).sum())
        low, high = max(found["estimate"] - reach, 0.0), found["estimate"] + reach
        assert (found["low"], found["high"]) == pytest.approx((low, high), rel=1e-2, abs=2e-3)


def predicted(raw, labels, augmentation):
    """Return NLL and divergence of what models of a kind of labels predict, by utterance, means over seeds (U, 2)."""
    root = raw.results / "predictions" / CORPUS / PROTOCOL / "tiny" / labels / augmentation
    columns = [f"p_{name}" for name in CLASSES]
    of_seed = {}
    for path in sorted(root.glob("fold-*/seed-*.parquet")):
        table = pd.read_parquet(path)
        assert {raw.fold[name] for name in table["utterance"]} == {int(path.parent.name.removeprefix("fold-"))}
        for name, p in zip(table["utterance"], table[columns].to_numpy(), strict=True):
            votes = raw.human[name]
            of_seed.setdefault(path.stem, {})[name] = nll(p, votes), jsd(p, votes / votes.sum())
    assert all(set(scores) == set(raw.names) for scores in of_seed.values())
    return np.mean([[scores[name] for name in raw.names] for scores in of_seed.values()], axis=0)


def test_scores_of_fine_tuned_models_and_their_differences_with_intervals(raw):
    table = pd.read_parquet(raw.results / "statistics" / f"evaluation-{CORPUS}-{PROTOCOL}.parquet")
    table = table[(table["stratum"] == "all") & (table["reference"] == "human") & (table["model"] == "tiny")]
    table = table[table["low"].notna()]  # the rows of one seed have no interval
    losses = {pair: predicted(raw, *pair) for pair in set(zip(table["labels"], table["augmentation"], strict=True))}
    means = {pair: values.mean(axis=0) for pair, values in losses.items()}
    own = Studentised([raw.speaker[name] for name in raw.names], resamples_of(table))
    assert {("human", "none"), (SYNTHETIC, "none")} <= set(means)
    assert any(augmentation == "dime" for _, augmentation in means)
    for (labels, augmentation), (score, divergence) in means.items():
        rows = table[(table["labels"] == labels) & (table["augmentation"] == augmentation)]
        assert one(rows, metric="nll")["estimate"] == pytest.approx(score, abs=1e-6)
        assert one(rows, metric="jsd_bits")["estimate"] == pytest.approx(divergence, abs=1e-6)
        for place, metric in enumerate(("nll", "jsd_bits")):
            assert own.holds(one(rows, metric=metric), losses[labels, augmentation][:, place], 1e-5), (labels, metric)
        if labels != "human" and ("human", augmentation) in means:  # above 0: worse than human labels
            found = one(rows, metric="nll_minus_human")
            assert found["estimate"] == pytest.approx(score - means["human", augmentation][0], abs=1e-6)
            paired = (losses[labels, augmentation] - losses["human", augmentation])[:, 0]
            assert own.holds(found, paired, 1e-5), (labels, augmentation)
        if augmentation != "none":  # above 0: worse than without
            found = one(rows, metric="nll_minus_plain")["estimate"]
            assert found == pytest.approx(score - means[labels, "none"][0], abs=1e-6)


def test_what_dime_adds_to_a_training_part(raw):
    columns = [f"p_{name}" for name in CLASSES]
    splits = pd.read_parquet(raw.results / "splits" / CORPUS / f"{PROTOCOL}.parquet")
    training = set(splits[(splits["fold"] == 0) & (splits["part"] == "train")]["utterance"])
    arms = {path.parent.name: path for path in (raw.results / "augmented" / CORPUS / PROTOCOL).glob("*/dime")}
    arm = "human" if "human" in arms else min(arms)
    labels = pd.read_parquet(raw.results / "labels" / CORPUS / PROTOCOL / f"{arm}.parquet")
    before = labels[labels["utterance"].isin(training)][columns].to_numpy()
    items = pd.read_parquet(arms[arm] / "fold-0" / "items.parquet")
    made = items[columns].to_numpy()
    printed = pd.read_csv(raw.results.parent / "paper" / "tables" / "tab_augmentation.csv")
    printed = printed[printed["by"] == "dominant class"].set_index(["augmentation", "value"])["items"]
    assert len(before) == len(training)
    assert printed["none"].sum() == len(training)
    assert printed["dime"].sum() == len(training) + len(made)
    untied = (before == before.max(axis=1, keepdims=True)).sum(axis=1) == 1
    for place, name in enumerate(CLASSES):
        surely = int((before[untied].argmax(axis=1) == place).sum())
        assert surely <= printed["none", name] <= surely + int((~untied).sum())
    assert set("|".join(items["parents"]).split("|")) <= training


# Two counts of CREMA-D that were made apart from this workflow, from the published table of votes
FACE_AND_VOICE = {"jsd": 0.32623, "js_distance": 0.52820, "bhattacharyya": 0.69611, "total_variation": 0.46485}
PEARSON = [0.68142, 0.41371, 0.47377, 0.61696, 0.4816, 0.39173]
PRIOR_JSD, PRIOR_BHATTACHARYYA, UNIFORM_JSD = 0.29019, 0.73789, 0.37841
TOP_ONE, ENTROPY_CORRELATION = 0.50766, 0.07909
DIRICHLET = [0.336, 0.435, 0.360, 0.183, 1.208, 0.326]


@pytest.fixture(scope="module")
def cremad():
    if not CREMAD.exists():
        pytest.skip("the votes of CREMA-D are not beside the repository")
    rows = pd.read_csv(CREMAD, index_col=0)
    letters = ["A", "D", "F", "H", "N", "S"]
    voice, face = (rows[rows.index // 100000 == place].set_index("fileName")[letters] for place in (1, 2))
    return voice.to_numpy(float), face.loc[voice.index].to_numpy(float)


def test_cremad_is_what_two_independent_counts_say(cremad):
    voice, face = (votes / votes.sum(axis=1, keepdims=True) for votes in cremad)
    assert len(voice) == 7442
    pairs = list(zip(face, voice, strict=True))
    values = {
        "jsd": [jsd(p, q) for p, q in pairs],
        "js_distance": [np.sqrt(max(jsd(p, q), 0.0)) for p, q in pairs],
        "bhattacharyya": [bhattacharyya(p, q) for p, q in pairs],
        "total_variation": [np.abs(p - q).sum() / 2 for p, q in pairs],
    }
    for name, known in FACE_AND_VOICE.items():
        assert np.mean(values[name]) == pytest.approx(known, abs=6e-6 if known != 0.5282 else 6e-5), name
    for place, known in enumerate(PEARSON):
        assert np.corrcoef(face[:, place], voice[:, place])[0, 1] == pytest.approx(known, abs=6e-6)
    prior, uniform = cremad[0].sum(axis=0) / cremad[0].sum(), np.full(6, 1 / 6)
    assert np.mean([jsd(prior, q) for q in voice]) == pytest.approx(PRIOR_JSD, abs=6e-6)
    assert np.mean([bhattacharyya(prior, q) for q in voice]) == pytest.approx(PRIOR_BHATTACHARYYA, abs=6e-6)
    assert np.mean([jsd(uniform, q) for q in voice]) == pytest.approx(UNIFORM_JSD, abs=6e-6)
    assert fitted_dirichlet(cremad[0]) == pytest.approx(DIRICHLET, abs=6e-4)


def test_the_library_gives_the_same_of_cremad(cremad):
    from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
    from scaling_ambiguity.metrics import divergences

    voice, face = (votes / votes.sum(axis=1, keepdims=True) for votes in cremad)
    names = {"jsd": "jsd_bits"}
    for name, known in FACE_AND_VOICE.items():
        value = getattr(divergences, names.get(name, name))(face, voice).mean()
        assert value == pytest.approx(known, abs=6e-5)
    assert fit_dirichlet_multinomial(cremad[0]) == pytest.approx(fitted_dirichlet(cremad[0]), rel=1e-4)
    entropies = [divergences.entropy_bits(side) for side in (face, voice)]
    assert np.corrcoef(*entropies)[0, 1] == pytest.approx(ENTROPY_CORRELATION, abs=6e-6)
    top = [votes == votes.max(axis=1, keepdims=True) for votes in cremad]
    shared = [side / side.sum(axis=1, keepdims=True) for side in top]
    assert (shared[0] * shared[1]).sum(axis=1).mean() == pytest.approx(TOP_ONE, abs=2e-2)
