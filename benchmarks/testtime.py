"""Fifteen strategies and twelve metrics on 50,000 utterances with seven candidates each; one thread.

CPU seconds and peak memory. The candidates are read from parquet. Timed apart: reading, combining (settings fitted on
other speakers included), scores of every utterance, intervals over speakers with 10,000 resamples. Beside it the same
metrics one utterance at a time, as evaluation scripts compute them, scaled up from few.

    python benchmarks/testtime.py [--utterances 50000] [--resamples 10000]
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from scaling_ambiguity.tables.base import class_columns  # noqa: E402
from scaling_ambiguity.tables.candidates import CANDIDATES  # noqa: E402
from scaling_ambiguity.testtime.crossfit import hold_out  # noqa: E402
from scaling_ambiguity.testtime.pool import Pool, Verdicts, build_pool  # noqa: E402
from scaling_ambiguity.testtime.running import Outcome, run_strategies  # noqa: E402
from scaling_ambiguity.testtime.scoring import score_rows, utterance_scores  # noqa: E402
from scaling_ambiguity.testtime.worlds import World, simulated_pool  # noqa: E402

# bon, w_bon, alm_v and w_alm_v in two forms each
FIFTEEN = {
    *("single", "bon", "w_bon", "w_bon_sum", "alm_v", "w_alm_v"),
    *("mean", "medoid", "log_pool", "trimmed", "shrunk"),
}


def written(world: World, path: Path) -> None:
    """Write the candidates of a world as a table."""
    pool = world.pool
    utterances, candidates = pool.valid.shape
    frame = pd.DataFrame(pool.q.reshape(-1, pool.q.shape[2]), columns=class_columns(list(pool.classes)))
    frame["utterance"] = np.repeat(pool.utterances, candidates)
    frame["draw"] = np.tile(np.arange(candidates), utterances)
    frame = frame.assign(corpus="demo", annotator="tiny", prompt="p", temperature=1.0, response="", status="ok")
    scores = pool.verdicts["verifier"].scores.ravel()
    frame["reason"] = pd.Series([None] * len(frame), dtype="str")
    CANDIDATES.write(frame.assign(logprob=scores - 20, tokens=8.0, seconds=0.1), path)


def read(path: Path, world: World) -> Pool:
    """Return the pool of the table, with the judgements of the world."""
    table = CANDIDATES.read(path)
    table["logprob_answer"] = table["logprob"] / 8
    pool = build_pool("sampled", table, list(world.pool.utterances), list(world.pool.classes))
    verdicts = world.pool.verdicts["verifier"]
    pool.verdicts["verifier"] = Verdicts(verdicts.scores, verdicts.picks, verdicts.shown)
    return pool


def one_by_one(outcome: Outcome, counts: np.ndarray) -> float:
    """Return the seconds of the twelve metrics of one strategy, utterance by utterance, with scipy and scikit-learn."""
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import entropy
    from sklearn.metrics import f1_score, recall_score

    start = time.process_time()
    for p, votes in zip(outcome.p, counts, strict=True):
        share, raised = votes / votes.sum(), np.maximum(p, 0.001)
        _ = -(share * np.log(raised / raised.sum())).sum(), ((p - share) ** 2).sum(), jensenshannon(p, share, 2)
        _ = np.sqrt(p * share).sum(), np.corrcoef(p, share)[0, 1] ** 2, p.argmax() == share.argmax()
        _ = jensenshannon(p, share, 2) ** 2, entropy(p, base=2) - entropy(share, base=2)
    top, votes = outcome.p.argmax(axis=1), counts.argmax(axis=1)
    _ = f1_score(votes, top, average="macro"), f1_score(votes, top, average="weighted")
    _ = recall_score(votes, top, average="macro")
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=50_000)
    parser.add_argument("--candidates", type=int, default=7)
    parser.add_argument("--speakers", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=10_000)
    arguments = parser.parse_args()
    settings = {"resamples": arguments.resamples, "seed": 1, "level": 0.95, "method": "bootstrap_t"}
    world = simulated_pool(arguments.utterances, arguments.candidates, seed=1, quality=0.6, speakers=arguments.speakers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "candidates.parquet")
        written(world, path)
        marks = [time.process_time()]
        pool = read(path, world)
    marks.append(time.process_time())
    held_out = hold_out(world.votes(9), world.speakers, floor=0.001, seed=1)
    outcomes, missing = run_strategies({"sampled": pool}, held_out)
    marks.append(time.process_time())
    fifteen = [o for o in outcomes if o.strategy in FIFTEEN]
    for outcome in fifteen:
        utterance_scores(outcome, held_out)
    marks.append(time.process_time())
    rows = score_rows(fifteen, missing, held_out, settings)
    marks.append(time.process_time())
    names = ["reading", f"combining, all {len(outcomes)} strategies and controls", "scores of the utterances"]
    names += ["scores and intervals"]
    print(f"{arguments.utterances} utterances x {arguments.candidates} candidates x {len(fifteen)} strategies")
    for name, seconds in zip(names, np.diff(marks), strict=True):
        print(f"{name:50s} {seconds:7.1f} CPU-s")
    total = marks[-1] - marks[0] - (marks[3] - marks[2])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{'all, scores once':50s} {total:7.1f} CPU-s, peak {peak:.2f} GiB, {len(rows)} rows")
    few = min(1000, arguments.utterances)
    slow = one_by_one(Outcome("mean", "control", "sampled", fifteen[0].p[:few]), held_out.counts[:few])
    slow *= len(fifteen) * arguments.utterances / few
    print(f"{'scores one utterance at a time (scaled up)':50s} {slow:7.1f} CPU-s")
    assert len(fifteen) == 15, len(fifteen)


if __name__ == "__main__":
    main()
