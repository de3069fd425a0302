"""Small peers: a multi-layer perceptron on a frozen speech encoder, trained on a CPU, to compare with large models."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from scaling_ambiguity.encoders.kinds import Encoder, open_encoder
from scaling_ambiguity.encoders.store import Vectors
from scaling_ambiguity.io import write_json
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.training.examples import Examples, refuse_unheard
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.losses import EVIDENTIAL, choose_loss, log_output
from scaling_ambiguity.training.team import ALONE, Team
from scaling_ambiguity.training.trainee import Batch, Card, Inputs, Trainee, Weights

ROWS_AT_ONCE = 4096


def open_trainee(job: TrainingJob, team: Team = ALONE) -> Trainee:
    """Open the perceptron of a job; a small model is never sharded among a team.

    Raises:
        UserError: The vectors of the job are of different encoders, or a folder of them is not whole.
    """
    return Perceptron(job)


class VectorInputs:
    """One vector per item of a list of examples, read where it lies whenever it is needed.

    Attributes:
        examples: The examples, in order.
        audio_sha256: Hash of what was encoded of each: the samples of its clip, or its transcript.
    """

    def __init__(self, vectors: Vectors, examples: Examples, open_again: Callable[[], Encoder]):
        """``vectors`` hold every item of ``examples``; ``open_again`` opens their encoder.

        Raises:
            UserError: An item has no vector.
        """
        self.examples = examples
        self._vectors, self._open = vectors, open_again
        self._rows = vectors.rows(examples.utterances)
        refuse_unheard(vectors.lacking(self._rows))
        self.audio_sha256 = vectors.hashes(self._rows)

    def __len__(self) -> int:
        return len(self.examples)

    def encode(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the vector of a clip that is not among the examples, as the folder would hold it; it is not kept."""
        encoder = self._open()
        return torch.from_numpy(encoder.encode(waveform).astype(encoder.dtype).astype(np.float32))

    def batch(self, rows: list[int], altered: dict[int, torch.Tensor] | None = None) -> Batch:
        """Return the inputs of ``rows``: features (B, D); ``altered`` holds vectors in place of a row's own."""
        features = torch.from_numpy(self._vectors.take(self._rows[rows]))
        for row, vector in (altered or {}).items():
            features[rows.index(row)] = vector
        return {"features": features}

    def lengths(self) -> list[int]:
        """Return the number of positions of each input: one vector per clip."""
        return [1] * len(self)

    def targets(self, rows: list[int]) -> torch.Tensor:
        """Return the label distributions of ``rows``, float32 (B, C).

        Raises:
            ValueError: These examples have no labels (the test part).
        """
        if self.examples.targets is None:
            raise ValueError("the test part has no targets")
        return torch.from_numpy(self.examples.targets[rows]).to(torch.float32)


