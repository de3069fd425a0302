"""The page that the report opens on, and the index of the notebooks."""

import json
import shutil

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from scaling_ambiguity.reporting.notebook import to_html
from scaling_ambiguity.reporting.pages import (
    ROWS,
    Front,
    Notebook,
    answer,
    badges,
    common_columns,
    front_page,
    notebook_index,
    plain_text,
    shown_table,
)
from scaling_ambiguity.reporting.review import Review

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VERDICTS = [
    {"name": "sums", "gating": True, "passed": True, "message": "0 apart"},
    {"name": "ranks", "gating": True, "passed": False, "message": "1 < 2"},
    {"name": "luck", "gating": False, "passed": False, "message": "a draw"},
    {"name": "votes", "gating": False, "passed": True, "message": "not applicable: no votes"},
]
NUMBERS = {
    "exchange.m": {"text": "20"},
    "exchange.weighted.words": {"text": r"0.97 human votes (95\,\% interval 0.75 to $\infty$)"},
    "corpus.votes": {"text": r"3\,064"},
    "corpus.utterances": {"text": "480"},
}


@pytest.fixture
def notebook(tmp_path):
    cells = [
        new_markdown_cell("# 1. Do *these* <b> hold?\n\nWhat `k*` says of *this*, **that**.\n"),
        new_code_cell("1 + 1"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "checks.ipynb")
    (tmp_path / "checks.verdict.json").write_text(json.dumps(VERDICTS))
    return Notebook.read(tmp_path / "checks.ipynb", tmp_path / "checks.verdict.json")


def test_badges_count_what_gates_and_what_is_shown():
    assert "1 of 2 gating passed" in badges(VERDICTS) and "failed" in badges(VERDICTS)
    assert "0 of 1 findings hold" in badges(VERDICTS)
    assert 'class="badge passed">1 of 1 gating passed' in badges(VERDICTS[:1]) and "findings" not in badges(
        VERDICTS[:1]
    )
    assert 'class="badge shown"' in badges(VERDICTS[2:]), "a finding is never red"


def test_the_index_lists_every_verdict_failed_ones_too(notebook):
    page = notebook_index([notebook])
    assert 'href="checks.html"' in page and "1. Do *these* &lt;b&gt; hold?" in page and "<b>" not in page
    assert "FAILED (gating): ranks: 1 &lt; 2" in page and "passed (gating): sums" in page
    assert "does not hold (finding): luck" in page and "<li>not applicable: votes" in page
    assert "What k* says of this, that." in page
    assert "http://" not in page and "https://" not in page


def test_the_answer_is_the_sentence_of_the_abstract():
    assert answer(NUMBERS) == (
        "20 synthetic votes with a fitted weight are worth 0.97 human votes (95\u2009% interval 0.75 to ∞)."
    )
    assert "vote with a fitted weight is worth" in answer(NUMBERS | {"exchange.m": {"text": "1"}})
    votes_only = {key: value for key, value in NUMBERS.items() if key.startswith("corpus")}
    assert "3\u2009064 human votes on 480 utterances" in answer(votes_only)
    assert plain_text(r"\emph{a\_b} \& $x$ \le~2") == "a_b & x ≤ 2"


def test_a_table_has_twenty_rows_at_most_and_says_how_many_there_are(tmp_path):
    pd.DataFrame({"a<": range(57), "p": [0.123456789, 0.2] + [0.5] * 55, "n": 280, "empty": ""}).to_csv(
        tmp_path / "tab_x.csv", index=False
    )
    lines = "\n".join(shown_table(tmp_path / "tab_x.csv", "What it says. More.", "files/tab_x.csv"))
    assert lines.count("<tr>") == ROWS + 1 == 21
    assert (
        "In all of these rows: n 280. 20 of 57 rows; all are in <a href='files/tab_x.csv'>" in lines
        and "<td>0.1235</td>" in lines
    )
    assert "<th>n</th>" not in lines and "empty" not in lines, "what all rows have in common is no column"
    assert common_columns(["a", "b"], [["x", "0"], ["x", "0"]]) == {} == common_columns(["a"], [["x"]])
    assert "tab_x: What it says</summary>" in lines and "<th>a&lt;</th>" in lines
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "tab_x.csv", index=False)
    assert " of " not in "".join(shown_table(tmp_path / "tab_x.csv", "", "l").copy()[-1:])


def test_tables_in_notebooks_have_twenty_rows_at_most():
    with pd.option_context("display.max_rows", 60, "display.min_rows", 10):
        Review({"corpus": "c", "annotator": "a", "protocol": "p"}, ["x"])
        for number in (20, 21, 500):
            rows = pd.DataFrame({"value": range(number)})._repr_html_().partition("<tbody>")[2].count("<tr>")
            assert rows <= 20


def test_code_is_folded_in_the_html_of_a_notebook():
    cells = [new_markdown_cell("# Title"), new_code_cell("x = 1"), new_code_cell("y = 2")]
    page = to_html(new_notebook(cells=cells), "checks")
    assert page.count('<details class="code"><summary>code</summary>') == 2
    assert "<details open" not in page and "https://cdn" not in page


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)")
def test_the_report_opens_on_the_answer_in_a_browser(tmp_path, notebook):
    from playwright.sync_api import sync_playwright

    (tmp_path / "files").mkdir()
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect width="300" height="200"/></svg>'
    (tmp_path / "files" / "fig_worth.svg").write_text(drawing)
    pd.DataFrame({"a": range(30)}).to_csv(tmp_path / "tab_x.csv", index=False)
    front = Front(
        "Worth?", "A study", ["Simulated."], tmp_path / "fig_worth.svg", "Caption.",
        [tmp_path / "main.pdf", tmp_path / "supplement.pdf"], [tmp_path / "tab_x.csv"], {"tab_x": "Rows. Of x."},
    )  # fmt: skip
    (tmp_path / "report.html").write_text(front_page(front, NUMBERS, [notebook]))
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1280, "height": 900})
        asked: list[str] = []
        view.on("request", lambda request: asked.append(request.url))
        view.goto((tmp_path / "report.html").as_uri())
        for words in ("Worth?", "20 synthetic votes", "Simulated."):
            box = view.get_by_text(words).first.bounding_box()
            assert box and box["y"] + box["height"] < 900, words
        assert view.evaluate("document.querySelector('figure img').naturalWidth") == 300
        assert view.locator("summary", has_text="tab_x").count() == 1 and not view.get_by_text("20 of 30").is_visible()
        assert view.locator("a", has_text="Supplement").get_attribute("href") == "files/supplement.pdf"
        assert all(url.startswith("file:") for url in asked), "no network"
        browser.close()
