import math
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from scaling_ambiguity.reporting.figures.exchange_by_level import draw_exchange_by_level
from scaling_ambiguity.reporting.figures.exchange_rate import draw_exchange_rate
from scaling_ambiguity.reporting.numbers.exchange import add_exchange, add_exchange_by_level
from scaling_ambiguity.reporting.numbers.registry import ABSENT, Numbers
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.style import styled
from scaling_ambiguity.reporting.tables.exchange import exchange_table, variant_name, votes_cell
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame

REPOSITORY = Path(__file__).resolve().parents[3]
STYLE = REPOSITORY / "paper" / "paper.mplstyle"
COMMON = {"reference": "human", "population": "these raters", "n": 260, "n_clusters": 12, "stratum": "all"}


def value(estimate, low, high, **about):
    return pd.Series({"estimate": estimate, "low": low, "high": high, "one_sided": "no", "method": "x"} | about)


def rows_of(frame: pd.DataFrame) -> list[dict]:
    return frame[frame.columns.drop("file", errors="ignore")].to_dict("records")


@pytest.fixture
def full(run, tmp_path):
    """Write a table with every kind of row that the estimate has, as a file."""
    table = STATISTICS.read(run["exchange"])
    about = COMMON | {"corpus": "demo", "model": "tiny_crossed", "method": "test_inversion"}
    nan, inf = math.nan, math.inf
    wanted = {"one_sided": "no"}
    rows = []
    for labels, metric, votes, estimate, low, high, more in (
        ("calibrated", "equivalent_votes", 20, 1.4, 1.0, 1.9, {}),
        ("calibrated", "nll", 20, 1.0, 0.9, 1.1, {}),
        ("calibrated", "nll_minus_prior", 20, -0.2, -0.3, -0.1, {}),
        ("calibrated", "row_sum", 20, 0.12, nan, nan, {}),
        ("weighted", "equivalent_votes", inf, nan, nan, nan, {"method": "not_available"}),
        ("calibrated", "gain_k1", 20, 1.1, 0.7, 1.5, {}),
        ("echo", "gain_k1", 20, 0.02, 0.0, 0.05, {}),
        ("calibrated", "nll_k1_minus_echo", 20, -0.1, -0.12, -0.08, {"p": 0.0002}),
        ("calibrated", "gain_k4", 20, 1.0, 1.0, nan, {"one_sided": "low"}),
        ("latent-1", "equivalent_votes", 1, 5.0, 4.0, nan, {"one_sided": "low", "reference": "truth"}),
    ):
        row = {"labels": labels, "metric": metric, "votes": votes, "estimate": estimate, "low": low, "high": high}
        rows.append(about | wanted | row | more)
    for i, label in enumerate(("happy", "sad")):
        share = about | wanted | {"stratum": f"class={label}", "votes": 96, "low": 0.2, "high": 0.4}
        for metric in ("class_share_human", "class_share_ppi", "class_share_synthetic", "class_share_all"):
            labels = "human" if metric.endswith(("human", "all")) else "synthetic"
            rows.append(share | {"labels": labels, "metric": metric, "estimate": 0.3})
        for metric, estimate in (("ppi_lambda", 0.5), ("ppi_ratio", 1.1 + i)):
            rows.append(share | {"labels": "synthetic", "metric": metric, "estimate": estimate})
    path = tmp_path / "exchange-demo-tiny_crossed.parquet"
    STATISTICS.write(statistics_frame(rows_of(table) + rows), path)
    return path


def test_cells_say_where_the_data_end_and_never_extrapolate():
    assert votes_cell(value(1.2, 1.0, 1.5), 5) == r"1.20 {\scriptsize [1.00, 1.50]}"
    beyond = value(5.0, 4.5, math.nan, one_sided="low")
    assert votes_cell(beyond, 5) == r"$>$5 {\scriptsize [4.50, $\infty$]}"
    gain = value(1.0, 0.8, math.nan, one_sided="low")
    assert votes_cell(gain, 5, offset=4) == r"$>$1 {\scriptsize [0.80, $\infty$]}"
    worse = votes_cell(value(0.0, 0.0, 0.4, one_sided="high"), 5, excess=0.0712)
    assert worse == r"0.00 {\scriptsize [0.00, 0.40]}, worse than the prior by 0.071 nats"
    assert votes_cell(value(math.nan, math.nan, math.nan, method="not_available"), 5) == "not available"
    assert votes_cell(value(math.nan, math.nan, math.nan, method="not_identifiable"), 5) == "not identifiable"
    assert variant_name("latent-1") == "1 draw from the truth" and variant_name("fresh-2") == "2 fresh raters"


