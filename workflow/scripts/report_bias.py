"""Report how an ALM's votes deviate from people's: over-used labels, groups, use of inputs, variance components.

Every number is about single votes, so that it does not depend on the number of votes. Contrasts of a group
with all other utterances are adjusted over the groups of one factor; shares of labels over the classes.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.factors import read_factors
from scaling_ambiguity.inference import bias_rows
from scaling_ambiguity.inference.adjust import adjust_rows
from scaling_ambiguity.inference.bias import score, thirds
from scaling_ambiguity.inference.study import Study, study_parser
from scaling_ambiguity.labels.counting import synthetic_counts, whole_votes
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.statistics import THESE

DURATIONS = ("short", "medium", "long")


def main(arguments: argparse.Namespace) -> None:
    """Estimate everything that the given votes allow, and report what they do not."""
    study = Study(arguments)
    table, classes, synthetic, adjust = study.utterances, study.classes, study.synthetic, study.options["adjust"]
    whole = whole_votes(study.counts)
    if not whole.all():
        print(f"{(~whole).sum()} utterances have votes that name several labels; they are left out here")
    human = np.where(whole[:, None], np.rint(study.counts), 0.0)
    scores = score(human, synthetic)
    plain: dict[str, Any] = {"clusters": study.speakers, "settings": study.settings}
    tell = plain | {"method": adjust}

    factors = read_factors(arguments.factors, table) if arguments.factors else {}
    if table["duration"].notna().any():
        places = thirds(table["duration"].to_numpy(float))
        factors["duration"] = np.array([*DURATIONS, ""], dtype=object)[places]
    rows = bias_rows.whole_rows(scores, **plain)
    rows += bias_rows.class_rows(human, synthetic, classes, **tell)
    rows += [row for name, values in factors.items() for row in bias_rows.factor_rows(name, values, scores, **tell)]
    if len(study.levels):
        rest = study.dealt.in_role("conditioning", "reference")  # votes that did not decide the level
        rows += bias_rows.level_rows(rest, synthetic, study.level_places(), LEVELS, **plain)
    else:
        print("no utterance has a level of ambiguity")
    listening = []
    for name, path in arguments.listening or []:
        alone = synthetic_counts(PROXIES.read(path), study.names, classes, str(path))
        listening += bias_rows.listening_rows(name, human, synthetic, alone, factors, **plain)
    rows += adjust_rows(listening, adjust)
    blocks = speaker_blocks(study.speakers)
    rows += bias_rows.variance_rows(study.proxies, study.names, classes, blocks, study.options["level"])
    study.write(
        rows, protocol=arguments.protocol, model=arguments.annotator, labels=study.annotator, reference="human",
        population=THESE, method=study.settings["method"],
    )  # fmt: skip


def named_path(text: str) -> tuple[str, Path]:
    """Parse ``audio=votes.parquet``."""
    name, separator, path = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, Path(path)


if __name__ == "__main__":
    parser = study_parser(__doc__, "annotator", "protocol", "proxies", "roles", "levels")
    parser.add_argument("--factors", type=cli.json_value, help="JSON: table, utterance or speaker, columns")
    parser.add_argument(
        "--listening", nargs="*", type=named_path, help="audio=FILE text=FILE: votes given only one of them"
    )
    cli.run(main, parser)
