"""A cap on spending: calls, seconds of audio, money. It is never exceeded, not even by requests under way."""

import fcntl
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scaling_ambiguity.alms.http.faults import SpendingReached
from scaling_ambiguity.errors import UserError

_CAPS = ("calls", "audio_seconds", "money")
_PRICES = ("price_per_call", "price_per_audio_minute")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Purchase:
    """What one request costs: calls (n samples of one request are one), seconds of audio sent, money."""

    calls: int
    audio_seconds: float
    money: float

    def returned(self) -> "Purchase":
        """Return the entry that cancels this one."""
        return Purchase(-self.calls, -self.audio_seconds, -self.money)


class Spending:
    """Counts purchases against the caps of an entry's ``spending``.

    A request is counted before it is sent, and taken back only if the server certainly does not charge
    for it (no connection, or refused by its status). So a process killed in between may have counted too much, never
    too little. With ``ledger``, an append-only file, all processes that name it share the caps, across
    restarts too; without, the caps hold for each process.
    """

    def __init__(self, options: dict | None) -> None:
        options = dict(options or {})
        ledger = options.pop("ledger", None)
        unknown = sorted(set(options) - {*_CAPS, *_PRICES})
        if unknown:
            raise UserError(f"alms entry: `spending` does not know {unknown}; it knows {[*_CAPS, *_PRICES, 'ledger']}.")
        for name, value in options.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise UserError(f"alms entry: `spending.{name}` has to be a number from 0 on.")
        if "money" in options and not any(options.get(price) for price in _PRICES):
            raise UserError("alms entry: `spending.money` caps nothing without `price_per_call` or another price.")
        self.caps = {name: options[name] for name in _CAPS if name in options}
        self._prices = {name: float(options.get(name, 0.0)) for name in _PRICES}
        self._ledger = Path(ledger) if ledger else None
        self._lock = threading.Lock()
        self._offset = 0
        self.used = dict.fromkeys(_CAPS, 0.0)

    def price(self, audio_seconds: float) -> Purchase:
        """Return the cost of one request with that much audio."""
        money = self._prices["price_per_call"] + self._prices["price_per_audio_minute"] * audio_seconds / 60
        return Purchase(1, audio_seconds, money)

    def reserve(self, purchase: Purchase) -> None:
        """Count a request that is about to be sent.

        Raises:
            SpendingReached: A cap would be exceeded; nothing was counted.
        """
        with self._lock:
            self._book(purchase, check=True)

    def give_back(self, purchase: Purchase) -> None:
        """Take back a request for which the server does not charge."""
        with self._lock:
            self._book(purchase.returned(), check=False)

    def _book(self, purchase: Purchase, check: bool) -> None:
        if self._ledger is None:
            self._count(purchase, check)
            return
        self._ledger.parent.mkdir(parents=True, exist_ok=True)
        with self._ledger.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, by a kill too
            self._catch_up(file)
            self._count(purchase, check)
            line = json.dumps({name: getattr(purchase, name) for name in _CAPS}).encode() + b"\n"
            os.write(file.fileno(), line)
            os.fsync(file.fileno())
            self._offset += len(line)

    def _catch_up(self, file: IO[bytes]) -> None:
        """Count what other processes wrote; a truncated last line (killed while writing) is ended, and not counted."""
        file.seek(self._offset)
        data = file.read()
        if data and not data.endswith(b"\n"):
            os.write(file.fileno(), b"\n")
            data += b"\n"
        for number, line in enumerate(data.splitlines(), start=1):
            try:
                entry = json.loads(line)
                amounts = {name: float(entry[name]) for name in _CAPS}
            except (ValueError, KeyError, TypeError):
                if line.startswith(b"{") and not line.endswith(b"}"):
                    continue
                raise UserError(
                    f"{self._ledger}, line {number} from byte {self._offset}: not an entry of a spending ledger. "
                    "Restore the file, or move it away to start counting from nothing."
                ) from None
            for name, amount in amounts.items():
                self.used[name] += amount
        self._offset += len(data)

    def _count(self, purchase: Purchase, check: bool) -> None:
        after = {name: self.used[name] + getattr(purchase, name) for name in _CAPS}
        for name, cap in self.caps.items():
            if check and after[name] > cap + _ROUNDING:
                where = f" ({self._ledger})" if self._ledger else ""
                raise SpendingReached(
                    f"spending cap reached: {name} {self.used[name]:g} of {cap:g}, the next request would make it "
                    f"{after[name]:g}{where}. Every answer received is kept; raise `spending.{name}` and run again "
                    "to go on where it stopped."
                )
        self.used = after
