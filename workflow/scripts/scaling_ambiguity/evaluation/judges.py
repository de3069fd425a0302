"""The references for judging predictions: human votes by deal and level, labels, the truth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.strata import Stratum
from scaling_ambiguity.labels.counting import deal_votes, human_counts
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.levels import LEVELS, level_places
from scaling_ambiguity.labels.others import class_prior, test_parts

STRATA = ("all", *LEVELS)


@dataclass(frozen=True)
class Judges:
    """Human votes of the U tested utterances in D deals, C classes.

    Attributes:
        names: The tested utterances.
        clusters: Their cluster (speaker), (U,).
        counts: All human votes, (U, C).
        fair: Votes that did not decide the level, (D, U, C): the by-level reference.
        conditioning: Votes that a human predictor may use, (D, U, C).
        reference: Votes that it is judged by, (D, U, C).
        level: Index of the level in ``LEVELS`` in each deal, -1 without level votes, (D, U).
        prior: Class prior of the other speakers: mean vote frequency over training and
            validation utterances of the fold that tests the utterance, (U, C).
        concentration: Dirichlet-multinomial fit to the same votes, (U, C).
        strata: Further strata of the utterances: the balanced split, classes, levels of factors.
    """

    names: list[str]
    clusters: np.ndarray
    counts: np.ndarray
    fair: np.ndarray
    conditioning: np.ndarray
    reference: np.ndarray
    level: np.ndarray
    prior: np.ndarray
    concentration: np.ndarray
    strata: tuple[Stratum, ...] = ()

    def votes_of(self, stratum: Stratum) -> np.ndarray:
        """Return the votes that judge a stratum, (U, C) or (D, U, C)."""
        return {"all": self.counts, "fair": self.fair, "reference": self.reference}[stratum.votes]


def gather_judges(
    utterances: pd.DataFrame,
    votes: pd.DataFrame,
    roles: pd.DataFrame,
    levels: pd.DataFrame,
    splits: pd.DataFrame,
    classes: list[str],
) -> Judges:
    """Collect votes, levels and fits of the utterances tested in some fold.

    Raises:
        UserError: A tested utterance has no human vote, or is unknown to the utterance table.
    """
    every = utterances["utterance"].tolist()
    counts = human_counts(votes, every, classes)
    tested = set(splits.loc[splits["part"] == "test", "utterance"])
    unknown = sorted(tested - set(every))
    if unknown:
        raise UserError(f"splits: utterance {unknown[0]} is not in the utterance table. Run split_corpus again.")
    chosen = np.array([name in tested for name in every])
    names = [name for name in every if name in tested]
    silent = counts[chosen].sum(axis=1) == 0
    if silent.any():
        raise UserError(f"votes: tested utterance {names[int(silent.argmax())]} has no human vote to be judged by.")
    dealt = deal_votes(roles[roles["utterance"].isin(tested)], votes[votes["utterance"].isin(tested)], names, classes)
    level = level_places(levels[levels["utterance"].isin(tested)], names)
    prior, concentration = _fits(splits, every, counts)
    return Judges(
        names=names,
        clusters=utterances.set_index("utterance").loc[names, "speaker"].to_numpy(str),
        counts=counts[chosen],
        fair=dealt.in_role("conditioning", "reference"),
        conditioning=dealt.in_role("conditioning"),
        reference=dealt.in_role("reference"),
        level=level,
        prior=prior[chosen],
        concentration=concentration[chosen],
    )


def _fits(splits: pd.DataFrame, every: list[str], counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return prior and concentration for each utterance from the fold that tests it; NaN if untested."""
    fold_of = test_parts(splits, every)
    prior, concentration = np.full_like(counts, np.nan), np.full_like(counts, np.nan)
    for fold in np.unique(fold_of[fold_of >= 0]):
        others = set(splits.loc[(splits["fold"] == fold) & (splits["part"] != "test"), "utterance"])
        rows = np.array([name in others for name in every])
        prior[fold_of == fold] = class_prior(counts[rows])
        concentration[fold_of == fold] = fit_dirichlet_multinomial(counts[rows])
    return prior, concentration
