"""Run Snakemake, each of its jobs in a fork of one process in which the libraries are loaded.

A job of the demo takes up to ten seconds to import what it needs; a fork has it. Products are the same. Linux alone:
elsewhere, on a cluster, with --sdm conda, or where temporary files cannot be executed, each job starts an interpreter.

    python workflow/scripts/fork_jobs.py all --cores 2
"""

import os
import sys

from scaling_ambiguity import forks


def main() -> None:
    """Become Snakemake with the words of the command line."""
    if sys.argv[1:2] == ["--serve"]:  # the process itself
        forks.serve(int(sys.argv[2]), sys.argv[3])
        return
    try:
        stand_in, held = forks.start()
    except (OSError, AttributeError) as error:  # the system lacks what it takes
        print(f"fork_jobs: each job starts an interpreter ({error})", file=sys.stderr)
    else:
        os.environ["SA_PYTHON"] = str(stand_in)
        os.set_inheritable(held, True)  # by Snakemake, whose end ends the process; jobs do not inherit it
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])


if __name__ == "__main__":
    main()
