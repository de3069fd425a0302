"""The distributions that a run has about each utterance: of people, of annotators, of labels, models, strategies."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv

from scaling_ambiguity.evaluation.predictions import gather_predictions
from scaling_ambiguity.labels.counting import frequencies, human_counts, synthetic_counts
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.reporting.explorer.inputs import Annotated, Explored
from scaling_ambiguity.reporting.naming import arm_name, plain, valued_name
from scaling_ambiguity.reporting.strategy_names import strategy_name
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.splits import SPLITS

Array: TypeAlias = NDArray[np.float64]
JEFFREYS = 0.5  # votes for and against each class
CREDIBLE = "whiskers: {level:g} % Jeffreys interval of each share, votes taken as independent"
SEEDS = "mean of {seeds} seeds; whiskers: least and largest"


@dataclass(frozen=True)
class Source:
    """One distribution per utterance.

    Attributes:
        group: What kind of source it is; sources of a group stand together.
        title: Its printed name.
        note: What the shares and whiskers are.
        p: (U, C) shares, NaN where there is none.
        low, high: (U, C) ends of the whiskers, or None.
        n: (U,) number of votes behind it, or None.
    """

    group: str
    title: str
    note: str
    p: Array
    low: Array | None = None
    high: Array | None = None
    n: Array | None = None


def counted(group: str, title: str, counts: Array, level: float) -> Source:
    """Return shares of votes (U, C) with the Jeffreys interval of each, of coverage ``level``.

    It is the equal-tailed interval of Beta(n_c + 1/2, n - n_c + 1/2) (Brown, Cai and DasGupta 2001,
    10.1214/ss/1009213286): of one utterance, no other moves it.
    """
    n = counts.sum(axis=1)
    p = np.where(n[:, None] > 0, frequencies(counts), np.nan)
    if not n.any():
        return Source(group, title, "no vote", p, n=n)
    against = n[:, None] - counts
    tails = (1 - level) / 2, (1 + level) / 2
    low, high = (betaincinv(counts + JEFFREYS, against + JEFFREYS, tail) for tail in tails)
    return Source(group, title, CREDIBLE.format(level=100 * level), p, low, high, n)


def human_source(votes: pd.DataFrame, names: list[str], files: Explored, level: float) -> tuple[Array, Source]:
    """Return the counted human votes (U, C) on all utterances that were read, and their source."""
    counts = human_counts(votes, names, files.classes, str(files.found_votes))
    return counts, counted("people", "human votes", counts, level)


def annotator_sources(
    annotator: str, files: Annotated, names: list[str], classes: list[str], level: float
) -> tuple[Array, pd.DataFrame, list[Source]]:
    """Return the valid synthetic votes (U, C) of an annotator, its table of votes, and its sources."""
    proxies = PROXIES.read(files.proxies)
    counts = synthetic_counts(proxies, names, classes, str(files.proxies))
    title = plain(annotator)
    sources = [counted("synthetic", f"{title}, votes", counts, level)]
    if files.read_out:
        table = pd.concat([LABELS.read(path) for path in files.read_out])
        sources.append(Source("synthetic", f"{title}, own distribution", "", _table(table, names, classes)))
    return counts, proxies, sources


def further_sources(files: Explored, names: list[str]) -> list[Source]:
    """Return combined labels, trained models, strategies and given predictors, each where the run has them."""
    sources = [_combined(name, path, names, files) for name, path in files.labels.items()]
    sources += _models(files, names)
    for submission, folder in files.strategies.items():
        for path in sorted(Path(folder).glob("*.parquet")):
            title = plain(submission, strategy_name(*path.stem.rsplit("-", 1)))
            sources.append(Source("strategies", title, "", _table(GIVEN.read(path), names, files.classes)))
    for predictor, path in files.given.items():
        shares = _table(GIVEN.read(path), names, files.classes)
        sources.append(Source("given predictors", plain(predictor), "", shares))
    return sources


def _combined(name: str, path: Path, names: list[str], files: Explored) -> Source:
    table = LABELS.read(path)
    low, high = (_table(table, names, files.classes, prefix) for prefix in ("low_", "high_"))
    banded = not np.isnan(low).all()
    title = f"{arm_name(name)} ({plain(Labels.parse(name).annotator)})"
    note = "whiskers: credible band of this pooling" if banded else ""
    return Source("combined", title, note, _table(table, names, files.classes), *((low, high) if banded else ()))


def _models(files: Explored, names: list[str]) -> list[Source]:
    """Return the prediction of every trained condition, where an utterance is tested."""
    if not files.predictions:
        return []
    splits = SPLITS.read(files.splits)
    tested = sorted(set(splits.loc[splits["part"] == "test", "utterance"]))
    gathered = gather_predictions(files.predictions, files.corpus, files.protocol, splits, tested, files.classes)
    place = pd.Index(tested).get_indexer(names)
    sources = []
    for (model, labels, augmentation), values in gathered.items():
        mean, low, high = (
            np.where((place >= 0)[:, None], of_tested[place], np.nan)
            for of_tested in (values.mean(axis=0), values.min(axis=0), values.max(axis=0))
        )
        several = len(values) > 1
        note = SEEDS.format(seeds=len(values)) if several else "one seed"
        title = valued_name(model, labels, augmentation, np.nan)
        sources.append(Source("trained models", title, note, mean, *((low, high) if several else ())))
    return sources


def _table(table: pd.DataFrame, names: list[str], classes: list[str], prefix: str = "p_") -> Array:
    """Return the columns of the classes, (U, C), NaN where the table has none."""
    columns = class_columns(classes, prefix)
    return table.set_index("utterance").reindex(index=names, columns=columns).to_numpy(float)
