"""How names of the tables are written for a reader, and text made safe for LaTeX."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from scaling_ambiguity.inference.predictors import STRATEGY
from scaling_ambiguity.labels.levels import LEVELS as LEVELS
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.latex import escape_latex as escape_latex
from scaling_ambiguity.reporting.strategy_names import strategy_name

FIXED = {
    "uniform": "uniform",
    "prior": "class prior",
    "majority": "human majority",
    "human": "human votes",
    "human-smoothed": "human votes, smoothed",
    "as_pooled": "votes as they are",
    "weighted": "votes, fitted weight",
    "noise": "noise",
    "shuffled": "shuffled votes",
}
SYNTHETIC_DETAILS = {
    "matched": ("matched",),
    "smoothed": ("smoothed",),
    "matched-smoothed": ("matched", "smoothed"),
}


YES = {"0": "no", "1": "yes"}


_PRINTED: ContextVar[Mapping[str, str]] = ContextVar("printed", default=MappingProxyType({}))


@contextmanager
def printed_as(names: Mapping[str, str]) -> Iterator[None]:
    """Let :func:`plain` print identifiers of the configuration by ``names``, its ``paper.names``, within the block."""
    token = _PRINTED.set(names)
    try:
        yield
    finally:
        _PRINTED.reset(token)


def plain(*names: str) -> str:
    """Return identifiers of the configuration by their printed names, joined by commas.

    One without a name is printed as words: ``tiny_crossed`` -> ``tiny crossed``.
    """
    printed = _PRINTED.get()
    return ", ".join(printed.get(str(name), str(name).replace("_", " ")) for name in names)


def group_titles(groups: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a printed title per group, the names in which groups differ: ("demo", "a"), ("demo", "b") -> "a", "b"."""
    differ = [len(set(names)) > 1 for names in zip(*groups, strict=True)]
    return [plain(*(name for name, kept in zip(group, differ, strict=True) if kept)) for group in groups]


def stratum_titles(strata: Iterable[str]) -> dict[str, str]:
    """Return the printed names of strata: levels of ambiguity, and values of factors, e.g. ``group: deep``.

    Where all values of a factor among ``strata`` are 0 or 1, these are ``no`` and ``yes``.
    """
    values: dict[str, set[str]] = {}
    for name, _, value in (stratum.partition("=") for stratum in strata):
        values.setdefault(name, set()).add(value)
    titles = {}
    for stratum in strata:
        name, _, value = stratum.partition("=")
        words = YES[value] if values[name] <= set(YES) else value
        of_factor = f"{plain(name)}: {plain(words)}"
        titles[stratum] = of_factor if "=" in stratum else f"{name} ambiguity" if name in LEVELS else name
    return titles


def split_labels(labels: str) -> Labels:
    """Return the kind, annotator and detail of a name in the ``labels`` column.

    ``control-tiny_crossed-echo`` gives ``("control", "tiny_crossed", "echo")``; names without an
    annotator (``human``, ``prior`` ...) give ``(name, "", "")``.
    """
    return Labels.of_predictor(labels) or Labels(labels)


def predictor_name(labels: str) -> str:
    """Return the name of a predictor of votes, e.g. ``synthetic-tiny_crossed`` -> ``synthetic votes``."""
    kind, _, detail = split_labels(labels)
    if kind == "synthetic":
        return ", ".join(["synthetic votes", *SYNTHETIC_DETAILS.get(detail, ())])
    fresh = re.fullmatch(r"fresh-(\d+)", labels)
    if fresh:
        return f"{fresh[1]} fresh rater{'s' if fresh[1] != '1' else ''}"
    latent = re.fullmatch(r"latent-(\d+)", labels)
    if latent:
        return f"{latent[1]} latent draw{'s' if latent[1] != '1' else ''}"
    return FIXED.get(labels, labels)


def arm_name(labels: str) -> str:
    """Return the name of a kind of training labels, e.g. ``control-x-echo`` -> ``human + echo``."""
    kind, _, detail = split_labels(labels)
    if kind == "human":
        return "human"
    if kind == "synthetic":
        return "synthetic"
    if kind == "combined":
        return f"combined, {detail}"
    if kind == "control":
        return "permuted human" if detail == "permuted" else f"human + {detail}"
    return FIXED.get(labels, labels)


def arm_order(labels: str) -> tuple[int, str]:
    """Return a sort key: human, synthetic, combined, controls, then everything else by name."""
    kind, _, detail = split_labels(labels)
    kinds = ["human", "synthetic", "combined", "control"]
    return (kinds.index(kind) if kind in kinds else len(kinds), detail or labels)


def valued_name(model: str, labels: str, augmentation: str, votes: float) -> str:
    """Return the name of a row of the leaderboard, e.g. ``tiny_mlp on combined, equal labels with dime``."""
    if labels == "genuine":
        return f"{votes:.0f} human vote{'s' if votes != 1 else ''}, set apart"
    model = plain(model)
    if labels == "weighted":
        return f"{model}, {votes:.0f} vote{'s' if votes != 1 else ''}"
    if labels == "as_is":
        return f"{model}, own distribution"
    if labels == "given":
        return model
    if labels == STRATEGY:
        return f"{model}, {strategy_name(*augmentation.rsplit('-', 1))}"
    return f"{model} on {arm_name(labels)} labels" + ("" if augmentation == "none" else f" with {plain(augmentation)}")