def test_the_table_has_all_four_parts(full, run):
    text, data = exchange_table(read_statistics([full, run["exchange_by_level"]]))
    for part in ("synthetic votes alone", "gain over $k$", "by ambiguity", "share of a class", "not available"):
        assert part in text
    lines = [line for line in text.splitlines() if line.startswith("calibrated & 20")]
    assert "0.12" in lines[0] and "$<$0.001" in lines[1] and "$>$1" in lines[1]
    assert {"ppi_ratio", "gain_k1", "equivalent_votes"} <= set(data["metric"])


def test_too_few_votes_for_levels_are_printed_so(run, tmp_path):
    about = COMMON | {"corpus": "demo", "protocol": "fair", "model": "tiny_crossed", "method": "not_identifiable"}
    rows = [about | {"stratum": level, "metric": "equivalent_votes"} for level in ("low", "medium", "high")]
    path = tmp_path / "exchange_by_level-demo-tiny_crossed-fair.parquet"
    STATISTICS.write(statistics_frame(rows), path)
    text, _ = exchange_table(read_statistics([run["exchange"], path]))
    assert "not identifiable" in text
    with styled(STYLE):
        figure, _ = draw_exchange_by_level(read_statistics([path]))
        assert "not identifiable" in figure.axes[0].texts[0].get_text()


def test_figures_draw_every_variant_and_leave_out_what_is_not_available(full, run):
    with styled(STYLE):
        figure, shown = draw_exchange_rate(read_statistics([full]))
        assert len(figure.axes) == 3 and "calibrated" in set(shown["labels"])
        assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["1", "3", "5", "10", "20"]
        plain = STATISTICS.read(run["exchange"])
        votes_only = plain[plain["reference"] == "human"].assign(file="a")
        assert len(draw_exchange_rate(votes_only)[0].axes) == 2


@pytest.mark.parametrize(
    ("ends", "one_sided", "text"),
    [
        ((0.2, 2.0), "no", "0.95 [0.20, 2.00]"),
        ((0.2, math.nan), "low", "0.95 [0.20, $\\infty$]"),
        ((math.nan, math.nan), "no", None),  # no interval says nothing of raters like these
        (None, "no", None),  # as wide as that of these raters
    ],
)
def test_a_gain_that_resampled_raters_widen_has_its_own_interval(full, ends, one_sided, text):
    table = STATISTICS.read(full)
    table = table[table["metric"] != "typical_votes"]  # the gain over one vote is quoted then
    gain = (table["labels"] == "weighted") & (table["metric"] == "gain_k1") & (table["votes"] == 20)
    these = table[gain].iloc[:1].assign(estimate=0.95, low=0.5, high=1.5, one_sided="no")
    low, high = ends or (0.5, 1.5)
    like = these.assign(low=low, high=high, one_sided=one_sided, population="raters like these")
    STATISTICS.write(pd.concat([table[~gain], these, like], ignore_index=True), full)
    numbers = Numbers()
    add_exchange(numbers, read_statistics([full]), 0.95)
    assert numbers.switches["gaincrossed"] == (text is not None)
    assert ("exchange.gain.crossed" in set(numbers.keys())) == (text is not None)
    if text is not None:
        assert numbers["exchange.gain.crossed"].text == text


def test_numbers_of_the_variants_and_of_class_shares(full, run):
    numbers = Numbers()
    add_exchange(numbers, read_statistics([full]), 0.95)
    add_exchange_by_level(numbers, read_statistics([run["exchange_by_level"]]), 0.95)
    assert numbers["exchange.m"].text == "20" and numbers["exchange.calibrated.words"].text.startswith("1.40 human")
    assert numbers["exchange.gain.echo"].text == "0.02 [0.00, 0.05]"
    assert numbers["shares.ratio.most.class"].text == "sad" and numbers["shares.gains"].text.startswith("2 of 2")
    assert numbers.switches["classshares"] and numbers["exchange.readout.words"].text == "not available"
    old = Numbers()
    add_exchange(old, read_statistics([run["exchange"]]), 0.95)
    assert old["exchange.calibrated.words"].text == ABSENT and not old.switches["classshares"]


def test_the_script_writes_latex_and_csv(full, run, tmp_path, program):
    command = [*program("tab_exchange"), "--statistics", str(full), str(run["exchange_by_level"])]
    subprocess.run([*command, "--table", str(tmp_path / "t.tex"), "--data", str(tmp_path / "t.csv")], check=True)
    assert (tmp_path / "t.tex").read_text().startswith("\\begin{adjustbox}")
    assert len(pd.read_csv(tmp_path / "t.csv")) > 20