class Standardise(nn.Module):
    """(x - mean) / deviation with the training part's moments, kept with the weights."""

    def __init__(self, mean: torch.Tensor, deviation: torch.Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, D) -> (B, D)."""
        return (features - self.mean) / self.deviation


class Perceptron:
    """A :class:`~scaling_ambiguity.training.trainee.Trainee`: standardisation, hidden layers, a linear layer to C.

    The frozen encoder of its items is no part of it: their vectors are on disk.

    Attributes:
        module: Standardisation, then linear, GELU and dropout per hidden layer, then linear; set by :meth:`build`.
    """

    module: nn.Module
    parameters: list[torch.Tensor]

    def __init__(self, job: TrainingJob):
        """``job.entry``: ``encoder``, ``hidden`` (widths of the hidden layers) and ``dropout``."""
        name = job.entry["encoder"]
        self._hidden = list(job.entry.get("hidden", [64]))
        self._dropout = job.entry.get("dropout", 0.1)
        self._vectors = Vectors([*job.features[name], *job.augmented_features.get(name, [])])
        self._encoder = cache(lambda: open_encoder(job.encoders[name]))
        self.classes, self.loss = job.classes, choose_loss(job.objective, job.classes)
        self._evidential = job.objective["loss"] == EVIDENTIAL
        self.device, self.gathered_bytes = torch.device("cpu"), 0
        self.checkpoint = self._vectors.identity["checkpoint"]
        self.revision = json.dumps(self._vectors.identity | {"mlp": [self._hidden, self._dropout]}, sort_keys=True)

    def inputs(self, examples: Examples, part: str) -> VectorInputs:
        """Return the vectors of ``examples``."""
        return VectorInputs(self._vectors, examples, self._encoder)

    def build(self, train: Inputs) -> None:
        """Make the network for vectors of this width, standardised by the moments of the training part."""
        self._moments = moments(train)
        self.module = self._network().eval()
        self._named = sorted(self.module.named_parameters())
        self.parameters = [parameter for _, parameter in self._named]

    def _network(self) -> nn.Sequential:
        layers: list[nn.Module] = [Standardise(*self._moments)]
        width = len(self._moments[0])
        for hidden in self._hidden:
            layers += [nn.Linear(width, hidden), nn.GELU(), nn.Dropout(self._dropout)]
            width = hidden
        return nn.Sequential(*layers, nn.Linear(width, len(self.classes)))

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        """Set torch's initial values, by the seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "peer") % 2**63)
            self.module.load_state_dict(self._network().state_dict())

    def train(self, mode: bool) -> None:
        """Switch dropout on or off."""
        self.module.train(mode)

    def log_distributions(self, batch: Batch) -> torch.Tensor:
        """Return :func:`~scaling_ambiguity.training.losses.log_output` of the network, (B, C)."""
        return log_output(self.module(batch["features"]), self._evidential)

    def batch_loss(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of the log-distributions, a mean over the batch."""
        return self.loss(self.log_distributions(batch), targets)

    def weights(self) -> Weights:
        """Return a copy of the trainable tensors."""
        return {name: parameter.detach().clone() for name, parameter in self._named}

    @torch.no_grad()
    def load(self, weights: Weights) -> None:
        """Set the trainable tensors to what :meth:`weights` returned."""
        for name, parameter in self._named:
            parameter.copy_(weights[name])

    def save(self, folder: Path) -> None:
        """Write ``peer.safetensors`` (moments included) and ``peer.json``, its shape; ``folder`` may be new."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.detach().contiguous() for name, value in self.module.state_dict().items()}
        save_file(state, folder / "peer.safetensors")
        shape = {
            "peer": "mlp",
            "hidden": self._hidden,
            "dropout": self._dropout,
            "classes": len(self.classes),
            "features": len(self._moments[0]),
            "encoder": self._vectors.identity,
        }
        write_json(shape, folder / "peer.json")

    def card(self, record: dict[str, Any]) -> Card:
        """Return what the model card says about a perceptron."""
        encoder = self._vectors.identity
        base = f"`{encoder['checkpoint']}` (revision `{encoder['revision']}`, kind `{encoder['kind']}`)"
        what = f"""A perceptron on the mean output of the frozen encoder {base}. It predicts the distribution
of people's emotion labels for a spoken utterance ({", ".join(record["classes"])})."""
        use = "`adapter/peer.json` holds its shape, `adapter/peer.safetensors` its weights and its inputs' moments."
        return Card("tags: [emotion-recognition, label-distribution]", what, use)


def moments(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and deviation (D,) of the features of all ``inputs``; the deviation of a constant one is 1."""
    rows = range(len(inputs))
    parts = [rows[start : start + ROWS_AT_ONCE] for start in rows[::ROWS_AT_ONCE]]
    mean = sum(inputs.batch([*part])["features"].double().sum(0) for part in parts) / len(rows)
    squares = sum(((inputs.batch([*part])["features"].double() - mean) ** 2).sum(0) for part in parts) / len(rows)
    deviation = squares.sqrt()
    return mean.float(), torch.where(deviation > 1e-8, deviation, 1.0).float()
