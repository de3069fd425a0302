"""Resampling beside scipy and scikit-learn, and the exchange rate of a corpus as large as CREMA-D.

Ten thousand resamples of 91 speakers, 12 metrics of 8 models on 7,442 utterances: the library's intervals beside
scipy.stats.bootstrap, one metric of one model at a time, on the same values of single utterances. scipy's seconds
and scikit-learn's are scaled up from fewer resamples. The limits of both are compared in units of the bootstrap
standard error. Then the same for 264,705 utterances of 2,000 speakers, in a process of its own for its peak
memory, and the exchange rate of CREMA-D's size with 30 deals and its inverted intervals.

    python benchmarks/inference.py [--resamples 10000] [--scipy-resamples 200]
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import scipy.stats  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402

from scaling_ambiguity.inference.bootstrap import cluster_weights, mean_interval  # noqa: E402
from scaling_ambiguity.inference.whole_set import whole_set_intervals  # noqa: E402
from scaling_ambiguity.metrics import classification, divergences  # noqa: E402
from scaling_ambiguity.metrics.arrays import histogram, modes  # noqa: E402
from scaling_ambiguity.metrics.scores import brier, nll_votes  # noqa: E402

Array = NDArray[np.float64]
MODELS, CLASSES, VOTES = 8, 6, 10
WHOLE = ("macro_f1", "weighted_f1", "uar", "ece")


def whole(name: str, p: Array, counts: Array) -> float:
    """Return one of ``WHOLE`` of predictions and votes (n, C), from its definition."""
    top, votes = modes(p), modes(counts)
    if name == "ece":
        confidence = p.max(axis=1)
        gap = confidence - (top * histogram(counts)).sum(axis=1)
        return float(np.abs(np.bincount(np.minimum((confidence * 10).astype(int), 9), gap)).sum() / len(p))
    matrix = votes.T @ top
    hits, actual, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    if name == "uar":
        return float((hits[actual > 0] / actual[actual > 0]).mean())
    f1 = 2 * hits / np.maximum(actual + predicted, 1e-300)
    return float(f1[actual > 0].mean() if name == "macro_f1" else np.average(f1, weights=actual))


def corpus(utterances: int, speakers: int) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return predictions (M, U, C), votes (U, C) and speakers (U,) of a simulated corpus."""
    rng = np.random.default_rng(1)
    truth = rng.dirichlet(np.full(CLASSES, 0.6), utterances)
    p = np.stack([0.7 * truth + 0.3 * rng.dirichlet(np.ones(CLASSES), utterances) for _ in range(MODELS)])
    return p, rng.multinomial(VOTES, truth).astype(float), rng.integers(0, speakers, utterances)


def columns(p: Array, counts: Array) -> Array:
    """Return the eight metrics that are means over utterances, (U, 8 M)."""
    q = histogram(counts)
    metrics = {
        nll_votes: counts, brier: counts, classification.accuracy: counts, divergences.jsd_bits: q,
        divergences.bhattacharyya: q, divergences.total_variation: q, divergences.cosine: q, divergences.r2_within: q,
    }  # fmt: skip
    return np.stack([metric(one, reference) for one in p for metric, reference in metrics.items()], axis=1)


def ours(p: Array, counts: Array, speakers: NDArray[np.intp], resamples: int, method: str) -> tuple[Array, Array]:
    """Return low and high of all 12 metrics of all models."""
    settings = {"resamples": resamples, "seed": 7, "level": 0.95, "method": method}
    means = mean_interval(columns(p, counts), speakers, **settings)
    whole = whole_set_intervals(p[:, None], counts, speakers, **settings)
    return tuple(
        np.concatenate([getattr(means, end), *(getattr(whole[m], end) for m in WHOLE)]) for end in ("low", "high")
    )


def by_scipy(p: Array, counts: Array, speakers: NDArray[np.intp], resamples: int) -> tuple[Array, Array, Array]:
    """Return low, high and standard error of the same, by scipy.stats.bootstrap over speakers, percentile."""
    rows = [np.flatnonzero(speakers == g) for g in range(speakers.max() + 1)]
    values = columns(p, counts)
    statistics = [lambda chosen, column=column: column[chosen].mean() for column in values.T]
    for name in WHOLE:
        statistics += [lambda chosen, one=one, name=name: whole(name, one[chosen], counts[chosen]) for one in p]
    found = []
    for statistic in statistics:
        result = scipy.stats.bootstrap(
            (np.arange(len(rows)),), lambda g, statistic=statistic: statistic(np.concatenate([rows[i] for i in g])),
            n_resamples=resamples, vectorized=False, method="percentile", rng=np.random.default_rng(7),
        )  # fmt: skip
        found.append((*result.confidence_interval, result.standard_error))
    return tuple(np.array(column) for column in zip(*found, strict=True))


