"""What the page knows of the utterances of a corpus: columns of the table, and the details of each utterance."""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.corpora.accounting import FOLLOWS
from scaling_ambiguity.labels.conflict import conflict_places, conflict_values
from scaling_ambiguity.labels.counting import deal_votes, frequencies
from scaling_ambiguity.labels.levels import level_places, pairwise_agreement, vote_sums
from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.reporting.explorer.inputs import Explored, read_rows
from scaling_ambiguity.reporting.explorer.sounds import link, sound_file
from scaling_ambiguity.reporting.explorer.sources import (
    Source,
    annotator_sources,
    further_sources,
    human_source,
)
from scaling_ambiguity.reporting.figures.polygon import corners, project
from scaling_ambiguity.reporting.naming import plain
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.votes import VOTES, counted

Array: TypeAlias = NDArray[np.float64]
NO_MAJORITY, DIGITS = -1, 4
ANSWER_COLUMNS = ("draw", "prompt", "temperature", "label", "status", "reason", "response")
SPREAD = 0.012  # distance of equal distributions on the map, whose corners are at 1


class Contents:
    """A corpus as the page shows it; rows are all utterances that were read or listed, by name.

    Args:
        files: The files of the corpus.
        level: Coverage of credible intervals.
        page: The folder of the page, which links to sound are relative to.

    Attributes:
        rows: The table of :func:`~.inputs.read_rows`.
        audible: (U,) file to play, or None.
        sources: Every distribution that the run has.
    """

    def __init__(self, files: Explored, level: float, page: Path) -> None:
        self.files, self.page = files, page
        self.rows, self.left_out = read_rows(files)
        self.names: list[str] = self.rows["utterance"].tolist()
        pairs = zip(self.rows["path"], self.rows["sound"], strict=True)
        self.audible = [sound_file(files.root, path, copy) for path, copy in pairs]
        self.votes = VOTES.read(files.found_votes)
        self.counts, human = human_source(self.votes, self.names, files, level)
        self.sources: list[Source] = [human]
        self.proxies: dict[str, pd.DataFrame] = {}
        self.synthetic: dict[str, Array] = {}
        for name in sorted(files.annotators, key=lambda name: (name != files.first, name)):
            of_annotator = files.annotators[name]
            counts, table, sources = annotator_sources(name, of_annotator, self.names, files.classes, level)
            self.synthetic[name], self.proxies[name] = counts, table
            self.sources += sources
        self.sources += further_sources(files, self.names)

    def index(self) -> dict[str, Any]:
        """Return what the table, the filters and the map need, as columns of plain values."""
        speakers, speaker_names = pd.factorize(self.rows["speaker"], sort=True)
        reasons, reason_names = pd.factorize(self.rows["reason"].where(~self.rows["kept"]), sort=True)
        # votes that follow their utterance are stated there
        lost = self.left_out[self.left_out["reason"] != FOLLOWS].groupby(["stage", "reason"]).size()
        return {
            "corpus": self.files.corpus,
            "protocol": self.files.protocol,
            "classes": [plain(name) for name in self.files.classes],
            "silent": self.files.silent,
            "corners": numbers(corners(len(self.files.classes))),
            "annotators": [plain(name) for name in self.synthetic],
            "sources": [{"group": s.group, "title": s.title, "note": s.note} for s in self.sources],
            "speakers": list(speaker_names),
            "reasons": list(reason_names),
            "left_out": [[stage, reason, int(n)] for (stage, reason), n in lost.items()],
            "columns": {
                "id": self.names,
                "speaker": speakers.tolist(),
                "transcript": self.rows["transcript"].tolist(),
                "duration": numbers(self.rows["duration"].to_numpy(float), 2),
                "reason": reasons.tolist(),
                "link": [None if file is None else link(file, self.page) for file in self.audible],
            }
            | self._measures(),
        }

    def _measures(self) -> dict[str, Any]:
        human = frequencies(self.counts)
        voted = self.counts.sum(axis=1) > 0
        levels, shares = self._levels()
        measures = {
            "votes": numbers(self.counts.sum(axis=1), 2),
            "majority": majority(self.counts).tolist(),
            "agreement": numbers(self._agreement()),
            "level": levels.tolist(),
            "level_share": numbers(shares, 2),
            "place": numbers(spread(project(human), voted)),
            "divergence": [],
            "synthetic_place": [],
        }
        for counts in self.synthetic.values():
            both = voted & (counts.sum(axis=1) > 0)
            other = frequencies(counts)
            measures["divergence"].append(numbers(np.where(both, jsd_bits(human, other), np.nan)))
            measures["synthetic_place"].append(numbers(spread(project(other), counts.sum(axis=1) > 0)))
        if self.files.conflict:
            value, third = self._conflict()
            measures |= {"conflict": numbers(value), "conflict_third": third.tolist()}
        return measures

    def _agreement(self) -> Array:
        return pairwise_agreement(*vote_sums(self.votes, self.names, self.files.classes, str(self.files.found_votes)))

    def _levels(self) -> tuple[NDArray[np.integer], Array]:
        places = level_places(LEVELS.read(self.files.levels), self.names, str(self.files.levels))
        return most_frequent(places)

    def _conflict(self) -> tuple[Array, NDArray[np.integer]]:
        """Return the conflict of presentations, its mean over deals and its most frequent third, (U,)."""
        files = self.files
        assert files.conflict is not None and files.roles is not None
        kept = self.rows.loc[self.rows["kept"], "utterance"].tolist()
        dealt = deal_votes(ROLES.read(files.roles), VOTES.read(files.votes), kept, files.classes, str(files.roles))
        values = conflict_values(dealt, VOTES.read(files.conflict), kept, files.classes, str(files.conflict))
        thirds, _ = most_frequent(conflict_places(values, SPLITS.read(files.splits), kept)[0])
        place = pd.Index(kept).get_indexer(self.names)
        observed = ~np.isnan(values)
        mean = np.where(observed, values, 0.0).sum(axis=0) / np.where(
            observed.any(axis=0), observed.sum(axis=0), np.nan
        )
        return np.where(place >= 0, mean[place], np.nan), np.where(place >= 0, thirds[place], -1)

    def details(self) -> list[dict[str, Any]]:
        """Return for each utterance its votes, distributions, answers, and what of its votes was left out."""
        votes = self._votes()
        answers = {name: grouped_answers(table) for name, table in self.proxies.items()}
        times = self.left_out[self.left_out["utterance"] != ""].groupby(list(self.left_out), as_index=False).size()
        lost = by_utterance(times[["stage", "reason", "size"]], times["utterance"])
        shares = [_shares(source) for source in self.sources]
        return [
            {
                "source": source,
                "votes": votes.get(name, []),
                "shares": [of_source[row] for of_source in shares],
                "answers": [answers[annotator].get(name, []) for annotator in answers],
                "lost": lost.get(name, []),
            }
            for row, (name, source) in enumerate(zip(self.names, self.rows["source"], strict=True))
        ]

    def _votes(self) -> dict[str, list[list[Any]]]:
        """Return rater, label as given, and whether it is counted, of every human vote, by utterance."""
        votes = self.votes
        given = votes["label_raw"].where(votes["label_raw"].notna(), votes["label"]).astype(object)
        label = votes["label"].astype(object).where(votes["label"].notna(), None)
        table = pd.DataFrame(
            {
                "rater": votes["rater"].where(votes["raters_known"], ""),
                "given": given.where(given.notna(), None),
                "label": label,
                "counted": counted(votes).astype(int),
            }
        )
        return by_utterance(table, votes["utterance"])


