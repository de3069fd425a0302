"""A checkout for dry runs, and one finished run of the tiny preset, both made once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from checkout import TINY, Checkout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """Make a checkout without results, in a folder whose name has a space."""
    return Checkout.make(tmp_path_factory.mktemp("dry run"))


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """Run the tiny preset to the PDF and the report."""
    made = Checkout.make(tmp_path_factory.mktemp("tiny run"))
    made.warm("-c2", "all", *TINY, timeout=2400)
    return made
