"""Facts beside the scores: what a pool holds, what a verifier's scores are worth, whether a mixture knows more."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.divergences import entropy_bits
from scaling_ambiguity.testtime.crossfit import HeldOut
from scaling_ambiguity.testtime.diversity import diversity
from scaling_ambiguity.testtime.losses import candidate_losses
from scaling_ambiguity.testtime.mixture import score_mixture
from scaling_ambiguity.testtime.pool import Pool
from scaling_ambiguity.testtime.running import Outcome
from scaling_ambiguity.testtime.verifier import (
    answered_shares,
    candidate_entropy,
    first_place_bias,
    order_flips,
    slope_given_quality,
    within_spearman,
)

Array: TypeAlias = NDArray[np.float64]
MIXED = (("mean", "control"), ("w_bon", "fair"), ("w_alm_v", "fair"))  # whose Dirichlet mixture is scored


def pool_facts(pool: Pool) -> list[dict[str, Any]]:
    """Return the rows about a pool: share of usable answers, and diversity where utterances have two or more."""
    same = diversity(pool)
    several = np.isfinite(same.jsd)
    facts = {"usable_share": float(pool.valid.sum() / (pool.status != "absent").sum())}
    if several.any():
        values = {"distinct_share": same.distinct, "pairwise_jsd_bits": same.jsd, "vendi": same.vendi}
        facts |= {name: float(value[several].mean()) for name, value in values.items()}
        facts["has_no_diversity"] = float(same.has_none)
    return _rows(f"pool_{pool.kind}", "control", pool.kind, facts)


def verifier_facts(pool: Pool, held_out: HeldOut) -> list[dict[str, Any]]:
    """Return the rows about each verifier of a pool.

    within_spearman: mean correlation of score and -JSD to the held-out votes over the candidates of an utterance, which
    few votes attenuate. order_flips: share of pairs of orders that name different candidates. first_place_bias, and the
    change of the score per token (length_slope) and per bit of entropy (entropy_slope) at equal JSD. picked_share and
    scored_share: how often it answered by a number.
    """
    rows: list[dict[str, Any]] = []
    losses = candidate_losses("jsd_bits", pool.q, held_out.counts, held_out.floor)
    for name, verdicts in pool.verdicts.items():
        mask = pool.valid & verdicts.shown
        within = within_spearman(verdicts.scores, losses, mask)
        facts = {
            "within_spearman": float(np.nanmean(within)) if np.isfinite(within).any() else np.nan,
            **answered_shares(verdicts),
            "order_flips": order_flips(verdicts),
            "first_place_bias": first_place_bias(verdicts),
            "length_slope": slope_given_quality(verdicts, losses, pool.tokens, mask),
            "entropy_slope": slope_given_quality(verdicts, losses, candidate_entropy(pool), mask),
        }
        rows += _rows(f"verifier_{name}", "control", pool.kind, facts)
    return rows


def mixture_facts(outcomes: Sequence[Outcome], pools: dict[str, Pool], held_out: HeldOut) -> list[dict[str, Any]]:
    """Return the rows about the Dirichlet mixtures of the weighted strategies and of the plain mean.

    mixture_gain: log-probability of an utterance's votes under the mixture less that under one Dirichlet of equal mean,
    in nats, both fitted on other speakers; above 0 the mixture knows more than its mean. spread_spearman: rank
    correlation of its spread with the entropy of the votes.
    """
    rows: list[dict[str, Any]] = []
    entropy = entropy_bits(histogram(held_out.counts))
    for outcome in outcomes:
        if (outcome.strategy, outcome.form) in MIXED and outcome.mixing is not None:
            scored = score_mixture(outcome.mixing, pools[outcome.pool].q, held_out)
            facts = {
                "mixture_gain": float((scored.mixture - scored.single).mean()),
                "mixture_size": float(np.median(scored.size)),
                "spread_spearman": _rank_correlation(scored.spread, entropy),
            }
            rows += _rows(outcome.strategy, outcome.form, outcome.pool, facts)
    return rows


def _rank_correlation(a: Array, b: Array) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _rows(strategy: str, form: str, pool: str, facts: dict[str, float]) -> list[dict[str, Any]]:
    key = {"strategy": strategy, "form": form, "pool": pool, "block": "fact"}
    return [key | {"metric": name, "estimate": value} for name, value in facts.items() if np.isfinite(value)]
