"""Every metric, declared once: what computes it, where it can lie, which direction is better, what it is called.

Scores, tables of estimates, figures and tables of the paper take all of this from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from scaling_ambiguity.metrics import classification, divergences
from scaling_ambiguity.metrics.arrays import Array
from scaling_ambiguity.metrics.scores import brier, nll_votes

LOWER, HIGHER = "lower", "higher"


@dataclass(frozen=True)
class Metric:
    """A metric of the statistics table.

    Attributes:
        name: In the column ``metric``; ``called_*`` stands for ``called_<class>`` of every class.
        title: Its printed name, as LaTeX.
        least: Lower end of its range; -inf where it has none.
        most: Upper end, or inf.
        unit: Its unit, "" for none.
        better: ``lower`` or ``higher``; "" where neither is.
        score: Predictions p (..., C), reference shares q (..., C) and the smallest probability in a logarithm ->
            values (...); None for a metric that is no mean over utterances.
        per_vote: Whether it is linear in the reference: then its expectation does not depend on the number of votes.
    """

    name: str
    title: str
    least: float = 0.0
    most: float = 1.0
    unit: str = ""
    better: str = ""
    score: Callable[[Array, Array, float], Array] | None = None
    per_vote: bool = False

    @property
    def axis(self) -> str:
        """The label of an axis: printed name and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


def _of(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array, float], Array]:
    return lambda p, q, floor: function(p, q)


_DECLARED = (
    Metric("nll", "NLL", 0.0, inf, "nats per vote", LOWER, nll_votes, per_vote=True),
    Metric("brier", "Brier", 0.0, 2.0, "", LOWER, _of(brier), per_vote=True),
    Metric("jsd_bits", "JSD", unit="bits", better=LOWER, score=_of(divergences.jsd_bits)),
    Metric("js_distance", "JS distance", better=LOWER, score=_of(divergences.js_distance)),
    Metric("kl_bits", "KL", 0.0, inf, "bits", LOWER, lambda p, q, floor: divergences.kl_bits(q, p, floor)),
    Metric("total_variation", "TV", better=LOWER, score=_of(divergences.total_variation)),
    Metric("bhattacharyya", "BC", better=HIGHER, score=_of(divergences.bhattacharyya)),
    Metric("cosine", "cosine", better=HIGHER, score=_of(divergences.cosine)),
    Metric("entropy_gap", "entropy gap", -inf, inf, "bits", score=_of(divergences.entropy_gap)),
    Metric("accuracy", "accuracy", better=HIGHER, score=_of(classification.accuracy)),
    Metric("r2_within", "$R^2$ within", better=HIGHER, score=_of(divergences.r2_within)),
    Metric("jsd_bits_equal", "JSD at equal counts", unit="bits", better=LOWER),
    Metric("nll_scaled", "NLL at fitted $T$", 0.0, inf, "nats per vote", LOWER),
    Metric("jsd_bits_scaled", "JSD at fitted $T$", unit="bits", better=LOWER),
    Metric("temperature", "fitted $T$", 0.0, inf),
    Metric("macro_f1", "macro F1", better=HIGHER),
    Metric("weighted_f1", "weighted F1", better=HIGHER),
    Metric("uar", "UAR", better=HIGHER),
    Metric("ece", "calibration error", better=LOWER),
    Metric("pairwise_agreement", "pairwise agreement", better=HIGHER),
    Metric("krippendorff_alpha", "Krippendorff's $\\alpha$", -inf, better=HIGHER),
    Metric("fleiss_kappa", "Fleiss' $\\kappa$", -inf, better=HIGHER),
    Metric("match", "agreement with one vote"),
    Metric("match_human", "agreement of two people"),
    Metric("match_audio", "agreement, voice alone"),
    Metric("match_text", "agreement, words alone"),
    Metric("share", "share of votes"),
    Metric("called_*", "share called a class"),
    Metric("pearson_*", "Pearson correlation", -1.0, better=HIGHER),
    Metric("spearman_*", "Spearman correlation", -1.0, better=HIGHER),
    Metric("entropy_pearson", "Pearson correlation of entropies", -1.0, better=HIGHER),
)
METRICS = {metric.name: metric for metric in _DECLARED}
SCORES = {metric.name: metric.score for metric in _DECLARED if metric.score is not None}
PER_VOTE = tuple(metric.name for metric in _DECLARED if metric.per_vote)


def range_of(name: str) -> tuple[float, float]:
    """Return the range of a metric; differences, bias-corrected and undeclared values have none."""
    metric = METRICS.get(name) or METRICS.get(f"{name.partition('_')[0]}_*")
    return (-inf, inf) if metric is None or "_minus_" in name else (metric.least, metric.most)
