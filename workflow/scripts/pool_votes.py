"""Make one label table: human, synthetic, combined or control labels of every utterance."""

import argparse

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels import budget, counting, dawid_skene, pooling
from scaling_ambiguity.labels.others import LEFT_OUT, test_parts
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Read the votes, pool them as the name of the labels says, write the table."""
    table = UTTERANCES.read(arguments.utterances)
    names, speakers, classes = table["utterance"].tolist(), table["speaker"].to_numpy(str), arguments.classes
    votes = VOTES.read(arguments.votes)
    band: list[NDArray[np.float64]] = []
    human = counting.human_counts(votes, names, classes, str(arguments.votes))
    parts = test_parts(SPLITS.read(arguments.splits), names, str(arguments.splits))
    inside = parts != LEFT_OUT
    every, names = names, [name for name, kept in zip(names, inside, strict=True) if kept]
    human, speakers, parts = human[inside], speakers[inside], parts[inside]
    if len(names) < len(every):
        print(f"{len(every) - len(names)} utterances are left out of the splits and have no label")
    if not human.sum(axis=1).all():
        empty = names[int(human.sum(axis=1).argmin())]
        raise UserError(f"{arguments.votes}: {empty} has no vote inside {classes}. Its reader must reject it.")
    if arguments.labels == "human":
        labels, synthetic = counting.frequencies(human), None
    else:
        if arguments.proxies is None or arguments.annotator is None:
            raise UserError(f"labels {arguments.labels!r} need --proxies and --annotator.")
        proxies = PROXIES.read(arguments.proxies)
        synthetic = counting.synthetic_counts(proxies, every, classes, str(arguments.proxies))[inside]
        family, _, rest = arguments.labels.partition(f"-{arguments.annotator}")
        if (family, rest) == ("synthetic", ""):
            labels, human = counting.frequencies(synthetic), None
        elif (family, rest) == ("combined", "-equal"):
            labels = pooling.equal(human, synthetic)
        elif (family, rest) == ("combined", "-weighted"):
            labels, weights = pooling.weighted(human, synthetic, speakers, parts)
            print(f"weight of a synthetic vote: {weights.min():.4g} to {weights.max():.4g}, mean {weights.mean():.4g}")
        elif (family, rest) == ("combined", "-calibrated"):
            labels, worth = pooling.calibrated(human, synthetic, speakers, parts)
            print(f"human votes that a synthetic one adds: {worth.min():.4g} to {worth.max():.4g}")
        elif (family, rest) == ("combined", "-dirichlet"):
            labels, *band = pooling.dirichlet(human, synthetic, speakers, parts)
        elif (family, rest) == ("combined", "-dawid_skene"):
            cast = dawid_skene.ballots(
                votes[votes["utterance"].isin(names)],
                proxies[proxies["utterance"].isin(names)],
                names,
                classes,
                str(arguments.votes),
            )
            labels = dawid_skene.pooled(cast, speakers, parts)
        elif family == "curve" and rest:
            most, draws = budget.parse_budget(rest.removeprefix("-"))
            few = budget.limit_human(votes, most, arguments.seed)
            human = counting.human_counts(few, every, classes, str(arguments.votes))[inside]
            some = budget.limit_synthetic(proxies, draws, arguments.seed)
            synthetic = counting.synthetic_counts(some, every, classes, str(arguments.proxies))[inside]
            labels, _ = pooling.weighted(human, synthetic, speakers, parts)
        elif (family, rest) == ("control", "-prior"):
            labels, synthetic = pooling.with_prior(human, speakers, parts), None
        elif (family, rest) == ("control", "-echo"):
            labels = pooling.with_echo(human, synthetic)
        elif (family, rest) == ("control", "-shuffled"):
            synthetic = synthetic[pooling.shuffle_within(parts, names, arguments.seed)]
            labels = pooling.equal(human, synthetic)
        else:
            raise UserError(
                f"labels {arguments.labels!r} of annotator {arguments.annotator!r} are unknown; expected human, "
                "synthetic-A, combined-A-equal, -weighted, -calibrated, -dirichlet or -dawid_skene, control-A-prior, "
                "control-A-echo or -shuffled, curve-A-h3m20."
            )
    frame = pd.DataFrame({"utterance": names})
    frame["n_human"] = 0 if human is None else human.sum(axis=1).round().astype(int)
    frame["n_synthetic"] = 0 if synthetic is None else synthetic.sum(axis=1).round().astype(int)
    frame[class_columns(classes)] = labels
    for prefix, limits in zip(("low_", "high_"), band, strict=False):
        frame[class_columns(classes, prefix)] = limits
    LABELS.write(frame, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="pool_votes.py", description=__doc__)
    parser.add_argument("--votes", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--proxies")
    parser.add_argument("--annotator")
    parser.add_argument("--utterances", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
