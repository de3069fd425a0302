"""Scores of a submission as one record of Every Eval Ever, the shared format of evaluation results.

Source: https://github.com/evaleval/every_eval_ever, eval.schema.json of version 0.2.1. The classes describe the part of
it that is written here; keys that they do not know are refused, and every detail is a string.
"""

import datetime
import json
import math
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from scaling_ambiguity.metrics.arrays import floored
from scaling_ambiguity.metrics.catalogue import LOWER, METRICS
from scaling_ambiguity.settings import Settings
from scaling_ambiguity.testtime.manifest import TIERS, VERSION, Manifest, PoolEntry

SCHEMA_VERSION = "0.2.1"
LIBRARY = "scaling-ambiguity"
Details = dict[str, str]
Share = Annotated[float, Field(ge=0, le=1)]


class Source(Settings):
    """Who ran the evaluation."""

    source_name: str
    source_type: Literal["evaluation_run"] = "evaluation_run"
    source_organization_name: str
    evaluator_relationship: Literal["first_party", "third_party", "collaborative", "other"]


class Library(Settings):
    """What computed the scores."""

    name: str
    version: str
    additional_details: Details


class Model(Settings):
    """The model that answered."""

    name: str
    id: str
    additional_details: Details


class Corpus(Settings):
    """The human votes that were predicted."""

    dataset_name: str
    source_type: Literal["other"] = "other"
    additional_details: Details


class MetricConfig(Settings):
    """A metric: its direction and its range."""

    evaluation_description: str
    lower_is_better: bool
    score_type: Literal["continuous"] = "continuous"
    min_score: float
    max_score: float


class Interval(Settings):
    """A confidence interval."""

    lower: float
    upper: float
    confidence_level: Share
    method: str


class Uncertainty(Settings):
    """The interval, and the number of utterances behind it."""

    confidence_interval: Interval | None = None
    num_samples: int


class Score(Settings):
    """A value, and what belongs to it."""

    score: float
    details: Details
    uncertainty: Uncertainty


class Generation(Settings):
    """How the answers were generated."""

    additional_details: Details


class Result(Settings):
    """One strategy, scored by one metric."""

    evaluation_name: str
    source_data: Corpus
    metric_config: MetricConfig
    score_details: Score
    generation_config: Generation | None = None


class Record(Settings):
    """All scores of one submission."""

    schema_version: Literal["0.2.1"] = "0.2.1"
    evaluation_id: str
    retrieved_timestamp: str
    source_metadata: Source
    eval_library: Library
    model_info: Model
    evaluation_results: Annotated[list[Result], Field(min_length=1)]


def as_record(scores: pd.DataFrame, manifest: Manifest, *, level: float, floor: float) -> dict[str, Any]:
    """Return the scores of a submission as a record, ready for JSON.

    Scores of metrics with a direction are in it; differences between strategies, costs and facts have no place in the
    format. Its time is that of the answers, so that the same answers give the same bytes.

    Args:
        scores: ``tables.strategy_scores`` of one submission.
        manifest: Of this submission.
        level: Of the intervals, in (0, 1).
        floor: Smallest probability in a logarithm; it bounds the NLL.

    Raises:
        ValueError: The scores are of several corpora, models or benchmarks.
    """
    corpus, alm, benchmark, tier = _same(scores)
    timestamp = str(int(datetime.datetime.fromisoformat(f"{manifest.date}T00:00:00+00:00").timestamp()))
    rows = scores[(scores["against"] == "none") & np.isfinite(scores["estimate"])]
    rows = rows[[bool(_declared(name)) for name in rows["metric"]]]
    results = [_result(row, manifest, level, floor) for row in rows.to_dict("records")]
    model = {"revision": manifest.revision, "has_seen_votes": manifest.has_seen_votes}
    return Record(
        evaluation_id=f"{LIBRARY}/{corpus}/{alm}/{timestamp}",
        retrieved_timestamp=timestamp,
        source_metadata=Source(
            source_name=f"{LIBRARY}, strategies at test time",
            source_organization_name=manifest.contact,
            evaluator_relationship="first_party" if tier == "A" else "other",
        ),
        eval_library=Library(
            name=LIBRARY, version=VERSION, additional_details={"benchmark": benchmark, "tier": f"{tier}: {TIERS[tier]}"}
        ),
        model_info=Model(name=alm, id=alm, additional_details=model),
        evaluation_results=results,
    ).model_dump(mode="json", exclude_none=True)


def _same(scores: pd.DataFrame) -> list[str]:
    columns = ["corpus", "alm", "benchmark", "tier"]
    same = scores[columns].drop_duplicates()
    if len(same) != 1:
        raise ValueError(f"scores of one submission are expected; {columns} have {len(same)} values")
    return [str(value) for value in same.iloc[0]]


def _declared(name: str) -> bool:
    metric = METRICS.get(name)
    return metric is not None and metric.better != ""


def _result(row: dict[str, Any], manifest: Manifest, level: float, floor: float) -> Result:
    interval = None
    if np.isfinite(row["low"]) and np.isfinite(row["high"]):
        interval = Interval(lower=row["low"], upper=row["high"], confidence_level=level, method=row["method"])
    details = {name: row[name] for name in ("strategy", "form", "pool", "block")}
    reference = {"classes": ", ".join(manifest.classes), "reference_votes_sha256": manifest.corpus_reference_sha256}
    return Result(
        evaluation_name=f"{row['corpus']}/{row['strategy']}-{row['form']}/{row['metric']}",
        source_data=Corpus(dataset_name=row["corpus"], additional_details=reference),
        metric_config=_metric(row["metric"], len(manifest.classes), floor),
        score_details=Score(
            score=row["estimate"],
            details=details | {"speakers": str(row["n_clusters"])},
            uncertainty=Uncertainty(confidence_interval=interval, num_samples=row["n"]),
        ),
        generation_config=_generation(manifest.pools.get(row["pool"])),
    )


def _metric(name: str, classes: int, floor: float) -> MetricConfig:
    metric = METRICS[name]
    # a one-hot prediction that misses every vote has the largest value that a floored logarithm can take
    worst = -math.log(floored(np.eye(classes)[0], floor)[1]) / (math.log(2) if metric.unit == "bits" else 1)
    return MetricConfig(
        evaluation_description=metric.axis,
        lower_is_better=metric.better == LOWER,
        min_score=metric.least,
        max_score=metric.most if math.isfinite(metric.most) else worst,
    )


def _generation(pool: PoolEntry | None) -> Generation | None:
    if pool is None:  # a control that reads no pool
        return None
    decoding = json.dumps(pool.decoding, sort_keys=True)
    return Generation(
        additional_details={"decoding": decoding, "prompt_sha256": pool.prompt_sha256, "answers": pool.answers}
    )
