"""No program changes what it was given: entries and options are those of the configuration until the end."""

import ast
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).resolve().parents[3] / "workflow" / "scripts").glob("*.py"))
CHANGES = {"setdefault", "update", "pop", "popitem", "clear", "append", "extend", "insert", "remove", "sort"}


def given(node):
    """Whether an expression is an entry, however deep, of the program's ``arguments``."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "arguments":
            return True
        node = node.value
    return False


def changes(source):
    """Return the lines on which an entry of ``arguments`` is assigned, deleted or changed by a method."""
    found = []
    for node in ast.walk(ast.parse(source)):
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        assigned = isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete)
        if assigned and any(isinstance(target, ast.Subscript) and given(target) for target in targets):
            found.append(node.lineno)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
            found += [node.lineno] if given(node.func.value) else []
    return sorted(found)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_programs_leave_their_arguments_as_they_are(program):
    assert changes(program.read_text()) == []


def test_what_two_programs_did_is_seen():
    assert changes('arguments.alm["spending"].setdefault("ledger", "x")\narguments.alm["device"] = "cuda:0"') == [1, 2]
    assert changes('alm = dict(arguments.alm)\nalm["device"] = "cuda:0"\nalm.setdefault("x", 1)') == []
