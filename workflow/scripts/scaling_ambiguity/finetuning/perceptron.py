"""Small peers: a multi-layer perceptron on a frozen speech encoder, trained on a CPU, to compare with large models."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scaling_ambiguity.encoders.kinds import open_encoder
from scaling_ambiguity.encoders.store import Vectors
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.training.examples import Examples
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.losses import EVIDENTIAL, choose_loss, log_output
from scaling_ambiguity.training.team import ALONE, Team
from scaling_ambiguity.training.trainee import Batch, Card, Inputs, Trainee
from scaling_ambiguity.training.vectors import SmallNetwork, Standardise, VectorInputs, begin_at, mean_label, moments


def open_trainee(job: TrainingJob, team: Team = ALONE) -> Trainee:
    """Open the perceptron of a job; a small model is never sharded among a team.

    Raises:
        UserError: The vectors of the job are of different encoders, or a folder of them is not whole.
    """
    return Perceptron(job)


class Perceptron(SmallNetwork):
    """A :class:`~scaling_ambiguity.training.trainee.Trainee`: standardisation, hidden layers, a linear layer to C.

    The frozen encoder of its items is no part of it: their vectors are on disk.

    Attributes:
        module: Standardisation, then linear, GELU and dropout per hidden layer, then linear; set by :meth:`build`.
    """

    def __init__(self, job: TrainingJob):
        """``job.entry``: ``encoder``, ``hidden`` (widths of the hidden layers) and ``dropout``."""
        name = job.entry["encoder"]
        self._hidden = list(job.entry.get("hidden", [64]))
        self._dropout = job.entry.get("dropout", 0.1)
        self._vectors = Vectors([*job.features[name], *job.augmented_features.get(name, [])])
        self._encoder = cache(lambda: open_encoder(job.encoders[name]))
        self.classes, self.loss = job.classes, choose_loss(job.objective, job.classes)
        self._evidential = job.objective["loss"] == EVIDENTIAL
        self.begins_at_prior = not self._evidential
        self.device, self.gathered_bytes = torch.device("cpu"), 0
        self.checkpoint = self._vectors.identity["checkpoint"]
        self.revision = json.dumps(self._vectors.identity | {"mlp": [self._hidden, self._dropout]}, sort_keys=True)

    def inputs(self, examples: Examples, part: str) -> VectorInputs:
        """Return the vectors of ``examples``."""
        return VectorInputs(self._vectors, examples, self._encoder)

    def build(self, train: Inputs) -> None:
        """Make the network for vectors of this width, standardised by the moments of the training part."""
        self._moments, self._log_prior = moments(train), mean_label(train).log()
        self.hold(self._network())

    def _network(self) -> nn.Sequential:
        layers: list[nn.Module] = [Standardise(*self._moments)]
        width = len(self._moments[0])
        for hidden in self._hidden:
            layers += [nn.Linear(width, hidden), nn.GELU(), nn.Dropout(self._dropout)]
            width = hidden
        return nn.Sequential(*layers, nn.Linear(width, len(self.classes)))

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        """Set torch's initial values, by the seed alone; logits begin at the prior."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "peer") % 2**63)
            self.module.load_state_dict(self._network().state_dict())
        if self.begins_at_prior:
            begin_at(self._log_prior, self.module[-1])

    def log_distributions(self, batch: Batch) -> torch.Tensor:
        """Return :func:`~scaling_ambiguity.training.losses.log_output` of the network, (B, C)."""
        return log_output(self.module(batch["features"]), self._evidential)

    def batch_loss(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of the log-distributions, a mean over the batch."""
        return self.loss(self.log_distributions(batch), targets)

    def save(self, folder: Path) -> None:
        """Write ``peer.safetensors`` (moments included) and ``peer.json``, its shape; ``folder`` may be new."""
        shape = {
            "peer": "mlp",
            "hidden": self._hidden,
            "dropout": self._dropout,
            "classes": len(self.classes),
            "features": len(self._moments[0]),
            "encoder": self._vectors.identity,
        }
        self.write(folder, shape)

    def card(self, record: dict[str, Any]) -> Card:
        """Return what the model card says about a perceptron."""
        encoder = self._vectors.identity
        base = f"`{encoder['checkpoint']}` (revision `{encoder['revision']}`, kind `{encoder['kind']}`)"
        what = f"""A perceptron on the mean output of the frozen encoder {base}. It predicts the distribution
of people's emotion labels for a spoken utterance ({", ".join(record["classes"])})."""
        use = "`adapter/peer.json` holds its shape, `adapter/peer.safetensors` its weights and its inputs' moments."
        return Card("tags: [emotion-recognition, label-distribution]", what, use)
