"""The figure of known truths: what it shows, its bytes, and what it says of missing rows."""

from pathlib import Path

import pandas as pd
import pytest
from checkout import run_programs
from matplotlib.axes import Axes

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.figures.validity import BY_LEVEL, OVERALL, TESTS, draw_validity
from scaling_ambiguity.reporting.style import styled

REPOSITORY = Path(__file__).resolve().parents[3]
STYLE = REPOSITORY / "paper" / "paper.mplstyle"
RESOURCES = REPOSITORY / "workflow" / "resources"


@pytest.fixture
def studies() -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.read_csv(RESOURCES / "recovery.csv"), pd.read_csv(RESOURCES / "type_one.csv")


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def ticks(axes: Axes, colour: str) -> list[float]:
    return [
        float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "|" and line.get_color() == colour
    ]


@pytest.mark.ci
def test_the_program_writes_the_same_bytes_twice_and_the_data(tmp_path):
    commands, written = [], []
    for once in "ab":
        outputs = [tmp_path / once / f"v.{ending}" for ending in ("pdf", "svg", "csv")]
        words = [str(REPOSITORY / "workflow" / "scripts" / "fig_validity.py"), f"--style={STYLE}"]
        words += [f"--recovery={RESOURCES / 'recovery.csv'}", f"--type-one={RESOURCES / 'type_one.csv'}"]
        flags = zip(("figure", "svg", "data"), outputs, strict=True)
        commands.append(words + [f"--{flag}={path}" for flag, path in flags])
        written.append(outputs)
    run_programs(commands, tmp_path)
    written = [[path.read_bytes() for path in paths] for paths in written]
    assert written[0] == written[1] and b"CreationDate" not in written[0][0]
    data = pd.read_csv(outputs[2])
    assert set(data["part"]) == {"recovery", "type I error", "power"}


def test_every_truth_and_every_coverage_is_written_beside_its_estimates(studies):
    recovery, rates = studies
    with styled(STYLE):
        figure, shown = draw_validity(recovery, rates)
        overall, levels, errors, power = figure.axes
        assert len(overall.get_yticks()) == len(OVERALL) and len(levels.get_yticks()) == 3 * len(BY_LEVEL)
        # three numbers of speakers a row, and the head of the columns
        assert len(words(overall)) == 3 * len(OVERALL) + 1 and len(words(levels)) == 9 * len(BY_LEVEL) + 1
        first = recovery.query("stratum == 'all' and proxy == 'fresh-1' and speakers == 12").iloc[0]
        assert words(overall)[0] == f"{100 * first['coverage']:.0f}"
        assert ticks(overall, "black")[:9] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
        grey = [tick for tick in ticks(overall, "#777777") if tick == tick]
        limits = recovery.query("stratum == 'all' and known_by == 'population' and proxy in ['weighted', 'calibrated']")
        assert sorted(grey) == sorted(limits["truth"])
        assert [label.get_text() for label in errors.get_xticklabels()] == list(TESTS.values())
        assert power.get_ylim()[1] > 100
    assert (shown["part"] == "power").sum() == (rates["kind"] == "power").sum()


def test_a_truth_that_is_missing_is_named(studies):
    recovery, rates = studies
    with styled(STYLE), pytest.raises(UserError, match=r"fig_validity: no row with .*noise"):
        draw_validity(recovery[recovery["proxy"] != "noise"], rates)
    with styled(STYLE), pytest.raises(UserError, match=r"fig_validity: no row with .*power"):
        draw_validity(recovery, rates[rates["kind"] != "power"])
