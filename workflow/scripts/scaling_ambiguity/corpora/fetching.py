"""Published files over HTTP: verified by SHA-256, resumed after interruptions, requested politely.

A file is written as ``.<name>.part`` in the target folder and renamed when its hash is right, so
a file with its proper name is complete. Running again continues where the last run stopped.
"""

import fcntl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

import pandas as pd

from scaling_ambiguity.corpora.paths import POINTER, impostor, impostor_at, inside
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import uniform

MOST_WORKERS = 8  # more would not be polite
MOST_FAULTS = 20  # after that many files that cannot be fetched, the server is at fault and not the file
LONGEST_WAIT = 60.0  # seconds between attempts
CHUNK = 1 << 16
AGENT = "scaling-ambiguity (research; one corpus, once)"


class Refused(UserError):
    """The server does not send a file at all; the same would happen for every other file."""


class _TryAgain(Exception):
    """A transient fault; ``wait`` is the delay requested by the server, in seconds."""

    def __init__(self, reason: object, wait: float = 0.0):
        super().__init__(str(reason))
        self.wait = wait


@dataclass(frozen=True)
class Manners:
    """How a server is queried: attempts per file without any progress, seconds before the second one, time-out in s."""

    attempts: int = 6
    patience: float = 1.0
    timeout: float = 30.0


def ensure(
    url: str,
    target: Path,
    *,
    sha256: str,
    size: int,
    manners: Manners | None = None,
    stop: threading.Event | None = None,
) -> bool:
    """Ensure that ``target`` is the file with this hash; return whether it had to be fetched.

    A Git-LFS pointer in its place is replaced; any other file is first renamed to ``<name>.other``.

    Args:
        url: Address of the file, http or https.
        target: Where to store it.
        sha256: Its SHA-256, 64 hexadecimal digits.
        size: Its size in bytes.
        manners: How the server is queried.
        stop: If set, waiting ends and the file is abandoned.

    Raises:
        Refused: The server sends a Git-LFS pointer or a web page.
        UserError: The file cannot be fetched, is another one, or cannot be written.
    """
    manners, stop = manners or Manners(), stop or threading.Event()
    if target.is_file() and target.stat().st_size == size and file_sha256(target) == sha256:
        return False
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, sha256, size, manners, stop)
        if target.is_file() and impostor_at(target) != POINTER:
            target.replace(target.with_name(f"{target.name}.other"))
        part.replace(target)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error}); free space or choose another root.") from error
    return True


def _fetch(url: str, part: Path, sha256: str, size: int, manners: Manners, stop: threading.Event) -> None:
    """Complete ``part``; progress beyond the previous maximum resets the attempts."""
    failures = wrong = 0
    furthest = _size(part)
    while True:
        try:
            if _size(part) != size:
                _request(url, part, _size(part), size, manners.timeout)
            if file_sha256(part) == sha256:
                return
            fake = impostor_at(part)
            part.unlink()
            if fake:
                raise _refusal(url, fake)
            wrong += 1  # once may be a mixture of two versions, twice is another file
            if wrong == 2:
                raise UserError(f"{url}: has another SHA-256 than {sha256[:12]}..., so it is another file.")
        except _TryAgain as error:
            failures = 1 if _size(part) > furthest else failures + 1
            furthest = max(furthest, _size(part))
            if failures >= manners.attempts or stop.is_set():
                raise UserError(f"{url}: {error} ({failures} times).") from error
            backoff = manners.patience * 2 ** (failures - 1) * (0.5 + uniform(url, failures))
            if stop.wait(min(max(backoff, error.wait), LONGEST_WAIT)):
                raise UserError(f"{url}: given up, others failed.") from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _request(url: str, part: Path, start: int, size: int, timeout: float) -> None:
    """Request the bytes from ``start`` once and append what arrives to ``part``."""
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if 0 < start < size:
        headers["Range"] = f"bytes={start}-"
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # no such range: the part is useless
            part.unlink(missing_ok=True)
        if error.code in (408, 416, 425, 429) or error.code >= 500:
            raise _TryAgain(f"the server answers {error.code} {error.reason}", _asked_wait(error)) from error
        raise UserError(f"{url}: the server answers {error.code} {error.reason}.") from error
    except (OSError, HTTPException) as error:
        raise _TryAgain(f"no answer ({getattr(error, 'reason', error)})") from error
    with answer:
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if answer.status == 206 and not resumed:
            part.unlink(missing_ok=True)
            raise _TryAgain("the server sends another range than asked for")
        _write(url, answer, part, start if resumed else 0, size)


