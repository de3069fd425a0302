"""DiME-Aug repaired: bins of the simplex are filled with items that actually lie in them.

Bins of low ambiguity are filled by changes of one recording that keep its label distribution: a mixture of two would
be more ambiguous. The others are filled by mixtures of two recordings, of which only those count whose label
distribution lies in the bin; the remainder is filled like the former, and any shortfall is reported.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.augmentation import lifting
from scaling_ambiguity.augmentation.concatenation import GAP, duration_share, joined_text
from scaling_ambiguity.augmentation.partners import nearest_partners
from scaling_ambiguity.augmentation.recipes import MIXED, TRANSFORMED, Recipe, Training, only_known, share
from scaling_ambiguity.augmentation.simplex_bins import Bins
from scaling_ambiguity.augmentation.text_changes import TextChange
from scaling_ambiguity.augmentation.transforms import transform_ranges
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator

OPTIONS = (*lifting.OPTIONS, "mixing", "partners", "neighbours", "longest", "transforms", "text")
MIXINGS, PARTNERS = ("concatenate", "overlay"), ("same_speaker", "any")
WEIGHTS, TRIES = (0.25, 0.75), 4  # of an overlay: both recordings remain audible
UNITS = {"pitch": "semitones", "speed": "factor", "noise": "snr", "reverberation": "seconds"}


@dataclass(frozen=True)
class Mixtures:
    """Possible mixtures, m of them: parents (m,), weight of the first (m,), distribution (m, C), bin (m,)."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    alpha: NDArray[np.float64]
    distribution: NDArray[np.float64]
    bin: NDArray[np.intp]


def plan(training: Training, options: dict[str, Any], prefix: str, seed: int, where: str) -> list[Recipe]:
    """Return the recipes that lift every bin, as far as parents allow.

    Options, in addition to those of ``lifting.lift``: ``mixing`` concatenate (default) or overlay;
    ``partners`` same_speaker (default) or any, the latter for concatenation only: two simultaneous voices
    do not express one person's emotion; ``neighbours`` (10) others that an item may be mixed with;
    ``longest`` (30 s) of a concatenation; ``transforms`` and their ranges; ``text``.

    Raises:
        UserError: An option is unknown or out of its range.
    """
    only_known(options, OPTIONS, where)
    aim = lifting.lift(training, options, where)
    ranges, text = transform_ranges(options.get("transforms"), where), TextChange(options.get("text"), where)
    used = np.zeros(len(training.names), dtype=np.intp)
    mixtures = possible_mixtures(training, aim.bins, options, prefix, seed, where)
    recipes = []
    for number, bin_name in enumerate(aim.bins.names):
        wanted, made = int(aim.target[number] - aim.before[number]), 0
        rows = (
            [] if aim.bins.low[number] else _choose(mixtures, number, wanted, used, aim.reuse, (seed, prefix, bin_name))
        )
        for row in rows:
            recipes.append(_mixed(training, mixtures, row, f"{prefix}_{bin_name}_{made:05d}", _mixing(options, where)))
            made += 1
        members = np.flatnonzero(aim.home == number)
        for member in lifting.in_turn(members, wanted - made, used, aim.reuse, seed, prefix, bin_name):
            name = f"{prefix}_{bin_name}_{made:05d}"
            recipes.append(_transformed(training, member, name, ranges, text, generator(seed, "transform", name)))
            made += 1
    return recipes


def _mixing(options: dict[str, Any], where: str) -> str:
    mixing, partners = options.get("mixing", MIXINGS[0]), options.get("partners", PARTNERS[0])
    if mixing not in MIXINGS or partners not in PARTNERS:
        raise UserError(
            f"{where}: mixing {mixing!r} must be one of {', '.join(MIXINGS)}, "
            f"and partners {partners!r} one of {', '.join(PARTNERS)}."
        )
    if mixing == "overlay" and partners == "any":
        raise UserError(
            f"{where}: an overlay needs partners: same_speaker; two voices at once do not express one emotion."
        )
    return mixing


def possible_mixtures(
    training: Training, bins: Bins, options: dict[str, Any], prefix: str, seed: int, where: str
) -> Mixtures:
    """Return every mixture of an item with one of its partners, in order of the items' names.

    A concatenation has one weight, the first's share in the duration; an overlay is tried with
    ``TRIES`` weights from U(.25, .75).
    """
    mixing, n = _mixing(options, where), len(training.names)
    neighbours, longest = options.get("neighbours", 10), share(options, "longest", 30.0, where, largest=3600.0)
    if not isinstance(neighbours, int) or neighbours < 1:
        raise UserError(f"{where}: neighbours is {neighbours!r} and must be a whole number above 0.")
    groups = training.speakers if options.get("partners", PARTNERS[0]) == "same_speaker" else np.zeros(n, dtype=int)
    partners = nearest_partners(training.space, groups, neighbours)
    first, second = np.repeat(np.arange(n), neighbours), partners.ravel()
    fine = second >= 0
    seconds = training.durations[first] + training.durations[second] + GAP
    if mixing == "concatenate":
        fine &= seconds <= longest
        first, second = first[fine], second[fine]
        alpha = duration_share(training.durations[first], training.durations[second])
    else:
        tries = [
            generator(seed, prefix, "weights", name).uniform(*WEIGHTS, (neighbours, TRIES)) for name in training.names
        ]
        alpha = np.array(tries).reshape(-1, TRIES)[fine].ravel()
        first, second = np.repeat(first[fine], TRIES), np.repeat(second[fine], TRIES)
    p = training.distributions
    mixed = alpha[:, None] * p[first] + (1 - alpha[:, None]) * p[second]
    mixed /= mixed.sum(axis=1, keepdims=True)
    return Mixtures(first, second, alpha, mixed, bins.place(mixed))


def _choose(mixtures: Mixtures, number: int, wanted: int, used: NDArray[np.intp], reuse: int, seed: tuple) -> list[int]:
    """Return up to ``wanted`` mixtures of a bin in random order, no pair twice; ``used`` is updated in place."""
    chosen: list[int] = []
    pairs: set[frozenset[int]] = set()
    for row in generator(*seed).permutation(np.flatnonzero(mixtures.bin == number)):
        if len(chosen) >= wanted:
            break
        parents = [int(mixtures.first[row]), int(mixtures.second[row])]
        if frozenset(parents) not in pairs and (used[parents] < reuse).all():
            pairs.add(frozenset(parents))
            used[parents] += 1
            chosen.append(int(row))
    return chosen


def _mixed(training: Training, mixtures: Mixtures, row: int, name: str, mixing: str) -> Recipe:
    first, second, alpha = int(mixtures.first[row]), int(mixtures.second[row]), float(mixtures.alpha[row])
    texts = training.transcripts[first], training.transcripts[second]
    heavier = texts if mixing == "concatenate" or alpha >= 0.5 else texts[::-1]
    parents = str(training.names[first]), str(training.names[second])
    return Recipe(name, parents, alpha, mixing, {}, mixtures.distribution[row], joined_text(*heavier), MIXED)


def _transformed(
    training: Training,
    member: int,
    name: str,
    ranges: dict[str, tuple[float, float]],
    text: TextChange,
    random: np.random.Generator,
) -> Recipe:
    kind = sorted(ranges)[int(random.integers(len(ranges)))]
    parent = str(training.names[member])
    settings = {UNITS[kind]: float(random.uniform(*ranges[kind]))}
    transcript, changes = text.change(parent, training.transcripts[member], random)
    return Recipe(
        name, (parent,), 1.0, kind, settings | changes, training.distributions[member], transcript, TRANSFORMED
    )
