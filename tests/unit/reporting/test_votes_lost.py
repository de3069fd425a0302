import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.tables.votes_lost import SHOWN_REASONS, account, general, votes_lost_table

SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "tab_votes_lost.py"


def audit(utterances: dict[str, int], votes: dict[str, int], kept: int = 100) -> dict:
    """Return an audit that kept as many utterances and votes, and lost others by reason."""
    lost = {"utterances": utterances, "votes": votes}
    return {
        item: {"found": kept + sum(reasons.values()), "kept": kept, "lost": reasons} for item, reasons in lost.items()
    }


def lines_of(text: str) -> dict[str, list[str]]:
    rows = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if " & " in line]
    return {name: values for name, *values in rows}


def test_losses_are_by_reason_and_corpus_the_most_frequent_first():
    audits = {
        "one": audit({"nobody voted on it": 2}, {"outside the classes": 1200, "no label": 3}, 9000),
        "two": audit({}, {"no label": 40}),
    }
    text, data = votes_lost_table(audits)
    lines = lines_of(text)
    assert list(lines)[1:] == [
        "utterances found",
        "utterances kept",
        "utterances lost",
        r"\quad nobody voted on it",
        "votes found",
        "votes kept",
        "votes lost",
        r"\quad outside the classes",
        r"\quad no label",
    ]
    assert lines["votes found"] == [r"10\,203", "140"]
    assert lines["votes lost"] == [r"1\,203", "40"]
    assert lines[r"\quad no label"] == ["3", "40"]
    assert lines["utterances lost"] == ["2", "0"]
    sums = data.groupby(["corpus", "item", "state"])["number"].sum().unstack("state", fill_value=0)
    assert (sums["found"] == sums["kept"] + sums["lost"]).all()


def test_a_corpus_without_losses_is_short():
    text, data = votes_lost_table({"demo": audit({}, {})})
    assert [values for name, values in lines_of(text).items() if name.endswith("lost")] == [["0"], ["0"]]
    assert len(lines_of(text)) == 7
    assert len(data) == 4


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("the audio file lasts 1.25 s instead of 2.00 s", "the audio file lasts ... s instead of ... s"),
        ("the audio file does not decode (unknown format)", "the audio file does not decode"),
        ("3 columns instead of 5; the line is cut", "3 columns instead of 5"),
        ("unknown split 'x: y'", "unknown split"),
        ("fewer than 2 votes in the classes", "fewer than 2 votes in the classes"),
        ("(odd)", "(odd)"),
    ],
)
def test_reasons_are_joined_over_what_differs_from_item_to_item(reason, words):
    assert general(reason) == words


def test_details_are_joined_in_the_table_and_kept_in_the_data():
    reasons = {f"the audio file lasts {i}.00 s instead of 2.00 s": 1 for i in range(3, 8)}
    text, data = votes_lost_table({"one": audit(reasons, {})})
    assert lines_of(text)[r"\quad the audio file lasts ... s instead of ... s"] == ["5"]
    assert len(data[data["state"] == "lost"]) == 5


def test_many_reasons_become_one_line_and_long_ones_are_broken():
    reasons = {f"reason {chr(97 + i)}": 20 - i for i in range(SHOWN_REASONS + 2)}
    text, _ = votes_lost_table({"one": audit({}, reasons)})
    lines = lines_of(text)
    assert lines[r"\quad other reasons"] == [str(8 + 7)]
    long = "secondary label of a vote whose primary label does not count & 5 %"
    text, _ = votes_lost_table({"one": audit({}, {long: 1})})
    assert r"\parbox[t]{0.6\linewidth}" in text and r"\& 5 \%" in text


def test_an_audit_that_does_not_add_up_or_is_none_is_refused():
    wrong = audit({}, {"no label": 3})
    wrong["votes"]["kept"] += 1
    with pytest.raises(UserError, match="one does not add up: 103 votes found, 101 kept, 3 lost"):
        account({"one": wrong})
    with pytest.raises(UserError, match="one has no counts of utterances"):
        account({"one": {}})


def test_the_script_writes_both_files_and_wants_an_audit_a_corpus(tmp_path):
    (tmp_path / "audit.json").write_text(json.dumps(audit({}, {"no label": 3})))
    command = [sys.executable, str(SCRIPT), "--audits", str(tmp_path / "audit.json")]
    command += ["--table", str(tmp_path / "t.tex"), "--data", str(tmp_path / "t.csv"), "--corpora"]
    subprocess.run([*command, "own_one"], check=True)
    assert "& own one" in (tmp_path / "t.tex").read_text()
    assert pd.read_csv(tmp_path / "t.csv")["number"].tolist() == [100, 100, 103, 100, 3]
    result = subprocess.run([*command, "a,b"], capture_output=True, text=True, check=False)
    assert result.returncode == 1 and "one audit for every corpus" in result.stderr
