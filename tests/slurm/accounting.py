"""Slurm's accounting on this machine, slurmdbd with a database of its own, and what it says of every job."""

import getpass
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from daemons import end_daemon, wait_until

PROGRAMS = ("slurmdbd", "mariadbd", "mysql_install_db", "mariadb", "sacct", "sacctmgr")
ACCOUNT = """\
AuthType=auth/munge
AuthInfo=socket={root}/munge/sock
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={storage}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
PidFile={root}/slurmdbd.pid
LogFile={root}/log/slurmdbd.log
"""
_UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}


def missing_accounting(search: str) -> list[str]:
    """Return the programs of the accounting that are not in ``search``."""
    return [name for name in PROGRAMS if shutil.which(name, path=search) is None]


class Database:
    """slurmdbd and MariaDB below the folder of a cluster, on ``port`` and the next; only this machine reaches them."""

    def __init__(self, root: Path):
        self.root = root
        self.port = 0

    def lines(self) -> str:
        """Return what slurm.conf says of it."""
        return (
            "AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
            f"AccountingStoragePort={self.port}\nAccountingStoragePass={self.root}/munge/sock\n"
            "AccountingStorageTRES=gres/gpu\nJobAcctGatherFrequency=1"
        )

    def start(self, call: Callable[..., str]) -> None:
        """Start MariaDB and slurmdbd, and enter the cluster; ``call`` runs a program in the cluster's environment."""
        user, folder = getpass.getuser(), self.root / "database"
        install = ("--no-defaults", f"--user={user}", f"--datadir={folder}", "--skip-test-db")
        call("mysql_install_db", *install, "--auth-root-authentication-method=normal", timeout=120)
        with (self.root / "log" / "mariadb.log").open("w") as log:
            subprocess.Popen(
                [
                    shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/local/sbin"),
                    "--no-defaults",
                    f"--user={user}",
                    f"--datadir={folder}",
                    f"--socket={self.root}/db.sock",
                    f"--port={self.port + 1}",
                    "--bind-address=127.0.0.1",
                    f"--pid-file={self.root}/mariadb.pid",
                    "--innodb-lock-wait-timeout=900",
                    "--innodb-flush-log-at-trx-commit=0",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        ask = ("mariadb", "--no-defaults", "-S", f"{self.root}/db.sock", "-u", "root", "-e")
        wait_until(lambda: "1" in call(*ask, "select 1", check=False), 60, "MariaDB does not answer")
        call(
            *ask,
            "create database slurm; create user 'slurm'@'127.0.0.1' identified by 'slurm';"
            "create user 'slurm'@'localhost' identified by 'slurm';"
            "grant all on slurm.* to 'slurm'@'127.0.0.1'; grant all on slurm.* to 'slurm'@'localhost';",
        )
        settings = self.root / "slurmdbd.conf"
        host = socket.gethostname().split(".")[0]
        settings.write_text(ACCOUNT.format(root=self.root, host=host, port=self.port, storage=self.port + 1, user=user))
        settings.chmod(0o600)
        call("slurmdbd")
        entered = ("timeout", "3", "sacctmgr", "-n", "-i")
        wait_until(
            lambda: (
                "tests" in call(*entered, "list", "cluster", check=False)
                or call(*entered, "add", "cluster", "tests", check=False) is None
            ),
            60,
            "slurmdbd does not answer",
        )
        call(*entered, "add", "account", "tests", "description=tests", "organization=tests", check=False)
        call(*entered, "add", "user", user, "account=tests", check=False)

    def stop(self) -> None:
        """End slurmdbd, then MariaDB."""
        for name in ("slurmdbd", "mariadb"):
            end_daemon(self.root / f"{name}.pid", signal.SIGTERM)


def seconds(text: str) -> float:
    """Return Slurm's [days-][hours:]minutes:seconds[.fraction] in seconds."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = 60 * total + float(part)
    return 86400 * int(days or 0) + total


def parse_usage(listed: str) -> pd.DataFrame:
    """Return what jobs used, from ``sacct -P -n --format=JobIDRaw,State,ElapsedRaw,AllocCPUS,TotalCPU,MaxRSS``.

    The memory of a job is that of its largest step.

    Returns:
        job, state, elapsed (s), cpus, used (CPU-seconds of all its processes), memory (MB).
    """
    rows: dict[str, dict] = {}
    for line in listed.split():
        name, state, elapsed, cpus, used, memory = line.split("|")
        number, _, step = name.partition(".")
        if not step:
            rows[number] = {"job": number, "state": state, "elapsed": float(elapsed), "cpus": int(cpus)}
            rows[number] |= {"used": seconds(used), "memory": 0.0}
        elif memory:
            size = float(memory[:-1]) * _UNITS[memory[-1]] if memory[-1] in _UNITS else float(memory) / 2**20
            rows[number]["memory"] = max(rows[number]["memory"], size)
    return pd.DataFrame(list(rows.values()))


def usage(call: Callable[..., str]) -> pd.DataFrame:
    """Return what every job of the cluster used."""
    fields = "JobIDRaw,State,ElapsedRaw,AllocCPUS,TotalCPU,MaxRSS"
    return parse_usage(call("sacct", "-P", "-n", "-a", "-S", "now-1days", f"--format={fields}"))


def against_plan(before: pd.DataFrame, after: pd.DataFrame, used: pd.DataFrame) -> pd.DataFrame:
    """Return what was planned beside what Slurm counted, a row a stage and the whole.

    Args:
        before: ``snakemake plan`` without any benchmark: the time limits.
        after: The same plan with the benchmarks of the run.
        used: Jobs as by :func:`usage`, with their ``rule`` and what it asked for (``asked``, MB).

    Returns:
        stage, jobs, and by stage: CPU-seconds of the plan before and after, allocated by Slurm and used; MB asked for
        by the largest job, its peak by the benchmarks and by Slurm.
    """
    stage_of = before.drop_duplicates("rule").set_index("rule")["stage"]
    used = used.assign(stage=used["rule"].map(stage_of), allocated=used["elapsed"] * used["cpus"])
    rows = []
    whole = [table.assign(stage="all") for table in (before, after, used)]
    for stage in [*stage_of.unique(), "all"]:
        tables = whole if stage == "all" else (before, after, used)
        first, second, third = (table[table["stage"] == stage] for table in tables)
        rows.append(
            {
                "stage": stage,
                "jobs": len(third),
                "limit": 3600 * first["cpu_hours"].sum(),
                "planned": 3600 * second["cpu_hours"].sum(),
                "allocated": third["allocated"].sum(),
                "used": third["used"].sum(),
                "asked_mb": third["asked"].max(),
                "benchmark_mb": second["memory_mb_measured"].max(),
                "slurm_mb": third["memory"].max(),
            }
        )
    return pd.DataFrame(rows)


def in_print(table: pd.DataFrame) -> str:
    """Return a table as markdown, numbers without decimals."""
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * len(table.columns)]
    for row in table.itertuples(index=False):
        lines.append(
            "| " + " | ".join(f"{value:.0f}" if isinstance(value, float) else str(value) for value in row) + " |"
        )
    return "\n".join(lines)
