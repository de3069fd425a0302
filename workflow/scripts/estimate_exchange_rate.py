"""Estimate how many human votes the synthetic votes are worth, and check it on proxies of known worth."""

import argparse

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.draws import draw_table, fresh_votes, subsets
from scaling_ambiguity.inference.exchange import equivalent_votes, fit_weights, nll_by_utterance
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.dirichlet import expected_nll, fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import from_others, speaker_blocks
from scaling_ambiguity.labels.pooling import shuffle_within
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
from scaling_ambiguity.tables.truth import TRUTH
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Compare the loss of k human votes with that of m synthetic ones on one fixed set of utterances."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    all_counts, all_blocks = human_counts(votes, names, classes), speaker_blocks(speakers, arguments.utterances)
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles))
    available = dealt.voters()
    largest = min(options["exchange"]["largest_k"], int(available.max()) - 1)
    fixed = available > largest
    if largest < 1:
        raise UserError(f"{arguments.votes}: no utterance has two votes; an exchange rate cannot be estimated.")
    kept, clusters, blocks = [n for n, use in zip(names, fixed, strict=True) if use], speakers[fixed], all_blocks[fixed]
    print(f"{len(kept)} of {len(names)} utterances have more than {largest} human votes")
    human = [dealt.between(0, k)[:, fixed] for k in range(largest + 1)]
    reference = dealt.between(largest)[:, fixed]
    a = from_others(all_counts, all_blocks, fit_dirichlet_multinomial)[fixed]
    floor, deals = options["smoothing"], len(reference)
    curve = np.stack([nll_by_utterance(h, a, reference, floor) for h in human], axis=1)
    settings = {"resamples": options["resamples"], "seed": arguments.seed}
    settings |= {"level": options["level"], "method": options["interval"]}
    rows: list[dict] = []

    def add(metric: str, labels: str, count: float, estimate: float, low: float, high: float, **more: object) -> None:
        row = {"corpus": arguments.corpus, "model": "none" if labels == "human" else arguments.annotator}
        row |= {"labels": labels, "stratum": "all", "metric": metric, "reference": "human", "votes": count}
        row |= {"estimate": estimate, "low": low, "high": high, "n": len(kept), "n_clusters": len(set(clusters))}
        rows.append(row | {"population": "these raters", "method": options["interval"]} | more)

    def weigh(synthetic: np.ndarray, k: int) -> tuple[np.ndarray, object]:
        fitted = fit_weights(human[k], synthetic, reference, all_counts, all_blocks, blocks, options["level"])
        return nll_by_utterance(human[k] + fitted.each[:, None] * synthetic, a, reference, floor), fitted

    found = mean_interval(curve, clusters, **settings)
    everyone = fit_dirichlet_multinomial(all_counts)
    for k in range(largest + 1):
        add("nll", "human", k, found.estimate[k], found.low[k], found.high[k])
        add("nll_fitted", "human", k, expected_nll(everyone, k), np.nan, np.nan, method="dirichlet_multinomial")

    draws = draw_table(PROXIES.read(arguments.proxies), names, classes, str(arguments.proxies))[fixed]
    sizes = [m for m in options["exchange"]["votes"] if m <= draws.shape[1]]
    proxies: dict[tuple[str, float], np.ndarray] = {}
    pools = subsets(draws, kept, sizes, deals, len(classes), arguments.seed, "exchange subsets")
    for m, pool in zip(sizes, pools, strict=True):
        proxies["as_pooled", m] = nll_by_utterance(pool, a, reference, floor)
        proxies["weighted", m], worth = weigh(pool, 0)
        add("worth", "weighted", m, worth.overall, worth.low, worth.high, method="jackknife_t")
    gains = {k: weigh(pools[-1], k) for k in range(1, largest)} if sizes else {}
    for k, (_, worth) in gains.items():
        add(f"worth_k{k}", "weighted", sizes[-1], worth.overall, worth.low, worth.high, method="jackknife_t")
    validation: dict[tuple[str, float], np.ndarray] = {}
    if arguments.truth:
        truth = TRUTH.read(arguments.truth).set_index("utterance").reindex(kept)
        v = truth[class_columns(classes, "v_")].to_numpy(float)
        for k in range(1, min(3, largest) + 1):
            fresh = fresh_votes(v, kept, k, deals, arguments.seed, f"{k} fresh raters")
            validation[f"fresh-{k}", k] = nll_by_utterance(fresh, a, reference, floor)
        if sizes:
            other = shuffle_within(np.zeros(len(kept), dtype=np.intp), kept, arguments.seed)
            flat = np.full_like(v, 1 / len(classes))
            noise = fresh_votes(flat, kept, sizes[-1], deals, arguments.seed, "noise")
            validation["noise", sizes[-1]], _ = weigh(noise, 0)
            validation["shuffled", sizes[-1]], _ = weigh(pools[-1][:, other], 0)

    together = proxies | validation | {(f"gain_k{k}", float(sizes[-1])): loss for k, (loss, _) in gains.items()}
    if together:
        losses = np.stack(list(together.values()), axis=1)
        nll = mean_interval(losses, clusters, **settings)
        excess = mean_interval(losses - curve[:, :1], clusters, **settings)
        valued = equivalent_votes(curve, losses, clusters, **settings)
    for i, (labels, m) in enumerate(together):
        row = {"reference": "truth" if (labels, m) in validation else "human", "method": "test_inversion"}
        if labels.startswith("gain_k"):
            k = int(labels.removeprefix("gain_k"))
            low, high = valued[i].low - k, valued[i].high - k
            sided = valued[i].one_sided
            add(labels, "weighted", m, valued[i].estimate - k, low, high, one_sided=sided, **row)
            continue
        add("equivalent_votes", labels, m, valued[i].estimate, valued[i].low, valued[i].high,
            one_sided=valued[i].one_sided, **row)  # fmt: skip
        row["method"] = options["interval"]
        add("nll", labels, m, nll.estimate[i], nll.low[i], nll.high[i], **row)
        add("nll_minus_prior", labels, m, excess.estimate[i], excess.low[i], excess.high[i], p=excess.p[i], **row)
    STATISTICS.write(statistics_frame(rows), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="estimate_exchange_rate.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "roles", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="of a simulated corpus: adds proxies of known worth")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
