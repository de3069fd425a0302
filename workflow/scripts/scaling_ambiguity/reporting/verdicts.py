"""Verdicts of notebooks: their format and which of them stop the paper."""

from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json

NOT_APPLICABLE = "not applicable"  # begins the message of a check that needs data which the run does not have
VERDICT_KEYS = {"name": str, "gating": bool, "passed": bool, "message": str}


def read_verdicts(path: str | Path) -> list[dict[str, Any]]:
    """Return the verdicts of a notebook; a UserError describes a fault of the file."""
    verdicts = read_json(path)
    if not isinstance(verdicts, list) or not verdicts:
        raise UserError(f"{path}: expected a list of verdicts; re-run execute_notebook.")
    for verdict in verdicts:
        for key, kind in VERDICT_KEYS.items():
            if not isinstance(verdict.get(key), kind):
                raise UserError(f"{path}: a verdict needs {key!r} of type {kind.__name__}; got {verdict}.")
    return verdicts


def outcome(verdict: dict[str, Any]) -> str:
    """Return the words of a verdict: a gating one passed or failed, a finding holds or does not."""
    if verdict["message"].startswith(NOT_APPLICABLE):
        return NOT_APPLICABLE
    if verdict["gating"]:
        return "passed (gating)" if verdict["passed"] else "FAILED (gating)"
    return "holds (finding)" if verdict["passed"] else "does not hold (finding)"


def failures(verdicts: list[dict[str, Any]]) -> list[str]:
    """Return one line for every gating verdict that did not pass."""
    return [f"{v['name']}: {v['message']}" for v in verdicts if v["gating"] and not v["passed"]]
