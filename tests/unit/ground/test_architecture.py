"""The page on the architecture is what the code says."""

import subprocess
import sys
from pathlib import Path

from scaling_ambiguity.code_identity import SCRIPTS

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_drawing_is_up_to_date():
    command = [sys.executable, str(REPOSITORY / "docs" / "draw_architecture.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_room_is_explained():
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    rooms = {path.name for path in (SCRIPTS / "scaling_ambiguity").iterdir() if (path / "__init__.py").is_file()}
    assert rooms == {name for name in rooms if f"| `{name}` |" in page}
