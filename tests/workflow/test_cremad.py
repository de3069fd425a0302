"""The statistical side of the workflow on real human votes: CREMA-D, without its sound."""

import json
import os
import re
import subprocess

import pandas as pd
import pytest
from checkout import REPOSITORY, Checkout
from paper_pages import check_pages

VOTES = REPOSITORY.parent / "shared" / "data" / "cremad"
PRESET = ("--configfile", "workflow/presets/cremad.yaml")
FEWER = ("--config", "statistics={resamples: 1000, deals: 4}")

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(
        not (VOTES / "tabulatedVotes.csv").exists(), reason="the votes of CREMA-D are not beside the repository"
    ),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREMAD_ROOT", str(VOTES))
        made = Checkout.make(tmp_path_factory.mktemp("cremad run"))
        output = made.snakemake("-c2", "all", *PRESET, *FEWER, timeout=900)
        yield made, output


def test_one_clear_line_says_what_is_left_out(run):
    lines = [line for line in run[1].splitlines() if line.startswith("cremad: ")]
    assert lines and all("left out: training" in line for line in lines)


def test_the_paper_speaks_of_real_votes_and_of_no_model(run):
    folder = run[0].root / "runs/cremad/paper"
    words = {}
    for name in ("main", "supplement"):
        called = ["pdftotext", folder / f"{name}.pdf", "-"]
        words[name] = " ".join(subprocess.run(called, capture_output=True, text=True, check=True).stdout.split())
        assert "CREMA-D" in words[name]
        assert "??" not in words[name] and "(not available)" not in words[name]
        assert "fine-tuned on" not in words[name]
    assert "68568" in re.sub(r"\D", "", words["supplement"])
    check_pages(folder)


def test_face_votes_are_worth_a_finite_number_of_voice_votes(run):
    table = pd.read_parquet(run[0].root / "runs/cremad/results/statistics/exchange-cremad-face.parquet")
    table = table[(table["metric"] == "equivalent_votes") & (table["votes"] == 6)].set_index("labels")
    assert (table["n_clusters"] == 91).all()
    assert 1.0 < table.loc["weighted", "low"] <= table.loc["weighted", "high"] < 1.7
    # read off calibrated human votes: 2.0 off uncalibrated ones
    assert 1.2 < table.loc["calibrated", "estimate"] < 1.6


def test_nothing_vanished(run):
    audit = json.loads((run[0].root / "runs/cremad/results/corpora/cremad/audit.json").read_text())
    assert audit


def test_a_target_without_its_stage_says_why(run, monkeypatch):
    monkeypatch.setenv("CREMAD_ROOT", str(VOTES))
    output = run[0].snakemake("-n", "fig_models_by_level", *PRESET, check=False)
    assert "nothing to make: this run has no evaluation" in output and "left out" in output


def test_without_a_root_one_message_names_key_and_variable(run, monkeypatch):
    monkeypatch.delenv("CREMAD_ROOT", raising=False)
    assert "CREMAD_ROOT" not in os.environ
    output = run[0].snakemake("-n", "all", *PRESET, check=False)
    assert "corpora.cremad.root is missing" in output and "CREMAD_ROOT" in output and "Traceback" not in output
