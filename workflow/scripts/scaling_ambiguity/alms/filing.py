"""What a server's answers are stored under in addition to the model's name: its revision and the sampling settings."""

import json
import re
from typing import Any

_LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")
_FILED = re.compile(r"\A(.*?) (\{.*\})\Z", re.DOTALL)


def filed_as(revision: str, parameters: dict[str, Any]) -> str:
    """Return the revision and the sampling parameters (which also change the answers) as sorted JSON."""
    return f"{revision} {json.dumps(parameters, sort_keys=True)}"


def without_limit(filed: str) -> tuple[str, int | None]:
    """Return a text of :func:`filed_as` without the token limit, formerly one of the parameters, and that limit.

    Any other revision is returned as it is, without a limit.
    """
    parts = _FILED.match(filed)
    if parts is None:
        return filed, None
    try:
        parameters = json.loads(parts[2])
    except ValueError:
        return filed, None
    limits = [parameters.pop(name) for name in _LIMIT_FIELDS if name in parameters]
    return filed_as(parts[1], parameters), limits[0] if limits else None
