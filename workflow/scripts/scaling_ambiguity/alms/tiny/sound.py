"""The sound of the lessons that a small model learns from: how clips become audio tokens while it is trained."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn.functional import dropout

from scaling_ambiguity.alms.families.known import family_of
from scaling_ambiguity.alms.inputs import mel_features
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts

BAND, TIME = 10, 15  # widest masked band (mel bins) and stretch (frames)
CLIPS_AT_ONCE = 64
# Of lessons whose encoder is frozen:
STRETCH, SHARE_OF_CLIPS = 0.25, 0.5  # longest stretch replaced by the clip's mean, and how many clips get one
TOKEN_DROPOUT, CHANNEL_DROPOUT = 0.1, 0.1
PROJECTOR_RATE = 0.3  # of the projector's learning rate relative to the language model's
SORTED_TOGETHER = 8  # batches whose clips are sorted by length, so that a batch holds clips of like length


class Sound(Protocol):
    """The clips of a list of lessons.

    Attributes:
        lengths: Audio tokens of each clip.
    """

    lengths: list[int]

    def parameters(self, rate: float) -> list[dict[str, Any]]:
        """Return the trained parameters as groups with their learning rates, in the form of torch's optimisers."""

    def order(self, steps: int, batch: int, draw: np.random.Generator) -> np.ndarray:
        """Return the lessons of each step, (steps * batch,)."""

    def hear(self, chosen: np.ndarray, draw: np.random.Generator) -> list[torch.Tensor]:
        """Return the audio tokens of clips, (n_audio_tokens, hidden) each, altered at random; differentiable."""


class MelSound:
    """Clips whose encoder is trained too: every clip gets a masked band and a masked stretch."""

    def __init__(self, alm: LoadedALM, waveforms: Sequence[np.ndarray]) -> None:
        """Compute the features of ``waveforms``, mono clips at 16 kHz."""
        starts = range(0, len(waveforms), CLIPS_AT_ONCE)
        pieces = [mel_features(alm.processor, list(waveforms[i : i + CLIPS_AT_ONCE])) for i in starts]
        self._features, self._frames = (torch.cat(piece) for piece in zip(*pieces, strict=True))
        self._alm, self._parts, hear = alm, parts(alm.model), family_of(alm.model).hear_features
        assert hear is not None, "a model that is made here is of a family whose encoder can be trained"
        self._hear = hear
        count = self._parts.audio_tower._get_feat_extract_output_lengths
        self.lengths = [int(count(torch.tensor(int(frames)))[1]) for frames in self._frames.sum(-1)]

    def parameters(self, rate: float) -> list[dict[str, Any]]:
        """Return all parameters of the model in one group."""
        return [{"params": list(self._alm.model.parameters()), "lr": rate}]

    def order(self, steps: int, batch: int, draw: np.random.Generator) -> np.ndarray:
        """Return passes over all lessons, each in a fresh random order."""
        passes = -(-steps * batch // len(self.lengths))
        return np.concatenate([draw.permutation(len(self.lengths)) for _ in range(passes)])[: steps * batch]

    def hear(self, chosen: np.ndarray, draw: np.random.Generator) -> list[torch.Tensor]:
        """Mask, then run audio tower and projector."""
        frames = self._frames[chosen]
        return self._hear(self._parts, _masked(self._features[chosen], frames, draw), frames)


class FrozenSound:
    """Clips whose encoder is frozen: states on disk, behind which only the projector is trained."""

    def __init__(
        self, alm: LoadedALM, states: Sequence[torch.Tensor], mean: torch.Tensor, spread: torch.Tensor
    ) -> None:
        """Take the states of the clips.

        Args:
            alm: The model; its projector reads whitened states until ``fold_whitening``.
            states: (n_audio_tokens, D) of each clip.
            mean: Mean (D,) by which states are whitened.
            spread: Standard deviation (D,) by which states are whitened.
        """
        self._parts = parts(alm.model)
        self._states, self._mean, self._spread = states, mean, spread
        self.lengths = [len(clip) for clip in states]

    def parameters(self, rate: float) -> list[dict[str, Any]]:
        """Return those of the language model, and of the projector with a smaller rate."""
        language = [*self._parts.language_model.parameters(), *self._parts.lm_head.parameters()]
        projector = list(self._parts.projector.parameters())
        return [{"params": language, "lr": rate}, {"params": projector, "lr": rate * PROJECTOR_RATE}]

    def order(self, steps: int, batch: int, draw: np.random.Generator) -> np.ndarray:
        """Return passes over the lessons in batches of like length; what does not fill a batch is left out of a pass.

        Where there are fewer lessons than a batch holds, they are repeated.
        """
        lengths = np.array(self.lengths)
        batches: list[np.ndarray] = []
        while len(batches) < steps:
            shuffled = draw.permutation(len(lengths))
            if len(shuffled) < batch:
                shuffled = np.resize(shuffled, batch)
            for start in range(0, len(shuffled), SORTED_TOGETHER * batch):
                group = shuffled[start : start + SORTED_TOGETHER * batch]
                group = group[np.argsort(lengths[group], kind="stable")]
                full = [group[i : i + batch] for i in range(0, len(group) - batch + 1, batch)]
                batches += [full[i] for i in draw.permutation(len(full))]
        return np.concatenate(batches[:steps])

    def hear(self, chosen: np.ndarray, draw: np.random.Generator) -> list[torch.Tensor]:
        """Replace a stretch by the clip's mean, project, and drop channels and numbers."""
        return [self._altered(self._projected(self._stretched(int(i), draw))) for i in chosen]

    def clean(self, clip: int) -> torch.Tensor:
        """Return the audio tokens of a clip as they are."""
        return self._projected(self._whitened(clip))

    def _whitened(self, clip: int) -> torch.Tensor:
        return (self._states[clip].float() - self._mean) / self._spread

    def _projected(self, states: torch.Tensor) -> torch.Tensor:
        return self._parts.projector(states)

    def _stretched(self, clip: int, draw: np.random.Generator) -> torch.Tensor:
        states, count = self._whitened(clip), self.lengths[clip]
        altered, width, start = draw.random(), int(draw.integers(int(count * STRETCH) + 1)), draw.random()
        if altered < SHARE_OF_CLIPS:
            low = int(start * (count - width + 1))
            states[low : low + width] = states.mean(0)
        return states

    @staticmethod
    def _altered(tokens: torch.Tensor) -> torch.Tensor:
        channels = dropout(torch.ones(1, tokens.shape[1]), CHANNEL_DROPOUT)
        return dropout(channels * tokens, TOKEN_DROPOUT)


def _masked(features: torch.Tensor, frames: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
    """Return a copy in which each clip has one band and one stretch replaced by its mean."""
    features = features.clone()
    for clip, count in zip(features, frames.sum(-1).tolist(), strict=True):
        mean = clip[:, :count].mean()
        width, start = int(draw.integers(BAND + 1)), draw.random()
        low = int(start * (clip.shape[0] - width))
        clip[low : low + width] = mean
        width, start = int(draw.integers(min(TIME, count // 4) + 1)), draw.random()
        low = int(start * (count - width))
        clip[:, low : low + width] = mean
    return features
