"""What was said before an utterance in its conversation."""

from dataclasses import dataclass

import pandas as pd

from scaling_ambiguity.errors import UserError


@dataclass(frozen=True)
class Turn:
    """A turn of a conversation: its words, and whether the speaker of the utterance in question said them."""

    words: str
    same_speaker: bool


class Dialogues:
    """The turns of a corpus in the order in which they were spoken."""

    def __init__(self, turns: pd.DataFrame, where: str = "turns") -> None:
        """Take a turns table (``scaling_ambiguity.tables.turns``).

        Raises:
            UserError: An utterance occurs in it twice.
        """
        ordered = turns.sort_values(["dialogue", "place"], kind="stable")
        columns = (ordered[name].tolist() for name in ("dialogue", "utterance", "speaker", "transcript"))
        self._rows = list(zip(*columns, strict=True))
        self._place: dict[str, int] = {}
        for place, (_, utterance, _, _) in enumerate(self._rows):
            if utterance in self._place:
                raise UserError(f"{where}: utterance {utterance!r} is two turns; its context would be a guess.")
            self._place[utterance] = place

    def __contains__(self, utterance: str) -> bool:
        """Return whether the position of an utterance in a conversation is known."""
        return utterance in self._place

    def before(self, utterance: str, turns: int) -> tuple[Turn, ...]:
        """Return at most ``turns`` turns before an utterance in its own conversation, oldest first.

        The utterance itself and what follows are never among them. Empty where it opens the conversation
        or its position is not known.
        """
        if utterance not in self._place or turns < 1:
            return ()
        place = self._place[utterance]
        dialogue, _, speaker, _ = self._rows[place]
        earlier = self._rows[max(0, place - turns) : place]
        return tuple(Turn(row[3], row[2] == speaker) for row in earlier if row[0] == dialogue)
