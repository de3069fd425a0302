"""A job's results: the same bytes every time, after a kill too, and blind to test labels."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel

from scaling_ambiguity.alms.inputs import frozen_states
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.training.loop import train_seed
from scaling_ambiguity.training.state import load_state, save_state

# Runs the program finetune.py in this process and kills it at the n-th optimiser step.
KILLER = """
import os, runpy, signal, sys
import torch
last, step = int(sys.argv.pop(1)), torch.optim.AdamW.step
taken = 0
def counted(self, *arguments, **options):
    global taken
    taken += 1
    if taken == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *arguments, **options)
torch.optim.AdamW.step = counted
sys.path.insert(0, os.path.dirname(sys.argv[1]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_outputs(train, tmp_path, gather):
    files = train(tmp_path)
    assert len(files) == 2 * 6
    table = PREDICTIONS.read(tmp_path / "seed-0.parquet")
    assert table["utterance"].tolist() == gather().test.utterances
    record = json.loads((tmp_path / "run-0" / "run.json").read_text())
    assert record["steps"] == 6 and record["seed"] == 0 and record["items"]["train"] == 12
    curve = pd.read_csv(tmp_path / "run-0" / "curve.csv")
    assert curve["step"].tolist() == [0, 2, 4, 6]
    assert curve["validation_loss"][1:].min() == pytest.approx(record["best_validation_loss"])
    assert files["seed-0.parquet"] != files["seed-1.parquet"]
    states = sorted(path.relative_to(tmp_path / "state").as_posix() for path in (tmp_path / "state").rglob("*.pt"))
    assert states == ["fold-0/seed-0/state.pt", "fold-0/seed-1/state.pt"], (
        "the program drops them, once all it makes is written"
    )


def test_same_seed_same_bytes(train, tmp_path):
    assert train(tmp_path / "a") == train(tmp_path / "b")
    assert train(tmp_path / "a")["seed-0.parquet"] != train(tmp_path / "c", base_seed=2)["seed-0.parquet"]


def test_seeds_of_a_job_share_the_encodings(train, tmp_path, gather, settings, monkeypatch):
    """Every clip is heard once, and the adapters of both seeds sit in the same base model."""
    heard, shared = [], set()

    def counted(alm, features):
        heard.append(features)
        return frozen_states(alm, features)

    def watched(trainee, *arguments):
        shared.add(id(trainee))
        return train_seed(trainee, *arguments)

    monkeypatch.setattr("scaling_ambiguity.alms.encoding_shards.frozen_states", counted)
    monkeypatch.setattr("scaling_ambiguity.training.run.train_seed", watched)
    settings.options |= {"steps": 1, "evaluate_every": 1}
    files = train(tmp_path)
    assert {"seed-0.parquet", "seed-1.parquet"} < set(files)
    assert len(heard) == sum(map(len, vars(gather()).values())) == 20
    assert len(shared) == 1


def test_training_lowers_its_loss(train, tmp_path, settings):
    settings.options |= {"steps": 40, "evaluate_every": 10}
    train(tmp_path)
    losses = pd.read_csv(tmp_path / "run-0" / "curve.csv")["train_loss"].dropna().tolist()
    assert losses[-1] < losses[0]


def test_adapter_opens_with_peft_and_gives_the_predictions(train, tmp_path, gather, checkpoint, settings):
    from scaling_ambiguity.finetuning.inputs import FrozenInputs
    from scaling_ambiguity.proxies.prompts import load_prompts

    settings.options["learning_rate"] = 0.05
    train(tmp_path)
    alm = load_alm(checkpoint, device="cpu")
    PeftModel.from_pretrained(alm.model, tmp_path / "run-1" / "adapter")
    inputs = FrozenInputs(alm, load_prompts(settings.prompts), gather().test, settings.classes, "test")
    table = PREDICTIONS.read(tmp_path / "seed-1.parquet")
    with torch.inference_mode():
        said = label_log_probabilities(alm, inputs.batch([0, 1, 2, 3]), settings.classes).exp()
    np.testing.assert_allclose(said, table.filter(like="p_"), atol=1e-6)


def test_blind_to_test_labels(train, tmp_path, corpus):
    table = LABELS.read(corpus / "labels.parquet")
    table.loc[16:, ["p_neutral", "p_happy", "p_sad"]] = [0.0, 0.0, 1.0]
    LABELS.write(table, tmp_path / "changed.parquet")
    assert train(tmp_path / "a") == train(tmp_path / "b", label_table=tmp_path / "changed.parquet")


@pytest.mark.slow
def test_killed_job_ends_bit_for_bit_like_an_undisturbed_one(train, tmp_path, program):
    undisturbed = train(tmp_path / "a")
    folder = tmp_path / "b"
    command = [sys.executable, "-c", KILLER, "0", *program(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    # Step 4 lies between the validations after 2 and 4; from there 6 more end inside the second seed.
    for kill_at, expected in ((4, -signal.SIGKILL), (7, -signal.SIGKILL), (0, 0)):
        command[3] = str(kill_at)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stderr
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert json.loads(files["run-1/run.json"])["resumed_from"] == 2
    assert {name: data for name, data in files.items() if not name.endswith("run.json")} == undisturbed


@pytest.mark.slow
def test_folds_of_one_process_are_those_trained_alone_even_after_a_kill(program, run, tmp_path, corpus, settings):
    settings.options |= {"steps": 2}
    first = SPLITS.read(corpus / "splits.parquet")
    second = first.assign(fold=1, part=first["part"].to_numpy()[::-1])
    SPLITS.write(pd.concat([first, second]), tmp_path / "splits.parquet")
    for fold in (0, 1):
        run(program(tmp_path / "alone" / f"fold-{fold}", folds=(fold,), splits=tmp_path / "splits.parquet"))
    together = program(tmp_path / "together", folds=(0, 1), splits=tmp_path / "splits.parquet")
    run(["-c", KILLER, "7", *together], -signal.SIGKILL)  # in the second seed of the second fold
    for path in (tmp_path / "together").glob("fold-*"):
        shutil.rmtree(path)  # as Snakemake removes what an unfinished job has written
    run(together)
    for fold in (0, 1):
        folder = tmp_path / "together" / f"fold-{fold}"
        assert written(folder) == written(tmp_path / "alone" / f"fold-{fold}")
        expected = [2, 2] if fold == 0 else [2, 0]
        found = [json.loads((folder / f"run-{seed}" / "run.json").read_text())["resumed_from"] for seed in (0, 1)]
        assert found == expected, "what was trained is not trained again"
    assert not list((tmp_path / "together").rglob("state.pt"))


def written(folder):
    """Return {relative path: bytes} of what must be the same in every run: all but run.json."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "run.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_foreign_state_is_set_aside(tmp_path, capsys):
    assert load_state(tmp_path, "mine") is None
    save_state(tmp_path, "theirs", {"step": 3})
    assert load_state(tmp_path, "theirs") == {"step": 3}
    assert load_state(tmp_path, "mine") is None
    assert "belongs to another training" in capsys.readouterr().err
    (tmp_path / "state.pt").write_bytes(b"torn")
    assert load_state(tmp_path, "mine") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.pt.foreign-0", "state.pt.foreign-1"]


def test_state_of_other_data_is_not_continued(train, tmp_path, capsys):
    save_state(tmp_path / "state" / "fold-0" / "seed-0", "other", {"step": 4})
    assert train(tmp_path / "a", state=tmp_path / "state") == train(tmp_path / "b")
    assert "set aside" in capsys.readouterr().err
    assert (tmp_path / "state" / "fold-0" / "seed-0" / "state.pt.foreign-0").exists()


def test_divergence_is_an_error(train, tmp_path, settings):
    settings.options |= {"learning_rate": 1e20}
    with pytest.raises(UserError, match="learning_rate"):
        train(tmp_path)
