"""The resources that a run will request from a cluster: processor hours, GPU hours and memory by rule and stage."""

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.reporting.dry_run import Planned, levels

MEASURED, BY_REGISTRY, BY_LIMIT = "measured", "registry", "limit"
# Wildcards that name a model: the resources of another model are not informative.
_MODELS = ("annotator", "model", "alm", "judge")
# Benchmarks are written by Snakemake: s, seconds by the clock; max_rss, memory of the job and its children, MB.
_SECONDS, _MEMORY = "s", "max_rss"
_SUMS = ["jobs", "submitted", "cpu_hours", "gpu_hours", "cpu_hours_at_most", "gpu_hours_at_most"]
LEAST_MEMORY = 40  # MB; less is the stand-in of a job that was a fork (forks.py), and not the job
_LARGEST = ["memory_mb", "memory_mb_measured", "gpu_memory_gb"]


def measured(job: Planned) -> pd.DataFrame:
    """Return the benchmarks of a job, (N, 2): s and max_rss.

    The job's own if it ran before; else those of the other jobs of its rule, about the same model if it has one.
    """
    recorded = Path(job.benchmark)
    if not recorded.is_file():
        others = sorted(recorded.parent.glob("*.tsv")) if recorded.parent.name != "logs" else []
        names = [job.wildcards[key] for key in _MODELS if key in job.wildcards]
        # without the model's name the parts of a file's name are those of the wildcards, joined by dashes
        records = [path for path in others if all(name in path.stem.split("-") for name in names)]
    else:
        records = [recorded]
    tables = [pd.read_csv(path, sep="\t", na_values="-") for path in records]
    tables = [table[[_SECONDS, _MEMORY]] for table in tables if {_SECONDS, _MEMORY} <= set(table)]
    table = pd.concat(tables) if tables else pd.DataFrame(columns=[_SECONDS, _MEMORY], dtype=float)
    return table.assign(**{_MEMORY: table[_MEMORY].where(table[_MEMORY] >= LEAST_MEMORY)})


def estimate(job: Planned, by_registry: Callable[[Planned], float | None]) -> dict[str, Any]:
    """Return seconds, memory (MB) and their basis.

    seconds: mean of the benchmarks; else the measurement in the registry; else the time limit, an upper bound.
    """
    limit = 60 * job.resources.get("runtime", math.nan)
    measurement = measured(job)
    if measurement[_SECONDS].notna().any():
        return {
            "seconds": measurement[_SECONDS].mean(),
            "peak": measurement[_MEMORY].max(),
            "basis": MEASURED,
            "limit": limit,
        }
    told = by_registry(job)
    seconds, basis = (told, BY_REGISTRY) if told is not None else (limit, BY_LIMIT)
    return {"seconds": seconds, "peak": math.nan, "basis": basis, "limit": limit}


