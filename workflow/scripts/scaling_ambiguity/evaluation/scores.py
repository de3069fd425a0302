"""Every score of a prediction, by utterance."""

import numpy as np

from scaling_ambiguity.metrics import classification, divergences
from scaling_ambiguity.metrics.scores import brier, nll_votes

# Linear in the reference: their expectation does not depend on the number of reference votes.
PER_VOTE = ("nll", "brier")


def scores(
    p: np.ndarray, reference: np.ndarray, floor: float, metrics: tuple[str, ...] | None = None
) -> dict[str, np.ndarray]:
    """Return {metric: values (..., U)} of predictions against reference distributions.

    nll (nats per vote) and brier are proper scores per vote; jsd_bits, js_distance (its root),
    kl_bits (reference to prediction), total_variation, bhattacharyya and cosine compare the two
    distributions, entropy_gap is H(p) - H(reference) in bits, r2_within the squared correlation
    over classes, accuracy that of the top class with ties shared.

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
    functions = {
        "nll": lambda: nll_votes(p, q, floor),
        "brier": lambda: brier(p, q),
        "jsd_bits": lambda: divergences.jsd_bits(p, q),
        "js_distance": lambda: divergences.js_distance(p, q),
        "kl_bits": lambda: divergences.kl_bits(q, p, floor),
        "total_variation": lambda: divergences.total_variation(p, q),
        "bhattacharyya": lambda: divergences.bhattacharyya(p, q),
        "cosine": lambda: divergences.cosine(p, q),
        "entropy_gap": lambda: divergences.entropy_gap(p, q),
        "accuracy": lambda: classification.accuracy(p, q),
        "r2_within": lambda: divergences.r2_within(p, q),
    }
    return {name: function() for name, function in functions.items() if metrics is None or name in metrics}
