"""A pinned list of published files: path in the corpus, URL, SHA-256, bytes, licence; part of the project's data."""

import gzip
import io
from pathlib import Path, PurePosixPath

import pandas as pd

from scaling_ambiguity.errors import UserError

COLUMNS = ("path", "url", "sha256", "bytes", "licence")


def read_pins(path: Path) -> pd.DataFrame:
    """Return the list in a TSV file, gzipped or not, sorted by path: columns path, url, sha256, bytes, licence.

    Raises:
        UserError: The file is not such a list, or a path in it would be outside the corpus.
    """
    try:
        data = Path(path).read_bytes()
        data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        pins = pd.read_csv(io.BytesIO(data), sep="\t", dtype="str", keep_default_na=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: not readable as a list of files ({error}); restore it from the repository."
        ) from error
    absent = [column for column in COLUMNS if column not in pins]
    if absent:
        raise UserError(f"{path}: no column {absent[0]!r}; it needs {list(COLUMNS)}. Restore it from the repository.")
    faulty = ~pins["sha256"].str.fullmatch("[0-9a-f]{64}") | ~pins["bytes"].str.fullmatch("[1-9][0-9]*")
    faulty |= ~pins["url"].str.fullmatch(r"https?://\S+") | ~pins["path"].map(_inside).astype(bool)
    faulty |= pins["path"].duplicated()
    if faulty.any():
        line = int(faulty.to_numpy().argmax()) + 2
        raise UserError(
            f"{path}, line {line}: {pins['path'][line - 2]!r} occurs twice, leads out of the corpus, or has no "
            "web address, SHA-256 or size. Restore the list from the repository."
        )
    return pins[list(COLUMNS)].astype({"bytes": "int64"}).sort_values("path", ignore_index=True)


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\\" not in path
