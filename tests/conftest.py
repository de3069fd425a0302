"""Every test imports the library from workflow/scripts and computes in one thread."""

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SHARED = {"tiny_run": "tiny run", "cluster": "slurm"}  # session fixtures that take minutes: made by one process alone
LONGEST = ("tiny run", "slurm", "test_licensed_formats", "test_dag", "test_cremad")  # begun first


def pytest_collection_modifyitems(items):
    """Group the tests for several processes (``--dist loadgroup``): by file, or by the fixture that takes minutes."""

    def group(item):
        named = (name for fixture, name in SHARED.items() if fixture in getattr(item, "fixturenames", ()))
        return next(named, item.path.stem)

    def place(item):
        name = group(item)
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=place)
