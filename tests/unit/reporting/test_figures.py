from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from checkout import run_programs

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.figures.bias import LOOKS, draw_bias
from scaling_ambiguity.reporting.figures.confusion import draw_confusion
from scaling_ambiguity.reporting.figures.levels import draw_alignment_by_level, draw_models_by_level
from scaling_ambiguity.reporting.figures.simplex import corners, majority_counts, project
from scaling_ambiguity.reporting.selection import one, read_statistics
from scaling_ambiguity.reporting.style import COLUMN_WIDTH, PAGE_HEIGHT, TEXT_WIDTH, error_bars, styled

REPOSITORY = Path(__file__).resolve().parents[3]
STYLE = REPOSITORY / "paper" / "paper.mplstyle"
CLASSES = "neutral,happy,sad,angry"
INPUTS = {
    "fig_saturation": ["--statistics", "saturation"],
    "fig_worth": ["--statistics", "predictors"],
    "fig_exchange_rate": ["--statistics", "exchange"],
    "fig_exchange_by_level": ["--statistics", "exchange_by_level"],
    "fig_cost_surface": ["--statistics", "costs"],
    "fig_alignment_by_level": ["--statistics", "alignment"],
    "fig_confusion": ["--statistics", "agreement"],
    "fig_bias": ["--statistics", "bias"],
    "fig_shared_votes": ["--statistics", "shared"],
    "fig_models_by_level": ["--statistics", "evaluation"],
    "fig_conflict": ["--statistics", "evaluation"],
    "fig_simplex": ["--labels-table", "labels", "--splits", "splits", "--augmented", "augmented", "--classes", CLASSES],
}


@pytest.fixture(scope="module")
def drawn(run, tmp_path_factory, program):
    """Return the files of every figure, drawn by two processes each: name -> two lists of paths."""
    folder = tmp_path_factory.mktemp("drawn")
    outputs, commands = {}, []
    for name, inputs in INPUTS.items():
        outputs[name] = [[folder / once / f"{name}.{ending}" for ending in ("pdf", "svg", "csv")] for once in "ab"]
        for paths in outputs[name]:
            words = [*program(name)[1:], *(str(run[word]) if word in run else word for word in inputs)]
            words += [f"--style={STYLE}"]
            flags = ("figure", "svg", "data")
            commands.append(words + [f"--{flag}={path}" for flag, path in zip(flags, paths, strict=True)])
    run_programs(commands, folder)
    return outputs


@pytest.mark.parametrize("name", sorted(INPUTS))
@pytest.mark.ci
def test_figures_have_the_same_bytes_twice_and_the_data_behind_them(name, drawn):
    first, second = drawn[name]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert b"CreationDate" not in first[0].read_bytes()
    assert len(pd.read_csv(first[2])) > 0


def test_many_models_and_labels_of_one_kind_share_a_panel(run, tmp_path):
    from scaling_ambiguity.tables.statistics import STATISTICS

    rows = STATISTICS.read(run["evaluation"])
    some = rows[rows["model"] != "none"]
    path = tmp_path / "evaluation-demo-fair.parquet"

    def drawn(frame):
        STATISTICS.write(frame, path)
        with styled(STYLE):
            figure, shown = draw_models_by_level(read_statistics([path]))
            plt.close(figure)
        return figure, shown

    copies = [some.assign(model=f"model_{i}") for i in range(4)]
    figure, shown = drawn(pd.concat([rows, *copies]))
    assert len(figure.axes) == 1 and figure.get_figheight() < PAGE_HEIGHT / 2
    assert set(shown["model"]) == {"none", "tiny", *(f"model_{i}" for i in range(4))}, "those with human labels"
    assert set(shown.loc[shown["model"] != "none", "labels"]) == {"human"}
    named = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {f"model {i}" for i in range(4)} <= named
    assert len(drawn(pd.concat([rows, *copies[:3]]))[0].axes) == 8
    alone = rows[(rows["model"] == "none") | (rows["labels"] == "human")]
    assert len(drawn(alone[alone["metric"] != "nll_minus_human"])[0].axes) == 1


