"""All trainings of one job, fold by fold: clips are encoded once per fold, and its seeds share them."""

import gc

import pandas as pd

from scaling_ambiguity.alms.members import refuse_heard
from scaling_ambiguity.progress import announce
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.predictions import NO_STRATEGY, PREDICTIONS
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.training.artifacts import write_run
from scaling_ambiguity.training.examples import Parts, gather_examples
from scaling_ambiguity.training.fingerprint import data_fingerprint, training_fingerprint
from scaling_ambiguity.training.interrupts import Interrupts
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.loop import Training, predict, train_seed
from scaling_ambiguity.training.state import drop_state
from scaling_ambiguity.training.team import ALONE, Team


def run_job(job: TrainingJob, team: Team = ALONE, interrupts: Interrupts | None = None) -> None:
    """Train and predict every seed of every fold; a fold starts with the model in its state before any training.

    States are dropped only after everything is written: Snakemake removes what an unfinished job has written.

    Args:
        job: The job.
        team: The processes that share every batch; only the main one writes.
        interrupts: Signals to stop at, see :mod:`~.interrupts`.
    """
    for fold in job.folds:
        train_fold(job, fold, gather_parts(job, fold), team, interrupts)
        gc.collect()  # a model and its adapter refer to each other; two models must not be in memory at once
    for fold in job.folds if team.main else []:
        for seed in job.seeds:
            drop_state(job.state_of(fold, seed))


def gather_parts(job: TrainingJob, fold: int) -> Parts:
    """Return the examples of one fold of a job.

    Raises:
        UserError: See :func:`~.examples.gather_examples`; or the model to be trained further has heard a test speaker.
    """
    utterances, entry = UTTERANCES.read(job.utterances), job.of_fold(fold).entry
    if "members" in job.entry:
        splits = SPLITS.read(job.splits)
        tested = splits.loc[(splits["fold"] == fold) & (splits["part"] == "test"), "utterance"]
        refuse_heard(entry["checkpoint"], utterances[utterances["utterance"].isin(tested)])
    return gather_examples(
        utterances,
        job.root,
        job.label_table,
        SPLITS.read(job.splits),
        fold,
        job.classes,
        next(iter(job.of_fold(fold).augmented), None),
        job.encodings,
    )


def train_fold(
    job: TrainingJob, fold: int, examples: Parts, team: Team = ALONE, interrupts: Interrupts | None = None
) -> None:
    """Train every seed of one fold; write the predictions of its test part, and run folders.

    Run folders are written by :func:`~.artifacts.write_run`. States are kept: a killed job continues from them.
    """
    trainee = job.of_fold(fold).open_trainee(team)
    parts = {"train": examples.train, "validation": examples.validation, "test": examples.test}
    inputs = {part: trainee.inputs(members, part) for part, members in parts.items()}
    trainee.build(inputs["train"])
    data = data_fingerprint(inputs)
    for seed, predictions, folder in job.products(fold):
        fingerprint = training_fingerprint(job, trainee, data, seed, team.size)
        training = Training(
            options=job.options,
            seed=derive_seed(job.base_seed, "finetune", seed),
            state=job.state_of(fold, seed),
            fingerprint=fingerprint,
            online=job.online,
        )
        trained = train_seed(trainee, inputs["train"], inputs["validation"], training, team, interrupts)
        predicted = predict(trainee, inputs["test"], team)
        if not team.main:
            continue
        frame = pd.DataFrame(predicted, columns=class_columns(job.classes))
        identity = job.condition | {"strategy": NO_STRATEGY, "fold": fold, "seed": seed}
        PREDICTIONS.write(frame.assign(utterance=examples.test.utterances, **identity), predictions)
        record = job.condition | {
            "fold": fold,
            "seed": seed,
            "base_seed": job.base_seed,
            "classes": job.classes,
            "loss": job.objective["loss"],
            "online": job.online.model_dump() if job.online else None,
            "checkpoint": trainee.checkpoint,
            "model_revision": trainee.revision,
            "data_fingerprint": data,
            "training_fingerprint": fingerprint,
            "items": {part: len(members) for part, members in inputs.items()},
            "processes": team.size,
        }
        write_run(folder, trainee, trained, job.kind, record)
        announce(f"finetune: {job.labels} {job.augmentation} fold {fold} seed {seed} trained")
