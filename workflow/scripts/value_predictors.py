"""Value every predictor of a distribution in human votes: annotators, strategies, trained models, given tables.

All are read off one curve, that of k human votes on the same utterances: those with enough votes that every trained
model was tested on. A distribution is taken at its word; votes count with the weight fitted on other speakers.
"""

import argparse
from pathlib import Path

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.predictions import gather_predictions
from scaling_ambiguity.inference.arranged_study import ArrangedStudy
from scaling_ambiguity.inference.arrangement import Arrangement, largest_of_most
from scaling_ambiguity.inference.draws import draw_table
from scaling_ambiguity.inference.exchange_rows import typical_row
from scaling_ambiguity.inference.predictors import STRATEGY, Predictor, value_predictors, value_rulers
from scaling_ambiguity.inference.study import study_parser
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.testtime.strategies import STRATEGIES

VALUED = [*(f"{strategy.name}-{strategy.form}" for strategy in STRATEGIES.values()), "mean-control", "readout-control"]
APART = 3  # most human votes that are set apart, to be valued as a predictor whose worth is known


def main(arguments: argparse.Namespace) -> None:
    """Gather the predictors, value them, and value votes of the same raters beside them."""
    study = ArrangedStudy(arguments)
    voters, largest = study.dealt.voters(), study.largest_k()
    models, tested = _models(arguments, study)
    world, fixed = study.arrange(0, largest, tested)
    if not fixed.any():
        raise UserError(f"no tested utterance has more than {largest} votes. Lower statistics.exchange.largest_k.")
    print(f"{fixed.sum()} of {len(study.names)} utterances have more than {largest} human votes and are tested")
    predictors = [*_annotators(arguments, study, world, fixed)]
    predictors += [Predictor(*condition, p=p[fixed]) for condition, p in models.items()]
    for name, path in arguments.given.items():
        given = GIVEN.read(path).set_index("utterance")[class_columns(study.classes)]
        predictors.append(Predictor(name, "given", p=given.reindex(study.names).to_numpy(float)[fixed]))
    predictors += _strategies(arguments, study, fixed)
    typical = typical_row(voters, largest, int(fixed.sum()))
    rows = [typical, *value_predictors(world, predictors, int(typical["estimate"]), study.settings)]
    apart = most_apart(voters, largest)
    if apart:
        rulers, _ = study.arrange(apart, largest_of_most(voters, apart, largest))
        rows += value_rulers(rulers, study.settings)
    study.write(rows, protocol=arguments.protocol)


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
    arguments: argparse.Namespace, study: ArrangedStudy
) -> tuple[dict[tuple[str, str, str], np.ndarray], np.ndarray | None]:
    """Return the mean prediction over seeds (U, C) of each trained condition, and which utterances are tested."""
    if not arguments.predictions:
        return {}, None
    splits = SPLITS.read(arguments.splits)
    tested = sorted(set(splits.loc[splits["part"] == "test", "utterance"]))
    gathered = gather_predictions(
        arguments.predictions, arguments.corpus, arguments.protocol, splits, tested, study.classes
    )
    place = {name: row for row, name in enumerate(study.names)}
    rows = [place[name] for name in tested]
    used = np.zeros(len(study.names), dtype=bool)
    used[rows] = True
    models = {}
    for condition, values in gathered.items():
        models[condition] = np.zeros((len(study.names), len(study.classes)))
        models[condition][rows] = values.mean(axis=0)
    return models, used


def _annotators(
    arguments: argparse.Namespace, study: ArrangedStudy, world: Arrangement, fixed: np.ndarray
) -> list[Predictor]:
    """Return one vote and all votes of every annotator, and its own distributions where it has any."""
    predictors = []
    for annotator, files in arguments.annotators.items():
        draws = draw_table(PROXIES.read(files["proxies"]), study.names, study.classes, files["proxies"])[fixed]
        sizes = [m for m in study.options["exchange"]["votes"] if m <= draws.shape[1]]
        for m in sorted({min(sizes), max(sizes)} if sizes else ()):
            predictors.append(Predictor(annotator, "weighted", pool=study.pool(world, draws, m), votes=m))
        tables = [LABELS.read(path).set_index("utterance")[class_columns(study.classes)] for path in files["read_out"]]
        if tables:
            p = np.zeros((len(world.names), len(study.classes)))
            for part in tables:
                p += part.reindex(world.names).fillna(0.0).to_numpy(float)
            predictors.append(Predictor(annotator, "as_is", p=p))
    return predictors


def _strategies(arguments: argparse.Namespace, study: ArrangedStudy, fixed: np.ndarray) -> list[Predictor]:
    """Return the strategies at test time of every submission, with the mean of their pool and the read-out."""
    predictors = []
    for submission, folder in arguments.strategies.items():
        for name in VALUED:
            path = Path(folder) / f"{name}.parquet"
            if not path.is_file():
                print(f"{submission}: {name} could not be applied and has no worth")
                continue
            given = GIVEN.read(path).set_index("utterance")[class_columns(study.classes)]
            p = given.reindex(study.names).to_numpy(float)[fixed]
            predictors.append(Predictor(submission, STRATEGY, name, p=p))
    return predictors


if __name__ == "__main__":
    parser = study_parser(__doc__, "protocol", "roles", "splits")
    parser.add_argument("--annotators", type=cli.json_value, required=True, help="name -> proxies, read_out; JSON")
    parser.add_argument("--given", type=cli.json_value, required=True, help="name -> table of distributions; JSON")
    parser.add_argument(
        "--strategies",
        type=cli.json_value,
        default={},
        help="submission -> folder of its strategies' predictions; JSON",
    )
    parser.add_argument("--predictions", type=Path, nargs="*", default=[], help="of trained models")
    cli.run(main, parser)
