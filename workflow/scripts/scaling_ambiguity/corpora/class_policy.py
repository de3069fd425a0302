"""Map a corpus' own label words to the class set of a run, with every vote accounted for.

A row of the votes table counts if its label, after the merge map, is one of the classes; labels,
keys of the map and classes are compared in one form (:func:`label_words.canonical`). Every other
row stays in the table with a null label and its ``label_raw``; utterances that are dropped
go to the rejects together with their votes.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.corpora import LARGEST_REJECT_SHARE
from scaling_ambiguity.corpora.accounting import contained, join_rejects, reject, reject_votes, tally, tally_codes
from scaling_ambiguity.corpora.label_words import canonical, canonical_labels
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.errors import UserError

DEFAULTS: dict[str, Any] = {
    "merge": {},
    "out_of_set": "drop",
    "minimum_votes": 1,
    "secondary": 0.0,
    "self_votes": "ignore",
}
REASONS = (
    "",
    "its utterance is not in the corpus",
    "no label",
    "self vote, ignored",
    "secondary label, ignored",
    "outside the classes",
    "secondary label of a vote whose primary label does not count",
    "its utterance is dropped for a vote outside the classes",
    "its utterance is dropped for too few votes in the classes",
)
STRICTLY = "a vote outside the classes"
KEPT, STRAY, NO_LABEL, SELF, SECONDARY, OUTSIDE, ORPHANED, STRICT, FEW = range(len(REASONS))


def complete(policy: dict[str, Any] | None, classes: list[str]) -> dict[str, Any]:
    """Return the policy with its defaults filled in.

    Raises:
        UserError: An unknown key or value, a label that is merged into something that is not a class or into two
            classes, or two classes that are the same word.
    """
    policy = DEFAULTS | (policy or {})
    unknown = sorted(set(policy) - set(DEFAULTS))
    if unknown:
        raise UserError(f"class_policy has no key {unknown[0]!r}; it has {sorted(DEFAULTS)}.")
    for key, allowed in {"out_of_set": ("drop", "other", "drop_utterance"), "self_votes": ("ignore", "keep")}.items():
        if policy[key] not in allowed:
            raise UserError(f"class_policy.{key} is {policy[key]!r}; choose one of {list(allowed)}.")
    if not isinstance(policy["minimum_votes"], int) or policy["minimum_votes"] < 1:
        raise UserError(f"class_policy.minimum_votes is {policy['minimum_votes']!r}; give a whole number from 1.")
    if not 0 <= policy["secondary"] < 1:
        raise UserError(f"class_policy.secondary is {policy['secondary']!r}; give a weight in [0, 1).")
    stray = sorted(set(policy["merge"].values()) - set(classes))
    if stray:
        raise UserError(f"class_policy.merge leads to {stray[0]!r}, which is not one of the classes {classes}.")
    if policy["out_of_set"] == "other" and "other" not in classes:
        raise UserError(f"class_policy.out_of_set is 'other', but 'other' is not one of the classes {classes}.")
    _refuse_clashes(policy["merge"], classes)
    return policy


def _refuse_clashes(merge: dict[str, str], classes: list[str]) -> None:
    """Raise UserError if a key of the merge map is not text, or two configured words have one canonical form."""
    seen: dict[str, str] = {}
    for name in classes:
        if canonical(name) in seen:
            raise UserError(f"classes {seen[canonical(name)]!r} and {name!r} are the same word; rename one.")
        seen[canonical(name)] = name
    keys: dict[str, str] = {}
    for key, target in merge.items():
        if not isinstance(key, str):
            raise UserError(f"class_policy.merge has the key {key!r}, which is no text; write the label in quotes.")
        first = keys.setdefault(canonical(key), key)
        if merge[first] != target:
            raise UserError(
                f"class_policy.merge: {first!r} and {key!r} are the same label (case, blanks, underscores and Unicode "
                f"forms do not count) and lead to {merge[first]!r} and {target!r}; keep one."
            )


def apply(
    corpus: Corpus,
    classes: list[str],
    policy: dict[str, Any] | None = None,
    *,
    vocabulary: Collection[str] = (),
    largest_outside: float = LARGEST_REJECT_SHARE,
) -> tuple[Corpus, dict[str, Any]]:
    """Return the corpus with labels that are in ``classes`` or null, and a report on the changes.

    In this order: labels are merged; self votes are ignored or count like an observer's; secondary
    labels are ignored or share the vote; labels outside the classes are dropped, become ``other``
    or drop their utterance; utterances with fewer than ``minimum_votes`` votes left are dropped.
    What remains of a vote carries its whole weight T: with secondary weight s, a primary label
    weighs ``w / sum(w) * T * (1 - s)`` and a secondary one ``w / sum(w) * T * s``, the sums over the
    vote's labels that count (s = 0 where no secondary one does). Labels that count have the role
    ``primary``, votes that count the kind ``observer``. Utterances without any vote are left unchanged.

    Args:
        corpus: The output of a reader; labels are the corpus' own words.
        classes: The class set.
        policy: ``class_policy`` of the corpus' entry; see ``DEFAULTS``.
        vocabulary: Labels that may be merged although no vote has them: what the corpus' raters could choose from.
        largest_outside: Largest share of votes outside the classes that is dropped without ``out_of_set`` in
            ``policy``.

    Returns:
        The corpus, and {policy, utterances, votes, labels, outside, warnings}: utterances and votes
        are {found, kept, lost: {reason: number}} with found = kept + all lost (asserted), labels
        the corpus' own words and outside those that were dropped, with their numbers.

    Raises:
        UserError: A faulty policy, a merged label that neither a vote nor the vocabulary has, not one vote in the
            classes, or more outside them than may be dropped silently.
    """
    said = "out_of_set" in (policy or {})
    policy = complete(policy, classes)
    votes = corpus.votes.reset_index(drop=True)
    votes = votes.assign(label=canonical_labels(votes["label"]))
    # strings are processed once; everything else uses their codes
    word, words = pd.factorize(votes["label"], sort=True)
    item, names = pd.factorize(votes["utterance"])
    voter = _combine(item, pd.factorize(votes["rater"])[0], pd.factorize(votes["presentation"])[0])
    label = _class_of(words, classes, policy)[word]  # a missing label has the code -1, the last entry
    secondary = (votes["role"] == "secondary").to_numpy(bool)
    in_corpus = contained(names, corpus.utterances["utterance"])
    _refuse_strange_merges(list(words), policy["merge"], vocabulary)

    reason = np.zeros(len(votes), dtype=np.int8)
    for rows, cause in (
        (~in_corpus[item], STRAY),
        (word < 0, NO_LABEL),
        ((votes["kind"] == "self").to_numpy(bool) & (policy["self_votes"] == "ignore"), SELF),
        (secondary & (policy["secondary"] == 0), SECONDARY),
        (label < 0, OUTSIDE),
    ):
        _lose(reason, rows, cause)
    weight = _reweigh(votes["weight"].to_numpy(float), voter, secondary, reason, policy["secondary"])

    strict, few = _dropped(item, len(names), voter, secondary, reason, policy)
    strict, few = strict & in_corpus, few & in_corpus & ~strict
    _lose(reason, strict[item], STRICT)
    _lose(reason, few[item], FEW)
    gone, counts = (strict | few)[item], reason == KEPT
    if len(votes) and not counts.any():
        raise UserError(f"no vote is in the classes {classes}; the labels are {list(words)}. Use class_policy.merge.")
    outside = (reason == OUTSIDE) & ~secondary
    if not said and outside.sum() > largest_outside * (outside | (counts & ~secondary)).sum():
        raise UserError(_many_outside(tally_codes(word[outside], words), int((outside | counts).sum()), classes))

    votes = _as_counted(votes.assign(weight=weight), np.where(counts, label, len(classes)), classes)
    why = np.where(strict, STRICTLY, f"fewer than {policy['minimum_votes']} votes in the classes")
    dropped = pd.Series(why[strict | few], index=pd.Index(names)[strict | few], dtype=object)
    kept = _without(corpus, votes, gone, dropped)
    lost = {name: number for name, number in tally_codes(reason, REASONS).items() if name}
    account: dict[str, Any] = {
        "policy": policy,
        "utterances": {"found": len(corpus.utterances), "kept": len(kept.utterances), "lost": tally(dropped)},
        "votes": {"found": len(votes), "kept": int(counts.sum()), "lost": lost},
        "labels": tally_codes(word, words),
        "outside": tally_codes(word[reason == OUTSIDE], words),
        "warnings": _warnings(set(label[counts]), list(words), classes, policy),
    }
    for entry in (account["utterances"], account["votes"]):
        assert entry["found"] == entry["kept"] + sum(entry["lost"].values()), "an item was lost"
    assert len(kept.votes) + int(gone.sum()) == len(votes), "a vote was lost"
    return kept, account


def _as_counted(votes: pd.DataFrame, place: NDArray[np.intp], classes: list[str]) -> pd.DataFrame:
    """Return the votes with their class in place of their label, ``place`` (V,) in the classes or behind the last.

    Of those that count, secondary labels become primary and self votes those of an observer.
    """
    counts = place < len(classes)
    votes = votes.assign(label=pd.array([*classes, None], dtype="str").take(place))
    for column, other, usual in (("role", "secondary", "primary"), ("kind", "self", "observer")):
        changed = counts & (votes[column] == other).to_numpy(bool)
        if changed.any():
            votes[column] = votes[column].mask(changed, usual)
    return votes


def _without(corpus: Corpus, votes: pd.DataFrame, gone: NDArray[np.bool_], dropped: pd.Series) -> Corpus:
    """Return the corpus without the utterances in the index of ``dropped``, whose values are the reasons."""
    out = contained(corpus.utterances["utterance"], dropped.index)
    rejects = join_rejects(
        corpus.rejects,
        reject(dropped.index.to_series(), "class_policy", dropped.to_numpy(object)),
        reject_votes(votes[gone], "its utterance was left out"),
    )
    return Corpus(corpus.utterances[~out].reset_index(drop=True), votes[~gone].reset_index(drop=True), rejects)


def _combine(*codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return one code for each combination of codes."""
    combined = np.zeros(len(codes[0]), dtype=np.int64)
    for code in codes:
        combined = combined * (int(code.max(initial=0)) + 1) + code
    return pd.factorize(combined)[0]


