"""The hash of code: real edits change it, comments, docstrings and times do not."""

import json
import os
import sys
import time

import pytest

from scaling_ambiguity import code_identity
from scaling_ambiguity.code_identity import code_hash, dependencies, keep_trees, recall_trees


@pytest.fixture
def tree(tmp_path):
    package = tmp_path / "scaling_ambiguity"
    (package / "room").mkdir(parents=True)
    for folder in (package, package / "room"):
        (folder / "__init__.py").touch()
    (package / "room" / "near.py").write_text(
        "from scaling_ambiguity.room.far import g\n\ndef f(x):\n    return g(x)\n"
    )
    (package / "room" / "far.py").write_text('def g(x):\n    """Doc."""\n    return x + 1\n')
    (package / "room" / "other.py").write_text("VALUE = 1\n")
    (package / "room" / "reader.py").write_text("VALUE = 1\n")
    (tmp_path / "step.py").write_text("from scaling_ambiguity.room import near\n\nprint(near.f(1))\n")
    return tmp_path


def edit(path, old, new):
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))


def test_indirect_imports_count_and_strangers_do_not(tree):
    found = dependencies(tree / "step.py", root=tree)
    names = {"step.py", "scaling_ambiguity/room/near.py", "scaling_ambiguity/room/far.py"}
    assert names <= set(found)
    assert "scaling_ambiguity/room/other.py" not in found


def test_comment_docstring_and_touch_change_nothing(tree):
    before = code_hash(tree / "step.py", root=tree)
    far = tree / "scaling_ambiguity" / "room" / "far.py"
    edit(far, '"""Doc."""', '"""Another docstring."""  # and a comment')
    edit(far, "def g(x):", "def g(x):\n")
    assert code_hash(tree / "step.py", root=tree) == before


def test_real_edit_of_an_indirect_helper_changes_it(tree):
    before = code_hash(tree / "step.py", root=tree)
    edit(tree / "scaling_ambiguity" / "room" / "far.py", "x + 1", "x + 2")
    assert code_hash(tree / "step.py", root=tree) != before


def test_modules_named_by_wildcards_count(tree):
    module = ("scaling_ambiguity.room.reader",)
    before = code_hash(tree / "step.py", module, root=tree)
    edit(tree / "scaling_ambiguity" / "room" / "reader.py", "1", "2")
    assert code_hash(tree / "step.py", module, root=tree) != before
    with pytest.raises(FileNotFoundError, match="absent"):
        code_hash(tree / "step.py", ("scaling_ambiguity.room.absent",), root=tree)


NESTED = {
    "function": "def f():\n    {}\n",
    "method": "class A:\n    async def f(self):\n        {}\n",
    "else": "for i in ():\n    pass\nelse:\n    {}\n",
    "elif": "if 0:\n    pass\nelif 1:\n    {}\n",
    "except": "try:\n    pass\nexcept OSError:\n    {}\n",
    "finally": "try:\n    pass\nfinally:\n    {}\n",
    "with": "with open('x') as file:\n    while file:\n        {}\n",
    "match": "match 1:\n    case 1:\n        {}\n",
}


@pytest.mark.parametrize("place", NESTED)
def test_an_import_counts_wherever_it_stands(tree, place):
    (tree / "step.py").write_text(NESTED[place].format("from scaling_ambiguity.room import near"))
    assert "scaling_ambiguity/room/far.py" in dependencies(tree / "step.py", root=tree)


@pytest.fixture
def empty(monkeypatch):
    """Act as a new process, which has parsed nothing."""

    def forget():
        code_identity._parse.cache_clear()
        monkeypatch.setattr(code_identity, "_trees", {})
        monkeypatch.setattr(code_identity, "_used", set())
        monkeypatch.setattr(code_identity, "_recalled", set())

    forget()
    yield forget
    code_identity._parse.cache_clear()


def test_kept_trees_are_those_of_the_sources_and_an_edited_file_is_parsed_again(tree, tmp_path, empty, monkeypatch):
    kept = tmp_path / "kept.json"
    before = code_hash(tree / "step.py", root=tree)
    keep_trees(kept)
    parse = code_identity.ast.parse
    parsed = []
    monkeypatch.setattr(
        code_identity.ast, "parse", lambda *arguments, **named: parsed.append(1) or parse(*arguments, **named)
    )
    empty()
    recall_trees(kept)
    assert code_hash(tree / "step.py", root=tree) == before and not parsed
    edit(tree / "scaling_ambiguity" / "room" / "far.py", "x + 1", "x + 2")
    assert code_hash(tree / "step.py", root=tree) != before and len(parsed) == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"python": 3}', '{"trees": {}}', json.dumps({"python": sys.version, "trees": [1]})]
)
def test_a_broken_file_of_trees_is_ignored(tree, tmp_path, empty, content):
    before = code_hash(tree / "step.py", root=tree)
    empty()
    (tmp_path / "kept.json").write_text(content)
    recall_trees(tmp_path / "kept.json")
    assert code_hash(tree / "step.py", root=tree) == before
    keep_trees(tmp_path / "absent" / "folder" / "kept.json")
