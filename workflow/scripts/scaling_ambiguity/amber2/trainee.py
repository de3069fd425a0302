"""AmbER2 as a kind of model: vectors of a speech and of a text encoder, three heads, one loss for all of them."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

from scaling_ambiguity.amber2.inputs import PairInputs
from scaling_ambiguity.amber2.losses import Objective, effective_number_weights
from scaling_ambiguity.amber2.network import Network
from scaling_ambiguity.amber2.settings import MODALITIES, SPEECH, TEXT, Amber2Settings
from scaling_ambiguity.encoders.kinds import open_encoder
from scaling_ambiguity.encoders.store import Vectors
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.training.examples import Examples
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.losses import EVIDENTIAL, choose_item_loss, choose_loss
from scaling_ambiguity.training.team import ALONE, Team
from scaling_ambiguity.training.trainee import Batch, Card, Inputs, Trainee
from scaling_ambiguity.training.vectors import SmallNetwork, VectorInputs, mean_label, moments


def open_trainee(job: TrainingJob, team: Team = ALONE) -> Trainee:
    """Open the AmbER2 system of a job; a small model is never sharded among a team.

    Raises:
        UserError: A setting is not accepted, a part of the system could never learn, or vectors are not whole.
    """
    return Amber2(job)


class Amber2(SmallNetwork):
    """A :class:`~scaling_ambiguity.training.trainee.Trainee`: the student's distributions are the predictions.

    Validation is judged by the loss of the protocol; the training loss is :class:`~.losses.Objective`.

    Attributes:
        settings: The settings of the system.
        module: A :class:`~.network.Network`; set by :meth:`build`.
    """

    def __init__(self, job: TrainingJob):
        """``job.entry``: the fields of :class:`~.settings.Amber2Settings`."""
        self.settings = Amber2Settings.of(job.model, job.entry)
        self._names = {SPEECH: self.settings.speech, TEXT: self.settings.text}
        self._vectors = {
            modality: Vectors([*job.features[name], *job.augmented_features.get(name, [])])
            for modality, name in self._names.items()
        }
        self._encoders = {
            modality: cache(lambda name=name: open_encoder(job.encoders[name]))
            for modality, name in self._names.items()
        }
        rater = self.settings.loss.rater
        self._evidential = job.objective["loss"] == EVIDENTIAL
        self.begins_at_prior = not self._evidential
        if self._evidential and (rater or self.settings.composed):
            raise UserError(
                f"peers.{job.model}: the protocol's loss {EVIDENTIAL!r} needs evidence of every head. Remove "
                "`loss.rater`, and take a fusion of vectors (gated, scalar, concat)."
            )
        self.classes, self.loss = job.classes, choose_loss(job.objective, job.classes)
        self._rater = choose_item_loss(job.objective | ({"loss": rater} if rater else {}), job.classes)
        self.device, self.gathered_bytes = torch.device("cpu"), 0
        identities = {modality: vectors.identity for modality, vectors in self._vectors.items()}
        self.checkpoint = " + ".join(identity["checkpoint"] for identity in identities.values())
        self.revision = json.dumps(identities | {"amber2": self._shape()}, sort_keys=True)

    def _shape(self) -> dict[str, Any]:
        return self.settings.model_dump(exclude=set(MODALITIES))

    def inputs(self, examples: Examples, part: str) -> PairInputs:
        """Return the vectors of ``examples``; those of one modality, or both, may be absent."""
        pair = PairInputs(
            *(VectorInputs(self._vectors[m], examples, self._encoders[m], optional=True) for m in MODALITIES)
        )
        for modality, numbers in zip(MODALITIES, pair.present.T, strict=True):
            if absent := int((numbers == 0).sum()):
                line = f"finetune: {part}: {absent} of {len(pair)} items have no vector of {modality}"
                print(line, file=sys.stderr)
        return pair

    def build(self, train: Inputs) -> None:
        """Make network and loss for the training part: moments of its vectors, mean label, weights of its classes.

        Raises:
            UserError: No training item has a vector of a modality.
        """
        assert isinstance(train, PairInputs), "inputs come from this kind"
        targets, settings = train.targets(list(range(len(train)))), self.settings
        measured = {}
        for modality, vectors in ((SPEECH, train.speech), (TEXT, train.text)):
            rows = vectors.present.nonzero()[0].tolist()
            if not rows:
                raise UserError(
                    f"peers: encoder {self._names[modality]!r} has no vector of any training item: the corpus has no "
                    f"{modality}. Train a perceptron on the other encoder instead."
                )
            measured[modality] = moments(vectors, rows)
        self.hold(Network(settings, measured, mean_label(train), self._evidential))
        beta = settings.loss.class_balance
        weights = effective_number_weights(targets, beta) if beta else None
        self._objective = Objective(
            settings.loss, self._rater, settings.student, settings.experts, settings.taught, weights
        )

    def reset(self, seed: int) -> None:
        """Set torch's initial values, by the seed alone."""
        self.module.redraw(seed)

    def log_distributions(self, batch: Batch) -> torch.Tensor:
        """Return the student's output, (B, C): log q, or log alpha of the evidential loss."""
        return self.module(batch).roles[self.settings.student]

    def batch_loss(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """Return the training loss, a mean over the batch."""
        return self._objective(self.module(batch), targets)

    def save(self, folder: Path) -> None:
        """Write ``peer.safetensors`` (moments included) and ``peer.json``, its shape; ``folder`` may be new."""
        encoders = {modality: vectors.identity for modality, vectors in self._vectors.items()}
        self.write(folder, {"peer": "amber2"} | self._shape() | {"classes": len(self.classes), "encoders": encoders})

    def card(self, record: dict[str, Any]) -> Card:
        """Return what the model card says about an AmbER2 system."""
        identities = [vectors.identity for vectors in self._vectors.values()]
        bases = " and ".join(f"`{one['checkpoint']}` (revision `{one['revision']}`)" for one in identities)
        what = f"""AmbER2 (arXiv 2601.18010) on the mean outputs of the frozen encoders {bases}: a student of
`{self.settings.student}` and {len(self.settings.experts)} experts, fusion `{self.settings.fusion}`. It predicts the
distribution of people's emotion labels for a spoken utterance ({", ".join(record["classes"])})."""
        use = "`adapter/peer.json` holds its settings, `adapter/peer.safetensors` its weights and its inputs' moments."
        return Card("tags: [emotion-recognition, label-distribution]", what, use)
