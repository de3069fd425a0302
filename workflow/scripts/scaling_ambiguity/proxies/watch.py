"""Checks while answers arrive: whether they can be read, and how many failed."""

import math
from collections.abc import Sequence
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.elicitation import Item
from scaling_ambiguity.proxies.reading import Reader
from scaling_ambiguity.proxies.requests import Request

FIRST = 40  # answers; where every tenth gives a vote, none of them does by chance in 1 of 68 runs
LARGEST_FAILED_SHARE = 0.1
LIMITS = ("largest_failed_share", "first_answers")  # as entries of the configuration name them
_QUOTED = 200
_REMEDIES = {
    "cut": "raise the ALM's `max_tokens` (a model that thinks spends it on thoughts: bound them by `reasoning_effort`)",
    "refused": "the model or a filter declines: reword the prompt, or choose another model",
    "invalid": "look at the prompt, at `synonyms` and, if it is empty, at `max_tokens`",
}


class Watch:
    """Decides when to stop: the first answers give no vote, or too many draws fail.

    Args:
        utterances: The draws, by utterance.
        read: Turns an answer into (label, status).
        largest_failed_share: Tolerated share of failed draws; those of one utterance are always tolerated, unless it
            is 0.
        first_answers: Tolerated number of first answers without a vote; 0 tolerates any.
        asked: What is asked, and what it is to give; for messages.
    """

    def __init__(
        self,
        utterances: Sequence[Sequence[Item]],
        read: Reader,
        largest_failed_share: float = LARGEST_FAILED_SHARE,
        first_answers: int = FIRST,
        asked: tuple[str, str] = ("annotator", "vote"),
    ) -> None:
        draws = [len(items) for items in utterances]
        one = max(draws, default=0) if largest_failed_share else 0
        self._allowed = max(math.floor(largest_failed_share * sum(draws)), one)
        self._share, self._draws, self._read = largest_failed_share, sum(draws), read
        self._asked, self._wanted = asked
        self._failed: dict[str, str] = {}
        self._unread: dict[str, tuple[str, dict[str, Any]]] = {}
        self._voted, self._first = not first_answers, first_answers

    def see(self, request: Request, record: dict[str, Any]) -> None:
        """Take note of the stored answer to a request."""
        if record["status"] == "failed":
            self._failed[request.key] = record["reason"]
        elif not self._voted:
            status = record["status"]
            label = None
            if status == "answered":
                label, status = self._read(record["response"], request.stream)
            self._voted = label is not None
            self._unread[request.key] = status, record

    def go_on(self) -> bool:
        """Return whether more requests are to be made."""
        return len(self._failed) <= self._allowed and (self._voted or len(self._unread) < self._first)

    def stop(self, complete: bool = False) -> None:
        """Raise if no more requests are to be made.

        Args:
            complete: Everything was asked: unreadable answers are then no reason to stop.

        Raises:
            UserError: Quotes what failed or could not be read, and gives the remedy.
        """
        if len(self._failed) > self._allowed:
            reason = next(reversed(self._failed.values()))
            raise UserError(
                f"{len(self._failed)} of {self._draws} draws failed, more than largest_failed_share "
                f"{self._share:g} allows; the last by {reason}. Every answer is kept. Fix what the server reports and "
                "remove `failed-*.jsonl` from the folder of the answers, to request failed draws again; or raise "
                f"largest_failed_share of the {self._asked}."
            )
        if complete or self.go_on():
            return
        status, record = next(reversed(self._unread.values()))
        finish = "none" if record.get("finish") is None else repr(record["finish"])
        raise UserError(
            f"none of the first {len(self._unread)} answers gives a {self._wanted}, so no more are requested. One of "
            f"them ({status}, finish reason {finish}): {record['response'][:_QUOTED]!r}. Every answer is kept; "
            f"{_REMEDIES[status]}, and run again; or set first_answers of the {self._asked} to 0."
        )
