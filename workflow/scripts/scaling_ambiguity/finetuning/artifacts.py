"""What a finished training leaves: adapter, curve, figure, record and model card."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from scaling_ambiguity.code_identity import SCRIPTS, code_hash
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.curve import draw_curve
from scaling_ambiguity.finetuning.fingerprint import versions
from scaling_ambiguity.finetuning.kinds import Trainee
from scaling_ambiguity.finetuning.training import Trained
from scaling_ambiguity.io import atomic_path, write_csv, write_json, write_text


def write_run(folder: Path, adapter: Trainee, trained: Trained, record: dict[str, Any], device: torch.device) -> None:
    """Write the run folder whole or not at all: adapter/, curve.csv, curve.png, run.json, README.md.

    Args:
        folder: The run folder.
        adapter: Holds the weights of the best step.
        trained: The finished training.
        record: What only the caller knows: condition, seed, fingerprints, numbers of items, energy.
        device: Where it was trained.
    """
    record = record | {
        "versions": versions(),
        "code": code_hash(SCRIPTS / "finetune.py"),
        "git_commit": git_commit(SCRIPTS),
        "device": device_name(device),
        "trainable_parameters": sum(parameter.numel() for parameter in adapter.parameters),
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
        adapter.save(temporary / "adapter")
        write_csv(curve, temporary / "curve.csv")
        draw_curve(curve, trained.best_step, temporary / "curve.png")
        write_json(record, temporary / "run.json")
        card = model_card(record) if isinstance(adapter, Adapter) else peer_card(record)
        write_text(card, temporary / "README.md")


def device_name(device: torch.device) -> str:
    """Return the GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def git_commit(inside: Path) -> str | None:
    """Return the commit checked out in the repository around ``inside``, None outside of one.

    Read from git's files, since compute nodes need not have git. Changes that were not committed
    do not show; the hash of the code beside it does not overlook them.
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


def model_card(record: dict[str, Any]) -> str:
    """Return the model card, Markdown with the front matter the Hugging Face hub reads; the same for equal trainings.

    Seconds, energy and machine stand in run.json alone.
    """
    about = f"""A LoRA adapter of the language model of {_base(record)}. It predicts the distribution of people's
emotion labels for a spoken utterance ({", ".join(record["classes"])}); its answers as text were never trained."""
    use = """```python
from peft import PeftModel
model = PeftModel.from_pretrained(base, "adapter")  # base: the model named above
```"""
    tags = "library_name: peft\ntags: [lora, audio-language-model, emotion-recognition, label-distribution]"
    return _card(record, tags, about, use)


def peer_card(record: dict[str, Any]) -> str:
    """Return the model card of a small peer, as :func:`model_card`."""
    about = f"""A perceptron on the mean output of the frozen encoder of {_base(record)}. It predicts the distribution
of people's emotion labels for a spoken utterance ({", ".join(record["classes"])})."""
    use = "`adapter/peer.json` holds its shape, `adapter/peer.safetensors` its weights and its inputs' moments."
    return _card(record, "tags: [emotion-recognition, label-distribution]", about, use)


def _base(record: dict[str, Any]) -> str:
    return f"`{record['checkpoint']}` (revision `{record['model_revision']}`)"


def _card(record: dict[str, Any], tags: str, about: str, use: str) -> str:
    items = ", ".join(f"{number} for {part}" for part, number in record["items"].items())
    return f"""---
base_model: {record["checkpoint"]}
{tags}
---

# {record["model"]} on {record["labels"]} labels of {record["corpus"]}

{about}

- Labels: {record["labels"]}; augmentation: {record["augmentation"]}; protocol: {record["protocol"]},
  fold {record["fold"]}, seed {record["seed"]}.
- Utterances: {items}. The test part's labels were never read.
- {record["trainable_parameters"]:,} trained parameters, {record["steps"]} steps; the kept step, {record["best_step"]},
  has the lowest validation loss, {record["best_validation_loss"]:.4g} ({record["loss"]}), on labels of the same kind.
- Data fingerprint `{record["data_fingerprint"]}`, training fingerprint `{record["training_fingerprint"]}`.

![Training curve](curve.png)

## Use

{use}

## Limits

Labels are perceptions of the corpus' raters, not speakers' feelings. Speakers, language and recording of the corpus
bound what was learnt. The licences of the base model and of the corpus apply.
"""
