"""Estimate how many human votes the synthetic votes are worth at each level of ambiguity.

The votes that decide the level, those that a predictor may read and those that it is judged by are
disjoint in every deal. With shared votes a proxy that is worth two votes reads less than two at low
ambiguity and more at high.
"""

import argparse
from functools import partial

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.inference.alignment import over_deals
from scaling_ambiguity.inference.arrangement import Arrangement, arrange, largest_of_most
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.draws import draw_table, subsets
from scaling_ambiguity.inference.exchange import equivalent_votes
from scaling_ambiguity.inference.known_worth import known_proxies
from scaling_ambiguity.inference.validity import refuse
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.levels import LEVELS as LEVEL_NAMES
from scaling_ambiguity.labels.levels import level_places
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
from scaling_ambiguity.tables.truth import TRUTH
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Value the synthetic votes level by level, or say that the corpus does not allow it."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table, levels = UTTERANCES.read(arguments.utterances), LEVELS.read(arguments.levels)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    counts, blocks = human_counts(votes, names, classes), speaker_blocks(speakers, arguments.utterances)
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles))
    refuse(arguments.validity, "these raters", options["interval"], len(set(speakers)), dealt.raters)
    start = int(levels["votes"].max()) if len(levels) else 0
    largest = largest_of_most(dealt.voters(), start, options["exchange"]["largest_k"]) if len(levels) else 0
    about = {"corpus": arguments.corpus, "protocol": arguments.protocol, "model": arguments.annotator}
    about |= {"reference": "human", "population": "these raters"}
    if largest < 1:
        print(f"fewer than half of the utterances have the {start + 2} votes that a level, a condition and a test take")
        rows = [
            about | {"stratum": name, "metric": "equivalent_votes", "method": "not_identifiable"}
            for name in LEVEL_NAMES
        ]
        STATISTICS.write(statistics_frame(rows), arguments.output)
        return
    level, floor = options["level"], options["smoothing"]
    world, fixed = arrange(dealt, counts, blocks, speakers, start=start, largest=largest, floor=floor, level=level)
    kept = [name for name, use in zip(names, fixed, strict=True) if use]
    print(f"{len(kept)} of {len(names)} utterances have more than {start} + {largest} human votes")
    places = level_places(levels, names, str(arguments.levels))[:, fixed]
    draws = draw_table(PROXIES.read(arguments.proxies), names, classes, str(arguments.proxies))[fixed]
    m = max(size for size in options["exchange"]["votes"] if size <= draws.shape[1])
    pool = subsets(draws, kept, [m], world.dealt.shape[0], len(classes), arguments.seed, "exchange subsets")[0]
    proxies = {("as_pooled", m): pool, ("weighted", m): world.weigh(pool, 0)[0]}
    known = {}
    if arguments.truth:
        truth = TRUTH.read(arguments.truth).set_index("utterance").reindex(kept)
        v, p = (truth[class_columns(classes, prefix)].to_numpy(float) for prefix in ("v_", "p_"))
        known = known_proxies(world, kept, v, p, pool, m, arguments.seed)
    settings = {
        "resamples": options["resamples"],
        "seed": arguments.seed,
        "level": level,
        "method": options["interval"],
    }
    rows = value_by_level(world, proxies | known, places, settings)
    for row in rows:
        row |= about | {"reference": "truth" if (row["labels"], row["votes"]) in known else "human"}
    STATISTICS.write(statistics_frame(rows), arguments.output)


def value_by_level(world: Arrangement, proxies: dict, places: np.ndarray, settings: dict) -> list[dict]:
    """Return the rows of NLL of k human votes and of equivalent votes of every proxy, at each level that occurs."""
    people = [world.loss(world.human(k)) for k in range(world.largest + 1)]
    others = [world.loss(votes) for votes in proxies.values()]
    rows = []
    for place, name in enumerate(LEVEL_NAMES):
        mask = places == place
        if not mask.any():
            continue
        averaged = [over_deals(values, mask) for values in (*people, *others)]
        weights = averaged[0][1]
        columns = np.stack([values for values, _ in averaged], axis=1)
        curve, losses = columns[:, : world.largest + 1], columns[:, world.largest + 1 :]
        interval = partial(mean_interval, clusters=world.speakers, weights=weights, **settings)
        nll = interval(columns)
        about = {"stratum": name, "n": nll.n, "n_clusters": nll.n_clusters, "method": settings["method"]}
        keys = [("human", k) for k in range(world.largest + 1)] + list(proxies)
        for i, (labels, m) in enumerate(keys):
            found = {"estimate": nll.estimate[i], "low": nll.low[i], "high": nll.high[i]}
            rows.append(about | {"labels": labels, "votes": m, "metric": "nll"} | found)
        for (labels, m), value in zip(proxies, equivalent_votes(curve, losses, interval, weights), strict=True):
            found = {"estimate": value.estimate, "low": value.low, "high": value.high, "one_sided": value.one_sided}
            found |= {"labels": labels, "votes": m, "metric": "equivalent_votes"}
            rows.append(about | found | {"method": "test_inversion"})
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="estimate_exchange_by_level.py", description=__doc__)
    for name in ("corpus", "annotator", "protocol", "votes", "proxies", "roles", "levels", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="of a simulated corpus: adds proxies of known worth")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
