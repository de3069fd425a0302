"""What is wrong with a configuration, as one sentence: key path, value, what would be accepted."""

import difflib
from typing import Any

from jsonschema.exceptions import ValidationError

from scaling_ambiguity.errors import UserError

# section and key of what configurations of before may still set
GONE = {("protocols", "reference"), ("poolings", "fit"), ("statistics", "cluster"), ("peers", "peer")}


def require(path: str, name: str, library: dict[str, Any], kind: str) -> None:
    """Raise UserError if ``library`` has no entry ``name``; ``path`` is the key whose value it is, ``kind`` a noun."""
    if name not in library:
        accepted = sorted(library)
        raise UserError(
            f"config: {path} = {name!r} is not a known {kind}."
            f"{suggest(name, accepted)} Accepted: {', '.join(accepted)}."
        )


def path_of(parts: Any) -> str:
    """Return keys and places in lists as one path, e.g. ``run.corpora.0``."""
    return ".".join(str(part) for part in parts) or "the configuration"


def suggest(name: str, accepted: list[str]) -> str:
    """Return a question after the accepted name that is most like ``name``, or ""."""
    close = difflib.get_close_matches(str(name), accepted, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def explain(fault: ValidationError) -> str:
    """Return a fault that the schema found as one sentence with the remedy."""
    where = path_of(fault.absolute_path)
    if fault.validator == "additionalProperties" and isinstance(fault.instance, dict):
        accepted = list(fault.schema.get("properties", {}))
        unknown = next(key for key in fault.instance if key not in accepted)
        value, path = fault.instance[unknown], [*fault.absolute_path, unknown]
        accepts = f"Accepted here: {', '.join(accepted)}." if accepted else "No key is accepted here."
        if (path[0], unknown) in GONE:
            accepts = "It had but one value and is no key any more: remove the line."
            return f"config: {path_of(path)} = {value!r} is not a known key. {accepts}"
        return f"config: {path_of(path)} = {value!r} is not a known key.{suggest(unknown, accepted)} {accepts}"
    if fault.validator == "required":
        missing = next(key for key in fault.validator_value if key not in fault.instance)
        return f"config: {path_of([*fault.absolute_path, missing])} is missing. {_describe(fault.schema, missing)}"
    wanted = {
        "type": lambda: f"a value of type {fault.validator_value}",
        "enum": lambda: f"one of {', '.join(map(str, fault.validator_value))}",
        "const": lambda: repr(fault.validator_value),
        "pattern": lambda: f"text that matches {fault.validator_value}",
        "minimum": lambda: f"a number of at least {fault.validator_value}",
        "maximum": lambda: f"a number of at most {fault.validator_value}",
        "exclusiveMinimum": lambda: f"a number above {fault.validator_value}",
        "exclusiveMaximum": lambda: f"a number below {fault.validator_value}",
        "minItems": lambda: f"a list of at least {fault.validator_value} entries",
        "maxItems": lambda: f"a list of at most {fault.validator_value} entries",
        "uniqueItems": lambda: "a list without repetition",
    }.get(fault.validator, lambda: fault.message)()
    meaning = fault.schema.get("description", "") if isinstance(fault.schema, dict) else ""
    hint = ""
    if fault.validator == "enum" and isinstance(fault.instance, str):
        hint = suggest(fault.instance, [str(item) for item in fault.validator_value])
    return f"config: {where} = {fault.instance!r} is not accepted; expected {wanted}.{hint} {meaning}".strip()


def _describe(schema: dict[str, Any], key: str) -> str:
    return schema.get("properties", {}).get(key, {}).get("description", "") or "Add it; config.yaml shows an example."
