"""Draw the rooms (packages) of the library and the path of one vote from the code itself, into docs/architecture.md.

`--check` writes nothing and exits with status 1 if the page does not match the code.
"""

import argparse
import ast
import re
import sys
from collections import Counter, deque
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "architecture.md"
SCRIPTS = REPOSITORY / "workflow" / "scripts"
LIBRARY = SCRIPTS / "scaling_ambiguity"
STUDY = LIBRARY / "inference" / "study.py"  # what every program of the statistics opens
TABLE = re.compile(r"^[A-Z][A-Z_]+$")  # tables are constants: VOTES.read(path), VOTES.write(frame, path)


def room_of(path: Path) -> str:
    """Return the room of a module: the folder, or the module itself if it is next to the folders."""
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """Return the modules of the library that a file imports, by dotted names without the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("scaling_ambiguity."):
            names.add(node.module.removeprefix("scaling_ambiguity."))
        elif isinstance(node, ast.ImportFrom) and node.module == "scaling_ambiguity":
            names |= {alias.name for alias in node.names}
    return names


def rooms() -> Counter[tuple[str, str]]:
    """Return how many modules of a room import from another one: (importing room, imported room) -> modules."""
    folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    edges: Counter[tuple[str, str]] = Counter()
    for path in sorted(LIBRARY.rglob("*.py")):
        own = room_of(path)
        others = {name.split(".")[0] for name in imported(path)} & folders
        edges.update((own, other) for other in others - {own} if own in folders)
    return edges


def essential(edges: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the imports that do not follow from others (the transitive reduction), without the tables."""
    kept = {pair for pair in edges if "tables" not in pair}
    below: dict[str, set[str]] = {}
    for room, other in kept:
        below.setdefault(room, set()).add(other)

    def reaches(room: str, goal: str, seen: frozenset[str] = frozenset()) -> bool:
        return room == goal or any(reaches(n, goal, seen | {room}) for n in below.get(room, set()) - seen)

    return sorted((room, other) for room, other in kept if not any(reaches(n, other) for n in below[room] - {other}))


def tables() -> dict[str, tuple[set[str], set[str]]]:
    """Return program -> (tables it reads, tables it writes), including the library modules it imports.

    What programs of the statistics do through the study that they open is listed once, under its name.
    """
    direct: dict[Path, tuple[set[str], set[str]]] = {}

    def of(path: Path) -> tuple[set[str], set[str]]:
        if path not in direct:
            used: tuple[set[str], set[str]] = (set(), set())
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                of_name = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
                if of_name and TABLE.match(called.value.id) and called.attr in ("read", "write"):
                    used[called.attr == "write"].add(called.value.id)
            direct[path] = used
        return direct[path]

    found = {}
    for program in [STUDY, *sorted(SCRIPTS.glob("*.py"))]:
        files, waiting = {program}, [program]
        while waiting:
            for name in imported(waiting.pop()):
                file = LIBRARY.joinpath(*name.split(".")).with_suffix(".py")
                if file.is_file() and file not in files and room_of(file) != "tables" and file != STUDY:
                    files.add(file)
                    waiting.append(file)
        reads, writes = (set().union(*(of(file)[place] for file in files)) for place in (0, 1))
        found[program.stem] = (reads - writes, writes)
    return found


def way(uses: dict[str, tuple[set[str], set[str]]], first: str, last: str) -> list[str]:
    """Return the shortest path from a program to a table: program, table, program, ... table."""
    waiting = deque([[first]])
    while waiting:
        steps = waiting.popleft()
        if steps[-1] == last:
            return steps
        here = steps[-1]
        after = uses[here][1] if here in uses else {name for name, (reads, _) in uses.items() if here in reads}
        waiting.extend([*steps, name] for name in sorted(after) if name not in steps)
    raise SystemExit(f"no way from {first} to {last}")


def drawn() -> str:
    """Return the drawing of the code, as Markdown."""
    edges, uses = rooms(), tables()
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"  {room} -->|{edges[room, other]}| {other}" for room, other in essential(edges)]
    lines += ["```", "", "```mermaid", "flowchart LR"]
    assert "inference.study" in imported(SCRIPTS / "align_votes.py"), "align_votes opens a study"
    steps = [*way(uses, "read_corpus", "ROLES"), "align_votes", *way(uses, "study", "STATISTICS")[1:], "write_numbers"]
    assert "STATISTICS" in uses["write_numbers"][0], "the numbers of the paper are read from the statistics"
    shown = [f"{name}[({name.lower()})]" if name.isupper() else name for name in steps]
    lines += ["  " + " --> ".join(shown), "```", "", "| table | written by | read by |", "|---|---|---|"]
    for table in sorted({name for reads, writes in uses.values() for name in reads | writes}):
        by = [", ".join(f"`{p}`" for p, use in uses.items() if table in use[place]) for place in (1, 0)]
        lines.append(f"| {table.lower()} | {by[0]} | {by[1]} |")
    return "\n".join(lines)


def main() -> None:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- drawn -->\n", "\n<!-- end -->"
    made = text[: text.index(begin) + len(begin)] + drawn() + text[text.index(end) :]
    if check and made != text:
        sys.exit("docs/architecture.md does not match the code; run `python docs/draw_architecture.py`")
    if not check:
        PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
