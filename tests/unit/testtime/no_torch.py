"""Programs of the workflow in an interpreter in which torch cannot be imported."""

import subprocess
import sys

from scaling_ambiguity.code_identity import SCRIPTS

WITHOUT_TORCH = """
import pathlib, runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def without_torch(script: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a program of the workflow."""
    command = [sys.executable, "-c", WITHOUT_TORCH, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
