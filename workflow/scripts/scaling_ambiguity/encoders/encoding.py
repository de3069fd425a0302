"""Items through a frozen encoder into a folder of vectors: block by block in place, resumable, whole or absent."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.encoders.kinds import Encoder, NoVector
from scaling_ambiguity.encoders.store import ARRAY, IDS, META
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, file_sha256, read_json, write_json
from scaling_ambiguity.progress import announce, progress
from scaling_ambiguity.tables.vector_ids import VECTOR_IDS

ITEMS_PER_BLOCK = 128
TEXTS_KEPT = 1024  # vectors of texts kept for their repetition: acted corpora read a few sentences again and again
Encode = Callable[[np.ndarray | str], np.ndarray]
Source = Path | str | None


def encode_items(
    encoder: Encoder, names: Sequence[str], sources: Sequence[Source], state: Path, output: Path, made_by: str = ""
) -> dict[str, str]:
    """Write the vectors of items into the folder ``output``, as :mod:`~.store` reads it.

    Rows lie in the order of ``names``. A block of rows is written in place, then its record: a killed job continues
    with the first block that has none, and makes that one again. Unfinished work of another encoder, of other items
    or of other code is not taken up.

    Args:
        encoder: The encoder.
        names: Names of the items, n of them.
        sources: A sound file, a text, or None where an item has neither.
        state: Folder of the unfinished work.
        output: Appears when everything is encoded, by one renaming.
        made_by: Identifies the code.

    Returns:
        Name -> reason, of the items without a vector; the folder holds it too.

    Raises:
        UserError: A sound file is not readable, or a vector is not finite or too large for its type.
    """
    _take_up(state, {"encoder": encoder.identity, "items": _digest(names, sources), "code": made_by})
    state.mkdir(parents=True, exist_ok=True)
    array = _opened(state / ARRAY, (len(names), encoder.width), encoder.dtype)
    records: list[dict[str, Any]] = []
    encode_again = lru_cache(TEXTS_KEPT)(encoder.encode)
    starts = range(0, len(names), ITEMS_PER_BLOCK)
    for start in progress(starts, "encode", unit=f"x{ITEMS_PER_BLOCK}"):
        block, record = slice(start, start + ITEMS_PER_BLOCK), state / f"block-{start}.json"
        if not record.exists():
            made = [
                _vector(encoder.encode if isinstance(source, Path) else encode_again, encoder.width, name, source)
                for name, source in zip(names[block], sources[block], strict=True)
            ]
            array[block] = _narrow(np.stack([vector for vector, _ in made]), encoder.dtype, names[block])
            array.flush()
            write_json([entry for _, entry in made], record)
        records += read_json(record)
    del array
    return _finish(encoder, records, state, output, made_by)


def _vector(encode: Encode, width: int, name: str, source: Source) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the vector of an item, and which item it is; a vector of zeros and the reason if there is none."""
    entry = {"utterance": name, "sha256": None, "reason": None}
    if source is None:
        return np.zeros(width, np.float32), entry | {"reason": "it has nothing that the encoder reads."}
    item = load_waveform(source) if isinstance(source, Path) else source
    content = item.encode() if isinstance(item, str) else item.tobytes()
    entry["sha256"] = hashlib.sha256(content).hexdigest()
    try:
        return encode(item), entry
    except NoVector as error:
        return np.zeros(width, np.float32), entry | {"reason": str(error)}


def _narrow(vectors: np.ndarray, dtype: str, names: Sequence[str]) -> np.ndarray:
    """Return vectors in the type in which they are kept."""
    with np.errstate(over="ignore"):
        narrow = vectors.astype(dtype)
    wrong = ~np.isfinite(narrow).all(axis=1)
    if wrong.any():
        name = next(name for name, bad in zip(names, wrong, strict=True) if bad)
        raise UserError(
            f"{name}: the encoder's vector holds values that {dtype} cannot (largest {np.abs(vectors).max():g}). "
            "Choose other layers of this encoder, or another encoder."
        )
    return narrow


def _digest(names: Sequence[str], sources: Sequence[Source]) -> str:
    """Return what changes when an item, its text, or the size or age of its file does."""
    digest = hashlib.sha256()
    for name, source in zip(names, sources, strict=True):
        content: Any = source
        if isinstance(source, Path) and source.exists():
            facts = source.stat()
            content = [facts.st_size, facts.st_mtime_ns]
        digest.update(json.dumps([name, content], default=str).encode())
    return digest.hexdigest()


def _take_up(state: Path, fingerprint: dict[str, Any]) -> None:
    path = state / "fingerprint.json"
    if path.exists() and read_json(path) == json.loads(json.dumps(fingerprint)):
        return
    if state.exists():
        announce(f"encode_items: {state} holds unfinished work of another encoder, code or corpus; it is done again")
        shutil.rmtree(state)
    write_json(fingerprint, path)


def _opened(path: Path, shape: tuple[int, int], dtype: str) -> np.memmap:
    if not shape[0]:
        np.save(path, np.empty(shape, dtype))
        return np.load(path)
    return np.lib.format.open_memmap(path, mode="r+" if path.exists() else "w+", dtype=dtype, shape=shape)


def _finish(encoder: Encoder, records: list[dict[str, Any]], state: Path, output: Path, made_by: str) -> dict[str, str]:
    ids = pd.DataFrame(records, columns=["utterance", "sha256", "reason"]).astype("str")
    meta = {
        "encoder": encoder.identity,
        "width": encoder.width,
        "dtype": encoder.dtype,
        "pooling": "mean over time",
        "items": len(records),
        "sha256": file_sha256(state / ARRAY),
        "code": made_by,
    }
    with atomic_path(output) as temporary:
        temporary.mkdir()
        (state / ARRAY).rename(temporary / ARRAY)
        VECTOR_IDS.write(ids.assign(row=np.arange(len(ids))), temporary / IDS)
        write_json(meta, temporary / META)
    shutil.rmtree(state)
    return {entry["utterance"]: entry["reason"] for entry in records if entry["reason"] is not None}
