"""Test the three hypotheses about synthetic votes, each with a verdict, an interval and the minimum detectable effect.

With predictions of fine-tuned models their held-out scores are compared; without them, the labels themselves as
predictors of held-out human votes. All comparisons of one kind of combined labels are one family.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.evaluation.columns import prediction_columns
from scaling_ambiguity.evaluation.judges import Judges, gather_judges
from scaling_ambiguity.evaluation.predictions import gather_predictions
from scaling_ambiguity.inference.arranged_study import ArrangedStudy
from scaling_ambiguity.inference.arrangement import OneMoreVote, largest_of_most, value_of_one_more_vote
from scaling_ambiguity.inference.hypotheses import Arm, Finding, comparisons, findings, joint_verdict
from scaling_ambiguity.inference.label_arms import label_arms
from scaling_ambiguity.inference.study import study_parser
from scaling_ambiguity.io import write_json
from scaling_ambiguity.labels.making import RIVALS
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import THESE

NO_TWO_VOTES = "no utterance has two votes"
STRATUM = {"h1": "low", "h2": "high-low", "h3": "all"}
# by model and pooling: the arms, the speakers of their utterances, and the value of one more vote for each utterance
Families = dict[tuple[str, str], tuple[dict[str, Arm], np.ndarray, np.ndarray]]


def main(arguments: argparse.Namespace) -> None:
    """Compare, judge and write the rows and the verdicts."""
    study, annotator = ArrangedStudy(arguments), arguments.annotator
    one_more = value_of_one_more_vote(study.human, floor=study.options["smoothing"], settings=study.settings)
    print(one_more.words())
    families = (model_families if arguments.predictions else label_families)(arguments, study, one_more)
    untested = families is None
    if untested:
        print(f"not tested: {NO_TWO_VOTES}")
    settings = {key: value for key, value in study.settings.items() if key != "level"}
    rows, verdicts = [], []
    for (model, pooling), (arms, clusters, each) in (families or {}).items():
        controls = sorted(set(arms) - {"human", "synthetic", "combined"})
        family = comparisons(arms, "combined", controls, clusters, one_more.mean, settings, each)
        results = findings(family, study.options["level"])
        rows += rows_of(results, str(Labels("combined", annotator, pooling)), model)
        verdicts.append({"model": model, "annotator": annotator, "pooling": pooling} | judged(results))
    for pooling in arguments.poolings if untested else ():
        rows += untested_rows(str(Labels("combined", annotator, pooling)))
        verdicts.append(
            {"model": "none", "annotator": annotator, "pooling": pooling, "reason": NO_TWO_VOTES} | judged([])
        )
    study.write(rows, protocol=arguments.protocol, augmentation="none", reference="human", population=THESE)
    facts = {"corpus": arguments.corpus, "protocol": arguments.protocol, "simulated": arguments.simulated}
    facts |= {"source": "models" if arguments.predictions else "labels", "delta_after": one_more.after}
    facts |= {"delta": one_more.mean, "delta_low": one_more.low, "delta_high": one_more.high, "delta_se": one_more.se}
    write_json(known(facts) | {"hypotheses": verdicts}, arguments.verdicts)


def model_families(arguments: argparse.Namespace, study: ArrangedStudy, one_more: OneMoreVote) -> Families:
    """Return the families of the models trained on each kind of labels."""
    splits, roles = SPLITS.read(arguments.splits), ROLES.read(arguments.roles)
    judges = gather_judges(study.utterances, study.votes, roles, study.levels, splits, study.classes)
    predictions = gather_predictions(
        arguments.predictions, arguments.corpus, arguments.protocol, splits, judges.names, study.classes
    )
    of_utterance = dict(zip(study.names, one_more.each, strict=True))
    each = np.array([of_utterance[name] for name in judges.names])
    families = {}
    for model in sorted({condition[0] for condition in predictions}):
        for pooling in arguments.poolings:
            arms = model_arms(predictions, judges, model, arguments.annotator, pooling, study.options["smoothing"])
            if arms:
                families[model, pooling] = arms, judges.clusters, each
    return families


def label_families(arguments: argparse.Namespace, study: ArrangedStudy, one_more: OneMoreVote) -> Families | None:
    """Return the families of the labels themselves, as predictors of held-out votes; None if no votes are left."""
    voters, most = study.dealt.voters(), study.options["exchange"]["largest_k"]
    start = int(study.levels["votes"].max()) if len(study.levels) else 0
    largest = largest_of_most(voters, start, most)
    if not largest:
        start, largest = 0, max(largest_of_most(voters, 0, most), 1)
    world, fixed = study.arrange(start, largest)
    if not world.names:
        return None
    draws = study.draws[fixed]
    pool = study.pool(world, draws, max(size for size in study.options["exchange"]["votes"] if size <= draws.shape[1]))
    places = study.level_places()[:, fixed] if start else None
    arms = label_arms(world, pool, places, arguments.poolings, study.seed)
    return {("none", pooling): (arm, world.speakers, one_more.each[fixed]) for pooling, arm in arms.items()}


def model_arms(
    predictions: dict, judges: Judges, model: str, annotator: str, pooling: str, floor: float
) -> dict[str, Arm]:
    """Return the NLL of the models trained on each kind of labels, without augmentation, by stratum."""
    wanted = {"human": Labels("human"), "synthetic": Labels("synthetic", annotator)}
    wanted |= {"combined": Labels("combined", annotator, pooling)}
    wanted |= {control: Labels("control", annotator, control) for control in RIVALS}
    arms = {}
    for arm, labels in wanted.items():
        condition = (model, str(labels), "none")
        if condition in predictions:
            columns = prediction_columns(condition, predictions[condition], judges, floor)
            chosen = [column for column in columns if column.metric == "nll" and column.reference == "human"]
            arms[arm] = {column.stratum: (column.values, column.weights) for column in chosen}
            arms[arm] = {name: (v, w) for name, (v, w) in arms[arm].items() if w.sum() > 0}
    return arms if {"human", "synthetic", "combined"} <= set(arms) else {}


def rows_of(findings: list[Finding], labels: str, model: str) -> list[dict]:
    """Return the comparisons as rows of the statistics table."""
    return [
        {
            "model": model, "labels": labels, "stratum": STRATUM[finding.name[:2]],
            "metric": finding.name, "method": "sequential",
            "estimate": finding.estimate, "low": finding.low, "high": finding.high, "n": finding.n,
            "n_clusters": finding.n_clusters, "p": finding.p, "p_adjusted": finding.p_adjusted,
            "p_least": finding.p_least,
        }
        for finding in findings
    ]  # fmt: skip


def untested_rows(labels: str) -> list[dict]:
    """Return a row for each hypothesis stating that there was nothing to test it on."""
    metrics = ("h1_gain", "h2_difference", "h3_excess")
    common = {"labels": labels, "method": "not_tested"}
    return [common | {"stratum": STRATUM[metric[:2]], "metric": metric} for metric in metrics]


def judged(findings: list[Finding]) -> dict:
    """Return the verdict of each hypothesis and the comparisons behind it."""
    result = {}
    for name in ("h1", "h2", "h3"):
        parts = [finding for finding in findings if finding.name.startswith(name)]
        result[name] = {"verdict": joint_verdict(parts), "parts": [known(asdict(part)) for part in parts]}
    return result


def known(fields: dict) -> dict:
    """Return the fields with None for unknown values (JSON has no NaN)."""
    return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in fields.items()}


if __name__ == "__main__":
    parser = study_parser(__doc__, "annotator", "protocol", "proxies", "roles", "levels", "splits")
    parser.add_argument(
        "--predictions", nargs="*", type=Path, default=[], help="none: the labels themselves are compared"
    )
    parser.add_argument("--poolings", type=cli.name_list, required=True)
    parser.add_argument(
        "--simulated",
        action="store_true",
        help="the corpus is simulated by this workflow: its verdicts are no evidence",
    )
    parser.add_argument("--verdicts", required=True)
    cli.run(main, parser)
