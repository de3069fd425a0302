"""A submission to the test-time benchmark: ids and answers of an ALM, written with hashes and read line by line.

A folder holds ``manifest.json``, ``candidates.jsonl.gz`` and, where a verifier judged them, ``scores.jsonl.gz``. A line
of the candidates is an answer as text (``response``) or as a distribution (``p``); no sound and no transcript has a
place in it. Every line has the hash of its other fields, so that an edited one is named.
"""

import gzip
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, file_sha256, write_json
from scaling_ambiguity.proxies.parsing import parse
from scaling_ambiguity.proxies.synonyms import Vocabulary
from scaling_ambiguity.proxies.verbalised import parse_distribution
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.testtime.manifest import CANDIDATES_FILE, NAME, SCORES_FILE, Manifest

TOLERANCE = 1e-3  # of a sum of rounded probabilities
STATUSES = ("ok", "cut", "refused", "failed")  # as generated; what is not valid turns out here
_NUMBERS = (
    *("logprob_sum", "n_tokens", "logprob_answer", "requests", "encoder_rows"),
    *("prompt_tokens", "audio_tokens", "cached_tokens", "decode_tokens", "seconds"),
)
_CANDIDATE = {"corpus", "utterance", "pool", "candidate", "status", "sha256"}
_SCORE = {"corpus", "utterance", "pool", "candidate", "verifier", "order", "place", "score", "picked", "sha256"}
_MAY = {"response", "p", "reason", *_NUMBERS}
_SCORE_MAY = {"reason", "requests", "encoder_rows", "prompt_tokens", "audio_tokens", "cached_tokens",
              "decode_tokens", "seconds"}  # fmt: skip
_NOT_POSITIVE = {"logprob_sum", "logprob_answer"}


class _Bad(ValueError):
    """What is wrong with one line, and the remedy."""


@dataclass
class Submission:
    """A submission as it was read.

    Attributes:
        manifest: What it says of itself.
        candidates: Rows as in ``tables.candidates``, with ``pool``, ``logprob_answer`` and the counts of tokens.
        scores: Rows as in ``tables.judgements``, with ``pool``; empty without a verifier.
        rejects: Lines left out: item, stage, reason, source_file, source_line.
        tier: ``B`` if every answer with a distribution is a text, else ``C``.
    """

    manifest: Manifest
    candidates: pd.DataFrame
    scores: pd.DataFrame
    rejects: pd.DataFrame
    tier: str


