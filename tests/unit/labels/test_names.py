"""Names of label tables: read and written in one place."""

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.names import Labels, curves, expand

NAMES = {
    "human": Labels("human"),
    "synthetic-tiny_crossed": Labels("synthetic", "tiny_crossed"),
    "combined-a-dawid_skene": Labels("combined", "a", "dawid_skene"),
    "control-a1-echo": Labels("control", "a1", "echo"),
    "curve-a-h3m20": Labels("curve", "a", "h3m20"),
    "curve-a-hallm0": Labels("curve", "a", "hallm0"),
}
ODD = [
    "", "humans", "human-a", "synthetic", "synthetic-", "synthetic-a-matched", "combined-a", "combined--equal",
    "control", "Control-a-echo", "curve-a", "curve-h3m20", "prior", "human+synthetic-a", "combined-a-equal\n",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_its_parts(name):
    assert Labels.parse(name) == NAMES[name] and str(NAMES[name]) == name


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_refused(name):
    with pytest.raises(UserError, match="are unknown; expected human, synthetic-<annotator>") as refused:
        Labels.parse(name)
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize("budget", ["h0m5", "h3", "h3m", "3m20", "h3m20x", "hm1", "h03m1"])
def test_odd_budgets_are_refused(budget):
    with pytest.raises(UserError, match=f"budget '{budget}' is not"):
        Labels.parse(f"curve-a-{budget}")


def test_budgets():
    assert Labels.parse("curve-a-h3m20").budget() == (3, 20)
    assert Labels.parse("curve-a-hallm0").budget() == (None, 0)


def test_predictors_are_named_more_freely():
    assert Labels.of_predictor("synthetic-a-matched-smoothed") == ("synthetic", "a", "matched-smoothed")
    assert Labels.of_predictor("curve-a-h1m0") == ("curve", "a", "h1m0")
    assert all(
        Labels.of_predictor(name) is None for name in ("prior", "human-smoothed", "fresh-1", "human+synthetic-a")
    )


def test_names_of_a_run():
    assert expand("human", ["a", "b"]) == ["human"]
    assert expand("synthetic", ["a", "b"]) == ["synthetic-a", "synthetic-b"]
    assert expand("control-echo", ["a"]) == ["control-a-echo"]
    assert expand(curves(["all"], [5])[0], ["a"]) == ["curve-a-hallm5"]
    short = curves([1, "all"], [0, 5])
    assert short == ["curve-h1m0", "curve-h1m5", "curve-hallm0", "curve-hallm5"]
    assert all(str(Labels.parse(name)) == name for one in short for name in expand(one, ["a", "b"]))