def _class_of(words: pd.Index, classes: list[str], policy: dict[str, Any]) -> NDArray[np.intp]:
    """Return the place in ``classes`` of each word after the merge map, -1 outside; one more entry for missing."""
    place = {canonical(name): number for number, name in enumerate(classes)}
    elsewhere = place["other"] if policy["out_of_set"] == "other" else -1
    merge = {canonical(label): canonical(target) for label, target in policy["merge"].items()}
    return np.array([place.get(merge.get(word, word), elsewhere) for word in words] + [-1], dtype=np.intp)


def _refuse_strange_merges(words: list[str], merge: dict[str, str], vocabulary: Collection[str]) -> None:
    """Raise UserError if a label is merged that no vote has and no rater could give, presumably a typing error."""
    possible = {*words, *map(canonical, vocabulary)}
    strange = sorted(key for key in merge if canonical(key) not in possible)
    if strange:
        raise UserError(
            f"class_policy.merge: no vote has the label {strange[0]!r}; the labels are {', '.join(words)}. "
            "Correct the key or remove it."
        )


def _many_outside(outside: dict[str, int], votes: int, classes: list[str]) -> str:
    number = sum(outside.values())
    shown = ", ".join(f"{label!r} ({count})" for label, count in list(outside.items())[:8])
    more = ", ..." if len(outside) > 8 else ""
    return (
        f"{number} of {votes} votes ({100 * number / votes:.1f} %) are outside the classes {classes}: {shown}{more}. "
        "Name these labels in class_policy.merge, or state what to do with them: class_policy.out_of_set: drop, "
        "drop_utterance or other."
    )


