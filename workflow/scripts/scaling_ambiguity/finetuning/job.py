"""All seeds of one condition and fold in one process: clips are encoded once, seeds share them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.examples import Parts
from scaling_ambiguity.finetuning.fingerprint import data_fingerprint, training_fingerprint, versions
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.losses import choose_loss
from scaling_ambiguity.finetuning.shortcut import last_position_only
from scaling_ambiguity.finetuning.state import drop_state
from scaling_ambiguity.finetuning.training import Trained, predict, train_seed
from scaling_ambiguity.io import atomic_path, write_csv, write_json
from scaling_ambiguity.progress import announce
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.predictions import PREDICTIONS


@dataclass(frozen=True)
class Condition:
    """What distinguishes one training condition; written into ``run.json`` as it is."""

    corpus: str
    protocol: str
    model: str
    labels: str
    augmentation: str
    fold: int


def finetune_condition(
    alm: LoadedALM,
    examples: Parts,
    condition: Condition,
    *,
    seeds: list[int],
    base_seed: int,
    classes: list[str],
    options: dict,
    protocol: dict,
    prompts: Path,
    state: Path,
    predictions: list[Path],
    runs: list[Path],
) -> None:
    """Train every seed of one condition and write predictions of the test part and run folders.

    A run folder holds ``adapter/`` (as peft reads it), ``curve.csv`` and ``run.json``. States
    are dropped once everything is written; until then a killed job continues where it was.

    Args:
        alm: The model as it came; it carries the adapter afterwards.
        examples: The parts of the fold.
        condition: Names for ``run.json``.
        seeds: Numbers of the trainings, each combined with ``base_seed``.
        base_seed: Global seed.
        classes: The class set, in order.
        options: The ``finetuning`` part of the configuration.
        protocol: ``head`` and ``loss`` of the protocol.
        prompts: File of the prompt set.
        state: Folder of unfinished trainings, ``seed-{seed}`` below it.
        predictions: One path a seed.
        runs: One folder a seed.
    """
    loss = choose_loss(protocol)
    prompt_set = load_prompts(prompts)
    parts = {"train": examples.train, "validation": examples.validation, "test": examples.test}
    inputs = {part: FrozenInputs(alm, prompt_set, found, classes, part) for part, found in parts.items()}
    data = data_fingerprint(inputs)
    adapter = Adapter(alm, options["lora"])
    for seed, prediction, run in zip(seeds, predictions, runs, strict=True):
        fingerprint = training_fingerprint(
            data,
            revision=alm.revision,
            prompts=prompts,
            classes=classes,
            options=options,
            protocol=protocol,
            device=alm.device.type,
            seed=seed,
            base_seed=base_seed,
        )
        with last_position_only(alm, classes):
            trained = train_seed(
                alm,
                adapter,
                inputs["train"],
                inputs["validation"],
                classes=classes,
                loss=loss,
                options=options,
                seed=derive_seed(base_seed, "finetune", seed),
                state=state / f"seed-{seed}",
                fingerprint=fingerprint,
            )
            predicted = predict(alm, inputs["test"], classes)
        frame = pd.DataFrame(predicted, columns=class_columns(classes))
        frame.insert(0, "utterance", examples.test.utterances)
        PREDICTIONS.write(frame, prediction)
        _write_run(run, adapter, trained, condition, seed, fingerprint, data, inputs, alm)
        announce(f"finetune: {condition.labels} {condition.augmentation} fold {condition.fold} seed {seed} trained")
    for seed in seeds:
        drop_state(state / f"seed-{seed}")


def _write_run(
    run: Path,
    adapter: Adapter,
    trained: Trained,
    condition: Condition,
    seed: int,
    fingerprint: str,
    data: str,
    inputs: dict[str, FrozenInputs],
    alm: LoadedALM,
) -> None:
    with atomic_path(run) as temporary:
        temporary.mkdir()
        adapter.save(temporary / "adapter")
        write_csv(pd.DataFrame(trained.curve), temporary / "curve.csv")
        record = vars(condition) | {
            "seed": seed,
            "versions": versions(),
            "model_revision": alm.revision,
            "data_fingerprint": data,
            "training_fingerprint": fingerprint,
            "items": {part: len(frozen) for part, frozen in inputs.items()},
            "trainable_parameters": sum(parameter.numel() for parameter in adapter.parameters),
            "steps": int(trained.curve[-1]["step"]),
            "best_step": trained.best_step,
            "best_validation_loss": min(row["validation_loss"] for row in trained.curve[1:]),
            "seconds": round(trained.seconds, 2),
            "resumed_from": trained.resumed_from,
            "threads": torch.get_num_threads(),
        }
        write_json(record, temporary / "run.json")