def _write(url: str, answer: IO[bytes], part: Path, start: int, size: int) -> None:
    """Write the body from ``start`` on; anything that is not the file is refused at its first bytes."""
    received = start
    with part.open("ab" if start else "wb") as stream:
        while True:
            try:
                chunk = answer.read(CHUNK)
            except (OSError, HTTPException) as error:
                raise _TryAgain(f"the connection broke after {received} of {size} bytes ({error})") from error
            if not chunk:
                break
            fake = impostor(chunk) if received == 0 else None
            received += len(chunk)
            if fake or received > size:
                stream.close()
                part.unlink()
                raise _refusal(url, fake) if fake else UserError(f"{url}: is longer than {size} bytes: another file.")
            stream.write(chunk)
    if received < size:
        raise _TryAgain(f"the answer ended after {received} of {size} bytes")


def _asked_wait(error: urllib.error.HTTPError) -> float:
    text = error.headers.get("Retry-After", "") if error.headers else ""
    return float(text) if text.strip().isdigit() else 0.0


def _refusal(url: str, fake: str) -> Refused:
    remedy = (
        "the address is that of the repository's text and not of its large files"
        if "pointer" in fake
        else "a log-in, a quota or a proxy is in the way: open the address in a browser to see"
    )
    return Refused(f"{url}: the server sends {fake} instead of the file; {remedy}.")


def fetch_all(
    pins: pd.DataFrame, root: Path, *, base_url: str | None = None, workers: int = 4, manners: Manners | None = None
) -> dict[str, int]:
    """Ensure that all files of a list (``pinned_files.read_pins``) are below ``root``.

    Args:
        pins: The list.
        root: Root of the corpus; created if it does not exist.
        base_url: Base address ``base_url/path`` of a mirror to use instead of each file's own URL.
        workers: Files under way at once, 1 to 8.
        manners: How the server is queried.

    Returns:
        {files, fetched, bytes}: files in the list, those that had to be fetched, bytes of all.

    Raises:
        UserError: Files could not be fetched; the others are present.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UserError(f"workers is {workers}; choose 1 to {MOST_WORKERS}, more would not be polite.")
    if base_url is not None and urlsplit(base_url).scheme not in ("http", "https"):
        raise UserError(f"base URL {base_url!r} is neither http nor https.")
    urls = pins["url"] if base_url is None else pins["path"].map(lambda path: f"{base_url.rstrip('/')}/{quote(path)}")
    targets = [inside(root, path, "the list of files", follow=False) for path in pins["path"]]
    faults, fetched, stop = [], 0, threading.Event()
    with _alone(root):
        executor = ThreadPoolExecutor(workers)
        try:
            jobs = {
                executor.submit(ensure, url, target, sha256=sha256, size=size, manners=manners, stop=stop): target
                for url, target, sha256, size in zip(urls, targets, pins["sha256"], pins["bytes"], strict=True)
            }
            for job in progress(as_completed(jobs), "fetch", total=len(jobs), unit="file"):
                try:
                    fetched += job.result()
                except UserError as error:
                    faults.append(str(error))
                    if isinstance(error, Refused) or len(faults) >= MOST_FAULTS:
                        break
        finally:
            stop.set()
            executor.shutdown(wait=True, cancel_futures=True)
    if faults:
        raise UserError(
            f"{root}: at least {len(faults)} of {len(jobs)} files could not be fetched: {faults[-1]} "
            "What has arrived is kept; run again to continue, or give a mirror with --base-url."
        )
    return {"files": len(pins), "fetched": fetched, "bytes": int(pins["bytes"].sum())}


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold a lock on ``root`` so that two runs do not write the same parts."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".fetch.lock").open("w")
    except OSError as error:
        raise UserError(f"{root}: cannot be written ({error}); choose another root.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{root}: another run is fetching into it; wait for it or stop it.") from None
        except OSError:
            pass  # a file system without locks
        yield
