"""The plan of a run, on a dry run written by hand whose sums are known."""

import math

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.dry_run import levels, local_rules, read_dry_run, stages
from scaling_ambiguity.reporting.plan import plan_table, plan_text

PRINTED = """Building DAG of jobs...
[Sat Nov 21 10:38:27 2026]
rule read_corpus:
    input: corpora/a, b.csv
    output: results/a.parquet, results/folder
    log: logs/read_corpus/a.log
    benchmark: logs/read_corpus/a.tsv
    reason: Missing output files: results/a.parquet, results/folder
    wildcards: corpus=a
    threads: 2
    resources: tmpdir=/tmp, mem_mb=1000, mem=1 GB, runtime=60
[Sat Nov 21 10:38:27 2026]
rule annotate_shard:
    input: results/folder/x.wav (ancient)
    output: results/shards/0.parquet
    benchmark: logs/annotate_shard/a-big-0.tsv
    wildcards: corpus=a, annotator=big, shard=0
    resources: tmpdir=<TBD>, mem_mb=<TBD>, runtime=240, gpu=4
[Sat Nov 21 10:38:27 2026]
rule annotate_shard:
    input: results/folder/y.wav
    output: results/shards/1.parquet
    benchmark: logs/annotate_shard/a-small-1.tsv
    wildcards: corpus=a, annotator=small, shard=1
    resources: mem_mb=4000, runtime=240, gpu=0
rule finetune_seeds_0_1:
    input: results/shards/0.parquet, results/shards/1.parquet
    output: results/model
    benchmark: logs/finetune/a-0_1.tsv
    wildcards: corpus=a, model=small
    resources: mem_mb=6000, runtime=600, gpu=1
localrule all:
    input: results/model
    reason: Input files updated by another job: results/model
    resources: tmpdir=/tmp
Job stats:
job      count
total        5

Reasons:
    input files updated by another job:
        all
"""
RULES = {
    "corpora.smk": 'localrules:\n    all,\n    read_corpus,\n\n\nrule read_corpus:\n    """Read."""\n',
    "proxies.smk": "rule annotate_shard:\n",
    "finetuning.smk": 'for group in groups:\n\n    rule:\n        name:\n            f"finetune_seeds_{group_name}"\n',
}


@pytest.fixture
def stage_of(tmp_path):
    for name, text in RULES.items():
        (tmp_path / name).write_text(text)
    return stages([tmp_path / name for name in RULES])


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """Benchmarks of two earlier shards of the small model: 100 and 300 s, 50 and 70 MB."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "logs" / "annotate_shard"
    folder.mkdir(parents=True)
    for shard, (seconds, memory) in {7: (100, 50), 8: (300, 70)}.items():
        (folder / f"a-small-{shard}.tsv").write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:01:40\t{memory}\n")
    return folder


def test_jobs_are_read_and_counted():
    jobs = read_dry_run(PRINTED)
    assert [job.rule for job in jobs] == [
        "read_corpus",
        "annotate_shard",
        "annotate_shard",
        "finetune_seeds_0_1",
        "all",
    ]
    assert jobs[0].threads == 2 and jobs[0].resources == {"mem_mb": 1000, "runtime": 60}
    assert jobs[1].resources == {"runtime": 240, "gpu": 4} and jobs[1].inputs == ("results/folder/x.wav",)
    assert levels(jobs) == [0, 1, 1, 2, 3]
    assert read_dry_run("Nothing to be done (all requested files are present and up to date).") == []
    with pytest.raises(UserError, match="tells of 6 jobs and prints 5"):
        read_dry_run(PRINTED.replace("total        5", "total        6"))


def test_hours_are_those_of_benchmarks_of_the_registry_or_of_the_limit(logs, stage_of):
    jobs = read_dry_run(PRINTED)
    by_registry = {"big": 1800.0}
    table = plan_table(
        jobs,
        stage_of,
        lambda job: by_registry.get(job.wildcards.get("annotator")),
        lambda job: 18.0 if job.wildcards.get("annotator") == "big" else None,
    )
    assert table["stage"].tolist() == ["corpora", "proxies", "proxies", "finetuning"], "the order of the stages"
    assert table["rule"].tolist() == ["read_corpus", "annotate_shard", "annotate_shard", "finetune"]
    assert table["basis"].tolist() == ["limit", "measured", "registry", "limit"]
    # 2 threads x 1 h; the mean of 100 and 300 s; 1800 s; 10 h
    assert table["cpu_hours"].tolist() == pytest.approx([2, 200 / 3600, 0.5, 10])
    assert table["gpu_hours"].tolist() == pytest.approx([0, 0, 4 * 0.5, 10])
    assert table["gpu_hours_at_most"].tolist() == pytest.approx([0, 0, 16, 10])
    assert table["memory_mb_measured"].tolist()[1] == 70 and math.isnan(table["memory_mb"].tolist()[2])
    assert table["gpu_memory_gb"].tolist()[2] == 18
    text = plan_text(table, jobs)
    assert "4 jobs would be submitted, on 3 levels, at most 2 at once." in text
    assert "1 jobs by benchmarks of earlier ones (logs/), 1 by the registry of models, 2 by their time limit" in text
    assert "not yet there: annotate_shard" in text
    assert "leave out the start of a job" in text, "benchmarks were used"
    whole = next(line for line in text.splitlines() if line.startswith("all "))
    assert whole.split()[:3] == ["all", "4", "12.56"] and "12.00 (    26.0)" in whole and whole.endswith("18 GB")


def test_local_jobs_are_not_submitted(tmp_path, stage_of):
    local = local_rules(tmp_path.glob("*.smk"))
    assert local == {"all", "read_corpus"}
    jobs = read_dry_run(PRINTED)
    table = plan_table(jobs, stage_of, local=local)
    assert table["jobs"].sum() == 4 and table["submitted"].sum() == 3
    assert "3 jobs would be submitted" in plan_text(table, jobs)
    assert "leave out" not in plan_text(table, jobs), "no benchmark was used"


@pytest.mark.parametrize("memory", ["-", "13.6"])  # not measured; of the stand-in of a job that was a fork
def test_a_job_that_ran_before_takes_what_it_took(logs, stage_of, memory):
    (logs / "a-small-1.tsv").write_text(f"s\tmax_rss\n36\t{memory}\n")
    small = plan_table(read_dry_run(PRINTED), stage_of).set_index("basis").loc["measured"]
    assert small["cpu_hours"] == pytest.approx(0.01) and math.isnan(small["memory_mb_measured"])


def test_nothing_to_do_is_said(stage_of):
    table = plan_table([], stage_of)
    assert table.empty and "gpu_hours" in table and plan_text(table, []) == "nothing to be done"