def plan_table(
    jobs: list[Planned],
    stage_of: dict[str, str],
    by_registry: Callable[[Planned], float | None] = lambda job: None,
    gpu_memory: Callable[[Planned], float | None] = lambda job: None,
    local: Collection[str] = (),
) -> pd.DataFrame:
    """Return the plan, a row per rule and basis, in the order of the stages.

    cpu_hours = sum over jobs of threads x seconds / 3600, allocated, not used time; gpu_hours the same
    with GPUs; both also with the time limits in place of the estimate.

    Args:
        jobs: Those of a dry run.
        stage_of: Rule, or the prefix of its name, -> stage.
        by_registry: Seconds of a job by the registry of models; None: not known.
        gpu_memory: Memory that its model takes on a GPU, GB; None: not known.
        local: Rules whose jobs are not submitted.

    Returns:
        stage, rule, basis, jobs, submitted (not local), threads and gpus of one job, cpu_hours, gpu_hours,
        cpu_hours_at_most, gpu_hours_at_most, memory_mb (requested; NaN where it depends on files not yet present),
        memory_mb_measured, gpu_memory_gb.
    """
    rows = []
    for job in (job for job in jobs if job.benchmark):
        records, gpus = estimate(job, by_registry), int(job.resources.get("gpu", 0))
        start = max((name for name in stage_of if f"{job.rule}_".startswith(f"{name}_")), key=len, default=job.rule)
        memory = gpu_memory(job) if gpus else None
        rows.append(
            {
                "stage": stage_of.get(start, "other"),
                "rule": start.removesuffix("_seeds"),
                "basis": records["basis"],
                "jobs": 1,
                "submitted": int(job.rule not in local),
                "threads": job.threads,
                "gpus": gpus,
                "cpu_hours": job.threads * records["seconds"] / 3600,
                "gpu_hours": gpus * records["seconds"] / 3600 if gpus else 0.0,
                "cpu_hours_at_most": job.threads * records["limit"] / 3600,
                "gpu_hours_at_most": gpus * records["limit"] / 3600 if gpus else 0.0,
                "memory_mb": job.resources.get("mem_mb", math.nan),
                "memory_mb_measured": records["peak"],
                "gpu_memory_gb": math.nan if memory is None else memory,
            }
        )
    columns = ["stage", "rule", "basis", *_SUMS[:2], "threads", "gpus", *_SUMS[2:], *_LARGEST]
    table = pd.DataFrame(rows, columns=columns)
    order = {stage: place for place, stage in enumerate(dict.fromkeys(stage_of.values()))}
    table = table.groupby(["stage", "rule", "basis", "threads", "gpus"], as_index=False, sort=True).agg(
        {**dict.fromkeys(_SUMS, "sum"), **dict.fromkeys(_LARGEST, "max")}
    )
    ranks = table["stage"].map(lambda stage: order.get(stage, len(order)))
    return (
        table.assign(rank=ranks).sort_values(["rank", "rule", "basis"], kind="stable")[columns].reset_index(drop=True)
    )


def plan_text(table: pd.DataFrame, jobs: list[Planned]) -> str:
    """Return the plan in print: one line per stage, the total, and its basis."""
    if table.empty:
        return "nothing to be done"
    whole = table.assign(stage="all")
    lines = ["stage         jobs  CPU-h (at most)     GPU-h (at most)     memory asked, measured  GPU memory"]
    for stage, part in [*table.groupby("stage", sort=False), *whole.groupby("stage")]:
        sums, most = part[_SUMS].sum(), part[_LARGEST].max()
        lines.append(
            f"{stage:12s} {sums['jobs']:5.0f}  {sums['cpu_hours']:7.2f} ({sums['cpu_hours_at_most']:8.1f})  "
            f"{sums['gpu_hours']:7.2f} ({sums['gpu_hours_at_most']:8.1f})  "
            f"{_size(most['memory_mb'])}, {_size(most['memory_mb_measured'])}       {_gpu(most['gpu_memory_gb'])}"
        )
    counts = table.groupby("basis")["jobs"].sum()
    work = [level for level, job in zip(levels(jobs), jobs, strict=True) if job.benchmark]
    widest = pd.Series(work).value_counts()
    lines += [
        "",
        f"{table['submitted'].sum()} jobs would be submitted, on {widest.size} levels, at most {widest.max()} at once.",
        f"Times: {counts.get(MEASURED, 0)} jobs by benchmarks of earlier ones (logs/), {counts.get(BY_REGISTRY, 0)} by "
        f"the registry of models, {counts.get(BY_LIMIT, 0)} by their time limit, which is the most they may take.",
    ]
    if counts.get(MEASURED, 0):
        lines.append("Benchmarks leave out the start of a job, some seconds each on a cluster (tests/slurm/README.md).")
    if table["memory_mb"].isna().any():
        unknown = ", ".join(table.loc[table["memory_mb"].isna(), "rule"].unique())
        lines.append(f"Memory that grows with tables not yet there: {unknown}.")
    return "\n".join(lines)


def _size(megabytes: float) -> str:
    return "     -    " if math.isnan(megabytes) else f"{megabytes:7.0f} MB"


def _gpu(gigabytes: float) -> str:
    return "-" if math.isnan(gigabytes) else f"{gigabytes:.0f} GB"
