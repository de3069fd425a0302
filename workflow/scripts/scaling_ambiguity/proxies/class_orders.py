"""The order in which a draw's prompt lists the classes: a design factor, not an accident of the configuration."""

from collections.abc import Sequence

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator

CLASS_ORDERS = ("fixed", "permuted")


def ordered(how: str, draw: int, classes: Sequence[str], seed: int) -> tuple[str, ...]:
    """Return the classes in the order used by a draw (from 0), for any utterance and any number of draws.

    ``fixed`` is the corpus' own order. ``permuted``: every C draws, C being the number of classes, are the rows of
    a Latin square: the rotations of one random permutation, in random order. So of any C draws from a multiple of
    C on, each class occurs once in each position, the first included; the random order of the rotations keeps the
    position from being aligned with a focus line where there are C focus lines.

    Raises:
        UserError: Unknown order.
    """
    if how not in CLASS_ORDERS:
        raise UserError(f"annotator class_order {how!r} is unknown; there are {CLASS_ORDERS}.")
    if how == "fixed":
        return tuple(classes)
    block, place = divmod(draw, len(classes))
    stream = generator(seed, "class_order", block)
    base, shifts = stream.permutation(len(classes)), stream.permutation(len(classes))
    return tuple(classes[base[(i + shifts[place]) % len(classes)]] for i in range(len(classes)))
