"""The leaderboard, its figure and its table, from rows as value_predictors writes them."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from scaling_ambiguity.evaluation.leaderboard import largest_k, leaderboard
from scaling_ambiguity.reporting.figures.worth import MOST, draw_worth
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.numbers.worth import add_worth
from scaling_ambiguity.reporting.tables.worth import worth_table
from scaling_ambiguity.tables.statistics import statistics_frame

PREDICTORS = [
    ("alm", "weighted", 20, 2.5, "no"),
    ("alm", "as_is", np.inf, 5.0, "low"),
    ("mine", "given", np.inf, 0.0, "no"),
    ("mlp_1", "human", np.inf, 3.2, "no"),
    ("mlp_1", "control-alm-prior", np.inf, 0.3, "no"),
]


def statistics(predictors=PREDICTORS, corpus="demo", rulers=True):
    about = {"corpus": corpus, "protocol": "fair", "stratum": "all", "population": "these raters", "n": 90,
             "n_clusters": 9, "reference": "human"}  # fmt: skip
    rows = [{"labels": "human", "metric": "nll", "votes": k, "estimate": 1.5 - 0.1 * k, "low": 1.0, "high": 1.6,
             "method": "bootstrap_t"} for k in range(6)]  # fmt: skip
    rows.append({"labels": "human", "metric": "typical_votes", "estimate": 3, "method": "median"})
    order = sorted(range(len(predictors)), key=lambda i: -predictors[i][3])
    for i, (model, labels, votes, worth, one_sided) in enumerate(predictors):
        own = {"model": model, "labels": labels, "votes": votes}
        high = np.inf if one_sided == "low" else worth + 0.5
        values = {"equivalent_votes": (worth, worth - 0.5, high), "gain_k3": (worth / 3, -0.1, 2.0),
                  "net_gain_k3": (worth / 4, -0.2, 1.0), "nll": (1.5 - 0.1 * worth, 1.0, 1.6),
                  "jsd_bits": (0.2, 0.1, 0.3), "bhattacharyya": (0.8, 0.7, 0.9),
                  "rank": (order.index(i) + 1, 1, 5)}  # fmt: skip
        for metric, (estimate, low, upper) in values.items():
            method = "test_inversion" if "votes" in metric or "gain" in metric else "bootstrap_t"
            rows.append(own | {"metric": metric, "estimate": estimate, "low": low, "high": upper, "method": method,
                               "one_sided": one_sided if metric == "equivalent_votes" else "no"})  # fmt: skip
    for k in (1, 2, 3) if rulers else ():
        rows.append({"labels": "genuine", "metric": "equivalent_votes", "votes": k, "estimate": k + 0.1, "low": k - 0.5,
                     "high": k + 0.5, "method": "test_inversion", "reference": "truth"})  # fmt: skip
    return statistics_frame([about | row for row in rows]).assign(
        file=f"results/statistics/predictors-{corpus}-fair.parquet"
    )


def test_one_row_per_predictor_the_best_first():
    board = leaderboard(statistics())
    assert board["model"].tolist() == ["alm", "mlp_1", "alm", "mlp_1", "mine"]
    assert board["rank"].tolist() == [1, 2, 3, 4, 5]
    first = board.iloc[0]
    assert first["kind"] == "annotator, its own distribution" and first["open"] == "low"
    assert (first["equivalent_votes"], first["gain"], first["beside"]) == (5, pytest.approx(5 / 3), 3)
    assert board["kind"].tolist()[1] == "trained model" and board["kind"].tolist()[-1] == "given table"
    assert (board["n"] == 90).all() and largest_k(statistics()) == 5
    assert not board.duplicated(["corpus", "protocol", "model", "labels", "augmentation", "votes"]).any()


def test_a_model_trained_on_human_labels_is_not_taken_for_the_curve():
    """Both have the label ``human``, and NLL; only the curve is of no model."""
    board = leaderboard(statistics([("mlp", "human", np.inf, 1.0, "no")]))
    assert len(board) == 1 and largest_k(statistics([("mlp", "human", np.inf, 1.0, "no")])) == 5


def test_the_figure_names_every_predictor_and_the_rulers():
    figure, shown = draw_worth(statistics())
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[:3] == ["alm, own distribution", "mlp 1 on human labels", "alm, 20 votes"]
    assert names[-3:] == [f"{k} human vote{'s' if k > 1 else ''}, set apart" for k in (1, 2, 3)]
    assert len(shown) == 5
    plt.close(figure)
    many = [(f"m{i}", labels, np.inf, 1.0, "no") for i in range(MOST) for labels in ("human", "control-a-prior")]
    figure, shown = draw_worth(statistics(many))
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) == MOST + 3 and not any("prior" in name for name in names) and len(shown) == 2 * MOST
    plt.close(figure)


def test_the_table_says_what_is_beyond_the_corpus():
    table, board = worth_table(statistics())
    lines = table.splitlines()
    assert any(r"alm, own distribution & $>$5" in line for line in lines), table
    assert any("mlp 1 on human + prior labels" in line for line in lines)
    assert len(board) == 5


@pytest.mark.parametrize("rulers", [True, False])
def test_the_numbers_are_those_of_the_best_and_of_votes_of_known_worth(rulers):
    numbers = Numbers()
    add_worth(numbers, statistics(rulers=rulers))
    assert re.fullmatch(r"interval of its rank: 1( to \d)? of \d+", numbers["worth.best.rank"].text)
    assert numbers["worth.best.name"].text == "alm, own distribution" and numbers["worth.best"].text.startswith("$>$5")
    assert numbers.switches["rulers"] is rulers
    if rulers:
        assert "2.10 [1.50, 2.50] (2 votes)" in numbers["worth.rulers"].text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((1, 5), "interval of its rank: 1 to 5 of"),
        ((1, 1), "interval of its rank: 1 of"),
        ((np.nan, np.nan), "first of"),
    ],
)
def test_what_is_said_of_the_best_ones_rank_is_its_interval(ends, text):
    table = statistics()
    first = table.index[
        (table["metric"] == "rank") & (table["estimate"] == table.query("metric == 'rank'")["estimate"].min())
    ]
    table.loc[first, ["low", "high"]] = ends
    numbers = Numbers()
    add_worth(numbers, table)
    assert numbers["worth.best.rank"].text.startswith(text)
