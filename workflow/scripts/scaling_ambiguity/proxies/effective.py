"""The effective number of votes of an utterance: valid draws, and their weight where draws resemble each other."""

import numpy as np
import pandas as pd

from scaling_ambiguity.tables.proxies import STATUSES


def intraclass_correlation(votes: pd.DataFrame) -> float:
    """Return how much the valid draws of one prompt agree beyond those of other prompts on the same utterance.

    One-way analysis of variance of the class indicators, draws within focus lines within utterances, mean squares
    pooled over utterances and summed over classes:
    rho = (MSB - MSW) / (MSB + (n0 - 1) MSW), not below 0, n0 the mean number of draws of a prompt corrected for
    unequal numbers. Temperatures do not form clusters: draws at one temperature share its sharpness, not a random
        effect.

    Source: Donner and Koval 1980, Biometrics 36, 19-25.

    Args:
        votes: Synthetic votes of one annotator: utterance, prompt, label (null where not valid).

    Returns:
        rho in [0, 1]; NaN where no utterance has two prompts with a valid draw, or no prompt two valid draws.
    """
    valid = votes.loc[votes["label"].notna(), ["utterance", "prompt", "label"]]
    cells = valid.groupby(["utterance", "prompt", "label"], observed=True).size().unstack(fill_value=0)
    if cells.empty:
        return float("nan")
    item = pd.factorize(cells.index.get_level_values("utterance"))[0]
    counts = cells.to_numpy(float)  # (clusters, classes)
    size = counts.sum(axis=1)
    totals = np.zeros((item.max() + 1, counts.shape[1]))
    np.add.at(totals, item, counts)
    n, squares = totals.sum(axis=1), np.bincount(item, size**2)
    groups = np.bincount(item)
    between, within = (groups - 1).sum(), (n - groups).sum()
    if between < 1 or within < 1:
        return float("nan")
    # sums of squares of indicators: sum c^2/n over clusters against over utterances, and n against over clusters
    of_clusters = (counts**2 / size[:, None]).sum()
    mean_between = (of_clusters - (totals**2 / n[:, None]).sum()) / between
    mean_within = (n.sum() - of_clusters) / within
    typical = (n - squares / n).sum() / between
    spread = mean_between + (typical - 1) * mean_within
    return float(np.clip((mean_between - mean_within) / spread, 0, 1)) if spread > 0 else float("nan")


def draw_counts(votes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per utterance: draws by status, ``total`` (those asked for), ``valid`` and ``effective``.

    ``effective`` = n / (1 + (m - 1) rho), the number of independent draws that estimate the annotator's own
    distribution equally well: n valid draws in prompts of n_f, m = sum n_f^2 / n, rho of
    :func:`intraclass_correlation` (Kish's design effect). It says nothing about people: relative to them, all
    draws of one annotator are the opinion of one rater. It is null where rho is not known.

    Source: Kish 1965, Survey Sampling, section 5.4.
    """
    table = votes.groupby(["utterance", "status"]).size().unstack(fill_value=0)
    table = table.reindex(columns=list(STATUSES), fill_value=0)
    table["total"] = table.drop(columns="not_asked").sum(axis=1)
    rho = intraclass_correlation(votes)
    valid = votes[votes["label"].notna()].groupby(["utterance", "prompt"]).size()
    n = valid.groupby(level="utterance").sum().reindex(table.index, fill_value=0)
    typical = (valid**2).groupby(level="utterance").sum().reindex(table.index, fill_value=0) / n.where(n > 0)
    table["valid"] = n
    table["effective"] = (n / (1 + (typical - 1) * rho)).mask(n == 0, 0.0)
    return table.reset_index().rename_axis(columns=None)


def summary(counts: pd.DataFrame, rho: float) -> str:
    """Return one line for the log on the number of votes per utterance."""
    asked = counts[counts["total"] > 0]
    if asked.empty:
        return "no draw was requested"
    few, mean = asked["valid"].min(), asked["valid"].mean()
    said = f"valid votes per utterance: mean {mean:.2f}, least {few} of {asked['total'].max()} asked for"
    if np.isnan(rho):
        return f"{said}; effective number not known: prompts cannot be separated from draws"
    return (
        f"{said}; effective {asked['effective'].mean():.2f}, draws of one prompt agree by rho = {rho:.3f} beyond others"
    )
