"""One real Slurm for all tests in this folder, healed between them; a table of faults and outcomes at the end."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cluster import Cluster, missing_programs

FAULTS: list[tuple[str, str, float]] = []


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Start Slurm, or skip with the reason."""
    if missing := missing_programs():
        pytest.skip(f"no Slurm on this machine ({', '.join(missing)} missing): apt-get install slurm-wlm munge")
    # Sockets have short names: not below a folder of pytest's own depth.
    started = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture
def healed(cluster):
    """Give the cluster to one test and take it back whole."""
    yield cluster
    cluster.heal()


@pytest.fixture
def fault():
    """Note a fault, its outcome and the seconds it took, for the table at the end."""
    return lambda name, outcome, seconds: FAULTS.append((name, outcome, seconds))


def pytest_terminal_summary(terminalreporter):
    if FAULTS:
        terminalreporter.section("faults on Slurm")
        terminalreporter.write_line("| fault | outcome | seconds |\n| --- | --- | --- |")
        for name, outcome, seconds in FAULTS:
            terminalreporter.write_line(f"| {name} | {outcome} | {seconds:.0f} |")