def _lose(reason: NDArray[np.int8], rows: NDArray[np.bool_], why: int) -> None:
    """Give ``rows`` that still count the reason ``why``: the first reason of a row is the one that is counted."""
    reason[rows & (reason == KEPT)] = why


def _reweigh(
    weight: NDArray[np.float64],
    voter: NDArray[np.intp],
    secondary: NDArray[np.bool_],
    reason: NDArray[np.int8],
    share: float,
) -> NDArray[np.float64]:
    """Return the weights after the losses, see :func:`apply`; secondary labels without a primary one are lost."""

    def per_voter(rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(voter[rows], weight[rows], minlength=int(voter.max(initial=-1)) + 1)[voter]

    whole, primary = per_voter(~secondary), per_voter(~secondary & (reason == KEPT))
    _lose(reason, secondary & (primary == 0), ORPHANED)
    beside = per_voter(secondary & (reason == KEPT))
    counts = reason == KEPT
    part = np.where(secondary, share, np.where(beside > 0, 1 - share, 1.0)) * whole
    sums = np.where(secondary, beside, primary)
    # unchanged votes keep their exact original weight
    factor = np.where(counts & (sums != part), part / np.where(counts, sums, 1.0), 1.0)
    return np.minimum(weight * factor, 1.0)


def _dropped(
    item: NDArray[np.intp],
    items: int,
    voter: NDArray[np.intp],
    secondary: NDArray[np.bool_],
    reason: NDArray[np.int8],
    policy: dict[str, Any],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of the utterances have a vote that drops them, and which have too few votes left."""
    strict = np.zeros(items, dtype=bool)
    if policy["out_of_set"] == "drop_utterance":
        strict[item[(reason == OUTSIDE) & ~secondary]] = True
    counts = (reason == KEPT) & ~secondary
    _, first = np.unique(voter[counts], return_index=True)  # a voter with several labels counts once
    left = np.bincount(item[counts][first], minlength=items)
    return strict, left < policy["minimum_votes"]


def _warnings(voted: set[int], words: list[str], classes: list[str], policy: dict[str, Any]) -> list[str]:
    """Return apparent mistakes in the policy: classes without votes, merged labels that do not occur."""
    slips = [f"no vote for the class {name!r}" for place, name in enumerate(classes) if place not in voted]
    slips += [
        f"merge: no vote has the label {name!r}" for name in sorted(policy["merge"]) if canonical(name) not in words
    ]
    return [f"{slip}; the corpus' labels are {', '.join(words)}" for slip in slips]
