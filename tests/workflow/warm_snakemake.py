"""Run Snakemake commands, each in a fork of one process that has imported it: half the time of a dry run.

One request per line of standard input, in JSON: ``words`` after ``snakemake``, ``folder``, ``environment``, ``output``
(a file that gets what is printed) and ``timeout`` in seconds. One exit status per line of standard output.
The library of the checkout is imported by the fork: the process has imported other libraries alone.
"""

import importlib
import json
import os
import runpy
import signal
import sys
import traceback
from typing import Any

IMPORTED = (
    "jsonschema",
    "pandas",
    "pydantic",
    "snakemake.api",
    "snakemake.cli",
    "snakemake_executor_plugin_slurm.efficiency_report",
    "sqlmodel",
    "yaml",
)


def run(request: dict[str, Any]) -> int:
    """Run one command in a child process; return its exit status, that of a signal after ``timeout`` seconds."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        os.dup2(os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 1)
        os.dup2(1, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.alarm(request["timeout"])
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv[1:] = request["words"]
        sys.path.insert(0, request["folder"])
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Answer requests until standard input ends."""
    sys.path.pop(0)  # the folder of this program, which no command knows
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        print(run(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
