"""Estimate how many human votes the synthetic votes are worth at each level of ambiguity.

The votes that decide the level, those that a predictor may use and those that it is judged by are
disjoint in every deal. With shared votes a proxy that is worth two votes appears to be worth less than two at low
ambiguity and more at high.
"""

import argparse

from scaling_ambiguity import cli
from scaling_ambiguity.inference.arrangement import arrange, largest_of_most
from scaling_ambiguity.inference.draws import draw_table, subsets
from scaling_ambiguity.inference.exchange_losses import ExchangeLosses
from scaling_ambiguity.inference.exchange_predictors import add_known, add_synthetic
from scaling_ambiguity.inference.exchange_rows import stratum_rows, used_row
from scaling_ambiguity.inference.validity import across_raters, refuse
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.levels import LEVELS as LEVEL_NAMES
from scaling_ambiguity.labels.levels import level_places
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.truth import TRUTH
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Value the synthetic votes level by level, or report that the corpus does not allow it."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table, levels = UTTERANCES.read(arguments.utterances), LEVELS.read(arguments.levels)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    counts, blocks = human_counts(votes, names, classes), speaker_blocks(speakers, arguments.utterances)
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles))
    refuse(arguments.validity, THESE, options["interval"], len(set(speakers)), dealt.raters)
    start = int(levels["votes"].max()) if len(levels) else 0
    largest = largest_of_most(dealt.voters(), start, options["exchange"]["largest_k"]) if len(levels) else 0
    common = {"corpus": arguments.corpus, "protocol": arguments.protocol, "model": arguments.annotator}
    common |= {"reference": "human", "population": THESE}
    if largest < 1:
        print(
            f"fewer than half of the utterances have the {start + 2} votes needed for a level, conditioning and testing"
        )
        rows = [
            common | {"stratum": name, "metric": "equivalent_votes", "method": "not_identifiable"}
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
    sizes = [size for size in options["exchange"]["votes"] if size <= draws.shape[1]]
    strata = {name: places == place for place, name in enumerate(LEVEL_NAMES)}
    losses = ExchangeLosses(world, strata, across=across_raters(arguments.validity, len(set(speakers)), dealt.raters))
    pool, known_keys = None, set()
    if sizes:
        m, deals = max(sizes), world.dealt.shape[0]
        pool = subsets(draws, kept, [m], deals, len(classes), arguments.seed, "exchange subsets")[0]
        add_synthetic(losses, lambda _: pool, [m])
    if arguments.truth:
        truth = TRUTH.read(arguments.truth).set_index("utterance").reindex(kept)
        v, p = (truth[class_columns(classes, prefix)].to_numpy(float) for prefix in ("v_", "p_"))
        known_keys = add_known(losses, kept, v, p, pool, max(sizes, default=0), arguments.seed)
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": level}
    settings["method"] = options["interval"]
    # by level the recovery study has no calibrated votes, and shows that the interval of the echo undercovers
    rows = [
        row
        for name in strata
        if losses.occurs(name)
        for row in stratum_rows(losses, name, settings, known_keys, refused=("calibrated", "echo"))
    ]
    rows.append(used_row(len(kept), len(names)))
    rows = [row | {key: common[key] for key in ("corpus", "protocol", "model")} for row in rows]
    STATISTICS.write(statistics_frame(rows), arguments.output)


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
