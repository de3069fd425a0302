"""Shared code of the notebooks: the headline's tables, checks that pass or fail, and the verdict at the end."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from numpy.typing import ArrayLike

from scaling_ambiguity.io import write_json
from scaling_ambiguity.reporting.verdicts import NOT_APPLICABLE, outcome
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.statistics import STATISTICS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES, counted


class Review:
    """The results of a run, read from the current folder, and the checks made on them.

    A *gating* check is an identity that holds for any data; the paper is not built unless it passes. A
    *finding* depends on the data, or on a single draw, and never gates.

    Args:
        headline: corpus, annotator and protocol.
        classes: The class set, in order.
        trained: ``arms`` (model, labels, augmentation) and ``seeds`` of the run's models; None: whatever is stored.
    """

    def __init__(
        self, headline: dict[str, str], classes: list[str], trained: dict[str, list[Any]] | None = None
    ) -> None:
        self.corpus, self.annotator, self.protocol = (headline[key] for key in ("corpus", "annotator", "protocol"))
        self.classes, self.trained = classes, trained
        self.folder = Path("results/corpora") / self.corpus
        self.verdicts: list[dict[str, Any]] = []
        # tables of at most 20 rows with the one that says that some are left out
        pd.set_option("display.max_rows", 20)
        pd.set_option("display.min_rows", 18)

    @cached_property
    def utterances(self) -> pd.DataFrame:
        """Table of utterances."""
        return UTTERANCES.read(self.folder / "utterances.parquet")

    @cached_property
    def votes(self) -> pd.DataFrame:
        """Table of all votes."""
        return VOTES.read(self.folder / "votes.parquet")

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """Items that were left out."""
        return REJECTS.read(self.folder / "rejects.parquet")

    @cached_property
    def counted(self) -> pd.DataFrame:
        """The votes that count: observers', primary, inside the classes."""
        return self.votes[counted(self.votes)]

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Votes per class by utterance; a vote that names several labels shares its weight among them."""
        shares = self.counted.groupby(["utterance", "label"])["weight"].sum().unstack()
        return shares.reindex(index=self.utterances["utterance"], columns=self.classes).fillna(0.0)

    @cached_property
    def speaker(self) -> pd.Series:
        """Speaker by utterance."""
        return self.utterances.set_index("utterance")["speaker"]

    def statistics(self, kind: str, *names: str) -> pd.DataFrame | None:
        """Return the table of estimates ``kind`` of the headline corpus, or None where this run has none."""
        path = Path("results/statistics") / f"{'-'.join((kind, self.corpus, *names))}.parquet"
        return STATISTICS.read(path) if path.is_file() else None

    def predictions(self) -> pd.DataFrame:
        """Return the stored predictions of the run's models under the headline protocol, empty if there are none."""
        paths = sorted((Path("results/predictions") / self.corpus / self.protocol).rglob("*.parquet"))
        if not paths:
            return pd.DataFrame()
        stored = pd.concat([PREDICTIONS.read(path) for path in paths], ignore_index=True)
        if self.trained is None:
            return stored
        arms = pd.MultiIndex.from_frame(stored[["model", "labels", "augmentation"]])
        kept = arms.isin([tuple(arm) for arm in self.trained["arms"]]) & stored["seed"].isin(self.trained["seeds"])
        return stored[kept].reset_index(drop=True)

    def judge(self, name: str, passed: bool, message: str, *, gating: bool = True) -> None:
        """Record and show the outcome of a check."""
        self.verdicts.append({"name": name, "gating": gating, "passed": bool(passed), "message": message})
        display(Markdown(f"**{outcome(self.verdicts[-1])}**: {message}"))

    def judge_equal(
        self, name: str, ours: ArrayLike, theirs: ArrayLike, where: str, *, absolute: float, relative: float = 0.0
    ) -> None:
        """Record whether two computations agree, |ours - theirs| <= absolute + relative |theirs|; a gating check.

        Where neither could be computed (both NaN) there is nothing to compare; with no value left the check is not
        applicable. A value that only one of the two has is a difference.
        """
        one, other = np.broadcast_arrays(np.asarray(ours, float), np.asarray(theirs, float))
        computed = ~(np.isnan(one) & np.isnan(other))
        one, other = one[computed], other[computed]
        if not one.size:
            self.not_applicable(name, "this corpus allows neither of the two computations")
            return
        gap = np.nan_to_num(np.abs(one - other), nan=np.inf).max()
        close = np.isclose(one, other, rtol=relative, atol=absolute)
        allowed = f"{absolute:.0e}" + (f" plus {relative:.0e} of the value" if relative else "")
        self.judge(name, bool(close.all()), f"largest difference {where} {gap:.1e}, allowed {allowed}")

    def not_applicable(self, name: str, reason: str) -> None:
        """Record and show that a check needs data that this run does not have."""
        self.verdicts.append({"name": name, "gating": False, "passed": True, "message": f"{NOT_APPLICABLE}: {reason}"})
        display(Markdown(f"**{NOT_APPLICABLE}**: {reason}"))

    def close(self, path: str) -> None:
        """Write the verdicts to ``path`` and report whether the paper may be built."""
        write_json(self.verdicts, path)
        said = [{"check": each["name"], "outcome": outcome(each), "what": each["message"]} for each in self.verdicts]
        with pd.option_context("display.max_colwidth", None):
            display(pd.DataFrame(said))
        failed = [verdict["name"] for verdict in self.verdicts if verdict["gating"] and not verdict["passed"]]
        gating = sum(verdict["gating"] for verdict in self.verdicts)
        passed = f"**The paper may be built:** all {gating} gating checks of this notebook passed."
        display(Markdown(f"**The paper must not be built:** {', '.join(failed)} failed." if failed else passed))
