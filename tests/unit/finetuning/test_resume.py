"""Stopped at any step, by an error, SIGTERM or SIGUSR1: the state is saved and the end is the same to the last bit."""

import json
import os
import signal
import time

import pytest
import torch

from scaling_ambiguity.training import run as training
from scaling_ambiguity.training.interrupts import SIGNALS, STOPPED, listening


class Killed(BaseException):
    """What no code on the way catches."""


@pytest.fixture
def at_step(monkeypatch):
    """Return a function that does something at the n-th optimiser step from now, before the step is made."""

    def plan(number, action):
        taken, step = [0], torch.optim.AdamW.step

        def counted(self, *arguments, **options):
            taken[0] += 1
            if taken[0] == number:
                monkeypatch.setattr(torch.optim.AdamW, "step", step)
                action()
            return step(self, *arguments, **options)

        monkeypatch.setattr(torch.optim.AdamW, "step", counted)

    return plan


def die():
    raise Killed


@pytest.fixture
def undisturbed(train, tmp_path):
    return train(tmp_path / "undisturbed")


@pytest.mark.ci
def test_killed_before_every_step(train, tmp_path, settings, at_step, undisturbed, monkeypatch):
    settings.options["execution"] = {"state_every": 1}
    resumed = []
    whole = training.train_seed

    def noted(*arguments, **options):
        trained = whole(*arguments, **options)
        resumed.append(trained.resumed_from)
        return trained

    monkeypatch.setattr("scaling_ambiguity.training.run.train_seed", noted)
    # Every attempt makes one step and is killed before its second; 12 steps in all, 6 a seed.
    for _ in range(11):
        at_step(2, die)
        with pytest.raises(Killed):
            train(tmp_path / "again")
    assert train(tmp_path / "again") == undisturbed
    assert resumed[-2:] == [6, 5], "the first seed was finished, the second continued before its last step"


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_saves_the_state_after_the_step(train, tmp_path, at_step, undisturbed, number):
    at_step(3, lambda: os.kill(os.getpid(), number))
    with listening() as interrupts, pytest.raises(SystemExit) as left:
        train(tmp_path / "again", interrupts=interrupts)
    assert left.value.code == STOPPED == 75
    state = torch.load(tmp_path / "again/state/fold-0/seed-0/state.pt", weights_only=True)["state"]
    assert state["step"] == 3, "step 3 was finished, though no validation stands there"
    assert len(state["losses"]) == 1 and len(state["curve"]) == 2
    assert train(tmp_path / "again") == undisturbed
    assert json.loads((tmp_path / "again/run-0/run.json").read_text())["resumed_from"] == 3


def test_signal_outside_of_training_stops_at_once():
    earlier = signal.getsignal(signal.SIGTERM)
    with listening(), pytest.raises(SystemExit) as left:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    assert left.value.code == STOPPED
    assert signal.getsignal(signal.SIGTERM) == earlier


def test_another_batch_does_not_continue_the_state_but_state_every_does(train, tmp_path, settings, at_step, capsys):
    at_step(4, die)
    with pytest.raises(Killed):
        train(tmp_path)
    settings.options["execution"] = {"state_every": 3}
    at_step(1, die)
    with pytest.raises(Killed):
        train(tmp_path)
    assert "set aside" not in capsys.readouterr().err
    settings.options["batch"] = 5
    train(tmp_path)
    assert "set aside" in capsys.readouterr().err


@pytest.mark.ci
def test_program_stopped_from_outside(start, run, program, tmp_path, settings, undisturbed):
    """The real program, asked to stop as soon as a state is there."""
    settings.options["execution"] = {"state_every": 1}
    process = start(program(tmp_path / "again"))
    while process.poll() is None and not (tmp_path / "again/state/fold-0/seed-0/state.pt").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGUSR1)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == STOPPED, output
    assert "start again to continue" in output
    run(program(tmp_path / "again"))
    files = {p.relative_to(tmp_path / "again").as_posix(): p.read_bytes() for p in (tmp_path / "again").rglob("*.*")}
    assert {name: data for name, data in files.items() if not name.endswith("run.json")} == undisturbed
