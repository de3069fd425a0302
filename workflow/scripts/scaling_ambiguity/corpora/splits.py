"""Training, validation and test parts: folds of speakers, groups or sessions, official parts, or a random split."""

import re
from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import derive_seed


def split_by_speaker(utterances: pd.DataFrame, *, folds: int, validation: float, seed: int) -> pd.DataFrame:
    """Return utterance, fold, part with disjoint speakers in train, validation and test.

    Speakers are assigned to folds, those with most utterances first and ties in hashed order, each to the fold with
    the fewest utterances. Fold k tests on its own speakers; of the others, in an order hashed from seed, fold and
    speaker, the share ``validation`` (at least one) is used for validation. A single other speaker contributes a
    share of the utterances instead, as no one else is left for validation. Every utterance is tested exactly once.

    Args:
        utterances: Columns utterance and speaker.
        folds: Number of folds, at least 2.
        validation: Share of the remaining speakers, in (0, 1).
        seed: Seed of the run.

    Raises:
        UserError: More folds than speakers, or a single speaker.
    """
    counts = utterances["speaker"].value_counts().to_dict()
    order = sorted(counts, key=lambda speaker: (-counts[speaker], derive_seed(seed, "fold", speaker)))
    loads = [(0, 0, fold) for fold in range(folds)]
    fold_of = {}
    for speaker in order:
        load, speakers, fold = min(loads)
        fold_of[speaker] = fold
        loads[fold] = (load + counts[speaker], speakers + 1, fold)
    return _folds_of_speakers(utterances, fold_of, folds, validation, seed)


def split_by_group(utterances: pd.DataFrame, *, groups: list[list[str]], validation: float, seed: int) -> pd.DataFrame:
    """Return utterance, fold, part: fold k tests the speakers from ``groups[k][0]`` to ``groups[k][1]``.

    Both ends belong to the group; names are compared in natural order, whole numbers in them as numbers: s2
    comes before s10.
    Validation as in :func:`split_by_speaker`.

    Raises:
        UserError: A speaker is in no group or in two, or a group is empty.
    """
    fold_of: dict[str, int] = {}
    speakers = sorted(utterances["speaker"].unique())
    ends = [(str(first), str(last)) for first, last in groups]
    for speaker in speakers:
        inside = [k for k, (first, last) in enumerate(ends) if _natural(first) <= _natural(speaker) <= _natural(last)]
        if len(inside) != 1:
            raise UserError(
                f"speaker {speaker} is in {len(inside)} of the groups {groups}; correct protocols.*.splits.groups."
            )
        fold_of[speaker] = inside[0]
    for k in sorted(set(range(len(groups))) - set(fold_of.values())):
        raise UserError(f"no speaker is in the group {groups[k]}; correct protocols.*.splits.groups.")
    return _folds_of_speakers(utterances, fold_of, len(groups), validation, seed)


