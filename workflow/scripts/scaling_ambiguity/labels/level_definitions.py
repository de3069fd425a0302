"""The definitions of a level of ambiguity: the measure, the votes it uses, and its edges.

Three of them use a fixed number of level votes that are used for nothing else; ``faithful`` is the published one, which
uses all votes. Each assigns an utterance to one of :data:`labels.levels.LEVELS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.counting import DealtVotes
from scaling_ambiguity.labels.levels import LEVELS, TIE, agreements, choose_edges, level_of, pairwise_agreement
from scaling_ambiguity.tables.roles import ROLE_NAMES

Array: TypeAlias = NDArray[np.float64]
Edges = tuple[float, float]
THIRDS = (1 / 3, 2 / 3)


@dataclass(frozen=True)
class Measured:
    """The measure behind the levels, and data on its reliability.

    Attributes:
        values: (D, U) the definition's measure on the deciding votes, NaN without a level.
        agreement: (D, U) pairwise agreement of the same votes, NaN without a level.
        halves: Two arrays (D, U), the same measure of two disjoint sets of votes; NaN where there are too few. Their
            correlation is the reliability of one of the sets.
    """

    values: Array
    agreement: Array
    halves: tuple[Array, Array]


@dataclass(frozen=True)
class Definition(ABC):
    """One definition of a level.

    Attributes:
        votes: Number of level votes, which are reserved for it; 0: it shares all votes with the other roles.
        classes: Number of classes.
    """

    votes: int
    classes: int

    @property
    def everyone(self) -> bool:
        """Whether the edges come from all utterances, including the test part."""
        return False

    @abstractmethod
    def measure(self, dealt: DealtVotes) -> Measured:
        """Measure the ambiguity of every utterance in every deal."""

    @abstractmethod
    def edges(self, values: Array, where: str) -> Edges:
        """Return the lower and the upper edge, in the unit of the values (n,); ``where`` is for messages."""

    @abstractmethod
    def places(self, values: Array, edges: Edges) -> NDArray[np.int8]:
        """Return the index in ``LEVELS`` of each value."""


class Agreement(Definition):
    """Pairwise agreement of the level votes; the default.

    The edges are those nearest to the tertiles of the training part if there is a choice: three votes have one pair.
    """

    def measure(self, dealt: DealtVotes) -> Measured:
        """Measure the agreement; the other set consists of all votes that are not level votes."""
        level, rest = agreements(dealt)
        return Measured(level, level, (level, rest))

    def edges(self, values: Array, where: str) -> Edges:
        """Return :func:`choose_edges`."""
        return choose_edges(values, self.votes, self.classes)

    def places(self, values: Array, edges: Edges) -> NDArray[np.int8]:
        """Return :func:`level_of`."""
        return level_of(values, edges)


class Entropy(Definition):
    """H / log2 C of the level votes in thirds of its range: low <= 1/3 < medium <= 2/3 < high.

    The plug-in entropy grows with the number of votes, so it is used only at equal numbers; and few votes in
    many classes cannot reach its upper third, such as 3 votes in 6 classes (at most .613), which is refused.
    """

    def measure(self, dealt: DealtVotes) -> Measured:
        """Measure the entropy; the other set consists of equally many other votes."""
        return _of_equal_numbers(dealt, self.votes, equal_entropy)

    def edges(self, values: Array, where: str) -> Edges:
        """Return the thirds.

        Raises:
            UserError: a level is empty on the values.
        """
        counts = np.bincount(self.places(values, THIRDS), minlength=len(LEVELS))
        if (counts == 0).any():
            raise UserError(
                f"protocols.*.levels: with definition 'entropy' and {self.votes} level votes no training utterance of "
                f"{where} is of {LEVELS[int(counts.argmin())]} ambiguity: H / log2 C of {self.votes} votes in "
                f"{self.classes} classes is at most {most_entropy(self.votes, self.classes):.3f}, and here lies in "
                f"[{values.min():.3f}, {values.max():.3f}], with edges at 1/3 and 2/3. Use more level votes, or "
                "definition 'agreement' or 'pattern'."
            )
        return THIRDS

    def places(self, values: Array, edges: Edges) -> NDArray[np.int8]:
        """Return the third of each value."""
        return rising(values, edges)


class Pattern(Definition):
    """The vote pattern: low where all level votes agree, high where no class has more than half, medium between.

    Of 3 votes: 3-0, 2-1, 1-1-1. Values are the share of the largest class.
    """

    def measure(self, dealt: DealtVotes) -> Measured:
        """Measure the share of the largest class; the other set consists of equally many other votes."""
        return _of_equal_numbers(dealt, self.votes, top_share)

    def edges(self, values: Array, where: str) -> Edges:
        """Return the edges one half, and half a vote less than all.

        Raises:
            UserError: the votes cannot show each of the three patterns.
        """
        if self.votes < 3 or -(-self.votes // self.classes) > self.votes / 2:
            raise UserError(
                f"protocols.*.levels: {self.votes} votes in {self.classes} classes cannot be unanimous, have a "
                "majority and have none, as definition 'pattern' needs. Use 3 level votes or more; with 2 classes, "
                "4, 6, ..."
            )
        return 0.5, 1 - 0.5 / self.votes

    def places(self, values: Array, edges: Edges) -> NDArray[np.int8]:
        """Return low above both edges, high not above the lower."""
        return level_of(values, edges)


class Faithful(Definition):
    """The published definition: tertiles of H / log(number of labels present) of all human votes, over all utterances.

    Kept for comparison, with its flaws. The measure depends on how many labels occur: 3-1-1 (.865) is called less
    ambiguous than 3-2 (.971). It grows with the number of votes. Tertile edges cut through ties where votes are few.
    The edges are computed on the test part too. And the votes that decide the level are also those conditioned on and
    predicted: see :mod:`inference.shared_votes` for the consequences. The level is the same in every deal.
    """

    @property
    def everyone(self) -> bool:
        """Yes."""
        return True

    def measure(self, dealt: DealtVotes) -> Measured:
        """Measure all votes; the two disjoint sets are their two halves in each deal's order."""
        every = np.ones(len(dealt.label), dtype=bool)
        voters = dealt.voters()
        values = np.where(voters >= 2, present_entropy(dealt.count(every)), np.nan)
        agreement = pairwise_agreement(dealt.count(every), voters, dealt.squares(every))
        first, second = (np.empty(dealt.shape[:2]) for _ in range(2))
        for deal, position in enumerate(dealt.position):
            early = position < dealt.votes // 2
            for half, chosen in ((first, early), (second, ~early)):
                half[deal] = np.where(voters >= 4, present_entropy(dealt.count(chosen)), np.nan)
        deals = (dealt.shape[0], 1)
        return Measured(np.tile(values, deals), np.tile(agreement, deals), (first, second))

    def edges(self, values: Array, where: str) -> Edges:
        """Return the tertiles of the values."""
        lower, upper = np.quantile(values, THIRDS)
        return float(lower), float(upper)

    def places(self, values: Array, edges: Edges) -> NDArray[np.int8]:
        """Return the tertile of each value; one on an edge is below it."""
        return rising(values, edges)


