"""The provenance of one number of the paper: its file and row, the rule and program behind it, the sentences."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.chapters import ESTIMATES
from scaling_ambiguity.reporting.paper import source_files

RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^    output:\n(.*?)(?=^    \w)", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r'code\("(\w+\.py)"')
QUOTED = re.compile(r'"(results/[^"]+)"')


def makers_of(path: str, rules: Path) -> list[tuple[str, str]]:
    """Return (rule, program) of every rule in the folder ``rules`` with an output of the pattern of ``path``.

    A wildcard stands for any text without a slash; a rule without its own program has "". Rules made from the
    registry of chapters are looked up there.
    """

    def made_by(pattern: str) -> bool:
        return bool(re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern)), path))

    makers = [
        (one.work.program, f"{one.work.program}.py")
        for kind, one in ESTIMATES.items()
        if one.work and made_by(one.with_wildcards(kind))
    ]
    for file in sorted(rules.glob("*.smk")):
        for name, body in RULE.findall(file.read_text(encoding="utf-8")):
            output = OUTPUT.search(body)
            patterns = QUOTED.findall(output[1]) if output else []
            if any(map(made_by, patterns)):
                program = PROGRAM.search(body)
                makers.append((name, program[1] if program else ""))
    return makers


def sentences_with(key: str, paper: Path) -> list[tuple[str, int, str]]:
    r"""Return (file, line, sentence) per use of ``{key}`` as an argument in the sources of both documents in ``paper``.

    A sentence ends at a full stop before a blank, or at an empty line; the line is that of the key, from 1.
    """
    sentences = []
    for file in source_files(paper):
        text = file.read_text(encoding="utf-8")
        for place in re.finditer(re.escape("{" + key + "}"), text):
            start = max((end.end() for end in re.finditer(r"\.\s+|\n\s*\n", text[: place.start()])), default=0)
            stop = re.compile(r"\.(?=\s)|\n\s*\n|\Z").search(text, place.end())
            sentence = " ".join(text[start : stop.end() if stop else len(text)].split())
            sentences.append((file.relative_to(paper).as_posix(), text.count("\n", 0, place.start()) + 1, sentence))
    return sentences


def source_lines(key: str, numbers: dict[str, dict[str, Any]], rules: Path) -> Iterator[str]:
    """Yield value, files, rules, programs and row of ``key``, then the same of every number it is derived from."""
    entry = numbers[key]
    yield f"{key} = {entry['text']}"
    files = entry["file"] if isinstance(entry["file"], list) else [entry["file"]] if entry["file"] else []
    for path in files:
        yield f"  file: {path}"
        for rule, program in makers_of(path, rules):
            yield f"  rule: {rule}" + (f" (workflow/scripts/{program})" if program else "")
    for field in ("column", "function"):
        if entry[field]:
            yield f"  {field}: {entry[field]}"
    if entry["rows"]:
        yield "  rows: " + ", ".join(f"{column}={value}" for column, value in entry["rows"].items())
    for source in entry["derived_from"]:
        yield from source_lines(source, numbers, rules)


def where(key: str, numbers: dict[str, dict[str, Any]], rules: Path, paper: Path) -> Iterator[str]:
    """Yield the lines that say where the number ``key`` of numbers.json comes from and where the text uses it.

    Raises:
        UserError: numbers.json has no such key.
    """
    if key not in numbers:
        near = [name for name in numbers if name.split(".")[0] == key.split(".")[0]]
        raise UserError(f"numbers.json has no key {key!r}; those of its chapter: {', '.join(near) or 'none'}.")
    yield from source_lines(key, numbers, rules)
    for file, line, sentence in sentences_with(key, paper):
        yield f"{file}:{line}: {sentence}"
