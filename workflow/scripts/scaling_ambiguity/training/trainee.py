"""The interface of a trainable model of any kind: inputs, a loss, distributions, and weights to load and save."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from scaling_ambiguity.training.examples import Examples

Batch = dict[str, torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Weights = dict[str, torch.Tensor]


class Inputs(Protocol):
    """The inputs of a list of examples; outputs of frozen parts are computed once for all steps and seeds."""

    @property
    def examples(self) -> Examples:
        """Return the examples, in order."""

    @property
    def audio_sha256(self) -> Sequence[str | None]:
        """Return the hash of the samples of each clip."""

    def __len__(self) -> int: ...

    def batch(self, rows: list[int], altered: dict[int, torch.Tensor] | None = None) -> Batch:
        """Return the model inputs of ``rows``; ``altered`` replaces clips, by row, by what :meth:`encode` returned."""

    def encode(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the encoder's output for a clip (mono, 16 kHz) that is not among the examples; it is not kept."""

    def lengths(self) -> list[int]:
        """Return the number of positions of each input."""

    def targets(self, rows: list[int]) -> torch.Tensor:
        """Return the label distributions of ``rows``, float32 (B, C), on the model's device.

        Raises:
            ValueError: These examples have no labels (the test part).
        """


@dataclass(frozen=True)
class Card:
    """The text of the model card about the kind of a model.

    Attributes:
        tags: Lines of the front matter.
        what: Description of the model.
        use: How to open it.
    """

    tags: str
    what: str
    use: str


class Trainee(Protocol):
    """A model in training. Frozen weights belong to it and are shared by all seeds of a fold.

    Attributes:
        checkpoint: Name or folder of the pretrained model it is based on.
        revision: Identifies the pretrained weights and the shape of the trained part.
        device: Its device.
        classes: The class set, in order.
        module: Every weight, the frozen ones included.
        parameters: Trainable tensors, in a fixed order.
        loss: (log-distributions (B, C), targets (B, C)) -> mean over the batch; validation is judged by it.
        gathered_bytes: Largest size of whole layers, in bytes, gathered in addition to this process's share of a
            sharded model; 0: it is not sharded. All processes of a sharded model must compute equally often.
        fused: AdamW updates a tensor in one pass instead of ten, with other last digits.
        begins_at_prior: Untrained, it predicts the mean label of the training part: it stays so if no step does better.
    """

    checkpoint: str
    revision: str
    device: torch.device
    classes: list[str]
    module: nn.Module
    parameters: list[torch.Tensor]
    loss: Loss
    gathered_bytes: int
    fused: bool
    begins_at_prior: bool

    def inputs(self, examples: Examples, part: str) -> Inputs:
        """Return the inputs of ``examples``; ``part`` names them to the user."""

    def build(self, train: Inputs) -> None:
        """Build the parts that depend on the training inputs; only :meth:`inputs` may be called before."""

    def reset(self, seed: int) -> None:
        """Set the trainable tensors to their initial values, determined by ``seed`` alone."""

    def train(self, mode: bool) -> None:
        """Switch dropout on or off."""

    def batch_loss(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """Return the training loss, a mean over the batch, differentiable."""

    def log_distributions(self, batch: Batch) -> torch.Tensor:
        """Return the log-distributions over the classes, float32 (B, C), up to a constant per row."""

    def weights(self) -> Weights:
        """Return a copy of the trainable tensors."""

    def load(self, weights: Weights) -> None:
        """Set the trainable tensors to what :meth:`weights` returned."""

    def save(self, folder: Path) -> None:
        """Write what is needed to use the trained model, in addition to its checkpoint; ``folder`` may be new."""

    def card(self, record: dict[str, Any]) -> Card:
        """Return the text of the model card about the kind; ``record``: the contents of ``run.json``."""
