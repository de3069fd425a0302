"""Label distributions of every name: the registries of poolings and controls, and their inputs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels import dawid_skene, pooling
from scaling_ambiguity.labels.budget import limit_human, limit_synthetic
from scaling_ambiguity.labels.counting import frequencies, human_counts, synthetic_counts
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.labels.others import LEFT_OUT, test_parts

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """The votes from which labels are made, for the U utterances in the splits.

    Attributes:
        names: U utterances.
        speakers: (U,).
        parts: (U,) fold in which the utterance is tested, -1 if in none.
        human: (U, C) human votes.
        synthetic: (U, C) synthetic votes, zeros if there are none.
        votes: VOTES rows of these utterances.
        proxies: PROXIES rows of these utterances, or None.
        classes: C names.
        seed: Global seed.
        where: The file of the votes, for messages.
    """

    names: list[str]
    speakers: NDArray
    parts: NDArray[np.intp]
    human: Array
    synthetic: Array
    votes: pd.DataFrame
    proxies: pd.DataFrame | None
    classes: list[str]
    seed: int
    where: str

    def limited(self, human: int | None, synthetic: int) -> "Source":
        """Return the source with at most ``human`` (None: all) and ``synthetic`` votes per utterance."""
        few, some = limit_human(self.votes, human, self.seed), limit_synthetic(self.proxies, synthetic, self.seed)
        return replace(
            self,
            human=human_counts(few, self.names, self.classes, self.where),
            synthetic=synthetic_counts(some, self.names, self.classes),
        )


class Made(NamedTuple):
    """Labels (U, C); the votes (U, C) in them, None for none; low and high (U, C) of a band; a line for the log."""

    labels: Array
    human: Array | None
    synthetic: Array | None
    band: tuple[Array, ...] = ()
    note: str = ""


def gather(
    utterances: pd.DataFrame,
    votes: pd.DataFrame,
    proxies: pd.DataFrame | None,
    splits: pd.DataFrame,
    classes: list[str],
    seed: int,
    where: tuple[str, str, str],
) -> Source:
    """Return the votes on the utterances that are in the splits; ``where``: files of votes, proxies and splits.

    Raises:
        UserError: An utterance without a vote inside the classes, or the tables contain an unknown name.
    """
    every, speakers = utterances["utterance"].tolist(), utterances["speaker"].to_numpy(str)
    human = human_counts(votes, every, classes, where[0])
    synthetic = np.zeros_like(human) if proxies is None else synthetic_counts(proxies, every, classes, where[1])
    parts = test_parts(splits, every, where[2])
    inside = parts != LEFT_OUT
    names = [name for name, kept in zip(every, inside, strict=True) if kept]
    human = human[inside]
    if not human.sum(axis=1).all():
        empty = names[int(human.sum(axis=1).argmin())]
        raise UserError(f"{where[0]}: {empty} has no vote inside {classes}. Its reader must reject it.")
    return Source(
        names=names,
        speakers=speakers[inside],
        parts=parts[inside],
        human=human,
        synthetic=synthetic[inside],
        votes=votes[votes["utterance"].isin(names)],
        proxies=None if proxies is None else proxies[proxies["utterance"].isin(names)],
        classes=classes,
        seed=seed,
        where=where[0],
    )


def make(labels: Labels, source: Source) -> Made:
    """Return the label distributions of a name.

    Raises:
        UserError: The pooling or control is not in its registry, or a kind other than human has no synthetic votes.
    """
    if labels.kind == "human":
        return Made(frequencies(source.human), source.human, None)
    if source.proxies is None:
        raise UserError(f"labels {str(labels)!r} need --proxies.")
    if labels.kind == "synthetic":
        return Made(frequencies(source.synthetic), None, source.synthetic)
    if labels.kind == "curve":
        few = source.limited(*labels.budget())
        return _weighted(few)._replace(note="")
    registry = {"combined": POOLINGS, "control": CONTROLS}[labels.kind]
    if labels.detail not in registry:
        raise UserError(
            f"labels {str(labels)!r}: {labels.detail!r} is unknown; expected {labels.kind}-{labels.annotator}- and one "
            f"of {', '.join(registry)}."
        )
    return registry[labels.detail](source)


def _equal(source: Source) -> Made:
    return Made(pooling.equal(source.human, source.synthetic), source.human, source.synthetic)


def _weighted(source: Source) -> Made:
    labels, weights = pooling.weighted(source.human, source.synthetic, source.speakers, source.parts)
    note = f"weight of a synthetic vote: {weights.min():.4g} to {weights.max():.4g}, mean {weights.mean():.4g}"
    return Made(labels, source.human, source.synthetic, note=note)


def _calibrated(source: Source) -> Made:
    labels, worth = pooling.calibrated(source.human, source.synthetic, source.speakers, source.parts)
    note = f"human votes that a synthetic one adds: {worth.min():.4g} to {worth.max():.4g}"
    return Made(labels, source.human, source.synthetic, note=note)


def _dirichlet(source: Source) -> Made:
    labels, *band = pooling.dirichlet(source.human, source.synthetic, source.speakers, source.parts)
    return Made(labels, source.human, source.synthetic, tuple(band))


def _dawid_skene(source: Source) -> Made:
    cast = dawid_skene.ballots(source.votes, source.proxies, source.names, source.classes, source.where)
    return Made(dawid_skene.pooled(cast, source.speakers, source.parts), source.human, source.synthetic)


def _prior(source: Source) -> Made:
    return Made(pooling.with_prior(source.human, source.speakers, source.parts), source.human, None)


def _echo(source: Source) -> Made:
    return Made(pooling.with_echo(source.human, source.synthetic), source.human, source.synthetic)


def _shuffled(source: Source) -> Made:
    order = pooling.shuffle_within(source.parts, source.names, source.seed)
    return _equal(replace(source, synthetic=source.synthetic[order]))


def _permuted(source: Source) -> Made:
    order = pooling.shuffle_within(source.parts, source.names, source.seed)
    other = source.human[order]
    return Made(frequencies(other), other, None)


POOLINGS: dict[str, Callable[[Source], Made]] = {
    "equal": _equal,
    "weighted": _weighted,
    "calibrated": _calibrated,
    "dirichlet": _dirichlet,
    "dawid_skene": _dawid_skene,
}
CONTROLS: dict[str, Callable[[Source], Made]] = {
    "prior": _prior,
    "echo": _echo,
    "shuffled": _shuffled,
    "permuted": _permuted,
}
# Controls that add to the human votes what holds no information about the utterance: rivals of synthetic votes.
RIVALS = tuple(name for name in CONTROLS if name != "permuted")
