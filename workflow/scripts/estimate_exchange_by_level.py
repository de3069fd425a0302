"""Estimate how many human votes the synthetic votes are worth at each level of ambiguity.

The votes that decide the level, those that a predictor may use and those that it is judged by are
disjoint in every deal. With shared votes a proxy that is worth two votes appears to be worth less than two at low
ambiguity and more at high.
"""

import argparse

from scaling_ambiguity import cli
from scaling_ambiguity.inference.arranged_study import ArrangedStudy
from scaling_ambiguity.inference.arrangement import largest_of_most
from scaling_ambiguity.inference.exchange_losses import ExchangeLosses
from scaling_ambiguity.inference.exchange_predictors import add_known, add_synthetic
from scaling_ambiguity.inference.exchange_rows import stratum_rows, used_row
from scaling_ambiguity.inference.study import study_parser
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.tables.statistics import NOT_IDENTIFIABLE, THESE


def main(arguments: argparse.Namespace) -> None:
    """Value the synthetic votes level by level, or report that the corpus does not allow it."""
    study = ArrangedStudy(arguments)
    common = {"protocol": arguments.protocol, "model": arguments.annotator}
    raters, levels = study.dealt.raters, study.levels
    study.refuse_uncovered(raters)
    start = int(levels["votes"].max()) if len(levels) else 0
    most = study.options["exchange"]["largest_k"]
    largest = largest_of_most(study.dealt.voters(), start, most) if len(levels) else 0
    if largest < 1:
        print(
            f"fewer than half of the utterances have the {start + 2} votes needed for a level, conditioning and testing"
        )
        unknown = {"metric": "equivalent_votes", "method": NOT_IDENTIFIABLE, "reference": "human", "population": THESE}
        study.write([unknown | {"stratum": name} for name in LEVELS], **common)
        return
    world, fixed = study.arrange(start, largest)
    print(f"{len(world.names)} of {len(study.names)} utterances have more than {start} + {largest} human votes")
    places, draws = study.level_places()[:, fixed], study.draws[fixed]
    strata = {name: places == place for place, name in enumerate(LEVELS)}
    losses = ExchangeLosses(world, strata, across=study.across_raters(raters))
    m = max((size for size in study.options["exchange"]["votes"] if size <= draws.shape[1]), default=0)
    pool = study.pool(world, draws, m) if m else None
    if pool is not None:
        add_synthetic(losses, lambda _: pool, [m])
    known_keys = add_known(losses, *study.truth(world), pool, m, study.seed) if arguments.truth else set()
    # by level the recovery study has no calibrated votes, and shows that the interval of the echo undercovers
    rows = [
        row
        for name in strata
        if losses.occurs(name)
        for row in stratum_rows(losses, name, study.settings, known_keys, refused=("calibrated", "echo"))
    ]
    study.write([*rows, used_row(len(world.names), len(study.names))], **common)


if __name__ == "__main__":
    parser = study_parser(__doc__, "annotator", "protocol", "proxies", "roles", "levels")
    parser.add_argument("--truth", help="of a simulated corpus: adds proxies of known worth")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    cli.run(main, parser)
