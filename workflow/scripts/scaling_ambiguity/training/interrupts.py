"""Stop at a safe point on request: the signals a scheduler sends before it withdraws the machine."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

STOPPED = 75  # EX_TEMPFAIL of sysexits.h: no error; start the same command again
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Interrupts:
    """SIGTERM and SIGUSR1, while the context of :func:`listening` lasts.

    Attributes:
        asked: A signal was received and waits for the end of the step.
    """

    def __init__(self) -> None:
        self.asked = False
        self._busy = False

    @contextmanager
    def safe_points_only(self) -> Iterator[None]:
        """Do not stop inside this block unless :meth:`stop` is called; a signal only sets ``asked``."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def stop(self) -> None:
        """Leave the program with status ``STOPPED``; touch the file of SA_STOPPED, so that the job can be requeued."""
        if mark := os.environ.get("SA_STOPPED"):
            Path(mark).touch()
        print(f"finetune: stopped on request, status {STOPPED}; start again to continue", file=sys.stderr, flush=True)
        raise SystemExit(STOPPED)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if not self._busy:
            self.stop()


@contextmanager
def listening() -> Iterator[Interrupts]:
    """Catch SIGTERM and SIGUSR1: outside of training they end the program immediately, inside it after the step."""
    interrupts = Interrupts()
    earlier = {number: signal.signal(number, interrupts._receive) for number in SIGNALS}
    try:
        yield interrupts
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
