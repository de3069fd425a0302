"""Whether a server that does not answer fails for one item or for all."""

import threading

from scaling_ambiguity.alms.questions import Answer

ITEMS, RETRIES = 5, 2
Draws = list[tuple[int, Answer]]


class Outages:
    """Withholds failed draws until the cause is known; safe to use from several threads.

    An unanswered question is attributed to its item if the server answered another one since the question
    first failed, and so are later ones about that item. If as many as ``ITEMS`` items stay without an answer, and none
    is answered in between, it is attributed to the server, unless a question answered before is answered again: then
        nothing of
    it is kept, and all of it is asked again later.
    While the cause is unknown, or once an item failed, only ``RETRIES`` repetitions are made, so that neither a dead
    server nor an item with many draws takes hours.

    Attributes:
        proven: Whether the server ever answered.
        answers: Number of answers in this process.
    """

    def __init__(self) -> None:
        self.proven, self.answers = False, 0
        self._lock = threading.Lock()
        self._failed: set[str] = set()
        self._at_fault: set[str] = set()
        self._withheld: dict[str, Draws] = {}
        self._unsure: set[str] = set()

    @property
    def down(self) -> bool:
        """Whether the server is the cause."""
        with self._lock:
            return len(self._withheld) >= ITEMS

    @property
    def open(self) -> bool:
        """Whether any draws are withheld."""
        with self._lock:
            return bool(self._withheld)

    def begin(self, proven: bool) -> None:
        """Start with other questions; draws still withheld are dropped, and asked again later.

        Args:
            proven: The server is known to have answered before.
        """
        with self._lock:
            self.proven |= proven
            self._withheld, self._unsure = {}, set()

    def retries(self, item: str, usual: int) -> int:
        """Return how often a request about an item is repeated."""
        with self._lock:
            return min(usual, RETRIES) if self._withheld or item in self._failed else usual

    def answered(self) -> Draws:
        """Note that the server answered, and return the withheld draws: the server was not the cause."""
        with self._lock:
            self.proven = True
            self.answers += 1
            return self._released()

    def failed(self, item: str, draws: Draws, answers: int, refused: bool) -> Draws:
        """Note that draws of an item failed; return them if the item is known to be the cause, else withhold them.

        Args:
            item: The item they are about.
            draws: Those of one request.
            answers: Number of answers when the request first failed.
            refused: Whether the server refused it, which shows that the server is working.
        """
        with self._lock:
            self._failed.add(item)
            if item in self._at_fault or self.answers > answers:
                self._at_fault.add(item)
                return draws
            self._withheld.setdefault(item, []).extend(draws)
            if not refused:
                self._unsure.add(item)
            return []

    def rest(self) -> Draws:
        """Return the withheld draws when no question is left.

        None if the server never answered, or failed for more than one item since it last did: it may be down.
        """
        with self._lock:
            return self._released() if self.proven and len(self._unsure) <= 1 else []

    def _released(self) -> Draws:
        draws = [draw for draws in self._withheld.values() for draw in draws]
        self._at_fault |= set(self._withheld)
        self._withheld, self._unsure = {}, set()
        return draws
