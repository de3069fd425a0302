"""What a submission says of itself, and the version of the benchmark that it was made for."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from scaling_ambiguity.code_identity import SCRIPTS, code_hash
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json
from scaling_ambiguity.settings import Settings
from scaling_ambiguity.testtime.pool import KINDS

Array: TypeAlias = NDArray[np.float64]
VERSION = "1.0.0"  # major: results of another one are not comparable; minor: more strategies or metrics
NAME = "manifest.json"
FILES = CANDIDATES_FILE, SCORES_FILE = ("candidates.jsonl.gz", "scores.jsonl.gz")
TIERS = {
    "A": "run again here",
    "B": "raw answers, scored here",
    "C": "distributions alone, scored here",
    "D": "a figure from a paper",
}
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1)]


class PoolEntry(Settings):
    """How one pool was generated.

    Attributes:
        prompt_sha256: Hash of the prompt's text.
        decoding: Decoding parameters, as given to the engine.
        prefill: Whether the candidates of an utterance shared one prefill, or each had its own.
        answers: Whether distributions are written as ``shares`` or as ``counts`` of listeners.
    """

    prompt_sha256: Sha256
    decoding: dict[str, Any]
    prefill: Literal["shared", "separate"] = "separate"
    answers: Literal["shares", "counts"] = "shares"


class Manifest(Settings):
    """What is in ``manifest.json`` of a submission.

    Attributes:
        alm: The model.
        revision: Its revision.
        licence: Under which the answers may be used.
        contact: Whom to ask.
        date: Of the answers, YYYY-MM-DD.
        has_seen_votes: Whether the model was trained on these human votes.
        benchmark_version: Of the benchmark that the submission was made for.
        corpus: The corpus.
        corpus_reference_sha256: Hash of its human votes (:func:`votes_sha256`).
        classes: Class labels, in order.
        pools: Kind of pool -> how it was generated.
        files: File -> SHA-256 of its bytes.
        verifier: The model that judged the candidates; null without one.
        parameters: Of the language model, for operations; null if unknown.
        encoder_flop: Operations to encode one clip; null if unknown.
    """

    alm: Text
    revision: Text
    licence: Text
    contact: Text
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    has_seen_votes: Literal["yes", "no", "unknown"]
    benchmark_version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    corpus: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
    corpus_reference_sha256: Sha256
    classes: Annotated[list[Text], Field(min_length=2)]
    pools: Annotated[dict[str, PoolEntry], Field(min_length=1)]
    files: dict[str, Sha256]
    verifier: Text | None = None
    parameters: Annotated[float, Field(gt=0)] | None = None
    encoder_flop: Annotated[float, Field(ge=0)] | None = None


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a submission.

    Raises:
        UserError: It is absent or no JSON, a field is missing, unknown or not accepted, or a pool is of no known kind.
    """
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{path}: there is no such file. A submission is a folder with {NAME} and its answers.")
    try:
        manifest = Manifest.read(read_json(path), str(path))
    except UserError as error:
        raise UserError(str(error).replace("Remove it and run again.", "Write it again.")) from error
    strange = sorted(set(manifest.files) - set(FILES))
    if strange:
        raise UserError(f"{path}: files.{strange[0]} has no place in a submission; there are {', '.join(FILES)}.")
    unknown = sorted(set(manifest.pools) - set(KINDS))
    if unknown:
        raise UserError(f"{path}: pools.{unknown[0]} is unknown; there are {', '.join(KINDS)}.")
    return manifest


def check_manifest(manifest: Manifest, where: Path, corpus: str, classes: Sequence[str], reference: str) -> None:
    """Check that a submission is about this corpus, these votes, and a version of the benchmark that fits.

    Args:
        manifest: Of the submission.
        where: Its file, for messages.
        corpus: Name of the corpus.
        classes: Its class set, in order.
        reference: :func:`votes_sha256` of its votes.

    Raises:
        UserError: Naming the field, both values and the remedy.
    """
    wanted = {"corpus": corpus, "classes": list(classes), "corpus_reference_sha256": reference}
    for name, value in wanted.items():
        given = getattr(manifest, name)
        if given != value:
            raise UserError(
                f"{where}: {name} is {given!r}, that of the votes here {value!r}. Results on other votes are not "
                "comparable: submit answers about these, or score on the others."
            )
    major = manifest.benchmark_version.split(".")[0]
    if major != VERSION.split(".")[0]:
        raise UserError(
            f"{where}: benchmark_version {manifest.benchmark_version} does not fit {VERSION} of this code. Make the "
            f"submission for version {VERSION.split('.')[0]}, or score it with code of version {major}."
        )


def votes_sha256(utterances: Sequence[str], classes: Sequence[str], counts: Array) -> str:
    """Return the SHA-256 of human votes: names, classes and counts, whatever the order of the utterances.

    Args:
        utterances: U names.
        classes: C labels, in order.
        counts: (U, C) votes.
    """
    rows = sorted(zip(utterances, np.round(counts, 6).tolist(), strict=True))
    return hashlib.sha256(json.dumps([list(classes), rows], ensure_ascii=False).encode()).hexdigest()


def benchmark_identity(reference: str, strategies: Sequence[str]) -> str:
    """Return version and identity of the benchmark, ``1.0.0+CODE.VOTES``: hashes of code and strategies, and of votes.

    Results of different identities do not belong in one table (:func:`same_benchmark`).

    Args:
        reference: :func:`votes_sha256`.
        strategies: Names of all strategies and controls.
    """
    code = code_hash(SCRIPTS / "score_strategies.py")
    whole = hashlib.sha256(json.dumps([sorted(strategies), code]).encode()).hexdigest()
    return f"{VERSION}+{whole[:8]}.{reference[:8]}"


def same_benchmark(identities: Sequence[str], corpora: Sequence[str], where: Sequence[str]) -> None:
    """Check that results to be shown together are of one benchmark: one code, and one set of votes per corpus.

    Raises:
        UserError: Naming the first table that differs.
    """
    first: dict[str, str] = {}
    for identity, corpus, name in zip(identities, corpora, where, strict=True):
        expected = first.setdefault(corpus, identity)
        if identity != expected or identity.rpartition(".")[0] != identities[0].rpartition(".")[0]:
            other = expected if identity != expected else identities[0]
            table = where[list(identities).index(other)]
            raise UserError(
                f"{name}: scored by benchmark {identity}, not {other} as {table}. Votes, strategies or metrics changed "
                "in between: score it again."
            )
