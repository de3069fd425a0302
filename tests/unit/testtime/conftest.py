"""Pools and votes of known truth."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from scaling_ambiguity.testtime.crossfit import hold_out
from scaling_ambiguity.testtime.worlds import simulated_pool

sys.path.insert(0, str(Path(__file__).resolve().parent))  # no_torch


@pytest.fixture(scope="session")
def world():
    """Return a pool of five candidates on 2,000 utterances of 40 speakers, with a verifier of planted quality .6."""
    return simulated_pool(2000, 5, seed=11, quality=0.6)


@pytest.fixture(scope="session")
def held_out(world):
    """Return nine votes on each of its utterances."""
    return hold_out(world.votes(9), world.speakers, floor=0.001, seed=1)


@pytest.fixture
def loose():
    """Return a function that draws candidates, (U, K, C), and votes, (U, C), without any structure."""

    def made(utterances=200, candidates=5, classes=4, seed=0):
        random = np.random.default_rng(seed)
        q = random.dirichlet(np.full(classes, 0.5), (utterances, candidates))
        return q, random.multinomial(7, random.dirichlet(np.ones(classes), utterances)).astype(float)

    return made


@pytest.fixture(scope="session")
def new_world():
    """Return the function of the inference tests that makes a corpus of votes whose truth is known."""
    path = Path(__file__).parents[1] / "inference" / "conftest.py"
    spec = importlib.util.spec_from_file_location("world_of_votes", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module.make_world
