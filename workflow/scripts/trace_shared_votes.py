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
    Corpus,
    arrangement_rows,
    identifiable,
    losses_under,
)
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Value the proxies under each arrangement, or report that the corpus does not allow it."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    corpus = Corpus(
        names=names,
        dealt=deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles)),
        counts=human_counts(votes, names, classes),
        blocks=speaker_blocks(speakers, arguments.utterances),
        speakers=speakers,
    )
    level_votes = options["level_votes"]
    enough = int(corpus.with_votes(level_votes).sum())
    print(f"{enough} of {len(names)} utterances have more than {WITHHELD} + {level_votes} + {LARGEST} human votes")
    if not identifiable(corpus, level_votes):
        print(f"fewer than {FEWEST}: the effect of shared votes cannot be shown")
        rows = [
            {"stratum": stratum, "metric": "equivalent_votes", "method": "not_identifiable", "population": THESE}
            | {"reference": "human", "n": enough}
            for stratum in LEVELS
        ]
    else:
        fixed = {"floor": options["smoothing"], "level": options["level"], "seed": arguments.seed}
        settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": options["level"]}
        settings["method"] = options["interval"]
        rows = []
        for name in ARRANGEMENTS:
            losses = losses_under(name, corpus, level_votes=level_votes, **fixed)
            rows += arrangement_rows(name, losses, settings)
    STATISTICS.write(statistics_frame([row | {"corpus": arguments.corpus} for row in rows]), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="trace_shared_votes.py", description=__doc__)
    for name in ("corpus", "votes", "roles", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
