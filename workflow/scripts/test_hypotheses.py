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
from scaling_ambiguity.inference.arrangement import arrange, largest_of_most, value_of_one_more_vote
from scaling_ambiguity.inference.draws import draw_table, subsets
from scaling_ambiguity.inference.hypotheses import Arm, Finding, comparisons, findings, joint_verdict
from scaling_ambiguity.inference.label_arms import label_arms
from scaling_ambiguity.io import write_json
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.levels import level_places
from scaling_ambiguity.labels.making import CONTROLS
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

NO_TWO_VOTES = "no utterance has two votes"
STRATUM = {"h1": "low", "h2": "high-low", "h3": "all"}


def main(arguments: argparse.Namespace) -> None:
    """Compare, judge and write the rows and the verdicts."""
    options, classes, annotator = arguments.options, arguments.classes, arguments.annotator
    utterances, votes, roles = (
        table.read(path)
        for table, path in ((UTTERANCES, arguments.utterances), (VOTES, arguments.votes), (ROLES, arguments.roles))
    )
    levels, splits = LEVELS.read(arguments.levels), SPLITS.read(arguments.splits)
    names, speakers = utterances["utterance"].tolist(), utterances["speaker"].to_numpy(str)
    counts, blocks = human_counts(votes, names, classes), speaker_blocks(speakers, arguments.utterances)
    dealt = deal_votes(roles, votes, names, classes, str(arguments.roles))
    floor = options["smoothing"]
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "method": options["interval"]}
    one_more = value_of_one_more_vote(
        dealt, counts, blocks, speakers, floor=floor, settings=settings | {"level": options["level"]}
    )
    print(one_more.words())
    untested = ""  # reason why nothing is tested
    families: dict[tuple[str, str], tuple[dict[str, Arm], np.ndarray, np.ndarray]] = {}
    of_utterance = dict(zip(names, one_more.each, strict=True))
    if arguments.predictions:
        judges = gather_judges(utterances, votes, roles, levels, splits, classes)
        predictions = gather_predictions(
            arguments.predictions, arguments.corpus, arguments.protocol, splits, judges.names, classes
        )
        for model in sorted({condition[0] for condition in predictions}):
            for pooling in arguments.poolings:
                arms = model_arms(predictions, judges, model, annotator, pooling, floor)
                if arms:
                    each = np.array([of_utterance[name] for name in judges.names])
                    families[model, pooling] = arms, judges.clusters, each
    else:
        start = int(levels["votes"].max()) if len(levels) else 0
        largest = largest_of_most(dealt.voters(), start, options["exchange"]["largest_k"])
        if not largest:
            start, largest = 0, max(largest_of_most(dealt.voters(), 0, options["exchange"]["largest_k"]), 1)
        world, fixed = arrange(
            dealt, counts, blocks, speakers, start=start, largest=largest, floor=floor, level=options["level"]
        )
        kept = [name for name, use in zip(names, fixed, strict=True) if use]
        untested = "" if kept else NO_TWO_VOTES
    if untested:
        print(f"not tested: {untested}")
    elif not arguments.predictions:
        draws = draw_table(PROXIES.read(arguments.proxies), names, classes, str(arguments.proxies))[fixed]
        m = max(size for size in options["exchange"]["votes"] if size <= draws.shape[1])
        pool = subsets(draws, kept, [m], world.dealt.shape[0], len(classes), arguments.seed, "exchange subsets")[0]
        places = level_places(levels, names, str(arguments.levels))[:, fixed] if start else None
        for pooling, arms in label_arms(world, kept, pool, places, arguments.poolings, arguments.seed).items():
            families["none", pooling] = arms, world.speakers, one_more.each[fixed]
    rows, verdicts = [], []
    for (model, pooling), (arms, clusters, each) in families.items():
        controls = sorted(set(arms) - {"human", "synthetic", "combined"})
        family = comparisons(arms, "combined", controls, clusters, one_more.mean, settings, each)
        results = findings(family, options["level"])
        rows += rows_of(results, str(Labels("combined", annotator, pooling)), model)
        verdicts.append({"model": model, "annotator": annotator, "pooling": pooling} | judged(results))
    for pooling in arguments.poolings if untested else ():
        rows += untested_rows(str(Labels("combined", annotator, pooling)))
        verdicts.append({"model": "none", "annotator": annotator, "pooling": pooling, "reason": untested} | judged([]))
    common = {"corpus": arguments.corpus, "protocol": arguments.protocol}
    STATISTICS.write(statistics_frame([common | row for row in rows]), arguments.output)
    source = "models" if arguments.predictions else "labels"
    facts = common | {"source": source, "delta_after": one_more.after, "simulated": arguments.simulated}
    facts |= {"delta": one_more.mean, "delta_low": one_more.low, "delta_high": one_more.high, "delta_se": one_more.se}
    write_json(known(facts) | {"hypotheses": verdicts}, arguments.verdicts)