def timed(function, *arguments) -> tuple[float, object]:
    """Return the seconds of a call, and its result."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def compare(resamples: int, few: int) -> None:
    """Print the ratios to scipy and to scikit-learn."""
    world = corpus(7442, 91)
    cluster_weights.cache_clear()
    seconds, _ = timed(ours, *world, resamples, "bootstrap_t")
    again, (low, high) = timed(ours, *world, resamples, "percentile")
    theirs, (scipy_low, scipy_high, error) = timed(by_scipy, *world, few)
    scaled = theirs * resamples / few
    print(f"12 metrics x 8 models x 7,442 utterances, {resamples} resamples: bootstrap-t {seconds:.2f} s,")
    print(f"percentile {again:.2f} s, scipy {scaled:.0f} s (from {few} resamples): {scaled / seconds:.0f} times")
    apart = np.abs(np.concatenate([low - scipy_low, high - scipy_high])) / np.tile(error, 2)
    noise = np.sqrt(0.025 * 0.975 / few) / scipy.stats.norm.pdf(1.96)
    print(f"limits apart, in standard errors: median {np.median(apart):.3f}, most {apart.max():.3f};")
    print(f"the Monte-Carlo error of {few} resamples alone is {noise:.3f}")

    p, counts, speakers = world
    weights = cluster_weights(91, resamples, 7)
    settings = {"resamples": resamples, "seed": 7, "method": "bootstrap_t"}
    seconds, _ = timed(lambda: whole_set_intervals(p[:1, None], counts, speakers, **settings))
    truth, guess = counts.argmax(axis=1), p[0].argmax(axis=1)
    theirs, _ = timed(
        lambda: [f1_score(truth, guess, average="macro", sample_weight=w[speakers]) for w in weights[:few]]
    )
    scaled = theirs * resamples / few
    print(
        f"macro-F1 by scikit-learn, {1000 * theirs / few:.1f} ms a resample: {scaled / seconds:.0f} times the library's"
    )
    print(f"macro-F1, weighted F1, UAR and ECE together ({seconds:.2f} s)")


def large(resamples: int) -> None:
    """Print seconds and peak memory for 264,705 utterances."""
    world = corpus(264_705, 2000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds, _ = timed(ours, *world, resamples, "bootstrap_t")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"264,705 utterances, 2,000 speakers: {seconds:.1f} s, peak {peak:.2f} GiB ({before:.2f} with the data)")


def exchange() -> None:
    """Print the seconds of the program for the exchange rate on a world of votes as large as CREMA-D."""
    spec = importlib.util.spec_from_file_location("vote_world", REPOSITORY / "tests/unit/inference/conftest.py")
    worlds = importlib.util.module_from_spec(spec)
    sys.modules["vote_world"] = worlds
    spec.loader.exec_module(worlds)
    options = {"resamples": 10_000, "interval": "bootstrap_t", "level": 0.95, "smoothing": 0.001}
    options["exchange"] = {"largest_k": 5, "votes": [1, 3, 5, 10, 20]}
    with tempfile.TemporaryDirectory() as folder:
        world = worlds.make_world(Path(folder), utterances=7442, speakers=91, deals=30)
        command = [sys.executable, REPOSITORY / "workflow/scripts/estimate_exchange_rate.py"]
        for name in ("votes", "proxies", "roles", "utterances", "truth"):
            command += [f"--{name}", world.path(name)]
        command += ["--corpus", "large", "--annotator", "simulated", "--classes", ",".join(worlds.CLASSES)]
        command += ["--validity", REPOSITORY / "workflow/resources/validity.csv", "--seed", "42"]
        command += ["--options", json.dumps(options), "--output", world.path("exchange")]
        seconds, _ = timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    print(f"exchange rate of 7,442 utterances, 91 speakers, 4 classes, 30 deals: {seconds:.1f} s, imports included")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--scipy-resamples", type=int, default=200)
    parser.add_argument("--only-large", action="store_true", help="the second part alone, for its memory")
    arguments = parser.parse_args()
    if arguments.only_large:
        large(arguments.resamples)
    else:
        compare(arguments.resamples, arguments.scipy_resamples)
        large_alone = [sys.executable, __file__, "--only-large", "--resamples", str(arguments.resamples)]
        subprocess.run(large_alone, check=True)
        exchange()
