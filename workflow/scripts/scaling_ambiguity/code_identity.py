"""The identity of a rule's code: a hash of the syntax tree of its script and of the modules it imports from here.

A rule passes this hash as a parameter. An edited helper then re-runs exactly the rules that import it, directly or
through others; comments, docstrings, formatting and file times change nothing. Modules chosen by a wildcard (a
corpus' reader) are imported by name at run time, so they are passed to :func:`code_hash` in addition to the script.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from scaling_ambiguity.io import write_text

PACKAGE = "scaling_ambiguity"
SCRIPTS = Path(__file__).resolve().parents[1]
# SHA-256 of a source file -> SHA-256 of its syntax tree, and the names in the library that it imports; most of the time
# that Snakemake needs to read the rules would go into parsing hundreds of unchanged files.
_trees: dict[str, tuple[str, list[str]]] = {}
_used: set[str] = set()
_recalled: set[str] = set()


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and every statement below it; expressions, most of a tree, hold no import and no docstring."""
    yield node
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        below = getattr(node, field, ())
        for statement in below if isinstance(below, list) else ():
            yield from _statements(statement)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in _statements(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return tree


def _module_file(root: Path, name: str) -> Path | None:
    path = root.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _imported_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.split(".")[0] == PACKAGE}


@cache
def _parse(file: Path, root: Path, _modified: int, _size: int) -> tuple[str, tuple[Path, ...]]:
    """Return the SHA-256 of a file's syntax tree, and the files of the library that it imports."""
    source = file.read_bytes()
    key = hashlib.sha256(source).hexdigest()
    if key not in _trees:
        tree = ast.parse(source, filename=str(file))
        names = sorted(_imported_names(tree))
        _trees[key] = hashlib.sha256(ast.dump(_without_docstrings(tree)).encode()).hexdigest(), names
    _used.add(key)
    identity, names = _trees[key]
    files = (_module_file(root, name) for name in names)
    return identity, tuple(dict.fromkeys(path for path in files if path))


def recall_trees(file: Path) -> None:
    """Take over the trees that :func:`keep_trees` wrote with this version of Python; an unreadable file is ignored."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["python"] == sys.version:
            _trees.update({key: (str(tree), list(names)) for key, (tree, names) in kept["trees"].items()})
            _recalled.update(_trees)


def keep_trees(file: Path) -> None:
    """Write what this process parsed, beside what was recalled unless most of that is out of date; see recall_trees.

    Where nothing can be written, nothing is.
    """
    if _used <= _recalled:
        return
    kept = _trees if len(_trees) < 3 * len(_used) else {key: _trees[key] for key in _used}
    with suppress(OSError):
        write_text(json.dumps({"python": sys.version, "trees": dict(sorted(kept.items()))}), file)


def dependencies(script: Path, modules: tuple[str, ...] = (), root: Path = SCRIPTS) -> dict[str, str]:
    """Return {path relative to ``root``: SHA-256 of the syntax tree} of ``script`` and all it imports from the library.

    Args:
        script: A program file below ``root``.
        modules: Dotted names of library modules that the script loads by name.
        root: The folder that holds the programs and the package.

    Raises:
        FileNotFoundError: ``script`` or one of ``modules`` does not exist.
    """
    waiting = [script]
    for name in modules:
        file = _module_file(root, name)
        if file is None:
            raise FileNotFoundError(f"no module {name} below {root}")
        waiting.append(file)
    trees: dict[Path, str] = {}
    while waiting:
        file = waiting.pop()
        if file not in trees:
            status = file.stat()
            trees[file], imported = _parse(file, root, status.st_mtime_ns, status.st_size)
            waiting.extend(imported)
    return {file.relative_to(root).as_posix(): tree for file, tree in trees.items()}


def code_hash(script: Path, modules: tuple[str, ...] = (), root: Path = SCRIPTS) -> str:
    """Return 16 hexadecimal digits that identify the code behind ``script``; see :func:`dependencies`."""
    digest = hashlib.sha256()
    for key, tree in sorted(dependencies(script, modules, root).items()):
        digest.update(f"{key}\0{tree}\0".encode())
    return digest.hexdigest()[:16]
