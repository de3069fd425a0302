"""One real Slurm for all tests in this folder, healed between them; a table of faults and outcomes at the end."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accounting import missing_accounting
from cluster import SEARCH, Cluster, missing_programs

FAULTS: list[tuple[str, str, float]] = []
TABLES: list[tuple[str, str]] = []


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
def one_node(tmp_path_factory):
    """Start a Slurm of one node with room for two jobs of two processes; stop it after the test."""
    if missing := missing_programs():
        pytest.skip(f"no Slurm on this machine ({', '.join(missing)} missing): apt-get install slurm-wlm munge")
    started = Cluster(tmp_path_factory.mktemp("node"), nodes=1, cpus=4)
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture
def accounted(tmp_path_factory):
    """Start a Slurm that keeps accounts where slurmdbd and MariaDB are, else one without; stop it after the test."""
    if missing := missing_programs():
        pytest.skip(f"no Slurm on this machine ({', '.join(missing)} missing): apt-get install slurm-wlm munge")
    started = Cluster(tmp_path_factory.mktemp("accounted"), accounting=not missing_accounting(SEARCH))
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture
def shown():
    """Show a table at the end, under a title."""
    return lambda title, text: TABLES.append((title, text))


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
    for title, text in TABLES:
        terminalreporter.section(title)
        terminalreporter.write_line(text)
