"""Every test imports the library from workflow/scripts and computes in one thread."""

import os
import sys
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "workflow" / "scripts"), str(REPOSITORY / "tests")]
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

LONGEST = ("tiny run", "slurm", "test_dag", "test_cremad", "test_cross_fitted")  # begun first


@cache
def group_of(file: str) -> str:
    """Return what runs in one process: the tests that share a finished run or a cluster, or those of a file."""
    path = REPOSITORY / file
    if path.parent.name == "slurm":
        return "slurm"
    return "tiny run" if "tiny_run" in path.read_text() else path.stem


@pytest.fixture(autouse=True)
def outside_of_a_run(request, monkeypatch, tmp_path_factory):
    """Run tests of what reads the folder of a run in an empty one: the checkout may hold what a run left."""
    if request.path.parent.name in ("evaluation", "reporting"):
        monkeypatch.chdir(tmp_path_factory.mktemp("empty"))


def pytest_collection_modifyitems(items):
    """Begin with the longest groups, so that none is left over."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid.partition("::")[0]), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each process whole groups."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.partition("::")[0])

    return Groups(config, log)
