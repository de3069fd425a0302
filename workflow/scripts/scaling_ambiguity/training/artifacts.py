"""Outputs of a finished training: adapter, curve, figure, record and model card."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.io import atomic_path, write_csv, write_json, write_text
from scaling_ambiguity.training.curve import draw_curve
from scaling_ambiguity.training.fingerprint import training_code, versions
from scaling_ambiguity.training.loop import Trained
from scaling_ambiguity.training.trainee import Card, Trainee


def write_run(folder: Path, trainee: Trainee, trained: Trained, kind: str, record: dict[str, Any]) -> None:
    """Write the run folder completely or not at all: adapter/, curve.csv, curve.png, run.json, README.md.

    Args:
        folder: The run folder.
        trainee: Holds the weights of the best step.
        trained: The finished training.
        kind: The kind of the model.
        record: Information from the caller: condition, seed, fingerprints, numbers of items.
    """
    record = record | {
        "versions": versions(),
        "code": training_code(kind),
        "git_commit": git_commit(SCRIPTS),
        "device": device_name(trainee.device),
        "trainable_parameters": sum(parameter.numel() for parameter in trainee.parameters),
        "steps": int(trained.curve[-1]["step"]),
        "best_step": trained.best_step,
        "best_validation_loss": min(row["validation_loss"] for row in trained.curve[1:]),
        "seconds": round(trained.seconds, 2),
        "resumed_from": trained.resumed_from,
        "threads": torch.get_num_threads(),
    }
    curve = pd.DataFrame(trained.curve)
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        trainee.save(temporary / "adapter")
        write_csv(curve, temporary / "curve.csv")
        draw_curve(curve, trained.best_step, temporary / "curve.png")
        write_json(record, temporary / "run.json")
        write_text(model_card(record, trainee.card(record)), temporary / "README.md")


def device_name(device: torch.device) -> str:
    """Return the GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def git_commit(inside: Path) -> str | None:
    """Return the commit checked out in the repository around ``inside``, None outside of one.

    Read from git's files, since compute nodes need not have git. Changes that were not committed
    are not visible here, but change the hash of the code that is recorded with it.
    """
    for parent in [inside, *inside.parents]:
        folder = parent / ".git"
        if folder.is_file():  # a worktree
            folder = parent / folder.read_text().removeprefix("gitdir:").strip()
        if (folder / "HEAD").is_file():
            break
    else:
        return None
    head = (folder / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    common = folder / "commondir"
    shared = folder / common.read_text().strip() if common.is_file() else folder
    for place in (folder, shared):
        if (place / name).is_file():
            return (place / name).read_text().strip()
    packed = shared / "packed-refs"
    lines = packed.read_text().splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)


def model_card(record: dict[str, Any], card: Card) -> str:
    """Return the model card, Markdown with the front matter the Hugging Face hub reads; identical for equal trainings.

    Seconds and machine are recorded only in run.json.
    """
    items = ", ".join(f"{number} for {part}" for part, number in record["items"].items())
    return f"""---
base_model: {record["checkpoint"]}
{card.tags}
---

# {record["model"]} on {record["labels"]} labels of {record["corpus"]}

{card.what}

- Labels: {record["labels"]}; augmentation: {record["augmentation"]}; protocol: {record["protocol"]},
  fold {record["fold"]}, seed {record["seed"]}.
- Utterances: {items}. The test part's labels were never read.
- {record["trainable_parameters"]:,} trained parameters, {record["steps"]} steps; the kept step, {record["best_step"]},
  has the lowest validation loss, {record["best_validation_loss"]:.4g} ({record["loss"]}), on labels of the same kind.
- Data fingerprint `{record["data_fingerprint"]}`, training fingerprint `{record["training_fingerprint"]}`.

![Training curve](curve.png)

## Use

{card.use}

## Limits

Labels are perceptions of the corpus' raters, not speakers' feelings. Speakers, language and recording of the corpus
bound what was learnt. The licences of the base model and of the corpus apply.
"""
