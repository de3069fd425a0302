"""Estimate how many human votes the synthetic votes are worth, and check it on proxies of known worth."""

import argparse
from functools import partial

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference import crossed
from scaling_ambiguity.inference.arrangement import arrange
from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.draws import draw_table, subsets
from scaling_ambiguity.inference.exchange import EquivalentVotes, equivalent_votes
from scaling_ambiguity.inference.known_worth import known_proxies
from scaling_ambiguity.inference.validity import across_raters, refuse
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.dirichlet import expected_nll, fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.labels.pooling import with_echo
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
from scaling_ambiguity.tables.truth import TRUTH
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

HEADLINE = ("as_pooled", "weighted")  # valued for raters like these too, at the largest number of votes


def main(arguments: argparse.Namespace) -> None:
    """Compare the loss of k human votes with that of m synthetic ones on one fixed set of utterances."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    counts, blocks = human_counts(votes, names, classes), speaker_blocks(speakers, arguments.utterances)
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles))
    refuse(arguments.validity, "these raters", options["interval"], len(set(speakers)), dealt.raters)
    largest = min(options["exchange"]["largest_k"], int(dealt.voters().max()) - 1)
    if largest < 1:
        raise UserError(f"{arguments.votes}: no utterance has two votes; an exchange rate cannot be estimated.")
    level, floor = options["level"], options["smoothing"]
    world, fixed = arrange(dealt, counts, blocks, speakers, start=0, largest=largest, floor=floor, level=level)
    kept = [name for name, use in zip(names, fixed, strict=True) if use]
    print(f"{len(kept)} of {len(names)} utterances have more than {largest} human votes")
    draws = draw_table(PROXIES.read(arguments.proxies), names, classes, str(arguments.proxies))[fixed]
    sizes = [m for m in options["exchange"]["votes"] if m <= draws.shape[1]]
    pools = subsets(draws, kept, sizes, world.dealt.shape[0], len(classes), arguments.seed, "exchange subsets")

    rows: list[dict] = []

    def add(metric: str, labels: str, count: float, estimate: float, low: float, high: float, **more: object) -> None:
        row = {"corpus": arguments.corpus, "model": "none" if labels == "human" else arguments.annotator}
        row |= {"labels": labels, "stratum": "all", "metric": metric, "reference": "human", "votes": count}
        row |= {"estimate": estimate, "low": low, "high": high, "n": len(kept), "n_clusters": len(set(world.speakers))}
        rows.append(row | {"population": "these raters", "method": options["interval"]} | more)

    # predictors: (labels, m) -> human and weighted synthetic votes together, (deals, U, C)
    proxies: dict[tuple[str, float], np.ndarray] = {}
    for m, pool in zip(sizes, pools, strict=True):
        proxies["as_pooled", m] = pool
        proxies["weighted", m], worth = world.weigh(pool, 0)
        add("worth", "weighted", m, worth.overall, worth.low, worth.high, method="jackknife_t")
    gains: dict[tuple[str, float], np.ndarray] = {}
    for k in range(1, largest) if sizes else ():
        gains[f"gain_k{k}", sizes[-1]], worth = world.weigh(pools[-1], k)
        add(f"worth_k{k}", "weighted", sizes[-1], worth.overall, worth.low, worth.high, method="jackknife_t")
    known: dict[tuple[str, float], np.ndarray] = {}
    if arguments.truth:
        truth = TRUTH.read(arguments.truth).set_index("utterance").reindex(kept)
        v, p = (truth[class_columns(classes, prefix)].to_numpy(float) for prefix in ("v_", "p_"))
        last, m = (pools[-1], sizes[-1]) if sizes else (None, 0)
        known = known_proxies(world, kept, v, p, last, m, arguments.seed)
        if sizes and largest > 1:  # the majority of k human votes, repeated: adds no information to them
            k = largest - 1
            repeated = (with_echo(world.human(k), pools[-1]) * (k + m)) - world.human(k)
            gains[f"echo_k{k}", m] = world.weigh(repeated, k)[0]

    everyone = fit_dirichlet_multinomial(counts)
    settings = {
        "resamples": options["resamples"],
        "seed": arguments.seed,
        "level": level,
        "method": options["interval"],
    }
    speakerwise = partial(mean_interval, clusters=world.speakers, **settings)
    curve = np.stack([world.loss(world.human(k)).mean(axis=0) for k in range(largest + 1)], axis=1)
    found = speakerwise(curve)
    for k in range(largest + 1):
        add("nll", "human", k, found.estimate[k], found.low[k], found.high[k])
        add("nll_fitted", "human", k, expected_nll(everyone, k), np.nan, np.nan, method="dirichlet_multinomial")
    together = proxies | known | gains
    if together:
        losses = np.stack([world.loss(v).mean(axis=0) for v in together.values()], axis=1)
        add_values(add, list(together), equivalent_votes(curve, losses, speakerwise), set(known), "these raters")
        scores = [(labels, m) for labels, m in together if (labels, m) not in gains]
        columns = [list(together).index(key) for key in scores]
        nll, excess = speakerwise(losses[:, columns]), speakerwise(losses[:, columns] - curve[:, :1])
        add_scores(add, scores, nll, excess, set(known), options["interval"])
    if together and across_raters(arguments.validity, len(set(world.speakers)), dealt.raters):
        chosen = [
            key for key in together if (key[0] in HEADLINE and key[1] == sizes[-1]) or key[0].startswith("fresh-")
        ]
        people = [world.human(k) for k in range(largest + 1)]
        values, weights = world.vote_losses([*people, *(together[key] for key in chosen)])
        across = partial(crossed.crossed_mean_interval, **world.per_vote(), weights=weights, **settings)
        curves, others = values[:, : largest + 1], values[:, largest + 1 :]
        add_values(add, chosen, equivalent_votes(curves, others, across, weights), set(known), crossed.POPULATION)
    STATISTICS.write(statistics_frame(rows), arguments.output)


def add_values(
    add: object, keys: list[tuple[str, float]], values: list[EquivalentVotes], known: set, population: str
) -> None:
    """Add a row of equivalent votes a predictor; of k human and m synthetic votes, the gain over k."""
    for (labels, m), value in zip(keys, values, strict=True):
        more = {"one_sided": value.one_sided, "method": "test_inversion", "population": population}
        kind, _, k = labels.rpartition("_k")
        if kind in ("gain", "echo"):
            shifted = (number - int(k) for number in (value.estimate, value.low, value.high))
            add(f"gain_k{k}", "weighted" if kind == "gain" else "echo", m, *shifted, **more)
        else:
            more["reference"] = "truth" if (labels, m) in known else "human"
            add("equivalent_votes", labels, m, value.estimate, value.low, value.high, **more)


def add_scores(
    add: object, keys: list[tuple[str, float]], nll: Intervals, excess: Intervals, known: set, method: str
) -> None:
    """Add the NLL of each predictor and what it is above that of the prior."""
    for i, (labels, m) in enumerate(keys):
        more = {"reference": "truth" if (labels, m) in known else "human", "method": method}
        add("nll", labels, m, nll.estimate[i], nll.low[i], nll.high[i], **more)
        add("nll_minus_prior", labels, m, excess.estimate[i], excess.low[i], excess.high[i], p=excess.p[i], **more)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="estimate_exchange_rate.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "roles", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="of a simulated corpus: adds proxies of known worth")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
