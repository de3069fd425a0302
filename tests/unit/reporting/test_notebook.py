import json
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.review import Review
from scaling_ambiguity.reporting.verdicts import failures, read_verdicts
from scaling_ambiguity.tables.predictions import PREDICTIONS

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPTS = REPOSITORY / "workflow" / "scripts"
GOOD = {"name": "identity", "gating": True, "passed": True, "message": "0 apart"}
BAD = {"name": "broken", "gating": True, "passed": False, "message": "1 apart"}
UNLUCKY = {"name": "luck", "gating": False, "passed": False, "message": "a draw"}


def script(name: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def written(path: Path, verdicts: list[dict]) -> Path:
    path.write_text(json.dumps(verdicts))
    return path


def test_only_gating_verdicts_stop_the_paper(tmp_path):
    assert failures([GOOD, UNLUCKY]) == []
    first = written(tmp_path / "a.verdict.json", [GOOD, UNLUCKY])
    second = written(tmp_path / "b.verdict.json", [BAD])
    passed = script("check_verdicts", "--verdicts", first, "--output", tmp_path / "verdicts.json")
    assert passed.returncode == 0
    assert [v["name"] for v in json.loads((tmp_path / "verdicts.json").read_text())] == ["identity", "luck"]
    stopped = script("check_verdicts", "--verdicts", first, second, "--output", tmp_path / "other.json")
    assert stopped.returncode == 1
    assert "broken: 1 apart" in stopped.stderr
    assert not (tmp_path / "other.json").exists()


@pytest.mark.parametrize("verdicts", [[], {}, [{"name": "x"}], [GOOD | {"passed": "yes"}]])
def test_malformed_verdicts_are_refused(verdicts, tmp_path):
    with pytest.raises(UserError):
        read_verdicts(written(tmp_path / "v.json", verdicts))


def notebook(path: Path, source: str) -> Path:
    cells = [new_code_cell("verdict = ''", metadata={"tags": ["parameters"]}), new_code_cell(source)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def execute(source: Path, folder: Path) -> subprocess.CompletedProcess:
    folder.mkdir(exist_ok=True)
    outputs = ["--ipynb", folder / "n.ipynb", "--html", folder / "n.html", "--verdict", folder / "n.verdict.json"]
    return script("execute_notebook", "--notebook", source, "--parameters", "{}", *outputs)


def test_a_notebook_becomes_pages_that_need_no_network(tmp_path):
    code = f"from scaling_ambiguity.io import write_json\nwrite_json([{GOOD}], verdict)\nprint('seen')"
    result = execute(notebook(tmp_path / "n.ipynb", code), tmp_path / "out")
    assert result.returncode == 0, result.stderr
    html = (tmp_path / "out" / "n.html").read_text()
    assert "seen" in html
    assert "cdnjs" not in html
    assert "unpkg" not in html
    executed = nbformat.read(tmp_path / "out" / "n.ipynb", as_version=4)
    assert "papermill" not in executed.metadata
    assert read_verdicts(tmp_path / "out" / "n.verdict.json") == [GOOD]


def test_a_failing_cell_is_reported_without_a_traceback(tmp_path):
    result = execute(notebook(tmp_path / "n.ipynb", "raise ValueError('no votes')"), tmp_path / "out")
    assert result.returncode == 1
    assert "ValueError: no votes" in result.stderr
    assert "Traceback" not in result.stderr.splitlines()[-1]


NOTEBOOKS = ["votes_and_agreement", "alignment", "exchange_rate", "validity", "strategies", "amber2"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebooks_ask_first_and_end_with_a_verdict_and_are_stored_without_outputs(name):
    stored = nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.validate(stored)
    assert "?" in stored.cells[0].source.splitlines()[0]
    assert stored.cells[-1].source == "review.close(verdict)"
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in stored.cells)


def test_a_kernel_of_the_site_runs_no_notebook(tmp_path, monkeypatch):
    kernel = tmp_path / "site" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    argv = ["/opt/site/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    (tmp_path / "startup.py").write_text("raise SystemExit('run by PYTHONSTARTUP')")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "site"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "startup.py"))
    code = f"import sys\nfrom scaling_ambiguity.io import write_json\nfound = {GOOD} | {{'message': sys.executable}}"
    code += "\nwrite_json([found], verdict)"
    result = execute(notebook(tmp_path / "n.ipynb", code), tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert read_verdicts(tmp_path / "out" / "n.verdict.json")[0]["message"] == sys.executable


def test_predictions_of_an_earlier_selection_are_not_those_of_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for model, seed in (("small", 0), ("small", 1), ("dropped", 0)):
        row = {"utterance": ["u"], "corpus": "demo", "protocol": "fair", "model": model, "labels": "human"}
        row |= {"augmentation": "none", "strategy": "none", "fold": 0, "seed": seed, "p_happy": 0.5, "p_sad": 0.5}
        path = tmp_path / f"results/predictions/demo/fair/{model}/human/none/fold-0/seed-{seed}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        PREDICTIONS.write(pd.DataFrame(row), path)
    headline = {"corpus": "demo", "annotator": "a", "protocol": "fair"}
    assert len(Review(headline, ["happy", "sad"]).predictions()) == 3
    trained = {"arms": [["small", "human", "none"]], "seeds": [0]}
    kept = Review(headline, ["happy", "sad"], trained).predictions()
    assert kept[["model", "seed"]].to_numpy().tolist() == [["small", 0]]


EQUAL = {"absolute": 1e-12, "relative": 1e-10}


def test_two_spreads_of_zero_agree_and_what_neither_can_compute_is_not_applicable(capsys):
    review = Review({"corpus": "demo", "annotator": "a", "protocol": "fair"}, ["happy", "sad"])
    review.judge_equal("constant", [0.0, 0.2], [0.0, 0.2], "from theirs", **EQUAL)
    review.judge_equal("not known", [np.nan], [np.nan], "from theirs", **EQUAL)
    review.judge_equal("none", [], [], "from theirs", **EQUAL)
    review.judge_equal("another", [0.2], [0.2001], "from theirs", **EQUAL)
    review.judge_equal("only theirs", [np.nan, 1.0], [0.2, 1.0], "from theirs", **EQUAL)
    found = {verdict["name"]: (verdict["gating"], verdict["passed"]) for verdict in review.verdicts}
    assert found == {
        "constant": (True, True),
        "not known": (False, True),
        "none": (False, True),
        "another": (True, False),
        "only theirs": (True, False),
    }
