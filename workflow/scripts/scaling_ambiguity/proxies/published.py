"""Answers that outlive their model: the files next to them, how they are published, and which requests they lack."""

from collections import Counter
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.chat_format import chat_format, read_kept_format
from scaling_ambiguity.alms.engine import Engine
from scaling_ambiguity.alms.filing import without_limit
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256, write_json, write_text
from scaling_ambiguity.proxies.elicitation import Item
from scaling_ambiguity.proxies.requests import text_sha256
from scaling_ambiguity.proxies.store import AnswerStore, record_line

ANSWERS = "answers.jsonl"


def keep_chat_format(engine: Engine, folder: str | Path) -> bool:
    """Write the chat format of an engine's model next to its answers; return whether it has one.

    The file is named by model and revision, and its contents depend only on them: shards may write it concurrently.
    """
    chat = chat_format(engine.processor)
    if chat is not None:
        metadata = {"model": engine.model, "revision": engine.revision}
        path = Path(folder) / _format_name(engine.model, engine.revision)
        if not path.is_file():
            write_json(metadata | {"format": chat.as_json()}, path)
    return chat is not None


def other_revisions(engine: Engine, folder: str | Path) -> list[str]:
    """Return other revisions of an engine's model whose chat formats, and hence answers, are in ``folder``."""
    kept = kept_formats(Path(folder))
    return sorted(revision for model, revision in kept if model == engine.model and revision != engine.revision)


def _format_name(model: str, revision: str) -> str:
    return f"chat-{text_sha256(chr(0).join((model, revision)))[:16]}.json"


def kept_formats(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return {(model, revision): its stored chat format}, with revisions as answers are stored under them today.

    Raises:
        UserError: A file cannot be read, or is not a chat format.
    """
    formats = {}
    for path in sorted(folder.glob("chat-*.json")):
        kept = read_kept_format(path)
        kept["revision"], _ = without_limit(kept["revision"])
        formats[kept["model"], kept["revision"]] = kept
    return formats


def missing_reasons(
    utterances: list[list[Item]], records: dict[str, dict[str, Any]], store: AnswerStore
) -> dict[str, str]:
    """Return {request key: why} of the requests that the published answers lack.

    The reason is the first part of the request, in the order model, sound, prompt, seed, draw, temperature, that no
    answer with the same preceding parts shares.
    """
    lacking = {item.request.key: item.request for draws in utterances for item in draws}
    lacking = {key: request for key, request in lacking.items() if key not in records}
    if not lacking:
        return {}
    reasons = {
        ("model", "revision"): "no answer of this model and revision",
        ("audio_sha256",): "no answer about this clip",
        ("prompt_sha256",): "no answer to this prompt (words, transcript, classes or context differ)",
        ("seed",): "no answer with this seed",
        ("draw",): "no such draw: fewer were asked",
        ("temperature",): "the draw was asked at another temperature",
    }
    parts = list(reasons)
    # all prefixes of every answer's parts: a request is looked up by ever shorter prefixes
    prefixes: list[set[tuple]] = [set() for _ in parts]
    for record in store.all():
        values = tuple(record[name] for names in parts for name in names)
        for depth in range(len(parts)):
            prefixes[depth].add(values[: depth + 2])
    missing = {}
    for key, request in lacking.items():
        values = tuple(getattr(request, name) for names in parts for name in names)
        depth = next((d for d in range(len(parts)) if values[: d + 2] not in prefixes[d]), len(parts) - 1)
        missing[key] = reasons[parts[depth]]
    return missing


def report_missing(utterances: list[list[Item]], reasons: dict[str, str]) -> list[str]:
    """Return lines for the log: the number of draws without a published answer, by reason, with a first example.

    Raises:
        UserError: None of the draws has an answer, all for the same reason: the answers belong to other questions.
    """
    if not reasons:
        return []
    draws = [item for asked in utterances for item in asked]
    counts = Counter(reasons[item.request.key] for item in draws if item.request.key in reasons)
    first = {reasons[item.request.key]: item for item in reversed(draws) if item.request.key in reasons}
    lines = [
        f"failed: {count} of {len(draws)} draws: {reason}, first {first[reason].utterance} draw {first[reason].draw}"
        for reason, count in counts.most_common()
    ]
    if sum(counts.values()) == len(draws) and set(counts) <= {
        "no answer of this model and revision",
        "no answer with this seed",
    }:
        raise UserError(
            f"{lines[0]}. The published answers are of another model, revision or seed: correct the alms entry, or "
            "set the configuration's seed to theirs."
        )
    return lines


def export(store: str | Path, output: str | Path, description: dict[str, Any]) -> dict[str, Any]:
    """Write the answers of a store as a folder that engine `replay_answers` reads, and return its manifest.

    ``answers.jsonl`` has every whole answer once, sorted by key; where a key was stored twice, the one that counts.
    The chat formats are stored next to it; ``manifest.json`` has size and SHA-256 of each file, the models with their
    number of answers, and ``description``.

    Raises:
        UserError: The store holds no answer, or no chat format of a model whose answers it holds.
    """
    store, output = Path(store), Path(output)
    records = sorted(AnswerStore(store).all(), key=lambda record: record["key"])
    if not records:
        raise UserError(f"{store}: holds no answer; run the annotator first.")
    counts = Counter((record["model"], record["revision"]) for record in records)
    formats = kept_formats(store)
    names = {model: _format_name(*model) for model in counts}
    absent = [model for model in counts if model not in formats]
    if absent:
        raise UserError(
            f"{store / names[absent[0]]}: missing, the chat format of model {absent[0][0]}, revision {absent[0][1]}, "
            "without which its answers cannot be looked up. Run the annotator once more while its model is available: "
            "no question is asked, and the format is written."
        )
    write_text("".join(map(record_line, records)), output / ANSWERS)
    for model, name in names.items():
        write_json(formats[model], output / name)
    files = {
        name: {"bytes": (output / name).stat().st_size, "sha256": file_sha256(output / name)}
        for name in [ANSWERS, *sorted(names.values())]
    }
    models = [
        {"model": model, "revision": revision, "answers": count} for (model, revision), count in sorted(counts.items())
    ]
    manifest = {"files": files, "answers": len(records), "models": models} | description
    write_json(manifest, output / "manifest.json")
    return manifest