def test_several_tables_stand_two_abreast_in_one_column_of_text(run, tmp_path):
    from scaling_ambiguity.tables.statistics import STATISTICS

    for kind, function in (("alignment", draw_alignment_by_level), ("evaluation", draw_models_by_level)):
        files = [run[kind]]
        for protocol in ("faithful", "more", "most", "last"):
            files.append(tmp_path / f"{kind}-demo-{protocol}.parquet")
            STATISTICS.write(STATISTICS.read(run[kind]).assign(protocol=protocol), files[-1])
        for tables, bands in ((2, 1), (5, 3)):
            with styled(STYLE):
                figure, _ = function(read_statistics(files[:tables]))
                assert len(figure.axes) == 2 * tables
                assert figure.get_figwidth() == COLUMN_WIDTH and figure.get_figheight() <= PAGE_HEIGHT
                figure.draw_without_rendering()
                assert len({round(axes.get_position().y0, 3) for axes in figure.axes}) == 2 * bands


def test_the_bias_of_several_annotators_stands_side_by_side_and_fits_a_page(run, tmp_path):
    table = read_statistics([run["bias"]])
    unheard = table[~table["metric"].isin(["match_audio", "match_text"])]
    for annotators, width, bands in ((1, COLUMN_WIDTH, 1), (3, TEXT_WIDTH, 1), (4, TEXT_WIDTH, 2)):
        others = [
            unheard.assign(file=f"bias-demo-{place}-fair", model=f"alm {place}") for place in range(annotators - 1)
        ]
        with styled(STYLE):
            figure, rows = draw_bias(pd.concat([*others, table], ignore_index=True), {"one": "the ALM's votes"})
            figure.draw_without_rendering()
            assert len(figure.axes) == annotators == rows["file"].nunique()
            assert figure.get_figwidth() == width and figure.get_figheight() <= PAGE_HEIGHT
            assert len({round(axes.get_position().y0, 3) for axes in figure.axes}) == bands
            names = [text.get_text() for text in figure.legends[0].get_texts()]
            assert names == [text.format(votes="ALM's votes") for text, _, _ in LOOKS.values()]


def test_a_level_without_utterances_is_drawn_empty(run):
    table = read_statistics([run["alignment"]])
    with styled(STYLE):
        figure, _ = draw_alignment_by_level(table[table["stratum"] != "high"])
        assert figure.axes[1].get_xticklabels()[2].get_text() == "high\n$n=0$"


def test_error_bars_reach_from_low_to_high_and_survive_missing_bounds():
    rows = pd.DataFrame({"estimate": [1.0, 1.0], "low": [0.5, np.nan], "high": [2.0, np.inf]})
    assert error_bars(rows).tolist() == [[0.5, 0.0], [1.0, 0.0]]


def test_the_simplex_of_three_classes_is_a_triangle():
    assert np.allclose(np.linalg.norm(corners(3), axis=1), 1)
    assert np.allclose(project(np.eye(3)), corners(3))
    assert np.allclose(project(np.full((1, 3), 1 / 3)), 0)
    assert majority_counts(np.array([[0.6, 0.4], [0.5, 0.5], [0.1, 0.9]])).tolist() == [2, 1]


def test_a_missing_row_and_a_doubled_row_are_named(run):
    table = read_statistics([run["alignment"]])
    with pytest.raises(UserError, match="no row with"):
        one(table, "test", metric="unheard_of")
    with pytest.raises(UserError, match="differ in"):
        one(table, "test", metric="nll", stratum="all")


def test_a_missing_style_sheet_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.mplstyle"), styled(tmp_path / "nothing.mplstyle"):
        pass


MANY = {"people": 0.5, "synthetic-alm": 0.4, "rater r1": 0.3}


@pytest.mark.parametrize("number", [2, 8, 9, 10, 12, 20])
def test_every_class_of_the_confusion_is_named_and_read(number):
    names = [f"class_{place:02d}" for place in range(number)]
    rows = [
        {"file": "agreement-mine-alm", "labels": labels, "stratum": f"class={kind}", "metric": f"called_{name}",
         "estimate": right if kind == name else (1 - right) / (number - 1), "method": "dawid_skene"}
        for labels, right in MANY.items()
        for kind in names
        for name in names
    ]  # fmt: skip
    with styled(STYLE):
        figure, shown = draw_confusion(pd.DataFrame(rows), {"alm": "the ALM's votes"})
        figure.draw_without_rendering()
        for panel in figure.axes:
            assert [label.get_text() for label in panel.get_xticklabels()] == names
            assert len(panel.texts) >= number**2
            heights = [text.get_window_extent().height for text in panel.texts[: number**2]]
            cell = panel.transData.transform([[0, 0], [0, 1]])[:, 1]
            assert max(heights) <= abs(np.diff(cell)[0]) + 1e-6
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == names
        assert figure.get_figwidth() == COLUMN_WIDTH and figure.get_figheight() <= PAGE_HEIGHT
    assert len(shown) == 3 * number**2
