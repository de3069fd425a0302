"""benchmarks/gpu.py at a reduced size: every way is measured, and what was foreseen is stated beside the peak."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.ci
def test_every_way_is_measured_on_the_cpu(tmp_path):
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "gpu.py"), "--size", "small", "--clips", "2"]
    command += ["--seconds", "1", "--votes", "4", "--json", str(tmp_path / "gpu.json"), "--cpu"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert len(found["ways"]) == 7 and not [way for way, one in found["ways"].items() if "skipped" in one]
    assert all(one["seconds"] > 0 for one in found["ways"].values())
    sampled, read = found["ways"]["sampled"], found["ways"]["read out"]
    assert sampled["answers"] == read["answers"] == 2 * 4 and sampled["tokens"] > 2 * 4
    assert 0 < read["foreseen_gb"] < sampled["foreseen_gb"]
    # keys and values: 2 x layers x hidden size numbers of 4 bytes
    assert found["place_bytes"] == 2 * 2 * 64 * 4
    assert found["ways"]["LoRA steps"]["foreseen_gb"] > 0
    assert "clips/s" in result.stdout and "LoRA steps, Hugging Face Trainer" in result.stdout
