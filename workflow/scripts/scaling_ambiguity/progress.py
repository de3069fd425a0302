"""Progress: a bar in the job's log and one line per job on the terminal, when there is one."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def announce(message: str) -> None:
    """Write one line to the controlling terminal; do nothing where there is none."""
    try:
        with Path("/dev/tty").open("w", encoding="utf-8") as terminal:
            terminal.write(f"{message}\n")
    except OSError:
        pass


def progress(items: Iterable[Item], what: str, total: int | None = None, unit: str = "it") -> Iterator[Item]:
    """Yield ``items``, with a tqdm bar called ``what`` on standard error, at most one line per second."""
    yield from tqdm(items, desc=what, total=total, unit=unit, mininterval=1.0, file=sys.stderr, ascii=True)
