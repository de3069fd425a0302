"""Every score of a prediction, by utterance."""

import numpy as np

from scaling_ambiguity.metrics.catalogue import SCORES


def scores(
    p: np.ndarray, reference: np.ndarray, floor: float, metrics: tuple[str, ...] | None = None
) -> dict[str, np.ndarray]:
    """Return {metric: values (..., U)} of predictions against reference distributions; see the metrics' catalogue.

    Args:
        p: Predictions, (..., U, C).
        reference: Distributions, or votes per class, broadcast against ``p``.
        floor: Smallest probability in nll and kl_bits.
        metrics: Only these; default all.

    Raises:
        ValueError: Naming the first bad row.
    """
    p, reference = np.broadcast_arrays(np.asarray(p, float), np.asarray(reference, float))
    q = reference / reference.sum(axis=-1, keepdims=True)
    return {name: score(p, q, floor) for name, score in SCORES.items() if metrics is None or name in metrics}
