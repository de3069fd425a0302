"""README and docs: short enough to be read, every link and target there is, the example by hand computed again."""

import math
import re

import numpy as np
import pytest
from checkout import REPOSITORY

from scaling_ambiguity.reporting.chapters import FIGURES, TABLES

README = REPOSITORY / "README.md"
TEXTS = [README, REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
VOTES = {1: ("hhh", "hh", 0.7), 2: ("hsh", "sh", 0.5), 3: ("sss", "ss", 0.3)}  # of docs/yardstick.md


def test_the_readme_is_read_in_a_minute():
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_page_of_the_docs_is_linked_from_the_readme():
    linked = set(re.findall(r"\(docs/([^)#]+)\)", README.read_text()))
    assert linked == {path.name for path in (REPOSITORY / "docs").glob("*.md")}


def test_every_target_of_the_readme_is_a_rule():
    rules = {
        name
        for path in (REPOSITORY / "workflow/rules").glob("*.smk")
        for name in re.findall(r"^rule (\w+):", path.read_text(), re.MULTILINE)
    }
    rules |= (
        set(re.findall(r"^rule (\w+):", (REPOSITORY / "Snakefile").read_text(), re.MULTILINE))
        | set(FIGURES)
        | set(TABLES)
    )
    table = README.read_text().partition("## Targets")[2].partition("## Configuration")[0]
    named = {
        name
        for line in table.splitlines()[4:]
        for name in re.findall(r"`(\w+)`", line.split("|")[1] if "|" in line else "")
    }
    assert len(named) > 30 and named - rules == set()


def _row(text: str, head: str) -> list[float]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {head} |"))
    return [float(cell) for cell in line.split("|")[2:6]]


def test_the_example_by_hand_is_right():
    text = (REPOSITORY / "docs/yardstick.md").read_text().partition("The curve of human votes")[2]
    means = []
    for k in range(4):
        losses = []
        for given, held, _ in VOTES.values():
            happy = (given[:k].count("h") + 1) / (k + 2)
            losses.append(-np.mean([math.log(happy if vote == "h" else 1 - happy) for vote in held]))
        means.append(np.mean(losses))
        assert _row(text, str(k)) == pytest.approx([*losses, means[-1]], abs=6e-4)
    losses = [-np.mean([math.log(p if vote == "h" else 1 - p) for vote in held]) for _, held, p in VOTES.values()]
    assert _row(text, "predictor") == pytest.approx([*losses, np.mean(losses)], abs=6e-4)
    worth = np.interp(-np.mean(losses), -np.array(means), range(4))
    stated = re.search(r"k\* = 1 \+ .* = ([0-9.]+)\.", text)
    assert stated and float(stated[1]) == pytest.approx(worth, abs=0.05)
