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
import time
from collections.abc import Callable
from pathlib import Path

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
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={root}/completed.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=200000,batch_sched_delay=0,bf_interval=2,sched_interval=2
EnforcePartLimits=ALL
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
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=2-0 State=UP
PartitionName=gpu Nodes=ALL MaxTime=2-0 State=UP
"""


def missing_programs() -> list[str]:
    """Return the programs of Slurm and munge that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=SEARCH) is None]


def free_ports(count: int) -> int:
    """Return the first of ``count`` consecutive ports on loopback that nobody listens on."""
    for first in range(20000 + os.getpid() % 5000, 32000, count):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports on loopback")


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until ``condition`` holds; raise TimeoutError naming ``what`` otherwise."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s: {what}")
        time.sleep(0.1)


class Cluster:
    """Nodes n1, n2, ... of ``cpus`` processors, ``memory`` MB and ``gpus`` fake GPUs, in the partitions cpu and gpu."""

    def __init__(self, root: Path, nodes: int = 3, cpus: int = 2, memory: int = 9000, gpus: int = 2):
        self.root = root
        self.names = [f"n{number}" for number in range(1, nodes + 1)]
        self.cpus, self.memory, self.gpus = cpus, memory, gpus
        self.configuration = root / "slurm.conf"

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
        self.start_controller()
        for name in self.names:
            self.start_node(name)
        wait_until(lambda: len(self.nodes("idle")) == len(self.names), 30, "nodes are not idle")
        return self

    def _write_configuration(self) -> None:
        first = free_ports(len(self.names) + 1)
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
        self._end(self.root / "slurmctld.pid", signal.SIGKILL)

    def start_node(self, name: str) -> None:
        """Start the slurmd of a node."""
        self.call("slurmd", "-N", name, "-f", str(self.configuration))

    def kill_node(self, name: str) -> None:
        """Kill the slurmd of a node at once, as a power cut would."""
        self._end(self.root / "spool" / f"{name}.pid", signal.SIGKILL)

    def _end(self, pid_file: Path, signal_: signal.Signals) -> None:
        """Signal the daemon that wrote ``pid_file`` and wait until it is gone."""
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text())

        def gone() -> bool:
            try:
                return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                return True

        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_)
        wait_until(gone, 15, f"process {pid} of {pid_file.name} does not end")
        pid_file.unlink(missing_ok=True)

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
                self._end(path, signal.SIGTERM)

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
