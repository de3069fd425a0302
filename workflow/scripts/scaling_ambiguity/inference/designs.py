"""The designs of the coverage study: sizes of simulated corpora. Imports no heavy library, as the rules import it."""

import re
from dataclasses import dataclass

from scaling_ambiguity.errors import UserError


@dataclass(frozen=True)
class Design:
    """Size of a simulated corpus."""

    speakers: int
    raters: int
    classes: int
    votes: int

    @property
    def name(self) -> str:
        """Name of the cell, e.g. ``g12_h30_c4_n5``."""
        return f"g{self.speakers}_h{self.raters}_c{self.classes}_n{self.votes}"


def design_of(name: str) -> Design:
    """Return the design named by a cell.

    Raises:
        UserError: not such a name.
    """
    match = re.fullmatch(r"g(\d+)_h(\d+)_c(\d+)_n(\d+)", name)
    if not match:
        raise UserError(f"{name!r} is not a cell of the study; write it like {Design(12, 30, 4, 5).name}.")
    return Design(*map(int, match.groups()))


def designs() -> list[Design]:
    """Return the cells of the study: speakers x raters at 4 classes and 5 votes, then other classes and votes."""
    cells = [Design(g, h, 4, 5) for g in (5, 10, 12, 24, 91) for h in (6, 12, 30, 300)]
    cells += [Design(12, 30, c, n) for c in (4, 6) for n in (3, 5, 10) if (c, n) != (4, 5)]
    return cells