DEFINITIONS: dict[str, Callable[[int, int], Definition]] = {
    "agreement": Agreement,
    "entropy": Entropy,
    "pattern": Pattern,
    "faithful": Faithful,
}


def define(options: dict[str, Any], classes: int) -> Definition:
    """Return the definition of a protocol's ``levels``: {definition, votes}.

    ``faithful`` reserves no votes, whatever the value of ``votes``.

    Raises:
        UserError: an unknown definition, or no number of votes.
    """
    name = options["definition"]
    if name not in DEFINITIONS:
        raise UserError(
            f"protocols.*.levels.definition: {name!r} is unknown; expected one of {', '.join(DEFINITIONS)}."
        )
    if name != "faithful" and options.get("votes", 0) < 2:
        raise UserError(f"protocols.*.levels.votes: definition {name!r} needs a number of level votes, 2 or more.")
    return DEFINITIONS[name](0 if name == "faithful" else options["votes"], classes)


def equal_entropy(counts: Array) -> Array:
    """Return H / log2 C of rows of votes, (n, C) -> (n,), in [0, 1]; C >= 2 counts all classes.

    Raises:
        UserError: rows of different numbers of votes, whose entropies cannot be compared.
    """
    total = counts.sum(axis=-1)
    if len(total) and np.ptp(total) > TIE:
        raise UserError(
            f"levels: entropies of {total.min():g} and of {total.max():g} votes cannot be compared. "
            "Use the same number of level votes for all, or definition 'agreement'."
        )
    return _entropy(counts) / np.log(counts.shape[-1])


def present_entropy(counts: Array) -> Array:
    """Return H / log(labels present) of rows of votes, (n, C) -> (n,), in [0, 1]; 0 with one label or none."""
    present = (counts > 0).sum(axis=-1)
    return np.where(present > 1, _entropy(counts) / np.log(np.maximum(present, 2)), 0.0)


def most_entropy(votes: int, classes: int) -> float:
    """Return the largest H / log2 C of that many votes: spread over the classes as evenly as possible."""
    spread = np.array([[votes // classes + (c < votes % classes) for c in range(classes)]], dtype=np.float64)
    return float(equal_entropy(spread)[0])


def top_share(counts: Array) -> Array:
    """Return the share of the largest class, (n, C) -> (n,), in [1 / C, 1]."""
    return counts.max(axis=-1) / counts.sum(axis=-1)


def _entropy(counts: Array) -> Array:
    """Return the entropy in nats; classes are sorted first, so that equal patterns give bit-identical values."""
    counts = np.sort(counts, axis=-1)
    total = counts.sum(axis=-1, keepdims=True)
    p = counts / np.where(total > 0, total, 1.0)
    return np.maximum(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1), 0.0)


def rising(values: Array, edges: Edges) -> NDArray[np.int8]:
    """Return the level indices for a measure that grows with ambiguity; a value on an edge is below it."""
    return np.searchsorted(np.array(edges) + TIE, values).astype(np.int8)


def _of_equal_numbers(dealt: DealtVotes, votes: int, measure: Callable[[Array], Array]) -> Measured:
    """Measure the level votes and, where there are enough others, the first equally many of these."""
    level, others = (np.full(dealt.shape[:2], np.nan) for _ in range(2))
    for deal, position in enumerate(dealt.position):
        chosen = dealt.roles(deal) == ROLE_NAMES.index("level")
        next_ones = (position >= votes) & (position < 2 * votes)
        enough = dealt.voters(chosen) > 0
        for values, entries, fine in (
            (level, chosen, enough),
            (others, next_ones, enough & (dealt.voters() >= 2 * votes)),
        ):
            values[deal, fine] = measure(dealt.count(entries)[fine])
    return Measured(level, agreements(dealt)[0], (level, others))
