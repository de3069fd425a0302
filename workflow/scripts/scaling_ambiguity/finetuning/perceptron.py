"""Small peers: a multi-layer perceptron on a frozen speech encoder, trained on a CPU, to compare with large models."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.families.family import ClipTooShort
from scaling_ambiguity.finetuning.speech_encoder import SpeechEncoder, mean_over_time
from scaling_ambiguity.io import write_json
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.training.examples import Examples, refuse_unheard
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.losses import EVIDENTIAL, choose_loss, log_output
from scaling_ambiguity.training.team import ALONE, Team
from scaling_ambiguity.training.trainee import Batch, Card, Inputs, Loss, Trainee, Weights


def open_trainee(job: TrainingJob, team: Team = ALONE) -> Trainee:
    """Open the perceptron of a job; a small model is never sharded among a team.

    Raises:
        UserError: There is no such checkpoint.
    """
    loss, evidential = choose_loss(job.objective, job.classes), job.objective["loss"] == EVIDENTIAL
    encoder = SpeechEncoder(job.entry, job.features)
    return Perceptron(
        encoder, job.entry.get("hidden", [64]), job.entry.get("dropout", 0.1), job.classes, loss, evidential
    )


class VectorInputs:
    """One vector per clip of a list of examples.

    Attributes:
        examples: The examples, in order.
        audio_sha256: Hash of each clip's samples.
    """

    def __init__(self, encoder: SpeechEncoder, examples: Examples, part: str):
        """Take or encode every clip of ``examples``; ``part`` names the progress bar.

        Raises:
            UserError: An example has no audio or too little of it, or the outputs on disk are of another encoder or
                sound.
        """
        self.examples = examples
        self._encoder = encoder
        self.audio_sha256: list[str | None] = []
        vectors: list[torch.Tensor] = []
        unheard: dict[str, str] = {}
        taken = examples.taken({"revision": encoder.revision})
        for name, path in progress(examples.sounds(), f"encode {part}", unit="clip"):
            if name in taken:
                self.audio_sha256.append(taken[name].samples_sha256)
                vectors.append(mean_over_time(taken[name].tokens))
                continue
            waveform = load_waveform(path)
            self.audio_sha256.append(hashlib.sha256(waveform.tobytes()).hexdigest())
            try:
                vectors.append(encoder.encode(waveform, self.audio_sha256[-1]))
            except ClipTooShort as error:
                unheard[name] = str(error)
        refuse_unheard(unheard)
        self._features = torch.stack(vectors)

    def __len__(self) -> int:
        return len(self.examples)

    def encode(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the vector of a clip that is not among the examples; it is not kept."""
        return self._encoder.encode(waveform, None)

    def batch(self, rows: list[int], altered: dict[int, torch.Tensor] | None = None) -> Batch:
        """Return the inputs of ``rows``: features (B, D); ``altered`` holds vectors in place of a row's own."""
        altered = altered or {}
        return {"features": torch.stack([altered.get(row, self._features[row]) for row in rows])}

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

    Attributes:
        encoder: The frozen encoder of its clips, not part of ``module``.
        module: Standardisation, then linear, GELU and dropout per hidden layer, then linear; set by :meth:`build`.
    """

    module: nn.Module
    parameters: list[torch.Tensor]

    def __init__(
        self,
        encoder: SpeechEncoder,
        hidden: list[int],
        dropout: float,
        classes: list[str],
        loss: Loss,
        evidential: bool = False,
    ):
        """``hidden``: widths of the hidden layers; ``evidential``: the outputs are evidence (Dirichlet), not logits."""
        self.encoder, self.classes, self.loss = encoder, classes, loss
        self.device, self.gathered_bytes = torch.device("cpu"), 0
        self.checkpoint = encoder.checkpoint
        self.revision = f"{encoder.revision}+mlp{json.dumps([hidden, dropout])}"
        self._hidden, self._dropout, self._evidential = list(hidden), dropout, evidential

    def inputs(self, examples: Examples, part: str) -> VectorInputs:
        """Return the encoder's vectors of ``examples``."""
        return VectorInputs(self.encoder, examples, part)

    def build(self, train: Inputs) -> None:
        """Make the network for vectors of this width, standardised by the moments of the training part."""
        self._moments = moments(train.batch(list(range(len(train))))["features"])
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
            "encoder": self.encoder.revision,
            "pooling": "mean",
        }
        write_json(shape, folder / "peer.json")

    def card(self, record: dict[str, Any]) -> Card:
        """Return what the model card says about a perceptron."""
        base = f"`{record['checkpoint']}` (revision `{record['model_revision']}`)"
        what = f"""A perceptron on the mean output of the frozen encoder of {base}. It predicts the distribution
of people's emotion labels for a spoken utterance ({", ".join(record["classes"])})."""
        use = "`adapter/peer.json` holds its shape, `adapter/peer.safetensors` its weights and its inputs' moments."
        return Card("tags: [emotion-recognition, label-distribution]", what, use)


def moments(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and deviation (D,) of features (n, D); the deviation of a constant one is 1."""
    values = features.double()
    deviation = values.std(0, correction=0)
    return values.mean(0).float(), torch.where(deviation > 1e-8, deviation, 1.0).float()
