"""The coverage study: its simulation, its verdicts, the shipped results, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference import validity
from scaling_ambiguity.inference.designs import Design, design_of, designs

SHIPPED = validity.Path(__file__).resolve().parents[3] / "workflow" / "resources" / "validity.csv"


def test_the_truth_is_the_mean_of_very_many_corpora():
    design = Design(24, 12, 4, 3)
    for population in (validity.THESE, validity.LIKE_THESE):
        losses, speakers, raters, truth = validity.simulate(design, 400, population, 1)
        assert losses.shape == (24 * 20 * 3, 400) and len(set(speakers)) == 24 and len(set(raters)) == 12
        means = losses.mean(axis=0)
        assert truth == pytest.approx(means.mean(), abs=5 * means.std() / np.sqrt(400))


def test_new_raters_in_every_corpus_make_the_mean_vary_more():
    design = Design(91, 6, 4, 5)
    spread = [
        validity.simulate(design, 200, name, 1)[0].mean(axis=0).std() for name in (validity.THESE, validity.LIKE_THESE)
    ]
    assert spread[1] > 1.2 * spread[0]


def test_names_of_cells():
    assert design_of("g12_h30_c4_n5") == Design(12, 30, 4, 5) and len(set(designs())) == len(designs()) == 25
    with pytest.raises(UserError, match="not a cell of the study"):
        design_of("twelve")


def cells(coverage, corpora=2000):
    about = {"population": "these raters", "method": "t", "speakers": 12, "raters": 30, "classes": 4, "votes": 5}
    rows = [about | {"corpora": corpora, "resamples": 999, "coverage": value} for value in coverage]
    return validity.judge(pd.DataFrame(rows))


def test_a_method_is_refused_only_beyond_monte_carlo_error():
    assert cells([0.95, 0.935, 0.90, 0.98]).sort_values("coverage")["verdict"].tolist() == [
        "refused",
        "covers",
        "covers",
        "conservative",
    ]
    assert cells([0.90], corpora=50)["verdict"].tolist() == ["covers"]


def test_the_shipped_study_is_complete_and_one_cell_of_it_comes_out_again():
    study = pd.read_csv(SHIPPED)
    assert {f"g{r.speakers}_h{r.raters}_c{r.classes}_n{r.votes}" for r in study.itertuples()} == {
        design.name for design in designs()
    }
    assert (study["corpora"] >= 2000).all()
    again = pd.DataFrame(validity.coverage(Design(12, 30, 4, 5), 400, 600, 7))
    keys = ["population", "method"]
    stated = study.query("speakers == 12 and raters == 30 and classes == 4 and votes == 5").set_index(keys)["coverage"]
    gap = again.set_index(keys)["coverage"] - stated
    assert gap.abs().max() < 4 * np.sqrt(0.05 * 0.95 / 400)


def test_the_default_is_allowed_everywhere_and_percentiles_of_few_speakers_are_refused():
    study = pd.read_csv(SHIPPED)
    for speakers in (5, 10, 12, 24, 91, 2000):
        validity.refuse(SHIPPED, "these raters", "bootstrap_t", speakers, 30)
    with pytest.raises(UserError, match=r"percentile intervals for these raters cover .* Use bootstrap_t"):
        validity.refuse(SHIPPED, "these raters", "percentile", 5, None)
    assert validity.nearest(study, "these raters", "t", 13, 40)["speakers"] == 12
    assert validity.nearest(study, "these raters", "t", 3, 3)["speakers"] == 5
    assert not validity.across_raters(SHIPPED, 12, None) and not validity.across_raters(SHIPPED, 12, 19)
    assert validity.across_raters(SHIPPED, 24, 30)