def most_frequent(places: NDArray[np.integer]) -> tuple[NDArray[np.integer], Array]:
    """Return the most frequent of the values 0, 1, 2 over deals and its share; (D, U) -> (U,), (U,).

    The lowest wins a tie; -1 and NaN where no deal has a value.
    """
    times = np.stack([(places == value).sum(axis=0) for value in range(3)])
    total = times.sum(axis=0)
    share = times.max(axis=0) / np.where(total > 0, total, np.nan)
    return np.where(total > 0, times.argmax(axis=0), -1), share


def majority(counts: Array) -> NDArray[np.integer]:
    """Return the class with most votes, (U,); the number of classes for a tie, -1 without a vote. (U, C)."""
    most = counts.max(axis=1)
    tied = (np.abs(counts - most[:, None]) < 1e-9).sum(axis=1) > 1
    chosen = np.where(tied, counts.shape[1], counts.argmax(axis=1))
    return np.where(most > 0, chosen, NO_MAJORITY)


def spread(places: Array, shown: NDArray[np.bool_]) -> Array:
    """Return (U, 2) places where equal ones lie side by side, on a spiral around their place; NaN where not shown."""
    result = np.full(places.shape, np.nan)
    rounded = pd.DataFrame(np.round(places[shown], 6))
    number = rounded.groupby([0, 1]).cumcount().to_numpy()
    size = rounded.groupby([0, 1])[0].transform("size").to_numpy()
    radius = np.minimum(SPREAD, 0.09 / np.sqrt(np.maximum(size, 1))) * np.sqrt(number)
    angle = number * np.pi * (3 - np.sqrt(5))
    result[shown] = places[shown] + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return result


def numbers(values: Array, digits: int = DIGITS) -> list[Any]:
    """Return rounded values as nested lists, None for NaN."""
    rounded = np.round(values, digits) + 0.0
    return np.where(np.isnan(rounded), None, rounded.astype(object)).tolist()


def _shares(source: Source) -> list[Any]:
    """Return for each utterance None, or its number of votes (or None), shares, and ends of the whiskers."""
    p = numbers(source.p)
    low, high = ([None] * len(p) if ends is None else numbers(ends) for ends in (source.low, source.high))
    n = [None] * len(p) if source.n is None else numbers(source.n, 2)
    there = ~np.isnan(source.p).any(axis=1)
    return [[n[row], p[row], low[row], high[row]] if there[row] else None for row in range(len(p))]


def grouped_answers(table: pd.DataFrame) -> dict[str, list[list[Any]]]:
    """Return the answers of an annotator by utterance, with the columns in :data:`ANSWER_COLUMNS`."""
    shown = table.reindex(columns=list(ANSWER_COLUMNS)).astype(object)
    shown = shown.where(shown.notna(), None)
    return by_utterance(shown, table["utterance"])


def by_utterance(table: pd.DataFrame, owner: pd.Series) -> dict[str, list[list[Any]]]:
    """Return the rows of a table, as lists of plain values, by the utterance that owns them; in their order."""
    grouped: dict[str, list[list[Any]]] = {}
    columns = [table[column].tolist() for column in table]
    for name, *row in zip(owner.tolist(), *columns, strict=True):
        grouped.setdefault(name, []).append(row)
    return grouped
