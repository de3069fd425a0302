"""Worlds and tables shared by the tests of the corpora."""

from collections.abc import Callable

import pandas as pd
import pytest

from scaling_ambiguity.corpora.demo_world import World, sample_world

CLASSES = ["neutral", "happy", "sad", "angry"]


@pytest.fixture(scope="session")
def options() -> Callable[..., dict]:
    """Return the embedded demo's entry with changes."""
    entry = {"reader": "demo", "classes": CLASSES, "utterances": 480, "speakers": 12, "raters": 30, "votes": [3, 10]}
    return lambda **changes: entry | changes


@pytest.fixture(scope="session")
def demo(options) -> World:
    return sample_world("demo", options(), 42)


@pytest.fixture(scope="session")
def foreign(options) -> World:
    return sample_world("foreign_train", options(utterances=400, speakers=16, raters=20, votes=[5, 5]), 42, "foreign")


@pytest.fixture
def votes_table() -> pd.DataFrame:
    """Utterances u1 ... u9 with as many votes as their number."""
    rows = [(f"u{n}", f"r{r}") for n in range(1, 10) for r in range(n)]
    return pd.DataFrame(rows, columns=["utterance", "rater"]).assign(
        presentation="voice",
        kind="observer",
        role="primary",
        rank=0,
        label="sad",
        label_raw="sad",
        weight=1.0,
        raters_known=True,
    )
