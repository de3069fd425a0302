"""One training job: a condition, its folds and its seeds, as one typed object."""

import importlib
import json
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import Field, model_validator

from scaling_ambiguity.alms.members import member_folder
from scaling_ambiguity.settings import Settings
from scaling_ambiguity.training.kinds import KINDS
from scaling_ambiguity.training.online import OnlineStep
from scaling_ambiguity.training.options import TrainingOptions
from scaling_ambiguity.training.team import ALONE, Team
from scaling_ambiguity.training.trainee import Trainee

CONDITION = ("corpus", "protocol", "model", "labels", "augmentation")


class TrainingJob(Settings):
    """The work of one process: every seed of every fold of one condition.

    Attributes:
        corpus, protocol, model, labels, augmentation: The condition.
        kind: A key of :data:`~.kinds.KINDS`.
        entry: How the model is opened: its entry in the configuration, joined with that of its encoder.
        options: Settings common to all trainings.
        objective: ``head`` and ``loss`` of the protocol, and the parameters of the loss.
        classes: The class set, in order.
        folds: Numbers of the folds.
        seeds: Numbers of the trainings of each fold, combined with ``base_seed``.
        base_seed: The global seed.
        online: How recordings are altered each time they are drawn; None: not at all.
        prompts: File of the prompt set, for kinds that use one.
        utterances, root: Table of the utterances, and the folder that their paths are relative to.
        label_table, splits: Tables.
        augmented: One folder of augmented items per fold; none without augmentation.
        encodings: Folders of the encoder outputs of all clips of the corpus; none: clips are encoded in the job.
        encoders: How each frozen encoder of a kind that reads vectors is opened, by name.
        features: Folders of the vectors of all utterances, by encoder.
        augmented_features: One folder of the vectors of augmented items per fold, by encoder.
        state: Folder of unfinished trainings, ``fold-{fold}/seed-{seed}`` below it.
        predictions: One table per seed, fold by fold.
        runs: One folder per seed, fold by fold.
    """

    corpus: str
    protocol: str
    model: str
    labels: str
    augmentation: str
    kind: str
    entry: dict[str, Any]
    options: TrainingOptions
    objective: dict[str, Any]
    classes: list[str]
    folds: list[int]
    seeds: list[int]
    base_seed: int
    online: OnlineStep | None = None
    prompts: Path | None = None
    utterances: Path
    root: Path
    label_table: Path
    splits: Path
    augmented: tuple[Path, ...] = ()
    encodings: tuple[Path, ...] = ()
    encoders: dict[str, dict[str, Any]] = Field(default={})
    features: dict[str, list[Path]] = Field(default={})
    augmented_features: dict[str, list[Path]] = Field(default={})
    state: Path
    predictions: list[Path]
    runs: list[Path]

    @model_validator(mode="after")
    def _paths_are_complete(self) -> Self:
        trainings = len(self.folds) * len(self.seeds)
        if not trainings == len(self.predictions) == len(self.runs):
            raise ValueError("a training job needs one of `predictions` and one of `runs` per seed and fold.")
        if len(self.augmented) not in (0, len(self.folds)):
            raise ValueError("a training job needs one folder in `augmented` per fold.")
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is unknown; accepted: {', '.join(KINDS)}.")
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the job that a rule describes in JSON.

        Raises:
            UserError: A field is missing, unknown or not accepted.
        """
        return cls.read(json.loads(text), "job")

    @property
    def condition(self) -> dict[str, str]:
        """Names of the condition."""
        return {name: getattr(self, name) for name in CONDITION}

    @property
    def device(self) -> str:
        """The device of its model: the GPU if there is one and the kind benefits from it."""
        on_gpu = KINDS[self.kind].language_model and torch.cuda.is_available()
        return self.entry.get("device") or ("cuda" if on_gpu else "cpu")

    def on_device(self, device: str) -> "TrainingJob":
        """Return the same job on another device."""
        return self.model_copy(update={"entry": self.entry | {"device": device}})

    def state_of(self, fold: int, seed: int) -> Path:
        """Return the folder of the state of one training."""
        return self.state / f"fold-{fold}" / f"seed-{seed}"

    def products(self, fold: int) -> list[tuple[int, Path, Path]]:
        """Return (seed, predictions, run folder) of every training of a fold."""
        fold_job = self.of_fold(fold)
        return list(zip(fold_job.seeds, fold_job.predictions, fold_job.runs, strict=True))

    def of_fold(self, fold: int) -> "TrainingJob":
        """Return the part of the job for one fold."""
        place = self.folds.index(fold)
        trainings = slice(place * len(self.seeds), (place + 1) * len(self.seeds))
        changes: dict[str, Any] = {
            "folds": [fold],
            "predictions": self.predictions[trainings],
            "runs": self.runs[trainings],
            "augmented": self.augmented[place : place + 1],
            "augmented_features": {name: paths[place : place + 1] for name, paths in self.augmented_features.items()},
        }
        if "members" in self.entry:
            rest = {key: value for key, value in self.entry.items() if key != "members"}
            changes["entry"] = rest | {"checkpoint": str(member_folder(self.entry["checkpoint"], fold))}
        return self.model_copy(update=changes)

    def open_trainee(self, team: Team = ALONE) -> Trainee:
        """Open the model of the job, in its state before any training."""
        return importlib.import_module(f"scaling_ambiguity.{KINDS[self.kind].module}").open_trainee(self, team)
