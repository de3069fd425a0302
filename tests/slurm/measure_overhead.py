"""What a job and a level of the workflow cost on Slurm, by jobs that do nothing: run this file with Python.

The profile is the project's own. CPU-seconds are Slurm's accounting and little touched by what else the machine does;
seconds by the clock are.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from accounting import missing_accounting, usage
from cluster import SEARCH, Cluster, missing_programs
from submission import Submission, jobs_in


def measure(cluster: Cluster, folder: Path, seconds: int, **shape: int) -> dict[str, float]:
    """Run one shape of workflow; return wall seconds, and per job of Slurm elapsed and CPU-seconds."""
    words = ("--config", *(f"{key}={value}" for key, value in shape.items()))
    run = Submission.small(cluster, folder, *words, workflow="overhead").start({"SA_STATUS_SECONDS": str(seconds)})
    if run.finish(1200) != 0:
        raise RuntimeError(run.text()[-4000:])
    wall = run.seconds()
    numbers = jobs_in(run.text())[1].values()
    used = usage(cluster.call)
    used = used[used["job"].isin(numbers)]
    return {"jobs": len(used), "wall": wall, "elapsed": used["elapsed"].mean(), "used": used["used"].mean()}


def main(arguments: argparse.Namespace) -> None:
    """Start Slurm, measure, print a table."""
    if missing := [*missing_programs(), *missing_accounting(SEARCH)]:
        sys.exit(f"{', '.join(missing)} missing: apt-get install slurm-wlm munge slurmdbd mariadb-server")
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        cluster = Cluster(Path(folder), accounting=True)
        try:
            cluster.start()
            print(
                "| jobs | status asked after s | wall s | s a job, elapsed | CPU-s a job |\n|" + " --- |" * 5,
                flush=True,
            )
            shapes = [("wide", 1), ("wide", arguments.wide), ("deep", 1), ("deep", arguments.deep)]
            for seconds in arguments.status_seconds:
                for number, (kind, size) in enumerate(shapes):
                    found = measure(cluster, Path(folder) / f"run-{seconds}-{number}", seconds, **{kind: size})
                    name = f"{size} side by side" if kind == "wide" else f"{size} one after another"
                    print(
                        f"| {name} | {seconds} | {found['wall']:.0f} | {found['elapsed']:.1f} | {found['used']:.1f} |",
                        flush=True,
                    )
        finally:
            cluster.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wide", type=int, default=12, help="jobs side by side")
    parser.add_argument("--deep", type=int, default=4, help="jobs one after another")
    parser.add_argument("--status-seconds", type=int, nargs="+", default=[4], help="SA_STATUS_SECONDS")
    main(parser.parse_args())