@dataclass
class _Lines:
    """Reads lines, keeps what is wrong with some."""

    path: Path
    keep_going: bool
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the number and the object of each line.

        Raises:
            UserError: The file is no gzip of UTF-8 lines, or a line is no JSON object.
        """
        number = 0
        try:
            with gzip.open(self.path, "rt", encoding="utf-8", newline="\n") as stream:
                for number, line in enumerate(stream, start=1):
                    try:
                        yield number, _object(line)
                    except _Bad as bad:
                        self.reject(number, "", str(bad))
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise UserError(
                f"{self.path}, after line {number}: not readable as gzip of UTF-8 text ({error}). Write it again."
            ) from error

    def reject(self, number: int, item: str, reason: str) -> None:
        """Keep a bad line as a reject, or raise UserError if the first one ends the reading."""
        if not self.keep_going:
            raise UserError(f"{self.path}, line {number}: {reason}")
        self.rejects.append(
            {"item": f"{item or self.path.name}:{number}", "stage": "submission", "reason": reason,
             "source_file": self.path.name, "source_line": number}
        )  # fmt: skip


def write_submission(
    folder: Path,
    fields: Mapping[str, Any],
    candidates: Iterable[Mapping[str, Any]],
    scores: Iterable[Mapping[str, Any]],
) -> None:
    """Write a submission; equal rows give equal bytes.

    Args:
        folder: Where; what it holds of these files is replaced.
        fields: The manifest without ``files``.
        candidates: Lines without their hash; see :data:`CANDIDATES_FILE`.
        scores: Lines of the verifier; none: no such file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, rows in ((CANDIDATES_FILE, list(candidates)), (SCORES_FILE, list(scores))):
        if not rows:
            (folder / name).unlink(missing_ok=True)
            continue
        with (
            atomic_path(folder / name) as temporary,
            temporary.open("wb") as stream,
            gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed,
        ):
            for row in rows:
                line = {**row, "sha256": row_sha256(row)}
                packed.write((json.dumps(line, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n").encode())
        files[name] = file_sha256(folder / name)
    manifest = Manifest.read({**fields, "files": files}, NAME)
    write_json(manifest.model_dump(mode="json"), folder / NAME)


def row_sha256(row: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of a line's fields, its own hash left out."""
    rest = {name: value for name, value in row.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]


def read_submission(
    folder: Path,
    manifest: Manifest,
    utterances: Sequence[str],
    vocabulary: Vocabulary,
    *,
    keep_going: bool = False,
) -> Submission:
    """Return a submission, every line checked.

    Args:
        folder: Its folder.
        manifest: Its checked manifest.
        utterances: The utterances that every pool has to answer for.
        vocabulary: Classes and accepted spellings.
        keep_going: Whether a bad line is left out as a reject; otherwise the first one ends the reading.

    Raises:
        UserError: Naming file, line and remedy: a file is absent or differs from its hash; a line is torn, was edited,
            has unknown or missing fields, a foreign utterance, a repeated candidate, or a distribution that does not
            sum to 1; or an utterance has no line in a pool.
    """
    for name in (CANDIDATES_FILE, *([SCORES_FILE] if SCORES_FILE in manifest.files else [])):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: there is no such file. Add it, or correct `files` in {NAME}.")
    if CANDIDATES_FILE not in manifest.files or ((folder / SCORES_FILE).exists() and SCORES_FILE not in manifest.files):
        raise UserError(f"{folder / NAME}: `files` has to name every file with its hash. Write the submission again.")
    expected = set(utterances)
    lines = _Lines(folder / CANDIDATES_FILE, keep_going)
    rows = _read_rows(lines, manifest, expected, lambda row: _candidate(row, manifest, vocabulary))
    judged = _Lines(folder / SCORES_FILE, keep_going)
    judgements = _read_rows(judged, manifest, expected, _score) if SCORES_FILE in manifest.files else []
    # lines name an edited answer; what they cannot name, as a line that was taken out, the hash of the file does
    for name, digest in manifest.files.items():
        if file_sha256(folder / name) != digest:
            raise UserError(
                f"{folder / name}: its SHA-256 is not that of {NAME}: lines were taken out, added or moved. Send the "
                "file as it was written, or write the submission again."
            )
    candidates = _candidate_frame(rows, list(vocabulary.classes))
    _complete(candidates, manifest, utterances, folder / CANDIDATES_FILE)
    texts = candidates.loc[candidates["status"] == "ok", "response"] != ""
    columns = {"item": "str", "stage": "str", "reason": "str", "source_file": "str", "source_line": "Int64"}
    rejects = pd.DataFrame([*lines.rejects, *judged.rejects], columns=list(columns)).astype(columns)
    return Submission(manifest, candidates, _score_frame(judgements), rejects, "B" if texts.all() else "C")


def _object(line: str) -> dict[str, Any]:
    if not line.endswith("\n"):
        raise _Bad("the line is torn: it has no end. Write the file again.")
    try:
        value = json.loads(line, parse_constant=_refuse)
    except ValueError as error:
        raise _Bad(f"no JSON object ({error}). Write the line again.") from None
    if not isinstance(value, dict):
        raise _Bad("no JSON object. Every line is one object of names and values.")
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number; give null")


def _read_rows(lines: _Lines, manifest: Manifest, expected: set[str], make: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    seen: dict[tuple[Any, ...], int] = {}
    for number, row in lines.read():
        item = row.get("utterance")
        try:
            _check_ids(row, manifest, expected)
            made = make(row)
            key = tuple(row.get(name) for name in ("pool", "utterance", "candidate", "verifier", "order"))
            if key in seen:
                raise _Bad(f"candidate {row['candidate']} of {item!r} is in line {seen[key]} already. Keep one.")
            seen[key] = number
            rows.append(made)
        except _Bad as bad:
            lines.reject(number, item if isinstance(item, str) else "", str(bad))
    return rows


def _check_ids(row: dict[str, Any], manifest: Manifest, expected: set[str]) -> None:
    for name in ("sha256", "corpus", "pool", "utterance"):
        if not isinstance(row.get(name), str):
            raise _Bad(f"the field {name!r} is missing, or no text. Add it.")
    if row.get("sha256") != row_sha256(row):
        raise _Bad("its fields are not those that it was written with (sha256). Restore the line, or write it again.")
    if row.get("corpus") != manifest.corpus:
        raise _Bad(f"corpus {row.get('corpus')!r} is not {manifest.corpus!r} of {NAME}. Leave the line out.")
    if row.get("pool") not in manifest.pools:
        raise _Bad(f"pool {row.get('pool')!r} is not among those of {NAME}. Declare it there, or leave the line out.")
    if row.get("utterance") not in expected:
        raise _Bad(f"utterance {row.get('utterance')!r} is not in the reference. Correct its name, or remove the line.")
    if not _whole(row.get("candidate")):
        raise _Bad(f"candidate {row.get('candidate')!r} is no number from 0. Number the candidates 0, 1, ...")


def _check_fields(row: dict[str, Any], must: set[str], may: set[str]) -> None:
    missing, unknown = sorted(must - set(row)), sorted(set(row) - must - may)
    if missing:
        raise _Bad(f"the field {missing[0]!r} is missing. Add it.")
    if unknown:
        raise _Bad(f"the field {unknown[0]!r} is unknown. Leave it out; a submission holds ids and answers alone.")
    for name in set(row) & set(_NUMBERS):
        value = row[name]
        if value is None:
            continue
        if not _number(value) or (value > 0 if name in _NOT_POSITIVE else value < 0):
            what = "a number of at most 0" if name in _NOT_POSITIVE else "a number of 0 or more"
            raise _Bad(f"{name} is {value!r}, not {what}. Correct it, or give null.")


def _candidate(row: dict[str, Any], manifest: Manifest, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return a row of candidates with its distribution, status and reason."""
    _check_fields(row, _CANDIDATE, _MAY)
    status, response, stated = row["status"], row.get("response") or "", row.get("p")
    if status not in STATUSES:
        raise _Bad(f"status {status!r} is unknown; there are {', '.join(STATUSES)}.")
    if not isinstance(response, str):
        raise _Bad("response is no text. Give the answer as the model wrote it.")
    shares, reason = np.full(len(vocabulary.classes), np.nan), row.get("reason") or None
    if status == "ok" and stated is not None:
        shares = _distribution(stated, vocabulary)
    elif status == "ok":
        if not response:
            raise _Bad("status ok without response and p. Give one of them, or the status of what went wrong.")
        shares, status, reason = _parsed(response, row["pool"], manifest, vocabulary)
    if status != "ok":
        reason = reason or f"{status}, no reason given"
    made = {name: row.get(name) for name in ("utterance", "pool", *_NUMBERS)}
    made |= {"draw": row["candidate"], "response": response, "status": status, "reason": reason}
    return made | dict(zip(class_columns(list(vocabulary.classes)), shares, strict=True))


def _parsed(response: str, pool: str, manifest: Manifest, vocabulary: Vocabulary) -> tuple[np.ndarray, str, str | None]:
    """Return shares, status and reason of an answer: a label in the pool ``labels``, else a stated distribution."""
    nothing = np.full(len(vocabulary.classes), np.nan)
    if pool == "labels":
        label, status = parse(response, vocabulary)
        if label is None:
            return nothing, status, "the answer is not exactly one of the classes"
        return np.eye(len(vocabulary.classes))[vocabulary.classes.index(label)], status, None
    counts = manifest.pools[pool].answers == "counts"
    stated = parse_distribution(response, vocabulary, reasoned=pool == "reasoned", counts=counts)
    if stated.distribution is None:
        return nothing, stated.status, stated.reason
    return np.asarray(stated.distribution), "ok", None


def _distribution(stated: Any, vocabulary: Vocabulary) -> np.ndarray:
    if not isinstance(stated, dict) or set(stated) != set(vocabulary.classes):
        raise _Bad(f"p is no object of exactly {', '.join(vocabulary.classes)}. Give every class its probability.")
    values = [stated[label] for label in vocabulary.classes]
    wrong = [value for value in values if not _number(value) or not 0 <= value <= 1 + TOLERANCE]
    if wrong:
        raise _Bad(f"{wrong[0]!r} is no probability. Give numbers from 0 to 1.")
    total = math.fsum(values)
    if abs(total - 1) > TOLERANCE:
        raise _Bad(f"the probabilities sum to {total:.4f}, not 1. Divide them by their sum.")
    return np.asarray(values, float) / total


def _score(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of judgements."""
    _check_fields(row, _SCORE, _SCORE_MAY)
    score, picked = row["score"], row["picked"]
    if score is not None and not (_number(score) and 0 <= score <= 10):
        raise _Bad(f"score {score!r} is no number from 0 to 10. Correct it, or give null and the reason.")
    if picked is not None and not isinstance(picked, bool):
        raise _Bad(f"picked {picked!r} is not true, false or null.")
    if not isinstance(row["verifier"], str) or not (_whole(row["order"]) and _whole(row["place"])):
        raise _Bad("verifier has to be a name, order and place numbers from 0.")
    return {name: value for name, value in row.items() if name not in ("candidate", "sha256")} | {
        "draw": row["candidate"]
    }


def _candidate_frame(rows: list[dict[str, Any]], classes: list[str]) -> pd.DataFrame:
    columns = ["utterance", "pool", "draw", "response", "status", "reason", *_NUMBERS, *class_columns(classes)]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys([*_NUMBERS, *class_columns(classes)], float))
    frame = frame.rename(columns={"logprob_sum": "logprob", "n_tokens": "tokens"})
    return frame.sort_values(["pool", "utterance", "draw"], kind="stable").reset_index(drop=True)


def _score_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=sorted((_SCORE | _SCORE_MAY | {"draw"}) - {"candidate", "sha256"}))
    numbers = dict.fromkeys(["score", *(_SCORE_MAY - {"reason"})], float)
    frame = frame.astype(numbers | {"picked": "boolean"})
    return frame.sort_values(["pool", "utterance", "draw", "verifier", "order"], kind="stable").reset_index(drop=True)


def _complete(candidates: pd.DataFrame, manifest: Manifest, utterances: Sequence[str], where: Path) -> None:
    for pool in manifest.pools:
        given = set(candidates.loc[candidates["pool"] == pool, "utterance"])
        absent = [name for name in utterances if name not in given]
        if absent:
            raise UserError(
                f"{where}: no line for utterance {absent[0]!r} in pool {pool} ({len(absent)} of {len(utterances)} have "
                "none). Add them; an answer that failed has a line with its status."
            )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
