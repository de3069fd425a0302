import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scaling_ambiguity.alms.loading import load_alm

REPOSITORY = Path(__file__).resolve().parents[3]
OPTIONS = {
    "trained_on": {"classes": ["happy", "sad"], "utterances": 24, "speakers": 4, "raters": 6, "votes": [5, 5]},
    "training": {"steps": 3, "batch": 8, "learning_rate": 1e-3},
}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for run in ("a", "b"):
        command = [sys.executable, REPOSITORY / "workflow" / "scripts" / "train_tiny_alm.py", "--name", "tiny"]
        command += ["--options", json.dumps(OPTIONS), "--prompts", REPOSITORY / "workflow" / "prompts" / "focus.yaml"]
        command += ["--seed", "42", "--output", tmp_path / run / "tiny", "--scores", tmp_path / run / "heldout.json"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in files)
    assert Path("tiny/model.safetensors") in files
    report = json.loads((tmp_path / "a" / "heldout.json").read_text())
    assert report["revision"] == load_alm(tmp_path / "a" / "tiny", device="cpu").revision
    assert set(report["model"]) == set(report["prior"]) == {"accuracy", "nll", "jsd_bits", "kl_nats"}
