"""The contents of an audited corpus, its losses by reason, and the analyses its numbers of votes allow."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.accounting import FOLLOWS, UTTERANCE_STAGES, VOTE_STAGES, by_reason, tally
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.tables.roles import role_codes
from scaling_ambiguity.tables.votes import counted

LEVEL_VOTES = (2, 3, 4, 5)
MOST_SHARE = 0.5  # a by-level number describes the corpus only if most utterances have a level
RATERS_LIKE_THESE = 20
SHOWN_REASONS = 5


def report(
    as_read: Corpus, corpus: Corpus, account: dict[str, Any], *, name: str, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the audit as a JSON value; found = kept + lost for utterances and votes (asserted).

    Args:
        as_read: The corpus as the reader found it.
        corpus: The corpus as written.
        account: The report of the class policy (:func:`class_policy.apply`).
        name: Name of the corpus.
        options: Its entry in the configuration.
    """
    rejects = corpus.rejects
    lost = by_reason(rejects, UTTERANCE_STAGES)
    utterances: dict[str, Any] = {"found": len(as_read.utterances), "kept": len(corpus.utterances), "lost": lost}
    utterances["found"] += int(as_read.rejects["stage"].isin(UTTERANCE_STAGES).sum())
    lost_votes = _lost_votes(account["votes"], as_read.rejects, int(counted(corpus.votes).sum()))
    for item in (utterances, lost_votes):
        assert item["found"] == item["kept"] + sum(item["lost"].values()), f"an item was lost: {item}"
    return {
        "corpus": name,
        "reader": options.get("reader"),
        "release": options.get("release"),
        "classes": list(options["classes"]),
        "class_policy": account["policy"],
        "warnings": account["warnings"],
        "utterances": utterances,
        "votes": lost_votes | {"in_table": len(corpus.votes)},
        "labels_found": account["labels"],
        "labels_outside": account["outside"],
        "notes": by_reason(rejects, tuple(set(rejects["stage"]) - set(UTTERANCE_STAGES) - set(VOTE_STAGES))),
    } | described(corpus)


def reading_notes(account: dict[str, Any], rejects: Path) -> list[str]:
    """Return the notes on reading a corpus for the user, as lines: its warnings, and what was left out.

    Args:
        account: The audit from :func:`report`.
        rejects: Table of the items that were left out, for the message.
    """
    notes = [f"{account['corpus']}: warning: {line}" for line in account["warnings"]]
    sound = account.get("sound", {})
    if sound.get("differ"):
        notes.append(
            f"{account['corpus']}: {sound['differ']} of {sound['compared']} sounds are not the published files but "
            f"were resampled or altered; most have {sound['sample_rate']} Hz. The paper says so."
        )
    lost = []
    for what in ("utterances", "votes"):
        reasons = account[what]["lost"]
        if reasons:
            shown = [f"{reason} ({number})" for reason, number in list(reasons.items())[:SHOWN_REASONS]]
            shown += ["..."] if len(reasons) > SHOWN_REASONS else []
            lost.append(f"{sum(reasons.values())} of {account[what]['found']} {what}: {', '.join(shown)}")
    if lost:
        notes.append(f"{account['corpus']}: left out {'; '.join(lost)}. Each with its reason: {rejects}")
    return notes


def after_screening(account: dict[str, Any], corpus: Corpus, faults: dict[str, int]) -> dict[str, Any]:
    """Return the audit after the full decode, whose rejects are added to the losses.

    Args:
        account: The audit from :func:`report`.
        corpus: The corpus as written after the decode.
        faults: Number of utterances that were left out, by reason.
    """
    utterances = _lose(account["utterances"], faults)
    votes = _lose(account["votes"], {FOLLOWS: account["votes"]["kept"] - int(counted(corpus.votes).sum())})
    assert utterances["kept"] == len(corpus.utterances), f"an utterance was lost: {utterances}"
    votes["in_table"] = len(corpus.votes)
    return account | {"utterances": utterances, "votes": votes} | described(corpus)


def _lose(item: dict[str, Any], more: dict[str, int]) -> dict[str, Any]:
    """Return {found, kept, lost} with further losses, by reason."""
    lost = dict(item["lost"])
    for reason, number in more.items():
        if number:
            lost[reason] = lost.get(reason, 0) + number
    return {"found": item["found"], "kept": item["kept"] - sum(more.values()), "lost": lost}


