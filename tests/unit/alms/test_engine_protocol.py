"""Every engine says what it can do, and what it cannot is refused before anything is opened."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from scaling_ambiguity.alms import engines
from scaling_ambiguity.alms.engine import Capability, open_engine
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.asking import open_annotator

CAPABILITIES = get_args(Capability)
ENGINES = sorted(module.name for module in pkgutil.iter_modules(engines.__path__))
ROOT = Path(__file__).resolve().parents[3]
WITHOUT = """
from scaling_ambiguity.alms.engine import BatchEngine, Capability
from scaling_ambiguity.alms.questions import Answer


class Engine(BatchEngine):
    def __init__(self) -> None:
        self.model, self.revision, self.processor, self.longest = "m", "r", None, 8
        self.repeats = True
        self.capabilities: frozenset[Capability] = frozenset({"sample"})
        CLIPS


Engine()
"""


def engine_class(name):
    return importlib.import_module(f"scaling_ambiguity.alms.engines.{name}").Engine


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_declares_what_it_can_do(name):
    engine = engine_class(name)
    assert engine.capabilities and engine.capabilities <= set(CAPABILITIES)
    assert isinstance(engine.clips_at_once, int) and engine.clips_at_once >= 1
    assert not (engine.asks_alone and engine.answers_only)
    assert hasattr(engine, "stream") == engine.asks_alone


def test_mypy_refuses_an_engine_that_lacks_a_part(tmp_path):
    files = {"without_two": "pass", "without_one": "self.clips_at_once = 8"}
    for name, said in files.items():
        (tmp_path / f"{name}.py").write_text(WITHOUT.replace("CLIPS", said))
    options = ["--config-file", "pyproject.toml", "--cache-dir", str(tmp_path / "cache"), "--follow-imports=silent"]
    command = [sys.executable, "-m", "mypy", *options, *(str(tmp_path / f"{name}.py") for name in files)]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    said = {
        name: next(line for line in out.splitlines() if f"{name}.py" in line and "abstract" in line) for name in files
    }
    assert '"answer"' in said["without_two"] and '"clips_at_once"' in said["without_two"]
    assert '"answer"' in said["without_one"] and '"clips_at_once"' not in said["without_one"]


@pytest.mark.parametrize(("name", "wanted"), [(name, wanted) for name in ENGINES for wanted in CAPABILITIES])
def test_what_an_engine_lacks_is_refused_before_it_is_opened(name, wanted):
    entry = {"engine": name, "checkpoint": "no/such", "serve": {"command": "false"}}
    if wanted in engine_class(name).capabilities:
        pytest.skip("it has it")
    with pytest.raises(UserError, match=rf"annotators\.a: .*`{wanted}`.*engine `{name}`.*To go on, "):
        open_engine(entry, wanted, "annotators.a")


def test_a_mode_names_the_capability_that_it_needs():
    with pytest.raises(UserError, match=r"annotators\.gpt, mode `readout`: .*`read_labels`.*choose mode `sampled`"):
        open_annotator({"engine": "openai"}, {"mode": "readout"}, "gpt")
