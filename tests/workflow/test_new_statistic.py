"""A new statistic, with a number in the text, a figure and a table, touches six files; the workflow makes all of it."""

import json
import subprocess
import sys

import pytest
from checkout import REPOSITORY, TINY, Checkout, source_files

MOST_FILES = 6
LIBRARY = "workflow/scripts/scaling_ambiguity/reporting"
PROGRAM = '''"""Trace the share of utterances on which all people agree."""

import argparse

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.study import Study, study_parser
from scaling_ambiguity.tables.statistics import THESE


def main(arguments: argparse.Namespace) -> None:
    """Write the share with its interval."""
    study = Study(arguments)
    agreed = (study.counts.max(axis=1) == study.counts.sum(axis=1)).astype(float)
    row = {"labels": "human", "metric": "unanimous", "method": study.settings["method"]}
    row |= mean_interval(agreed, study.speakers, **study.settings).row(0)
    study.write([row], stratum="all", reference="human", population=THESE)


if __name__ == "__main__":
    cli.run(main, study_parser(__doc__))
'''
FIGURE = '''"""The share of utterances on which all people agree, by corpus."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.selection import need
from scaling_ambiguity.reporting.style import COLUMN_WIDTH, draw_estimates


def draw_unanimity(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure and the rows that it shows."""
    rows = need(statistics, "fig_unanimity", metric="unanimous")
    figure, axes = plt.subplots(figsize=(COLUMN_WIDTH, 1.5))
    draw_estimates(axes, np.arange(len(rows)), rows)
    axes.set_xticks(np.arange(len(rows)), rows["corpus"])
    return figure, rows
'''
TABLE = '''"""The share of utterances on which all people agree, by corpus."""

import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex
from scaling_ambiguity.reporting.selection import need
from scaling_ambiguity.reporting.tables.booktabs import cell, tabular


def unanimity_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it."""
    rows = need(statistics, "tab_unanimity", metric="unanimous")
    ends = rows[["estimate", "low", "high"]].itertuples(index=False)
    body = [[escape_latex(name), cell(*values)] for name, values in zip(rows["corpus"], ends, strict=True)]
    return tabular("ll", ["corpus", "share"], body), rows
'''
NUMBER = '''"""Numbers about unanimous utterances."""

import pandas as pd

from scaling_ambiguity.reporting.numbers.registry import Numbers


def add_unanimity(numbers: Numbers, table: pd.DataFrame) -> None:
    """Define ``unanimity.share``."""
    numbers.estimate("unanimity.share", table, metric="unanimous")
'''
ENTRIES = {
    "ESTIMATES = {\n": """    "unanimity": Estimates(
        "votes",
        (CORPUS,),
        ("reporting.numbers.unanimity:add_unanimity",),
        Work("trace_unanimity", "Trace the share of utterances on which all people agree."),
    ),
""",
    "FIGURES = {\n": """    "fig_unanimity": Display(
        "votes",
        "Utterances on which all people agree. Bars are intervals over speakers.",
        ("unanimity",),
        "reporting.figures.unanimity:draw_unanimity",
    ),
""",
    "TABLES = {\n": """    "tab_unanimity": Display(
        "votes",
        "Utterances on which all people agree. With intervals over speakers.",
        ("unanimity",),
        "reporting.tables.unanimity:unanimity_table",
    ),
""",
}
SENTENCES = r"""
People agree entirely on \result{unanimity.share} of the utterances (Fig.~\ref{fig:unanimity}).
\begin{figure}\includegraphics{fig_unanimity}\caption{\reportcaption{fig_unanimity}}\label{fig:unanimity}\end{figure}
\begin{table}\caption{\reporttitle{tab_unanimity}}\builttable{tab_unanimity}\tablenote{tab_unanimity}\end{table}
"""
NUMBERS = """
import json
from scaling_ambiguity.reporting.chapters import ESTIMATES
from scaling_ambiguity.reporting.numbers.collect import add_estimates
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import read_statistics
numbers = Numbers()
table = read_statistics(["results/statistics/unanimity-demo.parquet"])
add_estimates(numbers, table, ESTIMATES["unanimity"].numbers, {})
print(json.dumps(numbers.provenance()))
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """Add the statistic to a copy of the sources."""
    made = Checkout.make(tmp_path_factory.mktemp("new statistic"))
    for name, text in (
        ("workflow/scripts/trace_unanimity.py", PROGRAM),
        (f"{LIBRARY}/figures/unanimity.py", FIGURE),
        (f"{LIBRARY}/tables/unanimity.py", TABLE),
        (f"{LIBRARY}/numbers/unanimity.py", NUMBER),
    ):
        (made.root / name).write_text(text)
    chapters, section = made.root / LIBRARY / "chapters.py", made.root / "paper/supplement/data.tex"
    text = chapters.read_text()
    for start, entry in ENTRIES.items():
        assert text.count(f"\n{start}") == 1
        text = text.replace(f"\n{start}", f"\n{start}{entry}")
    chapters.write_text(text)
    section.write_text(section.read_text() + SENTENCES)
    return made


def test_it_touches_six_files(extended):
    folders = ("workflow", "paper", "docs", "tests", "Snakefile", "config.yaml")
    present = {
        path.relative_to(extended.root).as_posix()
        for folder in folders
        for path in [extended.root / folder, *(extended.root / folder).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    before = {name for name in source_files() if name.startswith(folders)}
    touched = {
        name for name in present & before if (extended.root / name).read_bytes() != (REPOSITORY / name).read_bytes()
    }
    assert before <= present and len(touched | (present - before)) == MOST_FILES


@pytest.mark.ci
def test_the_copy_holds_what_is_demanded_of_every_statistic(extended):
    for tests in ("reporting/test_chapters.py", "ground/test_architecture.py", "ground/test_function_size.py"):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/unit/{tests}"]
        done = subprocess.run(command, cwd=extended.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.ci
def test_rule_figure_table_and_number_are_made(extended):
    planned = extended.planned("paper/main.pdf", *TINY)
    assert {"trace_unanimity", "fig_unanimity", "tab_unanimity", "write_numbers", "build_paper"} <= planned
    jobs = {job["rule"]: job["input"] for job in extended.jobs("paper/main.pdf", *TINY)}
    assert "results/statistics/unanimity-demo.parquet" in jobs["write_numbers"]
    assert {"paper/figures/fig_unanimity.pdf", "paper/tables/tab_unanimity.tex"} <= jobs["build_paper"]
    extended.snakemake("-c2", "paper/figures/fig_unanimity.pdf", "paper/tables/tab_unanimity.tex", *TINY)
    folder = extended.root / "runs" / "tiny"
    assert (folder / "paper/figures/fig_unanimity.svg").stat().st_size > 1000
    assert "demo & 0." in (folder / "paper/tables/tab_unanimity.tex").read_text()
    done = subprocess.run(
        [sys.executable, "-c", NUMBERS],
        cwd=folder,
        env={"PYTHONPATH": str(extended.root / "workflow/scripts"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    number = json.loads(done.stdout)["unanimity.share"]
    assert 0 < number["value"] < 1 and number["text"].startswith("0.")
