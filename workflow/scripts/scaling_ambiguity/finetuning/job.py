"""All seeds of one condition and fold in one process: clips are encoded once, seeds share them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scaling_ambiguity.finetuning.artifacts import write_run
from scaling_ambiguity.finetuning.energy import EnergyMeter
from scaling_ambiguity.finetuning.examples import Parts
from scaling_ambiguity.finetuning.fingerprint import data_fingerprint, training_fingerprint
from scaling_ambiguity.finetuning.heads import with_head
from scaling_ambiguity.finetuning.interrupts import Interrupts
from scaling_ambiguity.finetuning.kinds import Opened, checkpoint_of, freeze, trainee
from scaling_ambiguity.finetuning.losses import choose_loss
from scaling_ambiguity.finetuning.online import OnlineStep
from scaling_ambiguity.finetuning.parallel import ALONE, Team
from scaling_ambiguity.finetuning.shortcut import last_position_only
from scaling_ambiguity.finetuning.training import predict, train_seed
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
    alm: Opened,
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
    team: Team = ALONE,
    interrupts: Interrupts | None = None,
    online: dict | None = None,
) -> None:
    """Train every seed of one condition and write predictions of the test part and run folders.

    A run folder is what :func:`~scaling_ambiguity.finetuning.artifacts.write_run` writes. States
    stay: a killed job continues where it was. Who calls drops them once all of its files are written.

    Args:
        alm: The model as it came; it carries the adapter afterwards.
        examples: The parts of the fold.
        condition: Names for ``run.json``.
        seeds: Numbers of the trainings, each combined with ``base_seed``.
        base_seed: Global seed.
        classes: The class set, in order.
        options: The ``finetuning`` part of the configuration.
        protocol: ``head`` and ``loss`` of the protocol, and what the loss needs.
        prompts: File of the prompt set.
        state: Folder of unfinished trainings, ``seed-{seed}`` below it.
        predictions: One path a seed.
        runs: One folder a seed.
        team: The processes that share the work; only the main one writes.
        interrupts: Signals to stop at, see :mod:`~scaling_ambiguity.finetuning.interrupts`.
        online: ``online`` of the augmentation, see :mod:`~scaling_ambiguity.finetuning.online`.
    """
    loss = choose_loss(protocol, classes)
    alm = with_head(alm, protocol, classes)
    prompt_set = load_prompts(prompts)
    parts = {"train": examples.train, "validation": examples.validation, "test": examples.test}
    inputs = {part: freeze(alm, prompt_set, found, classes, part) for part, found in parts.items()}
    data = data_fingerprint(inputs)
    adapter = trainee(alm, options, inputs["train"], classes)
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
            processes=team.size,
            online=online,
        )
        meter = EnergyMeter()
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
                team=team,
                interrupts=interrupts,
                online=OnlineStep.of(online),
            )
            predicted = predict(alm, inputs["test"], classes, team)
        if not team.main:
            continue
        frame = pd.DataFrame(predicted, columns=class_columns(classes))
        frame.insert(0, "utterance", examples.test.utterances)
        PREDICTIONS.write(frame, prediction)
        record = vars(condition) | {
            "seed": seed,
            "base_seed": base_seed,
            "classes": classes,
            "loss": protocol["loss"],
            "online": online,
            "checkpoint": checkpoint_of(alm),
            "model_revision": alm.revision,
            "data_fingerprint": data,
            "training_fingerprint": fingerprint,
            "items": {part: len(frozen) for part, frozen in inputs.items()},
            "processes": team.size,
            "joules_of_last_attempt": meter.joules(),
        }
        write_run(run, adapter, trained, record, alm.device)
        announce(f"finetune: {condition.labels} {condition.augmentation} fold {condition.fold} seed {seed} trained")
