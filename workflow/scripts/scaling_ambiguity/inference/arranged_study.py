"""A study on the utterances with enough votes for a curve of human votes; see :mod:`~.arrangement`."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.arrangement import Arrangement, arrange
from scaling_ambiguity.inference.draws import subsets
from scaling_ambiguity.inference.study import Study
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.truth import TRUTH

Array: TypeAlias = NDArray[np.float64]


class ArrangedStudy(Study):
    """A :class:`~.study.Study` whose human votes are arranged; apart from it: other programs do not depend on it."""

    def largest_k(self) -> int:
        """Return the end of the curve of human votes: ``exchange.largest_k`` or, of fewer votes, their number less one.

        Raises:
            UserError: No utterance has two votes.
        """
        largest = min(self.options["exchange"]["largest_k"], int(self.dealt.voters().max()) - 1)
        if largest < 1:
            raise UserError(f"{self.arguments.votes}: no utterance has two votes, so that nothing can be valued.")
        return largest

    def arrange(
        self, start: int, largest: int, among: NDArray[np.bool_] | None = None
    ) -> tuple[Arrangement, NDArray[np.bool_]]:
        """Return :func:`arrange` of the human votes with the settings of the study."""
        floor, level = self.options["smoothing"], self.options["level"]
        return arrange(self.human, start=start, largest=largest, floor=floor, level=level, among=among)

    def pool(self, world: Arrangement, draws: NDArray[np.integer], m: int) -> Array:
        """Return m synthetic votes per utterance of an arrangement, (D, used, C): a random subset of ``draws``."""
        deals, classes = world.dealt.shape[0], len(self.classes)
        return subsets(draws, world.names, [m], deals, classes, self.seed, "exchange subsets")[0]

    def truth(self, world: Arrangement) -> tuple[Array, Array]:
        """Return what is known of a simulated corpus, for an arrangement: expected votes v and latent p, (used, C)."""
        table = TRUTH.read(self.arguments.truth).set_index("utterance").reindex(world.names)
        v, p = (table[class_columns(self.classes, prefix)].to_numpy(float) for prefix in ("v_", "p_"))
        return v, p
