"""After a finished run: what re-runs after which edit, and only that. One tiny run serves all."""

import hashlib
import json
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import threadpoolctl
import torch
import yaml
from checkout import TINY
from paper_pages import check_pages
from snakemake.utils import update_config

from scaling_ambiguity.reporting.numbers.provenance import faults

HEAVY = {
    "train_tiny_alm",
    "encode_audio",
    "annotate_shard",
    "read_out_shard",
    "augment_items",
    "finetune_seeds_0",
    "synthesise_demo",
}
REPORTING = {"build_paper", "build_report", "all"}
LIBRARY = "workflow/scripts/scaling_ambiguity"
GOLDEN = Path(__file__).with_name("golden.tsv")


@contextmanager
def edited(checkout, name, edit):
    path = checkout.root / name
    existed = path.exists()
    before = path.read_text() if existed else ""
    path.write_text(edit(before))
    try:
        yield
    finally:
        path.write_text(before) if existed else path.unlink()


def test_the_run_made_a_paper_and_a_report(tiny_run):
    folder = tiny_run.root / "runs" / "tiny"
    assert (folder / "paper/main.pdf").stat().st_size > 30_000
    assert (folder / "results/report.zip").stat().st_size > 100_000
    assert not (tiny_run.root / "results").exists(), "a preset writes in its own folder only"
    pages = subprocess.run(["pdftotext", folder / "paper/main.pdf", "-"], capture_output=True, text=True, check=True)
    words = " ".join(pages.stdout.split())
    assert "simulated" in words and "??" not in words
    check_pages(folder / "paper")


def test_tables_are_the_stored_ones(tiny_run):
    """A change that moves a number shows in the commit that makes it: `STORE_GOLDEN=1` stores the list."""
    folder = tiny_run.root / "runs" / "tiny"
    made = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16] for name in tables(folder)}
    if os.environ.get("STORE_GOLDEN"):
        lines = [f"{name}\t{digest}" for name, digest in made.items()]
        GOLDEN.write_text("\n".join([f"# {machine()}", *lines, ""]))
    where, *lines = GOLDEN.read_text().splitlines()
    if where != f"# {machine()}":
        pytest.skip(
            f"the list was made with {where.removeprefix('# ')}, whose last digits are others than {machine()}'s"
        )
    stored = dict(line.split("\t") for line in lines)
    assert len(stored) > 60 and made.keys() == stored.keys()
    assert {name for name in stored if made[name] != stored[name]} == set()


def tables(folder):
    """Return the tables of a run, relative to its folder: estimates, votes, labels, predictions and the paper's."""
    files = [*folder.glob("results/**/*.parquet"), *folder.glob("results/**/*.csv"), *folder.glob("paper/**/*.csv")]
    of_other_targets = [*folder.glob("results/leaderboard.*")]  # other tests of the same run ask for them
    return sorted(file.relative_to(folder).as_posix() for file in {*files} - {*of_other_targets})


def machine():
    """Return what decides the last digits: the kernels of torch and of numpy's BLAS."""
    blas = {pool["architecture"] for pool in threadpoolctl.threadpool_info() if pool["internal_api"] == "openblas"}
    return f"torch {torch.backends.cpu.get_cpu_capability()}, BLAS {' '.join(sorted(blas))}"


def test_directly_afterwards_nothing_is_to_be_done(tiny_run):
    assert tiny_run.planned("all", *TINY) == set()


def test_touch_on_every_source_changes_nothing(tiny_run):
    now = time.time()
    for path in tiny_run.root.rglob("*"):
        if path.is_file() and "runs" not in path.relative_to(tiny_run.root).parts and ".snakemake" not in path.parts:
            os.utime(path, (now, now))
    assert tiny_run.planned("all", *TINY) == set()


def test_another_checkpoint_is_encoded_anew_and_where_the_outputs_lie_trains_none(tiny_run):
    planned = tiny_run.planned("all", *TINY, "--config", "alms={tiny: {training: {steps: 13}}}")
    assert {"train_tiny_alm", "encode_audio", "annotate_shard", "finetune_seeds_0"} <= planned
    planned = tiny_run.planned("all", *TINY, "--config", "alms={tiny: {encodings: own}}")
    assert "annotate_shard" in planned and not planned & {"train_tiny_alm", "encode_audio"}


