"""The table of strata, the cost surface and the simplex of several augmentations: what stands where."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.figures.conflict import draw_conflict, reference_model
from scaling_ambiguity.reporting.figures.cost_surface import as_grid, draw_cost_surface, label_surfaces, model_surfaces
from scaling_ambiguity.reporting.figures.levels import draw_models_by_level
from scaling_ambiguity.reporting.figures.simplex import draw_simplex
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.style import styled
from scaling_ambiguity.reporting.tables.results import results_table
from scaling_ambiguity.reporting.tables.strata import strata_table
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS

STYLE = Path(__file__).resolve().parents[3] / "paper" / "paper.mplstyle"
CLASSES = ["neutral", "happy", "sad", "angry"]


@pytest.fixture(scope="module")
def evaluation(run):
    return read_statistics([run["evaluation"]])


@pytest.fixture(scope="module")
def curves(evaluation):
    """Return the evaluation with models on so many votes; NLL 1 - h / 10 - m / 100, "all" being nine human votes."""
    template = evaluation[(evaluation["labels"] == "human") & (evaluation["model"] == "tiny")]
    template = template[(template["metric"] == "nll") & (template["augmentation"] == "none")]
    template = template[(template["stratum"] == "all") & (template["reference"] == "human")]
    parts = [evaluation]
    for h, human in (("1", 1), ("3", 3), ("all", 9)):
        for m in (0, 5):
            labels = f"curve-tiny_crossed-h{h}m{m}"
            parts.append(template.assign(labels=labels, estimate=1 - human / 10 - m / 100))
    return pd.concat(parts, ignore_index=True)


def lines_of(table):
    rows = [line.removesuffix(r" \\").split(" & ") for line in table.splitlines() if " & " in line]
    return {name: values for name, *values in rows}


def test_strata_stand_in_order_with_their_sizes(evaluation):
    table, shown = strata_table(evaluation)
    lines = lines_of(table)
    names = [r"all utterances", "balanced split: weighted", "balanced split: subsample", "class: sad", "conflict: yes"]
    assert list(lines)[1:] == names
    assert [lines[name][0] for name in names] == ["480", "177", "65", "145", "128"]
    # prior, smoothed human votes, models on human, synthetic and combined labels
    assert lines["class: sad"][1:6] == ["1.300", "1.100", "1.100", "1.120", "1.140"]
    assert lines["class: sad"][6].startswith("0.040 ")
    assert [cell.partition(" ")[0] for cell in lines["class: sad"][7:]] == ["0.600", "0.580"]
    assert set(shown["metric"]) == {"nll", "nll_minus_human", "uar", "macro_f1"} and "low" not in set(shown["stratum"])


def test_a_table_without_further_strata_has_one_line(evaluation):
    table, _ = strata_table(evaluation[~evaluation["stratum"].str.contains("balanced|=")])
    assert list(lines_of(table))[1:] == ["all utterances"]


def test_a_run_that_pools_in_another_way_has_that_column(evaluation):
    renamed = evaluation.assign(labels=evaluation["labels"].str.replace("-equal", "-weighted"))
    table, _ = strata_table(renamed)
    assert r"weighted $-$ human" in table and "equal" not in table
    assert lines_of(table)["class: sad"][5] == "1.140" and lines_of(table)["class: sad"][6].startswith("0.040 ")


def test_each_annotator_has_its_block(evaluation):
    other = evaluation[evaluation["labels"].str.contains("tiny_crossed")]
    other = other.assign(labels=other["labels"].str.replace("tiny_crossed", "second"), estimate=other["estimate"] + 5)
    table, _ = strata_table(pd.concat([evaluation, other], ignore_index=True))
    second, first = (part.split(" & ") for part in table.split("all utterances & ")[1:])
    assert float(second[4]) == pytest.approx(float(first[4]) + 5)
    assert first[3] == second[3]  # the model trained on human labels stands in both


def test_no_trained_arm_is_named(evaluation):
    with pytest.raises(UserError, match="tab_strata"):
        strata_table(evaluation[evaluation["model"] == "none"])


def test_the_grid_of_the_labels(run):
    (first, plain), (second, weighted) = label_surfaces(read_statistics([run["costs"]]))
    assert (first, second) == ("votes as they are", "votes, fitted weight")
    grid = as_grid(weighted)
    assert grid.index.tolist() == ["1", "2", "3", "5", "all"] and grid.columns.tolist() == [0, 1, 5, 10, 20]
    assert grid.loc["all", 0] == pytest.approx(0.85) and grid.loc["1", 20] == pytest.approx(1.03)
    assert as_grid(plain)[0].tolist() == grid[0].tolist()  # without synthetic votes the poolings are one


def test_the_grid_of_the_models_and_nowhere_else(run, curves, evaluation):
    assert model_surfaces(evaluation) == []
    ((title, rows),) = model_surfaces(curves)
    assert title == "model tiny"
    np.testing.assert_allclose(as_grid(rows), [[0.9, 0.85], [0.7, 0.65], [0.1, 0.05]])
    together = pd.concat([read_statistics([run["costs"]]), curves], ignore_index=True)
    with styled(STYLE):
        figure, shown = draw_cost_surface(together)
        assert len([panel for panel in figure.axes if panel.has_data()]) == 3
        assert set(shown["surface"]) == {"votes as they are", "votes, fitted weight", "model tiny"}
        draw, same = draw_models_by_level(curves), draw_models_by_level(evaluation)
    pd.testing.assert_frame_equal(draw[1].reset_index(drop=True), same[1].reset_index(drop=True))
    assert results_table(curves)[0] == results_table(evaluation)[0]


def test_every_augmentation_has_its_panel_and_its_counts(run):
    labels, items = LABELS.read(run["labels"]), ITEMS.read(run["augmented"] / "items.parquet")
    training = labels["utterance"].tolist()[1::2]
    with styled(STYLE):
        figure, shown = draw_simplex(labels, {"dime": items, "mixup": items.iloc[:7]}, training, CLASSES)
        texts = [[text.get_text() for text in panel.texts] for panel in figure.axes]
    assert [panel[0] for panel in texts[:3]] == ["before", "dime", "mixup"]
    total = [sum(int(text.split("(")[1][:-1]) for text in panel[1:]) for panel in texts[:3]]
    assert total == [240, 240 + len(items), 247]
    assert not figure.axes[3].axison and not texts[3]
    assert shown.groupby("augmentation").size().to_dict() == {"none": 240, "dime": len(items), "mixup": 7}
    assert np.allclose(shown[class_columns(CLASSES)].sum(axis=1), 1)


@pytest.fixture(scope="module")
def in_thirds(evaluation):
    """Return the evaluation with a conflict: the model `other` .1, .2, .3 nats worse than `tiny` from low to high."""
    kept = evaluation[~evaluation["stratum"].str.startswith("conflict")]
    human = kept[(kept["labels"] == "human") & (kept["augmentation"] == "none") & (kept["model"] == "tiny")]
    (template,) = human[(human["stratum"] == "class=sad") & (human["metric"] == "nll")].to_dict("records")
    rows = []
    for place, level in enumerate(("low", "medium", "high")):
        here = template | {"stratum": f"conflict={level}", "n": 100 + place}
        rows += [here, here | {"model": "other"}]
        rows.append(here | {"model": "other", "metric": "nll_minus_model", "estimate": 0.1 * (place + 1)})
    return pd.concat([kept, pd.DataFrame(rows)], ignore_index=True)


def test_thirds_of_the_conflict_rise_in_the_table_and_in_the_figure(in_thirds):
    table, _ = strata_table(in_thirds)
    assert [name for name in lines_of(table) if name.startswith("conflict")] == [
        "conflict: low", "conflict: medium", "conflict: high",
    ]  # fmt: skip
    assert reference_model(in_thirds) == "tiny"
    with styled(STYLE):
        figure, rows = draw_conflict(in_thirds)
        figure.draw_without_rendering()
        (panel,) = figure.axes
        assert [text.get_text() for text in panel.get_xticklabels()] == [
            "low\n$n=100$", "medium\n$n=101$", "high\n$n=102$",
        ]  # fmt: skip
        assert "tiny" in panel.get_ylabel()
        drawn = next(line for line in panel.lines if len(line.get_ydata()) == 3)
        np.testing.assert_allclose(drawn.get_ydata(), [0.1, 0.2, 0.3])
    assert len(rows) == 3 and set(rows["model"]) == {"other"}


def test_a_figure_of_a_conflict_that_was_not_measured_is_refused(evaluation):
    with pytest.raises(UserError, match="fig_conflict"):
        draw_conflict(evaluation[evaluation["metric"] != "nll_minus_model"])
