import re
import shutil
import subprocess
from pathlib import Path

import pytest
from paper_pages import check_pages
from paper_text import sections_with

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting import paper
from scaling_ambiguity.reporting.captions import captions_tex, first_sentence, to_latex
from scaling_ambiguity.reporting.chapters import FIGURES, TABLES

REPOSITORY = Path(__file__).resolve().parents[3]
MINIMAL = r"""\documentclass{article}
\usepackage{graphicx}
\input{numbers}
\begin{document}
%s
\end{document}
"""


def test_captions_become_latex():
    assert to_latex("100 % of\n*all* votes") == r"100 \% of \emph{all} votes"
    assert first_sentence("One. Two. Three.\n") == ("One", "Two. Three.")


def test_a_caption_says_only_in_a_simulated_edition_what_only_that_shows():
    text = captions_tex({"fig": "One. Two."}, simulated={"fig": "Three."})
    for part in (r"{caption@fig}{One. Two.\ifsimulated\ Three.\fi}", r"{title@fig}{One}"):
        assert part in text
    assert r"{note@fig}{Two.\ifsimulated\ Three.\fi}" in text
    assert not any("imulated corp" in FIGURES[name].caption for name in ("fig_exchange_rate", "fig_exchange_by_level"))


def test_captions_hold_no_results():
    for path in (REPOSITORY / "workflow" / "report").glob("*.rst"):
        assert not any(character.isdigit() for character in path.read_text()), path.name


def test_problems_of_a_log_are_found_and_harmless_lines_are_not():
    log = "\n".join(
        [
            "LaTeX Warning: Reference `fig:x' on page 1 undefined on input line 3.",
            "Overfull \\hbox (15.2pt too wide) in paragraph at lines 1--2",
            "Overfull \\hbox (0.2pt too wide) in paragraph at lines 5--6",
            "Underfull \\hbox (badness 10000) in paragraph at lines 1--2",
            "! Package numbers Error: Undefined result key 'x'.",
        ]
    )
    found = paper.log_problems(log)
    assert len(found) == 3
    assert any("15.2pt" in line for line in found)


def test_a_missing_tex_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr(paper.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"apt-get install latexmk.*conda install"):
        paper.compile_pdf(tmp_path)


needs_tex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")


@needs_tex
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (r"\result{unknown.key}", "Undefined result key 'unknown.key'"),
        (r"See \ref{nowhere}.", "nowhere"),
        (r"\includegraphics{absent}", "absent"),
        (r"\noindent\rule{30cm}{1pt}", "Overfull"),
    ],
)
def test_an_unfit_paper_is_refused_with_the_reason(body, message, tmp_path):
    from scaling_ambiguity.reporting.numbers.registry import Numbers

    (tmp_path / "numbers.tex").write_text(Numbers().latex())
    (tmp_path / "main.tex").write_text(MINIMAL % body)
    with pytest.raises(UserError, match=message):
        paper.compile_pdf(tmp_path)