@pytest.mark.parametrize(
    "name", [f"{LIBRARY}/io.py", f"{LIBRARY}/inference/bootstrap.py", "workflow/scripts/finetune.py"]
)
def test_a_comment_or_docstring_changes_nothing(tiny_run, name):
    with edited(tiny_run, name, lambda text: re.sub(r'\A"""', '"""Another word. ', text) + "\n# a comment\n"):
        assert tiny_run.planned("all", *TINY) == set()


def test_an_edit_in_the_plotting_code_re_runs_figures_paper_and_report_only(tiny_run):
    with edited(tiny_run, f"{LIBRARY}/reporting/style.py", lambda text: text + "\nEDITED = 1\n"):
        planned = tiny_run.planned("all", *TINY)
    assert planned >= {"fig_saturation", "build_paper"}
    assert {name for name in planned if not name.startswith("fig_")} <= REPORTING


def test_an_edited_helper_re_runs_exactly_its_dependents(tiny_run):
    with edited(tiny_run, f"{LIBRARY}/inference/exchange.py", lambda text: text + "\nEDITED = 1\n"):
        planned = tiny_run.planned("all", *TINY)
    assert "estimate_exchange_rate" in planned
    assert not planned & (HEAVY | {"align_votes", "trace_saturation", "evaluate_models", "pool_votes"})


def test_other_resamples_re_run_no_annotation_and_no_training(tiny_run):
    planned = tiny_run.planned("all", *TINY, "--config", "statistics={resamples: 400}")
    assert {"align_votes", "evaluate_models"} <= planned
    assert not planned & HEAVY


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        (f"{LIBRARY}/tables/ratings.py", lambda text: "NAME = 'a new table'\n"),
        (f"{LIBRARY}/corpora/readers/another.py", lambda text: "def read(root, options):\n    return None\n"),
        (f"{LIBRARY}/metrics/another.py", lambda text: "def another(p):\n    return p\n"),
        (
            "config.yaml",
            lambda text: text.replace(
                "alms:\n", "alms:\n  large: {engine: transformers, checkpoint: some/model, gpus: 1}\n"
            ),
        ),
    ],
    ids=["table schema", "corpus module", "metric", "ALM entry"],
)
def test_additions_re_run_no_annotation_augmentation_or_training(tiny_run, name, edit):
    with edited(tiny_run, name, edit):
        assert not tiny_run.planned("all", *TINY) & HEAVY


@pytest.mark.ci
def test_one_figure_alone(tiny_run):
    (tiny_run.root / "runs/tiny/paper/figures/fig_saturation.pdf").unlink()
    output = tiny_run.snakemake("-c2", "fig_saturation", *TINY)
    assert len(re.findall(r"^(?:local)?rule ", output, flags=re.MULTILINE)) == 1
    assert (tiny_run.root / "runs/tiny/paper/figures/fig_saturation.pdf").exists()
    assert tiny_run.planned("fig_saturation", *TINY) == set()


def test_no_answer_was_bought_twice(tiny_run):
    keys = [
        json.loads(line)["key"]
        for path in (tiny_run.root / "runs/tiny/resources/answers").rglob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len(keys) == len(set(keys)) == 96 * (10 + 5 + 5)


def test_every_reported_number_is_traceable(tiny_run, monkeypatch):
    """Each key addresses one row, column and value of its file, or what a stated function makes of stated rows."""
    folder = tiny_run.root / "runs/tiny"
    provenance = json.loads((folder / "paper/numbers.json").read_text())
    config = yaml.safe_load((tiny_run.root / "config.yaml").read_text())
    update_config(config, yaml.safe_load((tiny_run.root / "workflow/presets/tiny.yaml").read_text()))
    monkeypatch.chdir(folder)
    assert len(provenance) > 50 and list(faults(provenance, config)) == []


def test_all_verdicts_that_gate_hold(tiny_run):
    verdicts = json.loads((tiny_run.root / "runs/tiny/results/verdicts.json").read_text())
    gating = [verdict for verdict in verdicts if verdict["gating"]]
    assert gating and all(verdict["passed"] for verdict in gating)
