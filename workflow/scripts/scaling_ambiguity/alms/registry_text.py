"""The registry in print: a table of facts, obstacles to each model here, and the cost of votes."""

import re
from collections.abc import Sequence
from typing import Any

from scaling_ambiguity.alms.availability import Machine, conditions
from scaling_ambiguity.alms.registry import Entry

_COLUMNS = {
    "entry": "key",
    "of": "of",
    "engine": "engine",
    "checkpoint": "checkpoint",
    "revision": "revision",
    "licence": "licence",
    "gated": "gated",
    "B par.": "parameters",
    "GPU GB": "gpu_memory_gb",
    "context": "context",
    "audio s": "longest_audio_s",
    "retires": "retires",
}
_COMMIT, _SHORT = re.compile(r"[0-9a-f]{40}"), 12


def facts(entry: Entry) -> dict[str, str]:
    """Return the facts of an entry as text, by column."""
    return {name: _text(getattr(entry, name)) for name in (*_COLUMNS.values(), "ran_here")}


def costs(entry: Entry, clips: int, votes: int) -> dict[str, Any]:
    """Return calls and GPU-hours of ``votes`` votes on each of ``clips`` clips.

    A call is one sampled answer, the largest number needed. Servers that return several answers
    per request need fewer requests, but each answer is counted (and usually charged). The reading-out of
    a label distribution by engine `transformers` needs one forward pass a prompt and no further calls.
    GPU-hours = clips x measured seconds per clip / 3600, only where these were measured.
    """
    hours = clips * entry.seconds_a_clip / 3600 if isinstance(entry.seconds_a_clip, int | float) else None
    shown = entry.seconds_a_clip if hours is None else f"{hours:.1f}"
    return {"calls": clips * votes, "gpu_hours": shown}


def listing(entries: Sequence[Entry], against: dict[str, list[str]], machine: Machine, clips: int, votes: int) -> str:
    """Return the whole text.

    Args:
        entries: The registry.
        against: Entry -> obstacles on this machine.
        machine: This machine.
        clips: Clips of the corpus whose cost is reported.
        votes: Votes per clip.
    """
    rows = [[_shortened(facts(entry)[name]) for name in _COLUMNS.values()] for entry in entries]
    gpus = ", ".join(f"{size:.0f} GB" for size in machine.gpus_gb) or "none"
    lines = [*_aligned([list(_COLUMNS), *rows]), ""]
    lines.append(f"On this machine ({machine.today}; GPUs: {gpus}; free memory: {machine.memory_gb:.0f} GB)")
    for entry in entries:
        verdict = ["no", *against[entry.key]] if against[entry.key] else ["possible", *conditions(entry, machine)]
        lines.append(f"  {entry.key}: {'; '.join(verdict).replace('; ', ': ', 1)}")
    lines += ["", "What of it was run in this repository"]
    lines += [f"  {entry.key}: {entry.ran_here}" for entry in entries]
    lines += ["", f"Cost of {clips:,} clips x {votes} votes, one label per call"]
    for entry in entries:
        cost = costs(entry, clips, votes)
        lines.append(f"  {entry.key}: {cost['calls']:,} calls; GPU-hours: {cost['gpu_hours']}")
    lines += ["", "Remarks"]
    lines += [f"  {entry.key}: {' '.join(remark.split())}" for entry in entries for remark in entry.remarks]
    return "\n".join(lines)


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(len(line[index]) for line in table) for index in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _shortened(text: str) -> str:
    return text[:_SHORT] if _COMMIT.fullmatch(text) else text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