@pytest.mark.slow
@needs_tex
def test_the_paper_is_built_twice_with_the_same_bytes(run, config, config_json, settings_of, tmp_path, program):
    style = ["--classes", "neutral,happy,sad,angry", "--style", str(REPOSITORY / "paper" / "paper.mplstyle")]

    def call(name: str, *arguments: object) -> None:
        subprocess.run([*program(name), *map(str, arguments)], check=True)

    figures, tables = [], []
    kinds = {"saturation": "saturation", "exchange_rate": "exchange"}
    kinds |= {
        "exchange_by_level": "exchange_by_level",
        "cost_surface": "costs",
        "alignment_by_level": "alignment",
        "confusion": "agreement",
        "bias": "bias",
        "shared_votes": "shared",
        "models_by_level": "evaluation",
        "worth": "predictors",
    }
    for name in (*kinds, "simplex"):
        inputs = ["--labels-table", run["labels"], "--splits", run["splits"], "--augmented", run["augmented"]]
        inputs = ["--statistics", run[kinds[name]]] if name in kinds else [*inputs, *style[:2]]
        figure = tmp_path / f"fig_{name}.pdf"
        outputs = ["--figure", figure, "--svg", figure.with_suffix(".svg"), "--data", figure.with_suffix(".csv")]
        call(f"fig_{name}", *inputs, *style[2:], *outputs)
        figures += [figure, figure.with_suffix(".svg")]
    figures.append(tmp_path / "fig_validity.pdf")
    resources = REPOSITORY / "workflow" / "resources"
    outputs = ["--figure", figures[-1], "--svg", tmp_path / "v.svg", "--data", tmp_path / "v.csv", *style[2:]]
    call("fig_validity", "--recovery", resources / "recovery.csv", "--type-one", resources / "type_one.csv", *outputs)
    corpus = ["--corpora", "demo", "--classes", "neutral,happy,sad,angry", "--utterances", run["utterances"]]
    corpus += ["--votes", run["votes"], "--rejects", run["rejects"]]
    for name, inputs in (
        ("tab_corpus", corpus),
        ("tab_votes_lost", ["--corpora", "demo", "--audits", run["audit"]]),
        ("tab_settings", ["--settings", settings_of(config), "--answers", run["status"]]),
        ("tab_alignment", ["--statistics", run["alignment"]]),
        ("tab_exchange", ["--statistics", run["exchange"], run["exchange_by_level"]]),
        ("tab_headline", ["--statistics", run["exchange"]]),
        ("tab_worth", ["--statistics", run["predictors"]]),
        ("tab_results", ["--statistics", run["evaluation"]]),
        ("tab_strata", ["--statistics", run["evaluation"]]),
        (
            "tab_augmentation",
            ["--labels-table", run["labels"], "--splits", run["splits"], "--augmented", run["augmented"], *style[:2]],
        ),
        ("tab_validity", ["--study", REPOSITORY / "workflow" / "resources" / "validity.csv"]),
        ("tab_agreement", ["--statistics", run["agreement"]]),
        ("tab_bias", ["--statistics", run["bias"]]),
        ("tab_saturation", ["--statistics", run["saturation"]]),
        ("tab_hypotheses", ["--verdicts", run["verdicts"]]),
    ):
        table = tmp_path / f"{name}.tex"
        call(name, *inputs, "--table", table, "--data", table.with_suffix(".csv"))
        tables += [table, table.with_suffix(".csv")]
    numbers = tmp_path / "numbers.tex"
    call(
        "write_numbers",
        *("--statistics", *(run[kind] for kind in kinds.values())),
        *("--heldout", run["heldout"], "--votes", run["votes"], "--utterances", run["utterances"]),
        *(
            "--rejects",
            run["rejects"],
            "--verdicts",
            run["verdicts"],
            "--leakage",
            run["leakage"],
            "--proxies-status",
            run["status"],
            "--proxies-draws",
            run["draws"],
        ),
        *("--config", config_json),
        *("--numbers", numbers, "--provenance", tmp_path / "numbers.json"),
    )
    sections = sections_with("models")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        call(
            "build_paper",
            *("--sources", REPOSITORY / "paper", "--figures", *figures, "--tables", *tables, "--numbers", numbers),
            *("--sections", ",".join(sections["main"]), "--supplement-sections", ",".join(sections["supplement"])),
            *("--output", tmp_path / name / "main.pdf", "--supplement", tmp_path / name / "supplement.pdf"),
        )
    for document in ("main.pdf", "supplement.pdf"):
        assert (tmp_path / "one" / document).read_bytes() == (tmp_path / "two" / document).read_bytes()
    check_pages(tmp_path / "one")


def test_captions_of_the_paper_are_those_of_the_report():
    text = captions_tex({name: display.caption for name, display in (FIGURES | TABLES).items()})
    for path in paper.source_files(REPOSITORY / "paper"):
        for name in re.findall(r"\\(?:reportcaption|reporttitle|tablenote)\{(\w+)\}", path.read_text()):
            assert rf"\@namedef{{caption@{name}}}" in text
