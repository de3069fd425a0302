"""Which focus line and which temperature each draw gets."""

from collections.abc import Sequence

from scaling_ambiguity.errors import UserError

DESIGNS = ("crossed", "confounded")


def assign(design: str, draw: int, focus_ids: Sequence[str], temperatures: Sequence[float]) -> tuple[str, float]:
    """Return the focus line and temperature of a draw (from 0), whatever the number of draws.

    With F focus lines and T temperatures, ``crossed`` gives draw j focus j mod F and temperature
    (j + j // F) mod T: for F = T every F x T draws hold each pair once, and every F draws each
    focus line and each temperature once. ``confounded``, the published design, gives both by
    j mod F and j mod T, so that for F = T the two effects cannot be told apart.

    Raises:
        UserError: Unknown design.
    """
    if design not in DESIGNS:
        raise UserError(f"annotator design {design!r} is unknown; there are {DESIGNS}.")
    shift = draw // len(focus_ids) if design == "crossed" else 0
    return focus_ids[draw % len(focus_ids)], float(temperatures[(draw + shift) % len(temperatures)])
