"""Before the queue: the plan of a run, the look at a GPU node, the models at hand."""

import json

import pandas as pd
import pytest
from checkout import TINY, Checkout

GPU_JOBS = {"annotate_shard", "encode_audio", "finetune_seeds_0", "read_out_shard"}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Make a checkout for jobs that are really run."""
    return Checkout.make(tmp_path_factory.mktemp("before the queue"))


@pytest.fixture
def with_gpu(tmp_path):
    path = tmp_path / "gpu.yaml"
    path.write_text("alms: {tiny: {gpus: 1}}\n")
    return (*TINY, str(path))


@pytest.mark.ci
def test_the_plan_counts_the_jobs_of_the_run_and_what_they_ask_for(own):
    jobs = [job for job in own.jobs("all", *TINY) if job["rule"] != "all"]
    printed = own.snakemake("-c1", "plan", *TINY)
    table = pd.read_csv(own.root / "runs" / "tiny" / "results" / "plan.csv")
    assert table["jobs"].sum() == len(jobs)
    assert table["submitted"].sum() == len(jobs) - 1, "build_report is local"
    counts = pd.Series([job["rule"].split("_seeds_")[0] for job in jobs]).value_counts()
    assert table.set_index("rule")["jobs"].to_dict() == counts.to_dict()
    assert set(table["basis"]) == {"limit"} and (table["gpu_hours"] == 0).all()
    shards = table.set_index("rule").loc["annotate_shard"]
    assert shards["cpu_hours"] == shards["jobs"] * 240 / 60, "one thread, 240 minutes at most"
    assert list(table["stage"].drop_duplicates())[:2] == ["corpora", "encoding"] and "other" not in set(table["stage"])
    assert f"{len(jobs) - 1} jobs would be submitted" in printed
    assert "0 jobs by benchmarks" in printed


@pytest.mark.ci
def test_a_plan_is_made_anew_and_knows_what_was_measured_and_which_jobs_have_a_gpu(own, with_gpu):
    own.snakemake("-c1", "plan", *TINY)
    logs = own.root / "runs" / "tiny" / "logs" / "finetune"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "demo-fair-tiny-human-none-0-0.tsv").write_text("s\th:m:s\tmax_rss\n360\t0:06:00\t512\n")
    printed = own.snakemake("-c1", "plan", *with_gpu)
    table = pd.read_csv(own.root / "runs" / "tiny" / "results" / "plan.csv").set_index("rule")
    training = table.loc["finetune"]
    assert training["basis"] == "measured" and training["memory_mb_measured"] == 512
    assert training["gpu_hours"] == pytest.approx(0.1 * training["jobs"])
    assert set(table.index[table["gpus"] > 0]) == {
        *("annotate_shard", "check_gpu", "encode_audio", "finetune", "read_out_shard"),
    }
    assert f"{training['jobs']} jobs by benchmarks" in printed


@pytest.mark.ci
def test_the_look_at_a_gpu_comes_before_every_job_with_one_and_never_without(checkout, with_gpu, monkeypatch):
    jobs = checkout.jobs("all", *with_gpu)
    assert [job["output"] for job in jobs if job["rule"] == "check_gpu"] == [{"results/gpu/tiny.json"}]
    assert {job["rule"] for job in jobs if any("results/gpu/tiny.json" in name for name in job["input"])} == GPU_JOBS
    assert "check_gpu" not in checkout.planned("all", *TINY)
    monkeypatch.setenv("SA_CHECK_GPU", "off")
    assert "check_gpu" not in checkout.planned("all", *with_gpu)


@pytest.mark.ci
def test_an_unfit_node_is_told_on_the_terminal(own, tmp_path):
    (tmp_path / "big.yaml").write_text(
        f"alms: {{big: {{engine: transformers, checkpoint: {json.dumps(str(tmp_path))}, gpus: 1}}}}\n"
    )
    printed = own.snakemake("-c1", "results/gpu/big.json", *TINY, str(tmp_path / "big.yaml"), check=False)
    assert "alms.big cannot work on" in printed and "or no model folder" in printed
    assert not (own.root / "runs" / "tiny" / "results" / "gpu" / "big.json").exists()


@pytest.mark.ci
def test_models_are_fetched_by_their_commit_alone(own, tmp_path):
    own.snakemake("-c1", "fetch_models", *TINY)
    assert json.loads((own.root / "runs" / "tiny" / "results" / "fetched.json").read_text()) == {}
    (tmp_path / "hub.yaml").write_text(
        "alms: {big: {engine: transformers, checkpoint: owner/name, revision: main, gpus: 1}}\n"
        "finetuning: {models: [big]}\n"
    )
    printed = own.snakemake("-c1", "fetch_models", *TINY, str(tmp_path / "hub.yaml"), check=False)
    assert "alms.big: owner/name has revision 'main', which pins nothing" in printed