def model_arms(
    predictions: dict, judges: Judges, model: str, annotator: str, pooling: str, floor: float
) -> dict[str, Arm]:
    """Return the NLL of the models trained on each kind of labels, without augmentation, by stratum."""
    wanted = {"human": Labels("human"), "synthetic": Labels("synthetic", annotator)}
    wanted |= {"combined": Labels("combined", annotator, pooling)}
    wanted |= {control: Labels("control", annotator, control) for control in CONTROLS}
    arms = {}
    for arm, labels in wanted.items():
        condition = (model, str(labels), "none")
        if condition in predictions:
            columns = prediction_columns(condition, predictions[condition], judges, floor)
            chosen = [column for column in columns if column.metric == "nll" and column.reference == "human"]
            arms[arm] = {column.stratum: (column.values, column.weights) for column in chosen}
            arms[arm] = {name: (v, w) for name, (v, w) in arms[arm].items() if w.sum() > 0}
    return arms if {"human", "synthetic", "combined"} <= set(arms) else {}


def rows_of(found: list[Finding], labels: str, model: str) -> list[dict]:
    """Return the comparisons as rows of the statistics table."""
    return [
        {
            "model": model, "labels": labels, "augmentation": "none", "stratum": STRATUM[finding.name[:2]],
            "metric": finding.name, "reference": "human", "population": THESE, "method": "sequential",
            "estimate": finding.estimate, "low": finding.low, "high": finding.high, "n": finding.n,
            "n_clusters": finding.n_clusters, "p": finding.p, "p_adjusted": finding.p_adjusted,
            "p_least": finding.p_least,
        }
        for finding in found
    ]  # fmt: skip


def untested_rows(labels: str) -> list[dict]:
    """Return a row for each hypothesis stating that there was nothing to test it on."""
    common = {"model": "none", "labels": labels, "augmentation": "none", "reference": "human", "n": 0, "n_clusters": 0}
    common |= {"population": THESE, "method": "not_tested"}
    return [
        common | {"stratum": STRATUM[metric[:2]], "metric": metric}
        for metric in ("h1_gain", "h2_difference", "h3_excess")
    ]


def judged(found: list[Finding]) -> dict:
    """Return the verdict of each hypothesis and the comparisons behind it."""
    result = {}
    for name in ("h1", "h2", "h3"):
        parts = [finding for finding in found if finding.name.startswith(name)]
        result[name] = {"verdict": joint_verdict(parts), "parts": [known(asdict(part)) for part in parts]}
    return result


def known(fields: dict) -> dict:
    """Return the fields with None for unknown values (JSON has no NaN)."""
    return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in fields.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="test_hypotheses.py", description=__doc__)
    for name in ("corpus", "annotator", "protocol", "votes", "proxies", "roles", "levels", "utterances", "splits"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument(
        "--predictions", nargs="*", type=Path, default=[], help="none: the labels themselves are compared"
    )
    parser.add_argument("--poolings", type=cli.name_list, required=True)
    parser.add_argument(
        "--simulated",
        action="store_true",
        help="the corpus is simulated by this workflow: its verdicts are no evidence",
    )
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--verdicts", required=True)
    cli.run(main, parser)
