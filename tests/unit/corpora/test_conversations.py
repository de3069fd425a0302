"""The conversations of IEMOCAP in its published format, and the program that reads them."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from scaling_ambiguity.configuration.asking import DIALOGUE_READERS
from scaling_ambiguity.corpora.dialogues import iemocap
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.turns import TURNS

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
LINES = """Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
Ses01F_impro01_M000 [007.5712-010.4750]: Do you have your forms?
M: [BREATHING]
Ses01F_impro01_F001 [010.0100-011.3925]: Yeah.

Ses01F_impro01_M002 [020.0000-021.0000]: Said later, written earlier.
Ses01F_impro01_FXX0 [012.0000-012.5000]: Mm-hm, never labelled.
Ses01F_impro01_F001 [030.0000-031.0000]: A second text.
"""


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "Session1" / "dialog" / "transcriptions"
    folder.mkdir(parents=True)
    (folder / "Ses01F_impro01.txt").write_text(LINES)
    (folder / "Ses01M_script01_1.txt").write_text("Ses01M_script01_1_F000 [000.5000-001.0000]: Another one.\n")
    (folder / "._Ses01F_impro01.txt").write_bytes(b"\0\1")
    return tmp_path


def test_turns_stand_in_the_order_in_which_they_began(root):
    turns, other = iemocap.turns(root)
    first = TURNS.validate(turns, "test").query("dialogue == 'Ses01F_impro01'")
    assert first["utterance"].str[-4:].tolist() == ["F000", "M000", "F001", "FXX0", "M002"]
    assert first["speaker"].str[-1].tolist() == ["F", "M", "F", "F", "M"] and first["place"].tolist() == [0, 1, 2, 3, 4]
    assert first["transcript"].tolist()[2:4] == ["Yeah.", "Mm-hm, never labelled."]
    assert first["start"].iloc[0] == 6.2901
    assert set(turns["dialogue"]) == {"Ses01F_impro01", "Ses01M_script01_1"} and other == 2


def test_a_corpus_without_transcriptions_is_refused(tmp_path):
    (tmp_path / "Session1").mkdir()
    with pytest.raises(UserError, match="but Session1; extract the transcriptions"):
        iemocap.turns(tmp_path)


def test_readers_with_conversations_are_those_that_the_configuration_knows():
    folder = SCRIPTS / "scaling_ambiguity" / "corpora" / "dialogues"
    found = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert found == set(DIALOGUE_READERS)
    for name in found:
        assert importlib.import_module(f"scaling_ambiguity.corpora.readers.{name}").read


def program(root, reader, output):
    command = [sys.executable, SCRIPTS / "read_turns.py", "--reader", reader, "--name", "c", "--root", root]
    return subprocess.run(
        [str(part) for part in [*command, "--output", output]], capture_output=True, text=True, check=False
    )


def test_the_program(root, tmp_path):
    done = program(root, "iemocap", tmp_path / "turns.parquet")
    assert done.returncode == 0 and "6 turns of 2 conversations; 2 lines are no turn" in done.stdout
    assert len(TURNS.read(tmp_path / "turns.parquet")) == 6
    refused = program(root, "cremad", tmp_path / "other.parquet")
    assert refused.returncode == 1 and "reader 'cremad' has no conversations" in refused.stderr
