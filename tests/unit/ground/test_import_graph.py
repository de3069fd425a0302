"""The rooms of the library in the order the data walks: no circles, no relative imports, light where promised."""

import ast
import subprocess
import sys

import pytest

from scaling_ambiguity.code_identity import SCRIPTS

LIBRARY = SCRIPTS / "scaling_ambiguity"
GROUND = ["errors", "seeds", "io", "progress", "forks", "cli", "code_identity", "latex", "settings"]
ROOMS = [
    "configuration",
    "corpora",
    "labels",
    "alms",
    "proxies",
    "inference",
    "augmentation",
    "encoders",
    "training",
    "amber2",
    "finetuning",
]
ORDER = [*GROUND, "metrics", "tables", *ROOMS, "evaluation", "testtime", "reporting", "run"]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


def room(path):
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def test_every_module_is_in_a_known_room():
    assert {room(path) for path in LIBRARY.rglob("*.py")} - {"__init__"} <= set(ORDER)


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_room_imports_only_from_rooms_before_it(path):
    if room(path) == "__init__":
        return
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] != "snakemake", f"{path} imports snakemake"
        if parts[0] == "scaling_ambiguity" and len(parts) > 1:
            assert ORDER.index(parts[1]) <= ORDER.index(room(path)), f"{path} imports {name}"


def test_scripts_do_not_import_snakemake_and_shadow_no_package():
    for path in SCRIPTS.glob("*.py"):
        assert not any(name.split(".")[0] == "snakemake" for name in imports(path)), path
        assert path.stem not in {"evaluate", "datasets", "peft"} | sys.stdlib_module_names


def test_metrics_load_no_heavy_library():
    modules = sorted(path.stem for path in (LIBRARY / "metrics").glob("*.py") if path.stem != "__init__")
    code = "import sys; " + "; ".join(f"import scaling_ambiguity.metrics.{name}" for name in modules)
    code += "; print([m for m in ('torch', 'transformers', 'librosa', 'pandas', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_small_networks_are_trained_without_the_libraries_of_large_models():
    modules = ("training.run", "finetuning.perceptron", "amber2.trainee")
    code = "import sys; " + "; ".join(f"import scaling_ambiguity.{name}" for name in modules)
    code += "; print([m for m in ('transformers', 'peft', 'torch.distributed.tensor', 'librosa') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
