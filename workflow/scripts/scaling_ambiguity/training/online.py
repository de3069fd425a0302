"""The published on-line step: in training only, a recording is altered each time it is drawn.

With a stated probability, .3 as published (arXiv 2601.14620), by a change of pitch of at most a semitone or of speed
by a factor in [.95, 1.05]; labels and transcripts are unchanged. That pitch and speed are equally frequent, and each
uniform in its range, is not published but assumed here.
"""

from dataclasses import dataclass

import torch
from pydantic import Field

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.augmentation.transforms import change_pitch, change_speed
from scaling_ambiguity.seeds import uniform
from scaling_ambiguity.settings import Settings
from scaling_ambiguity.training.trainee import Batch, Inputs

PITCH, SPEED = "pitch", "speed"


class OnlineStep(Settings):
    """How recordings are altered.

    Attributes:
        probability: Probability that a recording is altered when it is drawn, in (0, 1].
        semitones: Largest change of the pitch, up or down.
        speed: Smallest and largest factor of the tempo.
    """

    probability: float = Field(gt=0, le=1)
    semitones: float = Field(ge=0)
    speed: tuple[float, float]

    def draw(self, seed: int, step: int, utterance: str) -> tuple[str, float] | None:
        """Return the change of an item at an optimiser step, determined by (seed, step, utterance) alone.

        Returns:
            (pitch, semitones) or (speed, factor), or None if the recording is unchanged.
        """
        if uniform(seed, "online", step, utterance) >= self.probability:
            return None
        place = uniform(seed, "online value", step, utterance)
        if uniform(seed, "online kind", step, utterance) < 0.5:
            return PITCH, self.semitones * (2 * place - 1)
        return SPEED, self.speed[0] + (self.speed[1] - self.speed[0]) * place

    def at(self, inputs: Inputs, seed: int, step: int) -> "AlteredInputs":
        """Return the inputs that the training uses at ``step``."""
        return AlteredInputs(self, inputs, seed, step)


@dataclass(frozen=True)
class AlteredInputs:
    """Training inputs at one optimiser step: some recordings altered, and only those re-encoded.

    A clip is encoded by itself, so that its encoding depends neither on the rest of the batch nor on which process
    holds it, and nothing needs to be stored for resuming.
    """

    online: OnlineStep
    inputs: Inputs
    seed: int
    step: int

    def batch(self, rows: list[int]) -> Batch:
        """Return the model inputs of ``rows``, as :meth:`~.trainee.Inputs.batch` does."""
        names, paths = self.inputs.examples.utterances, self.inputs.examples.paths
        altered: dict[int, torch.Tensor] = {}
        for row in rows:
            change_drawn = self.online.draw(self.seed, self.step, names[row])
            if change_drawn is not None:
                kind, value = change_drawn
                change = change_pitch if kind == PITCH else change_speed
                path = paths[row]
                assert path is not None, "an item to be altered has no sound"  # examples.sounds() refuses it
                altered[row] = self.inputs.encode(change(load_waveform(path), value))
        return self.inputs.batch(rows, altered)