def _natural(name: str) -> list[str | int]:
    """Return the key of a name in natural order: text and whole numbers in turn, beginning with text."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d+)", name))]


def split_by_session(utterances: pd.DataFrame, *, folds: int, validation: float | str, seed: int) -> pd.DataFrame:
    """Return utterance, fold, part: fold k tests the k-th session in order of names.

    With ``validation: next`` the session after it (after the last, the first) is the validation part; with a
    share, that share of the remaining speakers is, as in :func:`split_by_speaker`.

    Raises:
        UserError: An utterance without a session, another number of sessions than ``folds``, or a
            speaker in two sessions.
    """
    if utterances["session"].isna().any():
        item = utterances.loc[utterances["session"].isna(), "utterance"].iloc[0]
        raise UserError(f"utterance {item} has no session; choose another protocols.*.splits.scheme than session.")
    sessions = sorted(utterances["session"].unique())
    if len(sessions) != folds:
        raise UserError(
            f"there are {len(sessions)} sessions ({', '.join(sessions)}), protocols.*.splits.folds is {folds}."
        )
    place = utterances["session"].map({name: k for k, name in enumerate(sessions)})
    spread = place.groupby(utterances["speaker"]).nunique()
    if (spread > 1).any():
        raise UserError(f"speaker {spread.index[spread > 1][0]} is in several sessions; use scheme: speaker.")
    if validation != "next":
        fold_of = dict(zip(utterances["speaker"], place, strict=True))
        return _folds_of_speakers(utterances, fold_of, folds, float(validation), seed)
    if folds < 3:
        raise UserError("protocols.*.splits.validation: next needs three sessions; give a share of the speakers.")
    parts = []
    for fold in range(folds):
        part = place.map(
            {k: "test" if k == fold else "validation" if k == (fold + 1) % folds else "train" for k in range(folds)}
        )
        parts.append(pd.DataFrame({"utterance": utterances["utterance"], "fold": fold, "part": part}))
    return pd.concat(parts, ignore_index=True)


def split_officially(utterances: pd.DataFrame, *, parts: dict[str, str] | None = None) -> pd.DataFrame:
    """Return utterance, fold 0, part according to the corpus' own ``split``.

    Args:
        utterances: Columns utterance and split.
        parts: Meaning of each value of ``split``: train, validation, test or ``leave_out``; the names
            of the three parts mean themselves.

    Raises:
        UserError: A value of ``split`` (or its absence) that is not a part, or an empty part.
    """
    meaning = {"train": "train", "validation": "validation", "test": "test"} | (parts or {})
    wrong = sorted(set(meaning.values()) - {"train", "validation", "test", "leave_out"})
    if wrong:
        raise UserError(
            f"protocols.*.splits.parts leads to {wrong[0]!r}; expected train, validation, test or leave_out."
        )
    named = utterances["split"].astype(object).where(utterances["split"].notna(), "none")
    part = named.map(meaning)
    if part.isna().any():
        unknown = named[part.isna()].value_counts().to_dict()
        raise UserError(
            f"official split: {unknown} are not parts (value: utterances); define them in "
            "protocols.*.splits.parts, e.g. {test1: test, test2: leave_out}."
        )
    absent = [name for name in ("train", "validation", "test") if not (part == name).any()]
    if absent:
        raise UserError(f"official split: no utterance is in the part {absent[0]}; see protocols.*.splits.parts.")
    kept = (part != "leave_out").to_numpy(bool)
    if not kept.all():
        print(f"official split: {int((~kept).sum())} utterances are left out, {named[~kept].value_counts().to_dict()}")
    frame = pd.DataFrame({"utterance": utterances["utterance"], "fold": 0, "part": part.astype("str")})
    return frame[kept].reset_index(drop=True)


def _folds_of_speakers(
    utterances: pd.DataFrame, fold_of: dict[str, int], folds: int, validation: float, seed: int
) -> pd.DataFrame:
    """Return the parts of folds that test their own speakers; a share of the others is used for validation."""
    counts = utterances["speaker"].value_counts().to_dict()
    parts = []
    for fold in range(folds):
        others = [speaker for speaker in counts if fold_of[speaker] != fold]
        others.sort(key=lambda speaker: derive_seed(seed, "validation", fold, speaker))
        if not others or len(others) == len(counts):
            raise UserError(
                f"{len(counts)} speakers do not give {folds} folds with a test and a training speaker each; "
                + (f"set protocols.*.splits.folds to at most {len(counts)}." if len(counts) > 1 else "two are needed.")
            )
        if len(others) == 1:
            parts.append(_fold_of_one(utterances, fold, others[0], validation, seed))
            continue
        validating = set(others[: min(max(1, round(validation * len(others))), len(others) - 1)])
        part = {s: "test" if fold_of[s] == fold else "validation" if s in validating else "train" for s in counts}
        parts.append(
            pd.DataFrame({"utterance": utterances["utterance"], "fold": fold, "part": utterances["speaker"].map(part)})
        )
    return pd.concat(parts, ignore_index=True)


def _fold_of_one(utterances: pd.DataFrame, fold: int, speaker: str, validation: float, seed: int) -> pd.DataFrame:
    """Return a fold with one speaker outside the test part, used for training and validation."""
    own_utterances = utterances.loc[utterances["speaker"] == speaker, "utterance"]
    order = sorted(
        own_utterances, key=lambda utterance: derive_seed(seed, "validation of one speaker", fold, utterance)
    )
    if len(order) < 2:
        raise UserError(f"speaker {speaker} has one utterance; at least two are needed for training and validation.")
    print(f"fold {fold}: speaker {speaker} is the only one outside the test part, and is also used for validation")
    validating = set(order[: min(max(1, round(validation * len(order))), len(order) - 1)])
    part = utterances["utterance"].map(lambda name: "validation" if name in validating else "train")
    part = part.where(utterances["speaker"] == speaker, "test")
    return pd.DataFrame({"utterance": utterances["utterance"], "fold": fold, "part": part})


def split_at_random(utterances: pd.DataFrame, *, test: float, validation: float, seed: int) -> pd.DataFrame:
    """Return utterance, fold 0 and part of one random split by utterance, speakers on both sides.

    The published protocol (arXiv 2601.14620): a share ``test`` is tested once, the share ``validation`` of the rest
    is for validation. The order is hashed from seed and utterance.

    Raises:
        UserError: Too few utterances for the three parts.
    """
    order = sorted(utterances["utterance"], key=lambda utterance: derive_seed(seed, "random split", utterance))
    n_test = round(test * len(order))
    n_validation = round(validation * (len(order) - n_test))
    if min(n_test, n_validation, len(order) - n_test - n_validation) < 1:
        raise UserError(
            f"{len(order)} utterances leave a part empty at test: {test} and validation: {validation}; "
            "change protocols.*.splits."
        )
    parts = ["test"] * n_test + ["validation"] * n_validation
    parts += ["train"] * (len(order) - len(parts))
    return pd.DataFrame({"utterance": order, "fold": 0, "part": parts})


NEEDED = {
    "speaker": ("folds", "validation"),
    "session": ("folds", "validation"),
    "groups": ("groups", "validation"),
    "official": (),
    "random": ("test", "validation"),
}


def split(utterances: pd.DataFrame, options: dict[str, Any], seed: int) -> pd.DataFrame:
    """Return the split that ``protocols.*.splits`` describes; its own ``seed`` takes precedence over the run's.

    Raises:
        UserError: Unknown scheme, missing option or a share outside (0, 1).
    """
    scheme = options.get("scheme")
    if scheme not in NEEDED:
        raise UserError(f"protocols.*.splits.scheme is {scheme!r}; choose one of {sorted(NEEDED)}.")
    missing = [key for key in NEEDED[scheme] if key not in options]
    if missing:
        raise UserError(f"protocols.*.splits: {missing[0]!r} is missing; scheme {scheme} needs {list(NEEDED[scheme])}.")
    for share in ("test", "validation"):
        if share not in NEEDED[scheme] or (scheme == "session" and options[share] == "next"):
            continue
        if not isinstance(options[share], int | float) or not 0 < options[share] < 1:
            raise UserError(f"protocols.*.splits.{share} is {options[share]!r}; give a share between 0 and 1.")
    seed = options.get("seed", seed)
    if scheme == "official":
        return split_officially(utterances, parts=options.get("parts"))
    if scheme == "random":
        return split_at_random(utterances, test=options["test"], validation=options["validation"], seed=seed)
    if scheme == "groups":
        return split_by_group(utterances, groups=options["groups"], validation=options["validation"], seed=seed)
    if not isinstance(options["folds"], int) or options["folds"] < 2:
        raise UserError(f"protocols.*.splits.folds is {options['folds']!r}; give a whole number of at least 2.")
    by = split_by_session if scheme == "session" else split_by_speaker
    return by(utterances, folds=options["folds"], validation=options["validation"], seed=seed)
