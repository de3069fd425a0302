"""What a program of the statistics opens: the utterances of a corpus, human and synthetic votes, and its settings."""

import argparse
from functools import cached_property
from itertools import compress
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.cli import json_value, name_list
from scaling_ambiguity.inference.bootstrap import interval_settings
from scaling_ambiguity.inference.draws import draw_table
from scaling_ambiguity.inference.validity import across_raters, refuse
from scaling_ambiguity.labels.counting import DealtVotes, HumanVotes, deal_votes, human_counts, synthetic_counts
from scaling_ambiguity.labels.levels import level_places
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

Array: TypeAlias = NDArray[np.float64]


def study_parser(description: str, *required: str) -> argparse.ArgumentParser:
    """Return the parser of a program of the statistics: what every study needs, and further required arguments."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "votes", "utterances", *required, "output"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--classes", type=name_list, required=True)
    parser.add_argument("--options", type=json_value, required=True, help="of the statistics, JSON")
    parser.add_argument("--seed", type=int, required=True)
    return parser


class Study:
    """The votes on the U utterances of a corpus, in C classes; a table is read when it is first asked for.

    Args:
        arguments: What a :func:`study_parser` has parsed. Messages name these files.

    Attributes:
        arguments: As above.
        options: Part ``statistics`` of the configuration.
        classes: The class set, in order.
        seed: The run's seed.
        utterances: The table of utterances.
        names: Their names.
        speakers: (U,).
        votes: The table of human votes.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.options: dict[str, Any] = arguments.options
        self.classes: list[str] = arguments.classes
        self.seed: int = arguments.seed
        self.votes = VOTES.read(arguments.votes)
        self.utterances = UTTERANCES.read(arguments.utterances)
        self.names: list[str] = self.utterances["utterance"].tolist()
        self.speakers = self.utterances["speaker"].to_numpy(str)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of every interval: resamples, seed, level and method."""
        return interval_settings(self.options, self.seed)

    def chosen(self, used: NDArray[np.bool_]) -> list[str]:
        """Return the names of the utterances in a mask (U,)."""
        return list(compress(self.names, used))

    @cached_property
    def counts(self) -> Array:
        """All human votes, (U, C)."""
        return human_counts(self.votes, self.names, self.classes, str(self.arguments.votes))

    @cached_property
    def dealt(self) -> DealtVotes:
        """The human votes in every deal."""
        where = str(self.arguments.roles)
        return deal_votes(ROLES.read(where), self.votes, self.names, self.classes, where)

    @cached_property
    def human(self) -> HumanVotes:
        """The human votes, with blocks of speakers for what is fitted on others."""
        blocks = speaker_blocks(self.speakers, self.arguments.utterances)
        return HumanVotes(self.names, self.dealt, self.counts, blocks, self.speakers)

    @cached_property
    def levels(self) -> pd.DataFrame:
        """The table of levels of ambiguity."""
        return LEVELS.read(self.arguments.levels)

    def level_places(self) -> NDArray[np.integer]:
        """Return the index of the level of each utterance in every deal, (D, U); -1 for none."""
        return level_places(self.levels, self.names, str(self.arguments.levels))

    @property
    def annotator(self) -> str:
        """What the annotator's votes are called in the column ``labels``."""
        return str(Labels("synthetic", self.arguments.annotator))

    @cached_property
    def proxies(self) -> pd.DataFrame:
        """The annotator's votes."""
        return PROXIES.read(self.arguments.proxies)

    @cached_property
    def synthetic(self) -> Array:
        """The annotator's valid votes, (U, C)."""
        return synthetic_counts(self.proxies, self.names, self.classes, str(self.arguments.proxies))

    @cached_property
    def draws(self) -> NDArray[np.integer]:
        """The class of each valid synthetic vote in order of draw, (U, m); -1 fills up."""
        return draw_table(self.proxies, self.names, self.classes, str(self.arguments.proxies))

    def refuse_uncovered(self, raters: int | None) -> None:
        """Raise UserError if the method of the intervals does not cover in a design such as that of this corpus."""
        refuse(self.arguments.validity, THESE, self.options["interval"], len(set(self.speakers)), raters)

    def across_raters(self, raters: int | None) -> bool:
        """Whether intervals for raters like these may be printed."""
        return across_raters(self.arguments.validity, len(set(self.speakers)), raters)

    def write(self, rows: list[dict[str, Any]], **common: str) -> None:
        """Write rows of the statistics table of this corpus; ``common`` columns are those of rows without them."""
        columns = {"corpus": self.arguments.corpus} | common
        STATISTICS.write(statistics_frame([columns | row for row in rows]), self.arguments.output)
