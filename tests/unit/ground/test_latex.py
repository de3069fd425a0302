"""Text in the paper: every character said to be printable is; every other one is named, or printed as its code."""

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from scaling_ambiguity.latex import escape_latex, printed, unprintable

PAPER = Path(__file__).resolve().parents[3] / "paper" / "main.tex"
NAMES = ["Nguyễn Văn An", "Łukasz Żółć", "İlkay Şahin", "Ștefan Țurcanu", "Zoë Håkansson", "Đặng Mỹ Hạnh", "Đỗ Thị Ngà"]


@pytest.mark.parametrize("name", [name for name in NAMES if "ỗ" not in name and "ỹ" not in name])
def test_a_name_in_either_form_is_the_same_text(name):
    assert escape_latex(unicodedata.normalize("NFD", name)) == escape_latex(name)
    assert unprintable(unicodedata.normalize("NFD", name)) == []


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("王伟", ["'王' (U+738B)", "'伟' (U+4F1F)"]),
        ("Παπαδόπουλος", ["'Π' (U+03A0)"]),
        ("Иванов", ["'И' (U+0418)"]),
        ("An 🙂", ["'🙂' (U+1F642)"]),
        ("Trần Hưng", ["'ư' (U+01B0)"]),
    ],
)
def test_what_the_fonts_lack_is_named_with_its_code(text, lacking):
    assert unprintable(text)[: len(lacking)] == lacking
    code = lacking[0].partition("(")[2].removesuffix(")")
    assert rf"\texttt{{{code}}}" in escape_latex(text)


def test_signs_of_latex_are_text():
    assert escape_latex(r"50 % & #1 _ ^ ~ {} $ \ < >") == (
        r"50 \% \& \#1 \_ \textasciicircum{} \textasciitilde{} \{\} \$ \textbackslash{} \textless{} \textgreater{}"
    )


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_prints_every_character_that_is_said_to_be_printable(tmp_path):
    preamble = PAPER.read_text().partition("% Built by the workflow")[0]
    known = [character for character in map(chr, range(0x20, 0x2200)) if printed(character) is not None]
    assert len(known) > 500
    lines = [rf"x{{}}{escape_latex(c)} {{\scriptsize\emph{{{escape_latex(c)}}}}}" for c in known]
    names = [escape_latex(name) for name in NAMES]
    body = "\n\n".join([rf"\title{{\LARGE {', '.join(names)}}}\maketitle", *lines, *names])
    (tmp_path / "all.tex").write_text(f"{preamble}\\begin{{document}}\n{body}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "all.tex"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = (tmp_path / "all.log").read_text(encoding="utf-8", errors="replace")
    assert re.findall(r"^! .*|Missing character.*", log, re.MULTILINE) == []
    assert (tmp_path / "all.pdf").is_file()
