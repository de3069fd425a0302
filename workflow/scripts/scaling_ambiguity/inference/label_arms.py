"""Labels as predictors of held-out human votes, without training: the arms of the hypotheses from votes alone."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.alignment import over_deals
from scaling_ambiguity.inference.arrangement import Arrangement
from scaling_ambiguity.inference.hypotheses import Arm
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.labels.pooling import shuffle_within, with_echo

Array: TypeAlias = NDArray[np.float64]


def label_arms(
    world: Arrangement, synthetic: Array, places: NDArray | None, poolings: list[str], seed: int
) -> dict[str, dict[str, Arm]]:
    """Return the NLL of human, synthetic, combined and control labels, by additive pooling and by stratum.

    All arms read the same k human votes of an utterance and share the Dirichlet prior of the other speakers, so
    that the control ``prior`` is the arm ``human``. ``equal``: votes are added unweighted; ``weighted``: with the
    weight fitted on other speakers, in the controls too; ``calibrated``: with a matrix of weights, likewise.

    Args:
        world: U utterances in D deals; k is its largest number of conditioning votes.
        synthetic: (D, U, C).
        places: (D, U) indices of the levels, or None where there are none.
        poolings: Names; those that do not add votes (dawid_skene, dirichlet) are judged only by trained models.
        seed: The run's seed.
    """
    k = world.largest
    human, m = world.human(k), synthetic.sum(axis=-1, keepdims=True)
    other = shuffle_within(np.zeros(len(world.names), dtype=np.intp), world.names, seed)
    extra = {"combined": synthetic, "echo": with_echo(human, synthetic) * (k + m) - human}
    extra["shuffled"] = synthetic[:, other]
    fixed = {"human": world.loss(human), "synthetic": world.loss(synthetic)}
    arms = {}
    pools = {
        "equal": lambda added: human + added,
        "weighted": lambda added: world.weigh(added, k)[0],
        "calibrated": lambda added: world.calibrated(world.calibrate(added, k), added, k),
    }
    for pooling in poolings:
        if pooling not in pools:
            print(f"{pooling}: these labels are not a sum of votes; without trained models they are not judged")
            continue
        votes = {name: pools[pooling](added) for name, added in extra.items()}
        losses = fixed | {name: world.loss(together) for name, together in votes.items()}
        arms[pooling] = {name: _by_stratum(values, places) for name, values in losses.items()}
    return arms


def _by_stratum(values: Array, places: NDArray | None) -> Arm:
    strata: Arm = {"all": over_deals(values, None)}
    if places is None:
        return strata
    for place, name in enumerate(LEVELS):
        mask = places == place
        if mask.any():
            strata[name] = over_deals(values, mask)
    return strata
