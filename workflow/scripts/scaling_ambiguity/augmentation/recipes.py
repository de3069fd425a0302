"""Input and output of an augmentation: the training part, and recipes of new items (not yet sounds)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError

MIXED, TRANSFORMED, COPIED = "mixed", "transformed", "copied"


@dataclass(frozen=True)
class Training:
    """The training part of one fold, n items in the order of their names.

    Attributes:
        names: (n,) names.
        distributions: (n, C) label distributions.
        space: (n, d) features, in which neighbours are searched.
        speakers: (n,) speakers.
        durations: (n,) seconds.
        transcripts: n texts; None where unknown.
        classes: The class set, in order.
    """

    names: NDArray
    distributions: NDArray[np.float64]
    space: NDArray[np.float64]
    speakers: NDArray
    durations: NDArray[np.float64]
    transcripts: list[str | None]
    classes: list[str]


@dataclass(frozen=True)
class Recipe:
    """How one new item is made.

    Attributes:
        utterance: Its name.
        parents: One or two utterances, the one of weight ``alpha`` first.
        alpha: Weight of the first parent in the label distribution, in [0, 1].
        operation: ``copy``, ``concatenate``, ``overlay``, ``mixup``, ``specaugment`` or one of ``transforms.RANGES``.
        settings: The operation's numbers, all recorded in the items table.
        distribution: (C,) label distribution.
        transcript: Its text, or None.
        kind: ``MIXED``, ``TRANSFORMED`` or ``COPIED``.
    """

    utterance: str
    parents: tuple[str, ...]
    alpha: float
    operation: str
    settings: dict[str, float]
    distribution: NDArray[np.float64]
    transcript: str | None
    kind: str

    @property
    def transform(self) -> str:
        """The operation and its settings as text, e.g. ``noise:snr=21.4``."""
        return ":".join([self.operation, *(f"{key}={value:.6g}" for key, value in self.settings.items())])


def only_known(options: dict[str, Any], accepted: Collection[str], where: str) -> None:
    """Raise UserError if ``options`` has a key that the method does not read."""
    unknown = sorted(set(options) - set(accepted) - {"method"})
    if unknown:
        raise UserError(f"{where}: unknown option {unknown[0]!r}; this method reads {', '.join(sorted(accepted))}.")


def share(options: dict[str, Any], key: str, default: float, where: str, largest: float = 1.0) -> float:
    """Return an option in (0, ``largest``].

    Raises:
        UserError: It is outside this range.
    """
    value = options.get(key, default)
    if not isinstance(value, int | float) or not 0 < value <= largest:
        raise UserError(f"{where}: {key} is {value!r} and must lie in (0, {largest:g}].")
    return float(value)


def recipe_frame(recipes: list[Recipe], columns: list[str]) -> pd.DataFrame:
    """Return the recipes as rows of the items table without its path; parents are joined by ``|``."""
    rows = [
        [item.utterance, "|".join(item.parents), float(item.alpha), item.transform, item.transcript, *item.distribution]
        for item in recipes
    ]
    texts = ["utterance", "parents", "transform", "transcript"]
    frame = pd.DataFrame(rows, columns=["utterance", "parents", "alpha", "transform", "transcript", *columns])
    return frame.astype(dict.fromkeys(texts, "str") | dict.fromkeys(["alpha", *columns], "float64"))
