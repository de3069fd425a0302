"""A corpus of the size of MSP-Podcast 2.0, from label files to utterances, votes, labels and levels.

A synthetic corpus in that release's format is written, and the programs of the workflow are run on
it one after the other: seconds, CPU seconds and peak memory of each. Beside it, the step from votes
to label distributions and levels is done in the obvious way, a pandas groupby-apply an utterance, on
the same votes and in the same process as the library's.

    python benchmarks/corpus_scale.py [--utterances 264705] [--votes 1500000] [--deals 30]
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
SCRIPTS = REPOSITORY / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from scaling_ambiguity.labels.counting import frequencies, human_counts  # noqa: E402
from scaling_ambiguity.labels.levels import LEVELS, choose_edges, level_of, pairwise_agreement  # noqa: E402
from scaling_ambiguity.tables.utterances import UTTERANCES  # noqa: E402
from scaling_ambiguity.tables.votes import VOTES  # noqa: E402

CLASSES = ["angry", "sad", "happy", "surprise", "fear", "disgust", "contempt", "neutral", "other"]
OPTIONS = {"reader": "msp_podcast", "release": "2.0", "audio": "optional", "classes": CLASSES}
LEVEL_VOTES = 3
MOST_SECONDS, MOST_MEMORY, LEAST_RATIO = 60.0, 4.0, 20.0


def write_corpus(root: Path, utterances: int, votes: int, secondary: bool) -> None:
    """Write the synthetic label files with the generator of the tests."""
    path = REPOSITORY / "tests" / "unit" / "corpora" / "make_msp.py"
    spec = importlib.util.spec_from_file_location("make_msp", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_msp"] = module
    spec.loader.exec_module(module)
    module.write_large_podcast(root, utterances, votes, secondary=secondary)


def run_step(name: str, script: str, *arguments: object) -> dict[str, Any]:
    """Run one program; return its seconds, CPU seconds and peak memory in GiB."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(SCRIPTS / script), *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{script} failed with status {process.returncode}")
    return {"step": name, "seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "gib": usage.ru_maxrss / 2**20}


def run_workflow(root: Path, out: Path, deals: int) -> list[dict[str, Any]]:
    """Run the programs from label files to levels; return one row a program."""
    table = {name: out / f"{name}.parquet" for name in ("utterances", "votes", "rejects", "splits", "roles", "levels")}
    table["labels"] = out / "human.parquet"
    splits = json.dumps({"scheme": "speaker", "folds": 5, "validation": 0.2})
    levels = json.dumps({"definition": "agreement", "votes": LEVEL_VOTES})
    return [
        run_step(
            "read_corpus",
            "read_corpus.py",
            *("--reader", OPTIONS["reader"], "--name", "msp", "--root", root, "--options", json.dumps(OPTIONS)),
            *("--utterances", table["utterances"], "--votes", table["votes"], "--rejects", table["rejects"]),
            *("--audit", out / "audit.json"),
        ),
        run_step(
            "split_corpus",
            "split_corpus.py",
            *("--utterances", table["utterances"], "--options", splits, "--seed", 1, "--output", table["splits"]),
        ),
        run_step(
            "pool_votes human",
            "pool_votes.py",
            *("--votes", table["votes"], "--splits", table["splits"], "--utterances", table["utterances"]),
            *("--labels", "human", "--classes", ",".join(CLASSES), "--seed", 1, "--output", table["labels"]),
        ),
        run_step(
            f"deal_roles, {deals} deals",
            "deal_roles.py",
            *("--votes", table["votes"], "--level-votes", LEVEL_VOTES, "--deals", deals, "--seed", 1),
            *("--output", table["roles"]),
        ),
        run_step(
            f"assign_levels, {deals} deals",
            "assign_levels.py",
            *("--roles", table["roles"], "--votes", table["votes"], "--splits", table["splits"], "--options", levels),
            *("--output", table["levels"], "--thresholds", out / "levels.csv"),
        ),
    ]


def by_the_library(votes: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return label distributions (U, C) and levels (U,) of all votes, with the library's functions."""
    counts = human_counts(votes, names, CLASSES)
    agreement = pairwise_agreement(counts)
    known = ~np.isnan(agreement)
    edges = choose_edges(agreement[known], LEVEL_VOTES, len(CLASSES))
    return frequencies(counts), np.where(known, np.array(LEVELS)[level_of(agreement, edges)], "")


def by_groupby_apply(
    votes: pd.DataFrame, names: list[str], edges: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same as :func:`by_the_library`, one Python function an utterance."""

    def distribution(labels: pd.Series) -> pd.Series:
        return labels.value_counts(normalize=True).reindex(CLASSES, fill_value=0.0)

    def level(labels: pd.Series) -> str:
        counts = labels.value_counts()
        n = counts.sum()
        if n < 2:
            return ""
        agreement = (counts * (counts - 1)).sum() / (n * (n - 1))
        return "high" if agreement <= edges[0] else "medium" if agreement <= edges[1] else "low"

    grouped = votes.dropna(subset="label").groupby("utterance")["label"]
    return grouped.apply(distribution).unstack().loc[names, CLASSES].to_numpy(), grouped.apply(level)[names].to_numpy()


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return the CPU seconds of a call (other programs on the machine do not count), and its result."""
    started = time.process_time()
    result = function(*arguments)
    return time.process_time() - started, result


def compare(votes: pd.DataFrame, utterances: pd.DataFrame, sample: int) -> dict[str, float]:
    """Time both ways; the slow one on every n-th utterance and scaled up. Their results must agree."""
    names = utterances["utterance"].tolist()
    fast, (distributions, levels) = timed(by_the_library, votes, names)
    agreement = pairwise_agreement(human_counts(votes, names, CLASSES))
    edges = choose_edges(agreement[~np.isnan(agreement)], LEVEL_VOTES, len(CLASSES))
    chosen = np.arange(0, len(names), max(1, len(names) // sample))
    some = [names[i] for i in chosen]
    part = votes[votes["utterance"].isin(some)].astype({"utterance": object, "label": object})
    slow, (same_distributions, same_levels) = timed(by_groupby_apply, part, some, edges)
    assert np.allclose(distributions[chosen], same_distributions), "the two ways differ in a distribution"
    assert (levels[chosen] == same_levels).all(), "the two ways differ in a level"
    scaled = slow * len(names) / len(some)
    return {"library": fast, "groupby_apply": scaled, "sample": len(some), "ratio": scaled / fast}


def main(arguments: argparse.Namespace) -> None:
    """Write the corpus, run both, print the table and whether the limits hold."""
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        root, out = Path(folder) / "corpus", Path(folder) / "results"
        write_corpus(root, arguments.utterances, arguments.votes, arguments.secondary)
        rows = run_workflow(root, out, arguments.deals)
        sizes = f"{arguments.utterances:,} utterances, {arguments.votes:,} votes"
        print(f"{sizes}{', two secondary labels each' if arguments.secondary else ''}")
        for row in rows:
            print(f"{row['step']:28s} {row['seconds']:7.1f} s {row['cpu']:7.1f} s CPU {row['gib']:6.2f} GiB")
        seconds, cpu = (sum(row[key] for row in rows) for key in ("seconds", "cpu"))
        memory = max(row["gib"] for row in rows)
        print(f"{'in all':28s} {seconds:7.1f} s {cpu:7.1f} s CPU {memory:6.2f} GiB")
        votes, utterances = VOTES.read(out / "votes.parquet"), UTTERANCES.read(out / "utterances.parquet")
        found = compare(votes, utterances, arguments.sample)
        print(
            f"votes to distributions and levels: library {found['library']:.2f} s, groupby-apply "
            f"{found['groupby_apply']:.1f} s (from {found['sample']:.0f} utterances), {found['ratio']:.0f} times faster"
        )
        limits = {"seconds": seconds <= MOST_SECONDS, "memory": memory <= MOST_MEMORY}
        limits["ratio"] = found["ratio"] >= LEAST_RATIO
        here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"limits: {limits}; this process {here:.2f} GiB")
        if arguments.json is not None:
            arguments.json.write_text(json.dumps({"steps": rows, "compared": found, "limits": limits}, indent=1) + "\n")
        if arguments.strict and not all(limits.values()):
            raise SystemExit("a limit does not hold")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=264_705)
    parser.add_argument("--votes", type=int, default=1_500_000)
    parser.add_argument("--deals", type=int, default=30, help="deals of the votes into roles")
    parser.add_argument("--secondary", action="store_true", help="two secondary labels a vote: three rows each")
    parser.add_argument("--sample", type=int, default=2000, help="utterances that the slow way is timed on")
    parser.add_argument("--folder", type=Path, help="where to put the temporary corpus")
    parser.add_argument("--json", type=Path, help="file to write the measurements to")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 if a limit does not hold")
    main(parser.parse_args())
