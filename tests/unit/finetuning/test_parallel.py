"""However a batch is cut and shared, the training is the same; nothing is left behind."""

import json
import signal
import sys
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.training.interrupts import STOPPED
from scaling_ambiguity.training.launch import launch
from scaling_ambiguity.training.options import Execution, TrainingOptions
from scaling_ambiguity.training.team import ALONE

TOLERANCE = 1e-5  # of losses about 1 and of weights about 0.1, in float32


@pytest.fixture
def without_dropout(settings):
    """Masks are drawn for whole pieces of a batch, so only without them is the cut invisible."""
    settings.options["lora"]["dropout"] = 0.0
    return settings.options


def assert_close(found, expected):
    """Compare curves, adapters and predictions within ``TOLERANCE``."""
    assert found.keys() == expected.keys()
    for name in expected:
        if name.endswith("curve.csv"):
            one, other = (pd.read_csv(BytesIO(files[name])) for files in (found, expected))
            np.testing.assert_allclose(one, other, atol=TOLERANCE)
            assert len(one) == 4 and other["train_loss"].notna().sum() == 3
        elif name.endswith(".safetensors"):
            one, other = load(found[name]), load(expected[name])
            assert max(float((one[key] - other[key]).abs().max()) for key in other) < TOLERANCE
        elif name.endswith(".parquet"):
            one, other = (pd.read_parquet(BytesIO(files[name])).filter(like="p_") for files in (found, expected))
            np.testing.assert_allclose(one, other, atol=TOLERANCE)


def files(folder):
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "run.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_accumulated_pieces_are_the_whole_batch(train, tmp_path, without_dropout):
    whole = train(tmp_path / "whole")
    for pieces in (2, 3):  # 3 pieces of 4 utterances: 1, 1 and 2
        without_dropout["execution"] = {"accumulate": pieces}
        cut = train(tmp_path / f"cut-{pieces}")
        assert_close(cut, whole)


@pytest.mark.slow
def test_two_processes_are_one_with_twice_the_batch(train, run, program, tmp_path, without_dropout):
    """Recordings are altered anew whenever they are drawn, too."""
    online = {"probability": 0.5, "semitones": 1, "speed": [0.95, 1.05]}
    whole = train(tmp_path / "whole", online=online)
    without_dropout["execution"] = {"processes": 2}
    run(program(tmp_path / "two", online=online))
    assert_close(files(tmp_path / "two"), whole)
    assert json.loads((tmp_path / "two/run-0/run.json").read_text())["processes"] == 2


@pytest.mark.ci
def test_torchrun_is_the_same_entry_point(train, run, program, tmp_path, without_dropout):
    without_dropout["steps"] = 2
    whole = train(tmp_path / "whole")
    # `accelerate launch --cpu` starts one process only, whatever it is told; for GPUs it starts this launcher too.
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    run([*launcher, *program(tmp_path / "two")])
    two = files(tmp_path / "two")
    assert json.loads((tmp_path / "two/run-0/run.json").read_text())["processes"] == 2
    for name in ("run-0/curve.csv", "run-1/curve.csv"):
        np.testing.assert_allclose(pd.read_csv(BytesIO(two[name])), pd.read_csv(BytesIO(whole[name])), atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_team_stops_together_and_continues(start, run, program, tmp_path, settings, strategy):
    settings.options |= {"steps": 12, "execution": {"processes": 2, "state_every": 1, "strategy": strategy}}
    process = start(program(tmp_path / "again"))
    while process.poll() is None and not (tmp_path / "again/state/fold-0/seed-0/state.pt").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == STOPPED, output
    assert not members(process.pid)
    run(program(tmp_path / "again"))
    resumed = json.loads((tmp_path / "again/run-0/run.json").read_text())["resumed_from"]
    assert 0 < resumed <= 12
    run(program(tmp_path / "whole"))
    assert files(tmp_path / "again") == files(tmp_path / "whole")


def members(group):
    """Return the living processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if words[2] == str(group) and words[0] != "Z":
            found.append(int(folder.name))
    return found


def test_nothing_outlives_a_killed_launcher(start, tmp_path):
    child = "import os, pathlib, time; pathlib.Path(os.environ['RANK']).touch(); time.sleep(600)"
    parent = f"import os, sys; sys.path.insert(0, {str(SCRIPTS)!r}); os.chdir({str(tmp_path)!r})\n"
    parent += f"from scaling_ambiguity.training.launch import launch\nlaunch([sys.executable, '-c', {child!r}], 2)"
    process = start(["-c", parent])
    while process.poll() is None and not all((tmp_path / rank).exists() for rank in "01"):
        time.sleep(0.01)
    assert len(members(process.pid)) == 3
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not members(process.pid)


def test_one_that_fails_ends_the_others():
    code = "import os, sys, time; sys.exit(3) if os.environ['RANK'] == '1' else time.sleep(600)"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scaling_ambiguity.training.launch.GRACE", 0.5)
        assert launch([sys.executable, "-c", code], 2) == 3
        assert launch([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 2) == 128 + 9
        assert launch([sys.executable, "-c", ""], 2) == 0


def test_checkpointing_changes_no_bit(train, tmp_path, settings):
    whole = train(tmp_path / "whole")
    settings.options["execution"] = {"checkpointing": True}
    assert {k: v for k, v in train(tmp_path / "again").items() if "README" not in k} == {
        k: v for k, v in whole.items() if "README" not in k
    }


def test_mixed_precision_is_near_and_not_the_same(train, tmp_path, without_dropout):
    def losses(folder):
        return pd.read_csv(folder / "run-0/curve.csv")["train_loss"].to_numpy()[1:]

    train(tmp_path / "stored")
    without_dropout["execution"] = {"precision": "bf16"}
    train(tmp_path / "bf16")
    stored, mixed = losses(tmp_path / "stored"), losses(tmp_path / "bf16")
    np.testing.assert_allclose(mixed, stored, rtol=0.05)
    assert not np.array_equal(mixed, stored)
    adapter = load((tmp_path / "bf16/run-0/adapter/adapter_model.safetensors").read_bytes())
    assert {tensor.dtype for tensor in adapter.values()} == {torch.float32}


def test_pieces_cover_a_batch_once():
    rows = list(range(11))
    for processes in (1, 2, 3):
        execution = Execution(processes=processes, accumulate=3)
        pieces = [piece for rank in range(processes) for piece in execution.pieces(rows, rank)]
        assert [row for piece in pieces for row in piece] == rows
        sizes = [len(piece) for piece in pieces]
        assert min(sizes) > 0 and max(sizes) - min(sizes) <= 1 and max(sizes) <= execution.micro_batch(11)


@pytest.mark.parametrize(
    "execution, words",
    [
        ({"accumulate": 3, "processes": 2}, "cannot be divided"),
        ({"precision": "fp8"}, "bf16"),
        ({"strategy": "deepspeed"}, "fsdp"),
        ({"speed": 2}, "unknown"),
    ],
)
def test_impossible_execution(execution, words, settings):
    with pytest.raises(UserError, match=words):
        TrainingOptions.read(settings.options | {"execution": execution}, "finetuning")


def test_alone_nothing_is_touched():
    gradient = torch.tensor([1.0, 2.0])
    assert ALONE.add([gradient], [0.5, 1.0], [gradient]) == [0.5, 1.0]
    assert ALONE.fill(gradient) is gradient and ALONE.share("x") == "x" and ALONE.main
