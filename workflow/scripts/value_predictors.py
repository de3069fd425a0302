"""Value every predictor of a distribution in human votes: annotators, trained models, tables given by the user.

All are read off one curve, that of k human votes on the same utterances: those with enough votes that every trained
model was tested on. A distribution is taken at its word; votes count with the weight fitted on other speakers.
"""

import argparse
from pathlib import Path

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.predictions import gather_predictions
from scaling_ambiguity.inference.arrangement import Arrangement, arrange, largest_of_most
from scaling_ambiguity.inference.draws import draw_table, subsets
from scaling_ambiguity.inference.exchange_rows import typical_row
from scaling_ambiguity.inference.predictors import Predictor, value_predictors, value_rulers
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

APART = 3  # most human votes that are set apart, to be valued as a predictor whose worth is known


def main(arguments: argparse.Namespace) -> None:
    """Gather the predictors, value them, and value votes of the same raters beside them."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    counts, blocks = human_counts(votes, names, classes), speaker_blocks(speakers, arguments.utterances)
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles))
    voters = dealt.voters()
    largest = min(options["exchange"]["largest_k"], int(voters.max()) - 1)
    if largest < 1:
        raise UserError(f"{arguments.votes}: no utterance has two votes; nothing can be valued in human votes.")
    models, tested = _models(arguments, names, classes)
    level, floor = options["level"], options["smoothing"]
    world, fixed = arrange(
        dealt, counts, blocks, speakers, start=0, largest=largest, floor=floor, level=level, among=tested
    )
    if not fixed.any():
        raise UserError(f"no tested utterance has more than {largest} votes. Lower statistics.exchange.largest_k.")
    print(f"{fixed.sum()} of {len(names)} utterances have more than {largest} human votes and are tested")
    predictors = [*_annotators(arguments, world, names, fixed, classes)]
    predictors += [Predictor(*condition, p=p[fixed]) for condition, p in models.items()]
    for name, path in arguments.given.items():
        given = GIVEN.read(path).set_index("utterance")[class_columns(classes)]
        predictors.append(Predictor(name, "given", p=given.reindex(names).to_numpy(float)[fixed]))
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": level}
    settings["method"] = options["interval"]
    typical = typical_row(voters, largest, int(fixed.sum()))
    rows = [typical, *value_predictors(world, predictors, int(typical["estimate"]), settings)]
    apart = most_apart(voters, largest)
    if apart:
        end = largest_of_most(voters, apart, largest)
        rulers, _ = arrange(dealt, counts, blocks, speakers, start=apart, largest=end, floor=floor, level=level)
        rows += value_rulers(rulers, settings)
    about = {"corpus": arguments.corpus, "protocol": arguments.protocol}
    STATISTICS.write(statistics_frame([about | row for row in rows]), arguments.output)


def most_apart(voters: np.ndarray, largest: int) -> int:
    """Return how many votes can be set apart so that the curve of the others reaches further for most utterances.

    Args:
        voters: (U,) number of human votes of each utterance.
        largest: End of the curve where no vote is set apart.

    Returns:
        At most three; 0 if there are too few votes.
    """
    fitting = [apart for apart in range(1, APART + 1) if largest_of_most(voters, apart, largest) > apart]
    return max(fitting, default=0)


def _models(
    arguments: argparse.Namespace, names: list[str], classes: list[str]
) -> tuple[dict[tuple[str, str, str], np.ndarray], np.ndarray | None]:
    """Return the mean prediction over seeds (U, C) of each trained condition, and which utterances are tested."""
    if not arguments.predictions:
        return {}, None
    splits = SPLITS.read(arguments.splits)
    tested = sorted(set(splits.loc[splits["part"] == "test", "utterance"]))
    gathered = gather_predictions(arguments.predictions, arguments.corpus, arguments.protocol, splits, tested, classes)
    place = {name: row for row, name in enumerate(names)}
    rows = [place[name] for name in tested]
    used = np.zeros(len(names), dtype=bool)
    used[rows] = True
    models = {}
    for condition, values in gathered.items():
        models[condition] = np.zeros((len(names), len(classes)))
        models[condition][rows] = values.mean(axis=0)
    return models, used


def _annotators(
    arguments: argparse.Namespace, world: Arrangement, names: list[str], fixed: np.ndarray, classes: list[str]
) -> list[Predictor]:
    """Return one vote and all votes of every annotator, and its own distributions where it has any."""
    kept = [name for name, use in zip(names, fixed, strict=True) if use]
    predictors = []
    for annotator, files in arguments.annotators.items():
        draws = draw_table(PROXIES.read(files["proxies"]), names, classes, files["proxies"])[fixed]
        sizes = [m for m in arguments.options["exchange"]["votes"] if m <= draws.shape[1]]
        for m in sorted({min(sizes), max(sizes)} if sizes else ()):
            pool = subsets(draws, kept, [m], world.dealt.shape[0], len(classes), arguments.seed, "exchange subsets")[0]
            predictors.append(Predictor(annotator, "weighted", pool=pool, votes=m))
        tables = [LABELS.read(path).set_index("utterance")[class_columns(classes)] for path in files["read_out"]]
        if tables:
            p = np.zeros((len(kept), len(classes)))
            for part in tables:
                p += part.reindex(kept).fillna(0.0).to_numpy(float)
            predictors.append(Predictor(annotator, "as_is", p=p))
    return predictors


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--protocol", required=True)
    for name in ("votes", "roles", "utterances", "splits"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--annotators", type=cli.json_value, required=True, help="name -> proxies, read_out; JSON")
    parser.add_argument("--given", type=cli.json_value, required=True, help="name -> table of distributions; JSON")
    parser.add_argument("--predictions", type=Path, nargs="*", default=[], help="of trained models")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True, help="of the statistics, JSON")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
