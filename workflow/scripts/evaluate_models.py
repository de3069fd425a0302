"""Score every fine-tuned model of one corpus and protocol against the same held-out human votes.

In addition: the score against the model's own kind of labels and, on simulated corpora, against the truth; trivial
predictors and human ceilings; paired differences between label tables; everything overall and by ambiguity level,
with intervals over speakers. The proper scores are also computed on a balanced split of the same utterances, by
class, by the factors of the corpus, and by how far apart the votes of two presentations are.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity import cli
from scaling_ambiguity.augmentation.balanced_table import BALANCED
from scaling_ambiguity.corpora.factors import read_factors
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.further_strata import balanced_strata, conflict_strata, factor_strata
from scaling_ambiguity.evaluation.judges import gather_judges
from scaling_ambiguity.evaluation.predictions import gather_predictions
from scaling_ambiguity.evaluation.strata import Stratum
from scaling_ambiguity.evaluation.table import evaluation_table
from scaling_ambiguity.labels.conflict import conflict_places, conflict_values
from scaling_ambiguity.labels.counting import deal_votes
from scaling_ambiguity.tables.base import Table, class_columns
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import STATISTICS
from scaling_ambiguity.tables.truth import TRUTH
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def _distributions(table: Table, path: Path, names: list[str], columns: list[str]) -> NDArray[np.float64]:
    """Return the columns of ``names`` in order, shape (U, C); UserError if one is absent."""
    frame = table.read(path).set_index("utterance")
    absent = [name for name in names if name not in frame.index]
    if absent or not set(columns) <= set(frame.columns):
        raise UserError(f"{path}: lacks {absent[0] if absent else columns}. Remove it and run its rule again.")
    return frame.loc[names, columns].to_numpy(dtype=float)


def _by_conflict(
    other: Path, utterances: pd.DataFrame, votes: pd.DataFrame, roles: pd.DataFrame, splits: pd.DataFrame,
    tested: list[str], classes: list[str],
) -> list[Stratum]:  # fmt: skip
    """Return the strata of the conflict between the level votes and those of ``other``, and print what they rest on."""
    every = utterances["utterance"].tolist()
    values = conflict_values(deal_votes(roles, votes, every, classes), VOTES.read(other), every, classes, str(other))
    places, edges = conflict_places(values, splits, every)
    places = places[:, utterances.set_index("utterance").index.get_indexer(tested)]
    for fold, (lower, upper) in edges.items():
        print(f"fold {fold}: conflict is medium above {lower:.3f}, high above {upper:.3f}")
    print(f"{(places < 0).all(axis=0).sum()} of {len(tested)} tested utterances have no conflict: too few votes")
    return conflict_strata(places)


def main(arguments: argparse.Namespace) -> None:
    """Write the statistics of all models."""
    classes, splits = arguments.classes, SPLITS.read(arguments.splits)
    utterances, votes, roles = (
        table.read(path)
        for table, path in ((UTTERANCES, arguments.utterances), (VOTES, arguments.votes), (ROLES, arguments.roles))
    )
    judges = gather_judges(utterances, votes, roles, LEVELS.read(arguments.levels), splits, classes)
    deals, strata = len(judges.level), []
    if arguments.balanced is not None:
        table = BALANCED.read(arguments.balanced)
        strata += balanced_strata(table, judges.names, deals, classes, arguments.balanced)
    if arguments.factors is not None:
        tested = utterances.set_index("utterance", drop=False).loc[judges.names]
        strata += factor_strata(read_factors(arguments.factors, tested), deals)
    options = arguments.options
    if arguments.conflict is not None:
        strata += _by_conflict(arguments.conflict, utterances, votes, roles, splits, judges.names, classes)
        options = options | {"against": arguments.against}
    judges = replace(judges, strata=tuple(strata))
    predictions = gather_predictions(
        arguments.predictions, arguments.corpus, arguments.protocol, splits, judges.names, classes
    )
    own_labels = {
        path.stem: _distributions(LABELS, path, judges.names, class_columns(classes))
        for path in arguments.labels_tables
    }
    truth = None
    if arguments.truth is not None:
        truth = _distributions(TRUTH, arguments.truth, judges.names, class_columns(classes, "v_"))
    table = evaluation_table(
        predictions,
        own_labels,
        judges,
        truth,
        corpus=arguments.corpus,
        protocol=arguments.protocol,
        options=options,
        seed=arguments.seed,
    )
    STATISTICS.write(table, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--protocol", required=True)
    parser.add_argument("--predictions", required=True, type=Path, nargs="+")
    parser.add_argument("--labels-tables", required=True, type=Path, nargs="+")
    parser.add_argument("--votes", required=True, type=Path)
    parser.add_argument("--roles", required=True, type=Path)
    parser.add_argument("--levels", required=True, type=Path)
    parser.add_argument("--splits", required=True, type=Path)
    parser.add_argument("--utterances", required=True, type=Path)
    parser.add_argument("--truth", type=Path, help="simulated corpora only")
    parser.add_argument("--balanced", type=Path, help="table of balance_evaluation, for levels with their own votes")
    parser.add_argument("--factors", type=cli.json_value, help="JSON: table, utterance or speaker, columns")
    parser.add_argument("--conflict", type=Path, help="votes on the same utterances in another presentation")
    parser.add_argument("--against", help="the model that the others are compared with, if there is a conflict")
    parser.add_argument("--classes", required=True, type=cli.name_list)
    parser.add_argument("--options", required=True, type=cli.json_value, help="the statistics part, as JSON")
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, type=Path)
    cli.run(main, parser)
