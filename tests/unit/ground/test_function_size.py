"""No function of the workflow is long or takes many arguments."""

import ast

import pytest

from scaling_ambiguity.code_identity import SCRIPTS

LINES, PARAMETERS = 60, 8  # lines without the docstring; parameters without self


def beyond(source, where=""):
    """Return the place of each function that is beyond a bound."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = node.body[0] if ast.get_docstring(node) is not None else None
        lines = node.end_lineno - node.lineno + 1
        lines -= docstring.end_lineno - docstring.lineno + 1 if docstring else 0
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        parameters = len([name for name in names if name not in ("self", "cls")])
        if lines > LINES or parameters > PARAMETERS:
            found.append(f"{where}: {node.name}")
    return found


def test_functions_stay_small():
    found = set()
    for path in SCRIPTS.rglob("*.py"):
        found |= set(beyond(path.read_text(), path.relative_to(SCRIPTS).as_posix()))
    assert not found


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ('def f(a):\n    """' + "x\n" * 90 + '"""\n    return a', 0),
        ("def f(a):\n" + "    a += 1\n" * 60, 1),
        ("def f(a):\n" + "    a += 1\n" * 59, 0),
        ("class C:\n    def f(self, a, b, c, d, *, e, f, g, h): ...", 0),
        ("def f(a, b, c, d, *, e, f, g, h, i): ...", 1),
    ],
)
def test_what_counts_is_lines_without_the_docstring_and_named_parameters(source, number):
    assert len(beyond(source)) == number
