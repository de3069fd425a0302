"""Report how an ALM's votes deviate from people's: over-used labels, groups, use of inputs, variance components.

Every number is about single votes, so that it does not depend on the number of votes. Contrasts of a group
with all other utterances are adjusted over the groups of one factor; shares of labels over the classes.
"""

import argparse
from pathlib import Path

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.factors import read_factors
from scaling_ambiguity.inference import bias_rows
from scaling_ambiguity.inference.bias import score, thirds
from scaling_ambiguity.labels.counting import deal_votes, human_counts, synthetic_counts
from scaling_ambiguity.labels.levels import LEVELS as LEVEL_NAMES
from scaling_ambiguity.labels.levels import level_places
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

DURATIONS = ("short", "medium", "long")


def main(arguments: argparse.Namespace) -> None:
    """Estimate everything that the given votes allow, and report what they do not."""
    options, classes, seed = arguments.options, arguments.classes, arguments.seed
    table, votes, proxies = (
        UTTERANCES.read(arguments.utterances),
        VOTES.read(arguments.votes),
        PROXIES.read(arguments.proxies),
    )
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    human = human_counts(votes, names, classes, str(arguments.votes))
    whole = np.abs(human - np.rint(human)).max(axis=1) < 1e-9
    if not whole.all():
        print(f"{(~whole).sum()} utterances have votes that name several labels; they are left out here")
    human = np.where(whole[:, None], np.rint(human), 0.0)
    synthetic = synthetic_counts(proxies, names, classes, str(arguments.proxies))
    scores = score(human, synthetic)
    settings = {"resamples": options["resamples"], "seed": seed, "level": options["level"]}
    settings["method"] = options["interval"]
    plain = {"clusters": speakers, "settings": settings}
    tell = plain | {"method": options["adjust"]}

    factors = read_factors(arguments.factors, table) if arguments.factors else {}
    if table["duration"].notna().any():
        places = thirds(table["duration"].to_numpy(float))
        factors["duration"] = np.array([*DURATIONS, ""], dtype=object)[places]
    rows = bias_rows.whole_rows(scores, **plain)
    rows += bias_rows.class_rows(human, synthetic, classes, **tell)
    rows += [row for name, values in factors.items() for row in bias_rows.factor_rows(name, values, scores, **tell)]
    rows += level_rows(arguments, votes, names, synthetic, plain)
    listening = []
    for name, path in arguments.listening or []:
        alone = synthetic_counts(PROXIES.read(path), names, classes, str(path))
        listening += bias_rows.listening_rows(name, human, synthetic, alone, factors, **plain)
    rows += bias_rows.adjusted(listening, options["adjust"])
    rows += bias_rows.variance_rows(proxies, names, classes, speaker_blocks(speakers), options["level"])
    common = {"corpus": arguments.corpus, "protocol": arguments.protocol, "model": arguments.annotator}
    common |= {
        "reference": "human",
        "population": THESE,
        "labels": str(Labels("synthetic", arguments.annotator)),
    }
    common["method"] = options["interval"]
    STATISTICS.write(statistics_frame([common | row for row in rows]), arguments.output)


def level_rows(
    arguments: argparse.Namespace, votes: object, names: list[str], synthetic: np.ndarray, plain: dict
) -> list[dict]:
    """Return the rows by level of ambiguity: only votes that did not decide the level are matched."""
    levels = LEVELS.read(arguments.levels)
    if not len(levels):
        print("no utterance has a level of ambiguity")
        return []
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, arguments.classes, str(arguments.roles))
    places = level_places(levels, names, str(arguments.levels))
    rest = dealt.in_role("conditioning", "reference")
    return bias_rows.level_rows(rest, synthetic, places, LEVEL_NAMES, **plain)


def named_path(text: str) -> tuple[str, Path]:
    """Parse ``audio=votes.parquet``."""
    name, separator, path = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, Path(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="report_bias.py", description=__doc__)
    for name in ("corpus", "annotator", "protocol", "votes", "proxies", "roles", "levels", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--factors", type=cli.json_value, help="JSON: table, utterance or speaker, columns")
    parser.add_argument(
        "--listening", nargs="*", type=named_path, help="audio=FILE text=FILE: votes given only one of them"
    )
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
