from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checkout import run_programs

from scaling_ambiguity.reporting.figures.shared_votes import PANELS, draw_shared_votes
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.style import styled
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame

REPOSITORY = Path(__file__).resolve().parents[3]
STYLE = REPOSITORY / "paper" / "paper.mplstyle"
LEVELS = ("low", "medium", "high")
WORTH = {"withheld-2": 2.0, "echo": 2.0, "shuffled": 0.0}


def write(path: Path, corpus: str = "demo", levels: tuple[str, ...] = LEVELS) -> Path:
    """Write a table as of trace_shared_votes, in which each proxy has its worth but one, open at high ambiguity."""
    base = {"corpus": corpus, "population": "these raters", "reference": "human", "n": 100, "n_clusters": 12}
    rows = []
    for method in PANELS:
        for stratum in levels:
            about = base | {"method": method, "stratum": stratum}
            rows += [about | {"labels": "human", "metric": "nll", "votes": k, "estimate": 1 - k / 9} for k in range(4)]
            for labels, worth in WORTH.items():
                row = about | {"labels": labels, "metric": "equivalent_votes", "votes": worth, "estimate": worth}
                row |= {"low": max(worth - 0.2, 0), "high": worth + 0.2}
                if (method, stratum, labels) == ("shared-all", "high", "shuffled"):
                    row |= {"estimate": 3.0, "low": 3.0, "high": np.nan, "one_sided": "low"}
                rows.append(row)
    STATISTICS.write(statistics_frame(rows), path)
    return path


def write_refused(path: Path) -> Path:
    about = {"corpus": "few", "metric": "equivalent_votes", "method": "not_identifiable", "reference": "human"}
    STATISTICS.write(statistics_frame([about | {"stratum": stratum} for stratum in LEVELS]), path)
    return path


def ticks(axes) -> list[float]:
    """Return the heights of the horizontal black marks of known worth."""
    return sorted(float(line.get_ydata()[0]) for line in axes.lines if line.get_color() == "black")


def test_every_panel_has_the_known_worths_and_the_estimates(tmp_path):
    with styled(STYLE):
        figure, shown = draw_shared_votes(read_statistics([write(tmp_path / "shared-demo.parquet")]))
        assert len(figure.axes) == 3
        for axes in figure.axes:
            assert ticks(axes) == [0.0] * 3 + [2.0] * 6
        titles = [axes.get_title() for axes in figure.axes]
        assert titles == list(PANELS.values())
        points = [line for line in figure.axes[0].lines if line.get_marker() == "P"]
        assert [float(line.get_ydata()[0]) for line in points] == [0.0, 0.0, 3.0]
        assert any(line.get_marker() == "^" for line in figure.axes[0].lines)
        assert not any(line.get_marker() == "^" for line in figure.axes[2].lines)
        assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "known worth"
    assert set(shown["metric"]) == {"nll", "equivalent_votes"} and len(shown) == 3 * 3 * (4 + 3)


def test_corpora_stand_below_each_other_and_a_refused_one_says_so(tmp_path):
    files = [write(tmp_path / "shared-demo.parquet"), write_refused(tmp_path / "shared-few.parquet")]
    with styled(STYLE):
        figure, _ = draw_shared_votes(read_statistics(files))
        assert len(figure.axes) == 6
        assert "few: too few utterances" in figure.axes[4].texts[0].get_text()
        figure, _ = draw_shared_votes(read_statistics(files[1:]))
        assert not figure.legends


def test_a_level_that_does_not_occur_stays_empty(tmp_path):
    path = write(tmp_path / "shared-demo.parquet", levels=("low", "high"))
    with styled(STYLE):
        figure, _ = draw_shared_votes(read_statistics([path]))
        assert ticks(figure.axes[0]) == [0.0] * 2 + [2.0] * 4


@pytest.mark.ci
def test_the_program_writes_the_same_bytes_twice(tmp_path, program):
    commands, outputs = [], {}
    for kind, table in ((write, "shared-demo.parquet"), (write_refused, "shared-few.parquet")):
        path = kind(tmp_path / table)
        for once in "ab":
            made = outputs[kind, once] = [tmp_path / once / f"{path.stem}.{end}" for end in ("pdf", "svg", "csv")]
            words = [*program("fig_shared_votes")[1:], f"--statistics={path}", f"--style={STYLE}"]
            flags = zip(("figure", "svg", "data"), made, strict=True)
            commands.append(words + [f"--{flag}={file}" for flag, file in flags])
    run_programs(commands, tmp_path)
    for kind in (write, write_refused):
        assert [path.read_bytes() for path in outputs[kind, "a"]] == [path.read_bytes() for path in outputs[kind, "b"]]
        assert len(pd.read_csv(outputs[kind, "a"][2])) > 0
