"""F1, UAR and calibration error: the estimates, resample by resample against scikit-learn, and their gradients."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from scaling_ambiguity.inference import whole_set
from scaling_ambiguity.inference.bootstrap import cluster_weights
from scaling_ambiguity.metrics.arrays import histogram, modes

SETTINGS = {"resamples": 400, "seed": 3, "level": 0.95, "method": "percentile"}
RNG = np.random.default_rng(0)
CLUSTERS = np.repeat(np.arange(20), 30)
TRUTH = RNG.integers(0, 4, len(CLUSTERS))
GUESS = np.where(RNG.random((2, len(TRUTH))) < 0.6, TRUTH, RNG.integers(0, 4, (2, len(TRUTH))))
SOFT = RNG.dirichlet(np.ones(4), (2, len(TRUTH)))
COUNTS = np.eye(4)[TRUTH]


def by_scikit_learn(p, counts):
    """Return macro F1, weighted F1 and UAR; an utterance stands once for each of its top classes, with its share."""
    shares = modes(counts)
    row, truth = np.nonzero(shares)
    about = {"y_true": truth, "y_pred": p.argmax(axis=1)[row], "sample_weight": shares[row, truth]}
    scores = {"macro_f1": f1_score(**about, average="macro"), "weighted_f1": f1_score(**about, average="weighted")}
    return scores | {"uar": balanced_accuracy_score(**about)}


def calibration_error(p, counts):
    """Return the mean over votes of |top probability - share of the votes for its class| in ten equal bins."""
    rows = np.arange(len(p))
    gap = p.max(axis=1) - histogram(counts)[rows, p.argmax(axis=1)]
    each = [abs(gap[(p.max(axis=1) * 10).astype(int) == b].sum()) for b in range(10)]
    return sum(each) / len(p)


def test_estimates_are_those_of_the_metrics():
    counts = RNG.multinomial(3, [0.25] * 4, len(TRUTH))
    found = whole_set.whole_set_intervals(SOFT[:, None], counts, CLUSTERS, **SETTINGS)
    for name in ("macro_f1", "weighted_f1", "uar", "ece"):
        expected = [calibration_error(p, counts) if name == "ece" else by_scikit_learn(p, counts)[name] for p in SOFT]
        assert found[name].estimate == pytest.approx(expected, abs=1e-12), name
        assert (found[name].low < found[name].estimate + 0.02).all() and (found[name].high > found[name].low).all()


def test_percentile_limits_are_those_of_scikit_learn_on_the_same_resamples():
    found = whole_set.whole_set_intervals(np.eye(4)[GUESS][:, None], COUNTS, CLUSTERS, **SETTINGS)
    weights = cluster_weights(20, 400, 3)[:, CLUSTERS]
    for m, guess in enumerate(GUESS):
        scores = {
            "macro_f1": [f1_score(TRUTH, guess, average="macro", sample_weight=w, zero_division=0) for w in weights],
            "weighted_f1": [f1_score(TRUTH, guess, average="weighted", sample_weight=w) for w in weights],
            "uar": [balanced_accuracy_score(TRUTH, guess, sample_weight=w) for w in weights],
        }
        for name, values in scores.items():
            low, high = np.quantile(values, [0.025, 0.975])
            assert found[name].low[m] == pytest.approx(low, abs=1e-10), name
            assert found[name].high[m] == pytest.approx(high, abs=1e-10), name


@pytest.mark.parametrize("name", ["_macro_f1", "_weighted_f1", "_uar", "_ece"])
def test_gradients_are_those_of_finite_differences(name):
    function = getattr(whole_set, name)
    totals = RNG.gamma(3, 5, 16) if name != "_ece" else np.append(RNG.normal(0, 3, 10), 60.0)
    more = [np.ones(4, dtype=bool)] if name in ("_macro_f1", "_uar") else []
    _, gradient = function(totals, *more)
    for k in range(len(totals)):
        step = np.zeros_like(totals)
        step[k] = 1e-5
        slope = (function(totals + step, *more)[0] - function(totals - step, *more)[0]) / 2e-5
        assert gradient[k] == pytest.approx(slope, abs=1e-7)
    assert np.allclose(gradient @ totals, 0, atol=1e-9)


def test_the_standard_error_is_that_of_deleting_one_cluster():
    found = whole_set.whole_set_intervals(np.eye(4)[GUESS][:, None], COUNTS, CLUSTERS, **(SETTINGS | {"method": "t"}))
    for name in ("macro_f1", "weighted_f1", "uar"):
        kept = [np.flatnonzero(CLUSTERS - g) for g in range(20)]
        deleted = [by_scikit_learn(np.eye(4)[GUESS[0]][rest], COUNTS[rest])[name] for rest in kept]
        jackknife = np.sqrt(19 / 20 * ((deleted - np.mean(deleted)) ** 2).sum())
        half = (found[name].high[0] - found[name].low[0]) / 2 / 2.093
        assert half == pytest.approx(jackknife, rel=0.05), name


def test_a_class_that_a_resample_lacks_counts_as_zero():
    one_class = np.zeros(16)
    one_class[0] = 5
    assert whole_set._macro_f1(one_class, np.ones(4, dtype=bool))[0] == 1 / 4
    assert whole_set._uar(one_class, np.array([True, True, False, False]))[0] == 1 / 2
