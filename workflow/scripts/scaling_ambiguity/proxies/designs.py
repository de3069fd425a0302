"""The focus line, temperature and class order of each draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.class_orders import ordered
from scaling_ambiguity.seeds import uniform

DESIGNS = ("crossed", "confounded", "beam")
Temperature = float | Sequence[float]  # a number, or the two ends of a band


@dataclass(frozen=True)
class Draw:
    """The settings of one draw, the same for every utterance.

    Attributes:
        number: From 0.
        focus: Identifier of the focus line.
        temperature: Sampling temperature.
        classes: The label words in the order in which the prompt lists them.
    """

    number: int
    focus: str
    temperature: float
    classes: tuple[str, ...]


def plan(options: dict[str, Any], focus_ids: Sequence[str], classes: Sequence[str], seed: int) -> list[Draw]:
    """Return an annotator's draws; with more votes, draws are added and none changes.

    Args:
        options: The annotator's entry: votes, design, temperatures and, if it says so, class_order.
        focus_ids: Identifiers of the focus lines, in order.
        classes: The class set, in the corpus' order.
        seed: The run's seed: of permuted classes and of temperatures from bands.

    Raises:
        UserError: Unknown design or order of the classes.
    """
    how, draws = options.get("class_order", "fixed"), []
    for number in range(options["votes"]):
        focus, temperature = assign(options["design"], number, focus_ids, options.get("temperatures", ()), seed)
        draws.append(Draw(number, focus, temperature, ordered(how, number, classes, seed)))
    return draws


def assign(
    design: str, draw: int, focus_ids: Sequence[str], temperatures: Sequence[Temperature], seed: int = 0
) -> tuple[str, float]:
    """Return the focus line and temperature of a draw (from 0), whatever the number of draws.

    With F focus lines and T temperatures, ``crossed`` gives draw j focus j mod F and temperature
    (j + j // lcm(F, T)) mod T: every F x T draws hold each pair once, and every F draws each focus
    line once, for F = T each temperature as well. ``confounded``, the published design, gives both
    by j mod F and j mod T, so that for F = T the two effects cannot be separated. ``beam``: the draws are the answers
    of one beam search, the best first, all to the first focus line; temperature 0 says that nothing is drawn.

    A temperature given as a band (low, high) means one number in it, uniform by seed and draw, in
    thousandths.

    Raises:
        UserError: Unknown design.
    """
    if design not in DESIGNS:
        raise UserError(f"annotator design {design!r} is unknown; there are {DESIGNS}.")
    if design == "beam":
        return focus_ids[0], 0.0
    shift = draw // math.lcm(len(focus_ids), len(temperatures)) if design == "crossed" else 0
    chosen = temperatures[(draw + shift) % len(temperatures)]
    if isinstance(chosen, Sequence):
        low, high = chosen
        chosen = round(low + (high - low) * uniform(seed, "temperature", draw), 3)
    return focus_ids[draw % len(focus_ids)], float(chosen)
