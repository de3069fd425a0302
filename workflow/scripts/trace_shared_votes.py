"""Trace the effect of shared votes on a result by level of ambiguity, with proxies of known worth.

Two withheld human votes, an echo of the human majority and the votes of another utterance are valued in human votes
at each level, once with levels from votes that are also conditioned on or predicted, and once from reserved votes.
"""

import argparse

from scaling_ambiguity import cli
from scaling_ambiguity.inference.shared_votes import (
    ARRANGEMENTS,
    FEWEST,
    LARGEST,
    WITHHELD,
    arrangement_rows,
    losses_under,
    with_votes,
)
from scaling_ambiguity.inference.study import Study, study_parser
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.tables.statistics import NOT_IDENTIFIABLE, THESE


def main(arguments: argparse.Namespace) -> None:
    """Value the proxies under each arrangement, or report that the corpus does not allow it."""
    study = Study(arguments)
    level_votes = study.options["level_votes"]
    enough = int(with_votes(study.human, level_votes).sum())
    print(
        f"{enough} of {len(study.names)} utterances have more than {WITHHELD} + {level_votes} + {LARGEST} human votes"
    )
    rows = []
    if enough < FEWEST:
        print(f"fewer than {FEWEST}: the effect of shared votes cannot be shown")
        unknown = {"metric": "equivalent_votes", "method": NOT_IDENTIFIABLE, "n": enough}
        rows = [unknown | {"stratum": stratum} for stratum in LEVELS]
    else:
        fixed = {"floor": study.options["smoothing"], "level": study.options["level"], "seed": study.seed}
        for name in ARRANGEMENTS:
            losses = losses_under(name, study.human, level_votes=level_votes, **fixed)
            rows += arrangement_rows(name, losses, study.settings)
    study.write(rows, population=THESE, reference="human")


if __name__ == "__main__":
    cli.run(main, study_parser(__doc__, "roles"))
