"""What kinds that read vectors of frozen encoders share: inputs, standardisation, weights of a small network."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from scaling_ambiguity.encoders.kinds import Encoder
from scaling_ambiguity.encoders.store import Vectors
from scaling_ambiguity.io import write_json
from scaling_ambiguity.training.examples import Examples, refuse_unheard
from scaling_ambiguity.training.trainee import Batch, Inputs, Weights

ROWS_AT_ONCE = 4096


class VectorInputs:
    """One vector per item of a list of examples, read where it lies whenever it is needed.

    Attributes:
        examples: The examples, in order.
        present: Whether an item has a vector, bool (n,); rows without one are zeros.
        audio_sha256: Hash of what was encoded of each: the samples of its clip, or its transcript.
    """

    def __init__(self, vectors: Vectors, examples: Examples, open_again: Callable[[], Encoder], optional: bool = False):
        """``vectors`` hold every item of ``examples``; ``open_again`` opens their encoder.

        Raises:
            UserError: An item is unknown or, unless vectors are ``optional``, has none.
        """
        self.examples = examples
        self._vectors, self._open = vectors, open_again
        self._rows = vectors.rows(examples.utterances)
        lacking = vectors.lacking(self._rows)
        refuse_unheard({} if optional else lacking)
        self.present = np.array([name not in lacking for name in examples.utterances], dtype=bool)
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


def moments(inputs: Inputs, rows: Sequence[int] | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and deviation (D,) of the features of ``rows``, by default all of them.

    The deviation of a constant feature is 1; those of no row are 0 and 1.
    """
    rows = range(len(inputs)) if rows is None else rows
    parts = [[*rows[start : start + ROWS_AT_ONCE]] for start in range(0, len(rows), ROWS_AT_ONCE)]
    zero = inputs.batch([])["features"].double().sum(0)
    mean = sum((inputs.batch(part)["features"].double().sum(0) for part in parts), zero) / max(1, len(rows))
    squares = sum((((inputs.batch(part)["features"].double() - mean) ** 2).sum(0) for part in parts), zero)
    deviation = (squares / max(1, len(rows))).sqrt()
    return mean.float(), torch.where(deviation > 1e-8, deviation, 1.0).float()


def mean_label(train: Inputs) -> torch.Tensor:
    """Return the mean label of the training part with one more item, equally of all classes: float32 (C,), positive.

    A class that is never voted for keeps a finite loss.
    """
    targets = train.targets(list(range(len(train)))).double()
    return ((targets.sum(0) + 1 / targets.shape[1]) / (len(targets) + 1)).float()


def begin_at(log_prior: torch.Tensor, last: nn.Linear) -> None:
    """Let ``last``, whose outputs are logits, give the prior whatever it reads, until it is trained."""
    last.weight.zero_()
    last.bias.copy_(log_prior)


class SmallNetwork:
    """The part of a :class:`~.trainee.Trainee` that is the same for every small network on vectors.

    Attributes:
        fused: As written, AdamW takes longer than all matrix products of a step.
        module: The network.
        parameters: Its trainable tensors, in the order of their names.
    """

    module: nn.Module
    parameters: list[torch.Tensor]
    fused = True

    def hold(self, module: nn.Module) -> None:
        """Take ``module`` as the network."""
        self.module = module.eval()
        self._named = sorted(module.named_parameters())
        self.parameters = [parameter for _, parameter in self._named]

    def train(self, mode: bool) -> None:
        """Switch dropout on or off."""
        self.module.train(mode)

    def weights(self) -> Weights:
        """Return a copy of the trainable tensors."""
        return {name: parameter.detach().clone() for name, parameter in self._named}

    @torch.no_grad()
    def load(self, weights: Weights) -> None:
        """Set the trainable tensors to what :meth:`weights` returned."""
        for name, parameter in self._named:
            parameter.copy_(weights[name])

    def write(self, folder: Path, shape: dict[str, Any]) -> None:
        """Write ``peer.safetensors`` (moments included) and ``peer.json``, the ``shape``; ``folder`` may be new."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.detach().contiguous() for name, value in self.module.state_dict().items()}
        save_file(state, folder / "peer.safetensors")
        write_json(shape, folder / "peer.json")
