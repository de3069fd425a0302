"""Who trains and who tests: folds of speakers, or the published random split of utterances."""

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import derive_seed


def split_by_speaker(utterances: pd.DataFrame, *, folds: int, validation: float, seed: int) -> pd.DataFrame:
    """Return utterance, fold, part with disjoint speakers in train, validation and test.

    Speakers are dealt to folds, the most talkative first and ties in hashed order, each to the
    fold with the fewest utterances. Fold k tests on its own speakers; of the others, in an
    order hashed from seed, fold and speaker, the share ``validation`` (at least one) validates.
    Every utterance is tested exactly once.

    Args:
        utterances: Columns utterance and speaker.
        folds: Number of folds, at least 2.
        validation: Share of the remaining speakers, in (0, 1).
        seed: Seed of the run.

    Raises:
        UserError: Too few speakers for a test, a validation and a training speaker in every fold.
    """
    counts = utterances["speaker"].value_counts().to_dict()
    order = sorted(counts, key=lambda speaker: (-counts[speaker], derive_seed(seed, "fold", speaker)))
    loads = [(0, 0, fold) for fold in range(folds)]
    fold_of = {}
    for speaker in order:
        load, speakers, fold = min(loads)
        fold_of[speaker] = fold
        loads[fold] = (load + counts[speaker], speakers + 1, fold)
    parts = []
    for fold in range(folds):
        others = [speaker for speaker in counts if fold_of[speaker] != fold]
        others.sort(key=lambda speaker: derive_seed(seed, "validation", fold, speaker))
        if len(others) < 2 or len(others) == len(counts):
            raise UserError(
                f"{len(counts)} speakers do not give {folds} folds with a test, a validation and a training speaker "
                "each; lower protocols.*.splits.folds or use scheme: random."
            )
        validating = set(others[: min(max(1, round(validation * len(others))), len(others) - 1)])
        part = {s: "test" if fold_of[s] == fold else "validation" if s in validating else "train" for s in counts}
        parts.append(
            pd.DataFrame({"utterance": utterances["utterance"], "fold": fold, "part": utterances["speaker"].map(part)})
        )
    return pd.concat(parts, ignore_index=True)


def split_at_random(utterances: pd.DataFrame, *, test: float, validation: float, seed: int) -> pd.DataFrame:
    """Return utterance, fold 0 and part of one random split by utterance, speakers on both sides.

    The published protocol (arXiv 2601.14620): a share ``test`` is tested once, the share
    ``validation`` of the rest validates. The order is hashed from seed and utterance.

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


def split(utterances: pd.DataFrame, options: dict, seed: int) -> pd.DataFrame:
    """Return the split that ``protocols.*.splits`` describes; its own ``seed`` outranks the run's.

    Raises:
        UserError: Unknown scheme, missing option or a share outside (0, 1).
    """
    needed = {"speaker": ("folds", "validation"), "random": ("test", "validation")}
    scheme = options.get("scheme")
    if scheme not in needed:
        raise UserError(f"protocols.*.splits.scheme is {scheme!r}; choose one of {sorted(needed)}.")
    missing = [key for key in needed[scheme] if key not in options]
    if missing:
        raise UserError(f"protocols.*.splits: {missing[0]!r} is missing; scheme {scheme} needs {list(needed[scheme])}.")
    for share in ("test", "validation"):
        if share in needed[scheme] and not 0 < options[share] < 1:
            raise UserError(f"protocols.*.splits.{share} is {options[share]!r}; give a share between 0 and 1.")
    seed = options.get("seed", seed)
    if scheme == "random":
        return split_at_random(utterances, test=options["test"], validation=options["validation"], seed=seed)
    if not isinstance(options["folds"], int) or options["folds"] < 2:
        raise UserError(f"protocols.*.splits.folds is {options['folds']!r}; give a whole number of at least 2.")
    return split_by_speaker(utterances, folds=options["folds"], validation=options["validation"], seed=seed)
