"""The network of AmbER2: a student and two experts, of speech, of text and of both."""

from typing import Any

import torch
from torch import nn

from scaling_ambiguity.amber2.fusion import Composition, drop_modalities, join_vectors, role_presence
from scaling_ambiguity.amber2.losses import Outputs
from scaling_ambiguity.amber2.settings import BOTH, MODALITIES, SPEECH, TEXT, Amber2Settings
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.training.losses import log_output
from scaling_ambiguity.training.trainee import Batch
from scaling_ambiguity.training.vectors import Standardise, begin_at

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


class Network(nn.Module):
    """Standardisation of the vectors, a fusion, and a head per role: (linear, activation, dropout), linear.

    An item of which a role can read nothing is given the mean label of the training part.

    Attributes:
        student: Role of the student.
    """

    def __init__(
        self,
        settings: Amber2Settings,
        moments: dict[str, tuple[torch.Tensor, torch.Tensor]],
        prior: torch.Tensor,
        evidential: bool,
    ):
        """Make the network for vectors of the widths of ``moments``; :meth:`redraw` sets its initial values.

        Args:
            settings: Roles, fusion, widths.
            moments: Mean and deviation of the training part's vectors, by modality.
            prior: Mean label of the training part, (C,), positive.
            evidential: Heads give log alpha instead of log q.
        """
        super().__init__()
        self.student, self._evidential, self._settings = settings.student, evidential, settings
        self.standardise = nn.ModuleDict({name: Standardise(*moments[name]) for name in MODALITIES})
        self.register_buffer("log_prior", prior.log())
        self._widths = {name: len(moments[name][0]) for name in MODALITIES}
        self._classes = len(prior)
        self.fusion: Any = self._joining()
        self.heads = nn.ModuleDict()
        for role in settings.heads:
            self.heads[role] = self._head(self.fusion.width if role == BOTH else self._widths[role])

    def _joining(self) -> Any:
        settings = self._settings
        if BOTH not in (settings.student, *settings.experts):
            return None
        if settings.composed:
            return Composition(settings.fusion, self._classes)
        return join_vectors(settings.fusion, self._widths[SPEECH], self._widths[TEXT], settings.hidden[0])

    def _head(self, width: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for hidden in self._settings.hidden:
            layers += [nn.Linear(width, hidden), ACTIVATIONS[self._settings.activation]()]
            layers += [nn.Dropout(self._settings.dropout)]
            width = hidden
        return nn.Sequential(*layers, nn.Linear(width, self._classes))

    def forward(self, batch: Batch) -> Outputs:
        """Return the outputs of every role of a batch: ``speech``, ``text`` and ``present`` (B, 2)."""
        present = batch["present"]
        vectors = {
            name: self.standardise[name](batch[name]) * present[:, place : place + 1]
            for place, name in enumerate(MODALITIES)
        }
        kept = present
        if self.training and self._settings.modality_dropout:
            kept = drop_modalities(present, self._settings.modality_dropout)
        roles: dict[str, torch.Tensor] = {}
        for role, head in self.heads.items():
            joined = self._fused(vectors, kept) if role == BOTH else vectors[role]
            roles[role] = log_output(head(joined), self._evidential)
        if isinstance(self.fusion, Composition):
            roles[BOTH] = self.fusion(roles[SPEECH], roles[TEXT], kept)
        available = role_presence(present)
        roles = {role: self._or_prior(output, available[role]) for role, output in roles.items()}
        logs = {role: self._normalised(output) for role, output in roles.items()}
        return Outputs(roles, logs, available, role_presence(kept))

    def _fused(self, vectors: dict[str, torch.Tensor], kept: torch.Tensor) -> torch.Tensor:
        return self.fusion(vectors[SPEECH] * kept[:, :1], vectors[TEXT] * kept[:, 1:], kept)

    def _or_prior(self, output: torch.Tensor, available: torch.Tensor) -> torch.Tensor:
        return output if bool(available.all()) else torch.where(available[:, None], output, self.log_prior)

    def _normalised(self, output: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(output, dim=-1) if self._evidential else output

    @torch.no_grad()
    def redraw(self, seed: int) -> None:
        """Set torch's initial values by ``seed``: those of a head do not depend on which others there are.

        The student's are those of a perceptron of the same shape; logits begin at the prior.
        """
        with torch.random.fork_rng(devices=[]):
            for role, head in self.heads.items():
                parts = ("peer",) if role == self.student else ("peer", role)
                torch.manual_seed(derive_seed(seed, *parts) % 2**63)
                for layer in head:
                    if isinstance(layer, nn.Linear):
                        layer.reset_parameters()
                if not self._evidential:
                    begin_at(self.log_prior, head[-1])
            torch.manual_seed(derive_seed(seed, "peer", "fusion") % 2**63)
            if self.fusion is not None:
                fresh: Any = self._joining()
                self.fusion.load_state_dict(fresh.state_dict())
