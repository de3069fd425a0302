"""Small peers: a multi-layer perceptron on a frozen speech encoder, to be trained on a CPU beside the large models."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from scaling_ambiguity.finetuning.speech_encoder import SpeechEncoder
from scaling_ambiguity.io import write_json
from scaling_ambiguity.seeds import derive_seed

Weights = dict[str, torch.Tensor]


class LoadedPeer:
    """A small peer ready to be trained; it stands where an open audio-language model would.

    Attributes:
        encoder: The frozen encoder of its clips.
        hidden: Widths of the hidden layers.
        dropout: After each of them.
        device: The CPU.
        revision: What identifies encoder and shape.
        network: Set by :class:`Peer`, when the width of its input is known.
        evidential: Its outputs are evidence (Dirichlet), not logits.
    """

    def __init__(self, encoder: SpeechEncoder, hidden: list[int], dropout: float):
        self.encoder = encoder
        self.hidden = list(hidden)
        self.dropout = dropout
        self.device = torch.device("cpu")
        self.revision = f"{encoder.revision}+mlp{json.dumps([self.hidden, dropout])}"
        self.network: nn.Module | None = None
        self.evidential = False

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self.network


def open_peer(entry: dict, encoded: Path | None = None) -> LoadedPeer:
    """Return the peer of an entry of ``peers`` joined with its encoder's entry; kept features lie in ``encoded``.

    Raises:
        UserError: There is no such checkpoint.
    """
    return LoadedPeer(SpeechEncoder(entry, encoded), entry.get("hidden", [64]), entry.get("dropout", 0.1))


class Standardise(nn.Module):
    """(x - mean) / deviation with the training part's moments, kept with the weights."""

    def __init__(self, mean: torch.Tensor, deviation: torch.Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, D) -> (B, D)."""
        return (features - self.mean) / self.deviation


class Peer:
    """The perceptron of a peer, reset for each seed; has the methods of ``Adapter``.

    Attributes:
        model: Standardisation, then linear, GELU and dropout for each hidden layer, then linear to C.
        parameters: Its trainable tensors, in a fixed order.
    """

    def __init__(self, peer: LoadedPeer, moments: tuple[torch.Tensor, torch.Tensor], classes: int):
        """``moments``: mean and deviation (D,) of the training features."""
        self._shape: dict[str, Any] = {
            "peer": "mlp",
            "hidden": peer.hidden,
            "dropout": peer.dropout,
            "classes": classes,
        }
        self._shape |= {"features": len(moments[0]), "encoder": peer.encoder.revision, "pooling": "mean"}
        self._moments = moments
        self.model = self._build()
        self.model.eval()
        peer.network = self.model
        self._named = sorted(self.model.named_parameters())
        self.parameters = [parameter for _, parameter in self._named]

    def _build(self) -> nn.Sequential:
        layers: list[nn.Module] = [Standardise(*self._moments)]
        width = self._shape["features"]
        for hidden in self._shape["hidden"]:
            layers += [nn.Linear(width, hidden), nn.GELU(), nn.Dropout(self._shape["dropout"])]
            width = hidden
        return nn.Sequential(*layers, nn.Linear(width, self._shape["classes"]))

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        """Start anew with torch's initial values, by the seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "peer") % 2**63)
            self.model.load_state_dict(self._build().state_dict())

    def training(self, mode: bool) -> None:
        """Switch dropout on or off."""
        self.model.train(mode)

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
        state = {name: value.detach().contiguous() for name, value in self.model.state_dict().items()}
        save_file(state, folder / "peer.safetensors")
        write_json(self._shape, folder / "peer.json")
