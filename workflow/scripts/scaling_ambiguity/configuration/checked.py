"""The configuration of a run: read as people write it, checked before any work starts."""

import unicodedata
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from scaling_ambiguity.configuration.asking import check_asking
from scaling_ambiguity.configuration.faults import explain, path_of
from scaling_ambiguity.configuration.models import check_models
from scaling_ambiguity.configuration.selection import check_selection
from scaling_ambiguity.configuration.testtime import check_submissions
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.latex import unprintable

SCHEMA = Path(__file__).resolve().parents[3] / "schemas" / "config.schema.yaml"


def checked_config(config: dict[str, Any], schema_file: Path = SCHEMA) -> dict[str, Any]:
    """Return ``config`` with command-line strings coerced, or raise one UserError.

    Args:
        config: The merged configuration; values set by ``--config`` may be strings of YAML.
        schema_file: JSON schema, draft 2020-12.

    Raises:
        UserError: The first fault, with its key path, its value and what would be accepted.
    """
    # the parser in C, where there is one, takes a tenth of the time
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema = yaml.load(schema_file.read_text(encoding="utf-8"), Loader=loader)
    config = coerce(config, schema, schema)
    _refuse_odd_keys(config)
    faults = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda fault: [str(p) for p in fault.path])
    if faults:
        raise UserError(explain(faults[0]))
    config = config | {
        "alms": {
            name: ({"gpus": 0} if entry["engine"] == "table" else {}) | entry for name, entry in config["alms"].items()
        }
    }
    beams = {name: entry for name, entry in config["annotators"].items() if entry.get("design") == "beam"}
    searched = {name: {"temperatures": [0]} | entry for name, entry in beams.items()}
    config = config | {"annotators": config["annotators"] | searched}
    if "testtime" in config:  # YAML reads a bare yes and no as true and false
        submissions = {name: dict(entry) for name, entry in config["testtime"].items()}
        for entry in submissions.values():
            entry["has_seen_votes"] = {True: "yes", False: "no"}.get(entry["has_seen_votes"], entry["has_seen_votes"])
        config = config | {"testtime": submissions}
    for check in (check_selection, check_asking, check_models, check_submissions):
        check(config)
    return config | {"paper": _composed_paper(config["paper"])}


def coerce(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Parse, as YAML, every string that stands where ``schema`` wants something else."""
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target | {key: item for key, item in schema.items() if key != "$ref"}
    if isinstance(value, str) and schema.get("type", "string") != "string":
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            return value
    if isinstance(value, str) and "anyOf" in schema and value.isdecimal():
        return int(value)
    if isinstance(value, dict):
        properties, other = schema.get("properties", {}), schema.get("additionalProperties")
        other = other if isinstance(other, dict) else {}
        named = {str(key) if type(key) is int else key: item for key, item in value.items()}
        return {key: coerce(item, properties.get(key, other), root) for key, item in named.items()}
    if isinstance(value, list):
        return [coerce(item, schema.get("items", {}), root) for item in value]
    return value


def _refuse_odd_keys(value: Any, path: tuple = ()) -> None:
    """Raise UserError at a key that is no text, as YAML makes of a bare ``no``, ``on``, ``null`` or ``1.0``."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise UserError(
                    f"config: {path_of(path)} has the key {key!r} (for {item!r}); expected text. YAML reads a bare no "
                    "or off as false, yes or on as true, null or ~ as nothing: write the key in quotes."
                )
            _refuse_odd_keys(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _refuse_odd_keys(item, (*path, place))


def _composed_paper(paper: dict[str, Any]) -> dict[str, Any]:
    """Return title, subtitle and authors with composed characters (NFC), all of which the paper's fonts have."""
    texts = {f"paper.{key}": paper[key] for key in ("title", "subtitle")}
    texts |= {f"paper.authors.{place}": author for place, author in enumerate(paper["authors"])}
    for key, text in texts.items():
        if lacking := unprintable(text):
            raise UserError(
                f"config: {key} = {text!r} cannot be printed: the paper's fonts have no {', '.join(lacking)}. Write it "
                "in Latin letters, with any of their accents."
            )
    composed = {key: unicodedata.normalize("NFC", paper[key]) for key in ("title", "subtitle")}
    return paper | composed | {"authors": [unicodedata.normalize("NFC", author) for author in paper["authors"]]}
