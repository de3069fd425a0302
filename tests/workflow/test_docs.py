"""README and docs: short enough to be read, every link and target there is, the example by hand computed again."""

import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from checkout import REPOSITORY, Checkout

from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.exchange import equivalent_votes
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
    curve = []
    for k in range(4):
        losses = []
        for given, held, _ in VOTES.values():
            happy = (given[:k].count("h") + 1) / (k + 2)
            losses.append(-np.mean([math.log(happy if vote == "h" else 1 - happy) for vote in held]))
        curve.append(losses)
        assert _row(text, str(k)) == pytest.approx([*losses, np.mean(losses)], abs=6e-4)
    losses = [-np.mean([math.log(p if vote == "h" else 1 - p) for vote in held]) for _, held, p in VOTES.values()]
    assert _row(text, "predictor") == pytest.approx([*losses, np.mean(losses)], abs=6e-4)
    worth = np.interp(-np.mean(losses), -np.mean(curve, axis=1), range(4))
    stated = re.search(r"k\* = 1 \+ .* = ([0-9.]+)\.", text)
    assert stated and float(stated[1]) == pytest.approx(worth, abs=0.05)

    def interval(values):
        return mean_interval(values, np.arange(len(values)).astype(str), resamples=10, seed=1, level=0.95)

    computed = equivalent_votes(np.transpose(curve), np.array(losses)[:, None], interval)[0]
    assert computed.estimate == pytest.approx(worth, abs=1e-9), "the library's own function"
    above, below = np.full((3, 1), 0.8), np.full((3, 1), 0.1)
    ends = equivalent_votes(np.transpose(curve), np.hstack([above, below]), interval)
    assert [one.estimate for one in ends] == [0, 3] and ends[1].one_sided == "low", "worth 0; more than 3"


def test_every_page_of_the_docs_is_in_the_site():
    text = (REPOSITORY / "docs/index.md").read_text()
    listed = [line for block in re.findall(r"```{toctree}(.*?)```", text, re.DOTALL) for line in block.split("\n")[1:]]
    listed = [line for line in listed if line and not line.startswith(":")]
    assert sorted(listed) == sorted({path.stem for path in (REPOSITORY / "docs").glob("*.md")} - {"index"})


@pytest.mark.ci
def test_the_site_is_built_and_a_dead_link_is_an_error(tmp_path):
    made = Checkout.make(tmp_path)
    if (REPOSITORY / ".venv-docs").is_dir():
        (tmp_path / ".venv-docs").symlink_to(REPOSITORY / ".venv-docs")

    def build():
        command = ["make", "docs"]
        return subprocess.run(command, cwd=made.root, capture_output=True, text=True, timeout=600, check=False)

    result = build()
    if "No matching distribution" in result.stderr or "NewConnectionError" in result.stderr:
        pytest.skip("the packages of docs/requirements.txt cannot be reached")
    assert result.returncode == 0, result.stdout + result.stderr
    page = (tmp_path / "site/yardstick.html").read_text()
    assert "By hand" in page and (tmp_path / "site/index.html").is_file()
    shutil.rmtree(tmp_path / "site")
    with (tmp_path / "docs/cluster.md").open("a") as stream:
        stream.write("\n[nowhere](nowhere.md), [no heading](yardstick.md#no-such-heading)\n")
    result = build()
    assert result.returncode != 0 and "nowhere.md" in result.stderr and "no-such-heading" in result.stderr