def described(corpus: Corpus) -> dict[str, Any]:
    """Return a description of a corpus: speakers, raters, sound, votes per utterance and the analyses these allow."""
    votes = corpus.votes
    cast = votes.loc[counted(votes), ["utterance", "rater", "presentation", "raters_known"]].drop_duplicates()
    per_utterance = cast["utterance"].value_counts().reindex(corpus.utterances["utterance"], fill_value=0)
    per_utterance = per_utterance.to_numpy()
    raters_known = bool(votes["raters_known"].all())
    # readers name an unknown speaker after the utterance
    unknown = corpus.utterances["speaker"] == "unknown_" + corpus.utterances["utterance"]
    durations = corpus.utterances["duration"].to_numpy(float)
    return {
        "presentation": sorted(cast["presentation"].unique()),
        "speakers": int(corpus.utterances.loc[~unknown, "speaker"].nunique()),
        "utterances_of_unknown_speakers": int(unknown.sum()),
        "sessions": int(corpus.utterances["session"].nunique()),
        "splits": tally(corpus.utterances["split"]),
        "raters": _raters(cast) if raters_known else None,
        "with_audio": int(corpus.utterances["path"].notna().sum()),
        "without_transcript": int(corpus.utterances["transcript"].isna().sum()),
        "hours": round(float(np.nansum(durations)) / 3600, 4),
        "votes_per_utterance": _histogram(per_utterance),
        "allows": allowed(per_utterance, cast["rater"].nunique() if raters_known else None),
    }


def _lost_votes(account: dict[str, Any], rejects: pd.DataFrame, kept: int) -> dict[str, Any]:
    """Return {found, kept, lost: {reason: number}} over reader, class policy and audit; each vote has one reason."""
    lost = by_reason(rejects, VOTE_STAGES)
    total = account["found"] + sum(lost.values())
    for reason, number in {**account["lost"], FOLLOWS: account["kept"] - kept}.items():
        if number:
            lost[reason] = lost.get(reason, 0) + number
    return {"found": total, "kept": kept, "lost": lost}


def _raters(cast: pd.DataFrame) -> dict[str, Any]:
    each = cast["rater"].value_counts().to_numpy()
    least, median, most = (float(value) for value in np.quantile(each, [0, 0.5, 1]))
    return {"number": len(each), "votes_least": int(least), "votes_median": median, "votes_most": int(most)}


def _histogram(per_utterance: np.ndarray) -> dict[str, Any]:
    sizes, numbers = np.unique(per_utterance, return_counts=True)
    return {
        "least": int(sizes[0]) if len(sizes) else 0,
        "mean": round(float(per_utterance.mean()), 6) if len(per_utterance) else 0.0,
        "most": int(sizes.max(initial=0)),
        "histogram": {str(size): int(number) for size, number in zip(sizes, numbers, strict=True)},
    }


def roles_at(per_utterance: np.ndarray, level_votes: int) -> dict[str, Any]:
    """Return what a deal with that many level votes leaves: utterances with a level, conditioning, reference votes."""
    sizes, numbers = np.unique(per_utterance[per_utterance > 0], return_counts=True)
    dealt = np.zeros((len(sizes), 3), dtype=int)
    for row, size in enumerate(sizes):
        codes = role_codes(np.arange(size), np.full(size, size), level_votes)
        dealt[row] = np.bincount(codes, minlength=3)
    with_level = dealt[:, 0] > 0
    n, total = int(numbers[with_level].sum()), len(per_utterance)
    return {
        "utterances_with_level": n,
        "share_with_level": round(n / total, 6) if total else 0.0,
        "conditioning_most": int(dealt[with_level, 1].max(initial=0)),
        "reference_most": int(dealt[with_level, 2].max(initial=0)),
    }


def allowed(per_utterance: np.ndarray, raters: int | None) -> dict[str, Any]:
    """Return which analyses the numbers of votes allow, as numbers and as sentences.

    By-level numbers with L level votes need L + 2 votes (:func:`tables.roles.role_codes`) and count as
    identifiable if at least half of the utterances have them; the exchange rate up to k human
    votes needs utterances with more than k.

    Args:
        per_utterance: Votes that count, one number per utterance.
        raters: Number of raters, or None where they are not known.
    """
    total, most = len(per_utterance), int(per_utterance.max(initial=0))
    levels = {str(number): roles_at(per_utterance, number) for number in LEVEL_VOTES}
    exchange = {str(k): int((per_utterance > k).sum()) for k in range(1, most)}
    sentences = []
    for number, part in levels.items():
        verdict = "identifiable" if part["share_with_level"] >= MOST_SHARE else "not identifiable"
        sentences.append(
            f"by-level numbers with {number} level votes are {verdict}: {part['utterances_with_level']} of {total} "
            f"utterances have the {int(number) + 2} votes that this takes"
        )
    largest = max((k for k in range(1, most) if 2 * (per_utterance > k).sum() >= total), default=0)
    sentences.append(
        f"the exchange rate reaches {largest} human votes on at least half of the utterances"
        if largest
        else "the exchange rate is not identifiable: fewer than half of the utterances have two votes"
    )
    if raters is None:
        sentences.append("raters are not known: numbers about raters like these are refused")
    elif raters < RATERS_LIKE_THESE:
        sentences.append(f"{raters} raters are fewer than {RATERS_LIKE_THESE}: numbers speak of these raters alone")
    else:
        sentences.append(f"{raters} raters: numbers may speak of raters like these")
    return {"levels": levels, "more_votes_than": exchange, "largest_k_of_most": largest, "sentences": sentences}
