"""Every number of the paper is where it says it is; one that is not is refused when it is made."""

import json
from pathlib import Path

import numpy as np
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.numbers.collect import collect_numbers
from scaling_ambiguity.reporting.numbers.provenance import faults, recompute, select
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.tables.statistics import STATISTICS

TABLES = ("alignment", "agreement", "bias", "shared", "saturation", "exchange", "exchange_by_level", "costs")
TABLES += ("predictors",)


@pytest.fixture(scope="module")
def provenance(run, config):
    paths = {"statistics": [str(run[k]) for k in (*TABLES, "evaluation")]}
    paths |= {"leakage": [str(run["leakage"])], "verdicts": [str(run["verdicts"])]}
    paths |= {name: str(run[name]) for name in ("utterances", "votes", "rejects", "heldout", "status", "draws")}
    return json.loads(json.dumps(collect_numbers(config, paths).provenance(), allow_nan=False))


def test_every_number_leads_to_its_value(provenance, config):
    assert list(faults(provenance, config)) == []
    files = {str(entry["file"]) for entry in provenance.values()}
    assert len(provenance) > 200 and len(files) > 12


def test_a_row_of_statistics_is_addressed_by_its_whole_key(provenance):
    rows = [e for e in provenance.values() if e["column"] == "estimate" and not e["function"]]
    assert len(rows) > 60 and all(set(entry["rows"]) == set(STATISTICS.key) for entry in rows)
    for entry in rows:
        frame = STATISTICS.read(entry["file"])
        row = select(frame, entry["rows"])
        assert len(row) == 1 and row["estimate"].iloc[0] == pytest.approx(entry["value"], nan_ok=True)
        for end in ("low", "high"):
            assert entry[end] is None or entry[end] == row[end].iloc[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": 0.123}, "0.123 is said"),
        ({"column": "estimated"}, "no column 'estimated'"),
        ({"rows": {"metric": "nll"}}, "rows with"),
        ({"rows": {"metric": "nothing"}}, "0 rows with"),
        ({"rows": {"metrics": "nll"}}, "no column 'metrics'"),
        ({"function": "median"}, "no function 'median'"),
        ({"file": "results/gone.parquet"}, "gone.parquet"),
        ({"file": None}, "comes from no file"),
    ],
)
def test_what_leads_elsewhere_is_found(provenance, config, change, words):
    changed = provenance | {"alignment.nll.synthetic": provenance["alignment.nll.synthetic"] | change}
    (fault,) = faults(changed, config)
    assert fault.startswith("alignment.nll.synthetic: ") and words in fault


def test_words_need_numbers_that_exist(provenance, config):
    changed = provenance | {"alignment.trend": provenance["alignment.trend"] | {"derived_from": ["no.key"]}}
    assert list(faults(changed, config)) == ["alignment.trend: derived from ['no.key'], which are no keys"]


def test_a_wrong_provenance_is_refused_when_the_number_is_made(run, config):
    numbers, file = Numbers(config), str(run["alignment"])
    table = read_statistics([file])
    with pytest.raises(UserError, match="expected one"):
        numbers.estimate("a", table, metric="nll")
    with pytest.raises(UserError, match="no row"):
        numbers.estimate("a", table, metric="nothing")
    row = numbers.estimate("a", table, labels="prior", metric="nll", stratum="all", population="these raters")
    with pytest.raises(ValueError, match="'p_adj'"):
        numbers.cell("b", row, "p_adj", "text")
    about = {"file": file, "rows": {"labels": "prior", "metric": "nll"}}
    with pytest.raises(ValueError, match="rows with"):
        numbers.value("b", row["n"], "text", column="n", **about)
    with pytest.raises(ValueError, match="is said"):
        numbers.value("b", 3, "text", column="n", function="max", **about)
    with pytest.raises(ValueError, match="no entry"):
        numbers.value("b", 3, "text", file="configuration", column="statistics.level.what")
    numbers.value("b", row["n"], "text", column="n", function="max", **about)
    assert numbers["b"].value == row["n"] and numbers.keys() == ["a", "b"]


def test_infinity_and_what_is_missing_find_their_row(run):
    table = read_statistics([str(run["exchange"])])
    for row in (table[np.isinf(table["votes"])], table[table["votes"].isna()], table[table["p_adjusted"].isna()]):
        if len(row):
            numbers = Numbers()
            numbers.cell("a", row.iloc[0], "estimate", "text")
            entry = json.loads(json.dumps(numbers.provenance(), allow_nan=False))["a"]
            assert recompute(entry) == pytest.approx(row.iloc[0]["estimate"]) or entry["value"] is None
    assert Path(entry["file"]).is_file()
