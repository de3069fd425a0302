"""A real Slurm on this machine: munged, slurmctld and three slurmd with fake GPUs, on loopback, without systemd.

Only the machine is small: submission, queueing, allocation, requeue and node failure are Slurm's own. Memory and
GPUs are allocated but not enforced (no cgroups). Nothing outside the cluster's folder is written.
"""

import contextlib
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from accounting import Database
from daemons import end_daemon, free_ports, wait_until

PROGRAMS = ("sbatch", "squeue", "scontrol", "scancel", "sinfo", "srun", "slurmctld", "slurmd", "munged")
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])

CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge/sock
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
{accounting}
JobCompType=jobcomp/filetxt
JobCompLoc={root}/completed.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=200000,batch_sched_delay=0,bf_interval=2,sched_interval=2
EnforcePartLimits=ALL
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmdPidFile={root}/spool/%n.pid
SlurmctldPidFile={root}/slurmctld.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
MinJobAge=3600
KillWait=3
OverTimeLimit=0
SlurmctldTimeout=30
SlurmdTimeout=15
ReturnToService=2
SlurmdParameters=config_overrides
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=2-0 State=UP PreemptMode=OFF
PartitionName=gpu Nodes=ALL MaxTime=2-0 State=UP PreemptMode=OFF
PartitionName=spare Nodes=ALL MaxTime=2-0 State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=20
PartitionName=urgent Nodes=ALL MaxTime=2-0 State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing_programs() -> list[str]:
    """Return the programs of Slurm and munge that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=SEARCH) is None]


class Cluster:
    """Nodes n1, n2, ... of ``cpus`` processors, ``memory`` MB and ``gpus`` fake GPUs, in the partitions cpu and gpu.

    Two more partitions, spare and urgent, for preemption: a job of urgent drives one of spare back into the queue.
    ``accounting`` keeps what every job used in a database (accounting.py).
    """

    def __init__(
        self, root: Path, nodes: int = 3, cpus: int = 2, memory: int = 9000, gpus: int = 2, accounting: bool = False
    ):
        if len(str(root)) > 70:
            raise ValueError(
                f"{root}: the sockets of jobs lie below it, and Linux grants a socket's path 108 characters"
            )
        self.root = root
        self.names = [f"n{number}" for number in range(1, nodes + 1)]
        self.cpus, self.memory, self.gpus = cpus, memory, gpus
        self.configuration = root / "slurm.conf"
        # Snakemake's executor calls the interpreter unquoted; the checkout's path may hold a blank.
        self.python = root / "environment" / "bin" / Path(sys.executable).name
        (root / "environment").symlink_to(Path(sys.executable).parents[1])
        self.database = Database(root) if accounting else None

    @property
    def environment(self) -> dict[str, str]:
        """Environment of programs that talk to this cluster; what the profile needs to be quick in tests is set."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "SBATCH_", "SA_"))}
        return kept | {
            "PATH": SEARCH,
            "SLURM_CONF": str(self.configuration),
            "SA_PARTITION": "cpu",
            "SA_GPU_PARTITION": "gpu",
            "SA_CONDA": "off",
            "SA_STATUS_SECONDS": "4",
            "SA_LATENCY_SECONDS": "10",
        }

    def call(self, *command: str, check: bool = True, timeout: float = 30) -> str:
        """Run a program against this cluster and return its standard output."""
        result = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and result.returncode:
            raise RuntimeError(f"{' '.join(command)}: {result.stdout}{result.stderr}")
        return result.stdout

    def start(self) -> "Cluster":
        """Start every daemon and wait until all nodes are idle."""
        for folder in ("log", "state", "spool", "dev", "munge"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for name in self.names:
            (self.root / "spool" / name).mkdir(exist_ok=True)
        (self.root / "munge").chmod(0o755)
        key = self.root / "munge" / "key"
        if not key.exists():
            key.write_bytes(os.urandom(128))
            key.chmod(0o600)
        self._write_configuration()
        munge = self.root / "munge"
        self.call(
            "munged",
            f"--socket={munge}/sock",
            f"--key-file={key}",
            f"--pid-file={munge}/pid",
            f"--log-file={munge}/log",
            f"--seed-file={munge}/seed",
            "--force",
        )
        wait_until((munge / "sock").exists, 10, "munged has no socket")
        if self.database:
            self.database.start(self.call)
        self.start_controller()
        for name in self.names:
            self.start_node(name)
        wait_until(lambda: len(self.nodes("idle")) == len(self.names), 30, "nodes are not idle")
        return self

    def _write_configuration(self) -> None:
        first = free_ports(len(self.names) + 3)
        if self.database:
            self.database.port = first + len(self.names) + 1
        lines, devices = [], []
        for number, name in enumerate(self.names):
            lines.append(
                f"NodeName={name} NodeHostname={socket.gethostname().split('.')[0]} NodeAddr=127.0.0.1 "
                f"Port={first + 1 + number} CPUs={self.cpus} RealMemory={self.memory} Gres=gpu:fake:{self.gpus} "
                "State=UNKNOWN"
            )
            devices.append(f"NodeName={name} Name=gpu Type=fake File={self._devices(name)}")
        (self.root / "gres.conf").write_text("\n".join(devices) + "\n")
        self.configuration.write_text(
            CONFIGURATION.format(
                host=socket.gethostname().split(".")[0],
                port=first,
                user=getpass.getuser(),
                root=self.root,
                accounting=self.database.lines() if self.database else "AccountingStorageType=accounting_storage/none",
                nodes="\n".join(lines),
            )
        )

    def _devices(self, node: str) -> str:
        """Return device files that stand for GPUs: made by root; for others the machine's own."""
        if os.getuid() != 0:
            return ",".join(["/dev/null", "/dev/full", "/dev/zero"][: self.gpus])
        paths = [self.root / "dev" / f"{node}-gpu{number}" for number in range(self.gpus)]
        for path in paths:
            if not path.exists():
                os.mknod(path, 0o20666, os.makedev(1, 3))
        return ",".join(str(path) for path in paths)

    def start_controller(self) -> None:
        """Start slurmctld."""
        self.call("slurmctld", "-f", str(self.configuration))

    def stop_controller(self) -> None:
        """Kill slurmctld at once."""
        end_daemon(self.root / "slurmctld.pid", signal.SIGKILL)

    def start_node(self, name: str) -> None:
        """Start the slurmd of a node."""
        self.call("slurmd", "-N", name, "-f", str(self.configuration))

    def kill_node(self, name: str) -> None:
        """Kill the slurmd of a node at once, as a power cut would."""
        end_daemon(self.root / "spool" / f"{name}.pid", signal.SIGKILL)

    def heal(self) -> None:
        """Cancel every job, bring back the controller and every node, and wait until all are idle."""
        if not (self.root / "slurmctld.pid").exists():
            self.start_controller()
        wait_until(lambda: self.call("scontrol", "ping", check=False).count("UP"), 30, "the controller does not answer")
        self.call("scancel", f"--user={getpass.getuser()}", check=False)
        for name in self.names:
            if not (self.root / "spool" / f"{name}.pid").exists():
                self.start_node(name)
            self.call("scontrol", "update", f"NodeName={name}", "State=RESUME", check=False)
        wait_until(lambda: not self.queue(), 60, "jobs are left in the queue")
        wait_until(lambda: len(self.nodes("idle")) == len(self.names), 60, "nodes are not idle")

    def stop(self) -> None:
        """Cancel every job and end every daemon."""
        with contextlib.suppress(Exception):
            self.heal()
        for path in [*sorted(self.root.glob("spool/*.pid")), self.root / "slurmctld.pid", self.root / "munge" / "pid"]:
            with contextlib.suppress(TimeoutError):
                end_daemon(path, signal.SIGTERM)
        if self.database:
            self.database.stop()

    def nodes(self, state: str) -> list[str]:
        """Return the names of the nodes in a state."""
        return self.call("sinfo", "-h", "-N", "-p", "cpu", "-t", state, "-o", "%N", check=False).split()

    def queue(self) -> list[dict[str, str]]:
        """Return pending and running jobs: id, state, node and comment (rule and wildcards)."""
        states = "PENDING,RUNNING,COMPLETING,SUSPENDED,CONFIGURING"
        listed = self.call("squeue", "-h", "-t", states, "-o", "%i|%T|%N|%k", check=False)
        return [
            dict(zip(("id", "state", "node", "comment"), line.split("|"), strict=True))
            for line in listed.split("\n")
            if line
        ]

    def running(self, rule: str) -> dict[str, str] | None:
        """Return a running job of a rule, if there is one."""
        return next((job for job in self.queue() if job["state"] == "RUNNING" and rule in job["comment"]), None)

    def job(self, number: str) -> dict[str, str]:
        """Return what the controller knows of a job, finished ones included."""
        shown = self.call("scontrol", "show", "job", "-o", number)
        return dict(re.findall(r"(\S+?)=(\S*)", shown))
