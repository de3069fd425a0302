"""The audit of a corpus: every audio file's header is read, and nothing is dropped without a reason."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from scaling_ambiguity.corpora import LARGEST_REJECT_SHARE
from scaling_ambiguity.corpora.accounting import (
    FAULTY_STAGES,
    FAULTY_VOTE_STAGES,
    FOLLOWS,
    UTTERANCE_STAGES,
    VOTE_STAGES,
    contained,
    join_rejects,
    refuse_if_too_many,
    reject,
    reject_votes,
)
from scaling_ambiguity.corpora.heard import too_short
from scaling_ambiguity.corpora.identifiers import alike
from scaling_ambiguity.corpora.model import Corpus, no_rejects
from scaling_ambiguity.corpora.paths import POINTER, impostor_at, in_a_loop, inside
from scaling_ambiguity.corpora.sound_files import present
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress

DURATION_TOLERANCE = 0.05  # seconds
POINTER_FAULT = "the audio file is a Git-LFS pointer, not sound: run `git lfs pull` in its repository"


def audio_fault(path: Path, stated: float | None) -> tuple[str | None, float, int]:
    """Return (fault or None, duration in s, sample rate in Hz) of an audio file from its header.

    Args:
        path: The file.
        stated: Duration that the corpus states, in seconds, or None; a file that differs by more
            than 0.05 s is at fault.
    """
    if not path.is_file():
        return "the audio file is missing", float("nan"), 0
    try:
        header = soundfile.info(path)
    except (soundfile.SoundFileError, OSError) as error:
        return unreadable(path, error), float("nan"), 0
    if header.frames == 0:
        return "the audio file is empty", 0.0, header.samplerate
    duration = header.frames / header.samplerate
    if fault := too_short(duration):
        return f"the audio file is {fault}", duration, header.samplerate
    if stated is not None and abs(duration - stated) > DURATION_TOLERANCE:
        return f"the audio file lasts {duration:.2f} s instead of {stated:.2f} s", duration, header.samplerate
    return None, duration, header.samplerate


def unreadable(path: Path, error: Exception) -> str:
    """Return why a file is not audio: a Git-LFS pointer, empty, or the decoder's message."""
    try:
        if impostor_at(path) == POINTER:
            return POINTER_FAULT
        if not path.stat().st_size:
            return "the audio file is empty"
    except OSError:  # the decoder's message is used
        pass
    return f"the audio file does not decode ({str(error).split(': ')[-1].strip()})"


def audit(
    corpus: Corpus,
    root: Path,
    *,
    name: str,
    audio: str = "required",
    largest_reject_share: float = LARGEST_REJECT_SHARE,
) -> Corpus:
    """Return the corpus without its faulty items, each of which is in ``rejects`` with the reason.

    Utterances: the audio file is missing, does not decode, is empty, has another duration than
    stated, or no one voted (stages ``audio`` and ``votes``). Votes: their utterance is unknown
    or left out (stage ``vote``, item ``utterance/rater/rank``). Found = kept + left out, asserted for both.

    Args:
        corpus: The output of a reader; ``duration`` and ``sample_rate`` are filled in from the headers.
        root: The corpus' root.
        name: Name of the corpus, for messages.
        audio: ``required``; or ``optional``: if more than the share ``largest_reject_share`` is without
            sound audio, none is used (path null, duration NaN) and no utterance is left out for it; or
            ``none``: none is used, even if present.
        largest_reject_share: Largest share of faulty utterances, and of faulty votes, that is still accepted.

    Raises:
        UserError: A path leads out of the root, a share is exceeded, or nothing is left.
    """
    if audio not in ("required", "optional", "none"):
        raise UserError(f"corpora.{name}.audio is {audio!r}; choose required, optional or none.")
    refuse_foreign_ids(corpus, name, largest_reject_share)
    utterances, votes = corpus.utterances.reset_index(drop=True), corpus.votes
    checked, faults = _without_sound(utterances), no_rejects()
    if audio != "none":
        checked, faults = _check_headers(utterances, root, name)
    if audio == "optional" and len(faults) > largest_reject_share * len(utterances):
        print(f"corpus {name}: {_described(faults, utterances)}; audio is optional, continuing with the votes alone")
        checked, faults = _without_sound(utterances), no_rejects()
    item, names = pd.factorize(votes["utterance"])
    silent = ~contained(checked["utterance"], names) & ~contained(checked["utterance"], faults["item"])
    unvoted = reject(checked.loc[silent, "utterance"], "votes", "nobody voted on it", checked.loc[silent, "path"])

    left_out = pd.unique(pd.concat([faults["item"], unvoted["item"]]))
    kept = checked[~contained(checked["utterance"], left_out)]
    with_vote = contained(names, kept["utterance"])[item]
    strays = votes[~with_vote]
    is_left_out = contained(strays["utterance"], left_out)
    reasons = np.where(is_left_out, FOLLOWS, "its utterance is not in the corpus").astype(object)
    rejects = join_rejects(corpus.rejects, faults, unvoted, reject_votes(strays, reasons))
    assert len(kept) + len(left_out) == len(utterances) and with_vote.sum() + len(strays) == len(votes)
    before = corpus.rejects["stage"]
    listed = len(utterances) + int(before.isin(UTTERANCE_STAGES).sum())
    faulty = rejects[rejects["stage"].isin(FAULTY_STAGES)]
    refuse_if_too_many(faulty, listed, len(kept), "utterances", name=name, largest=largest_reject_share)
    follows = rejects["stage"].eq("vote") & rejects["reason"].eq(FOLLOWS)
    faulty = rejects[rejects["stage"].isin(FAULTY_VOTE_STAGES) & ~follows]
    listed = len(votes) + int(before.isin(VOTE_STAGES).sum())
    refuse_if_too_many(faulty, listed, int(with_vote.sum()), "votes", name=name, largest=largest_reject_share)
    return Corpus(kept.reset_index(drop=True), votes[with_vote].reset_index(drop=True), rejects)


def refuse_foreign_ids(corpus: Corpus, name: str, largest: float = LARGEST_REJECT_SHARE) -> None:
    """Raise UserError if votes name unknown utterances while others, often with similar names, have no vote.

    A share of at most ``largest`` of the votes is left to the rejects.
    """
    voted = pd.Index(corpus.votes["utterance"].unique())
    foreign = voted[~contained(voted, corpus.utterances["utterance"])]
    unvoted = corpus.utterances.loc[~contained(corpus.utterances["utterance"], voted), "utterance"]
    if not len(foreign) or unvoted.empty:
        return
    by_likeness = {alike(item): item for item in unvoted}
    pairs = [(item, by_likeness[alike(item)]) for item in foreign if alike(item) in by_likeness]
    number = int(corpus.votes["utterance"].isin(foreign).sum())
    if number <= largest * len(corpus.votes) or (not pairs and len(foreign) < len(voted)):
        return
    other = f", which may be the utterance {pairs[0][1]!r}" if pairs else f"; an utterance is {unvoted.iloc[0]!r}"
    raise UserError(
        f"corpus {name}: {number} votes name {len(foreign)} utterances that the corpus lacks, e.g. "
        f"{(pairs[0][0] if pairs else foreign[0])!r}{other}. Use the same names in both files."
    )


def refuse_one_speaker(corpus: Corpus, name: str) -> None:
    """Raise UserError if all utterances are of one speaker: no split or interval could generalise to others."""
    speakers = corpus.utterances["speaker"].unique()
    if len(speakers) < 2:
        raise UserError(
            f"corpus {name}: all {len(corpus.utterances)} utterances are of the speaker {speakers[0]!r}. At least two "
            "are needed, more are better: intervals resample speakers, and models are tested on speakers they were not "
            "trained on. Add utterances of others, or correct the speakers' names in the corpus' files."
        )


def refuse_single_votes(corpus: Corpus, name: str) -> None:
    """Raise UserError if fewer than two utterances have votes of two people: people cannot be compared then."""
    votes = corpus.votes
    counted = votes[(votes["kind"] == "observer") & (votes["role"] == "primary") & votes["label"].notna()]
    raters = counted.groupby("utterance")["rater"].nunique()
    several = int((raters >= 2).sum())
    if several < 2:
        has = (
            f"none of the {len(raters)} utterances has" if not several else f"one of {len(raters)} utterances alone has"
        )
        raise UserError(
            f"corpus {name}: {has} votes of two people. How many human votes an ALM "
            "is worth is judged by held-out votes, which takes two votes for most utterances, better five; labels "
            "that were already aggregated cannot be used. Give the votes as they were cast, one row for each."
        )


def _without_sound(utterances: pd.DataFrame) -> pd.DataFrame:
    rates = pd.array([None] * len(utterances), dtype="Int64")
    return utterances.assign(path=pd.Series(None, utterances.index, dtype="str"), duration=np.nan, sample_rate=rates)


def _check_headers(utterances: pd.DataFrame, root: Path, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the utterances with duration and sample rate from the headers, and the faults as rejects."""
    paths = utterances["path"].astype(object).where(utterances["path"].notna(), None).to_numpy()
    stated = utterances["duration"].to_numpy(float)
    durations, rates = stated.copy(), utterances["sample_rate"].astype("Int64").to_numpy(dtype=float, na_value=np.nan)
    fault = np.full(len(utterances), None, dtype=object)
    there = present(paths, root)
    suspicious = np.array([p is not None and (p.startswith("/") or ".." in Path(p).parts) for p in paths], dtype=bool)
    named = np.array([p is not None for p in paths], dtype=bool)
    fault[~there] = "the audio file is missing"
    fault[~named] = "the corpus has no audio file for it"
    rows = np.flatnonzero(there | suspicious)
    for row in progress(rows.tolist(), f"audit {name}", total=len(rows), unit="file"):
        path = inside(root, paths[row], f"corpus {name}, utterance {utterances['utterance'].iat[row]}")
        if in_a_loop(path):
            fault[row] = "the audio file is a link in a loop of links"
            continue
        duration = None if np.isnan(stated[row]) else float(stated[row])
        fault[row], durations[row], rates[row] = audio_fault(path, duration)
    wrong = fault != None  # noqa: E711  elementwise
    faults = reject(utterances.loc[wrong, "utterance"], "audio", fault[wrong], paths[wrong])
    checked = utterances.assign(duration=durations, sample_rate=pd.array(rates, dtype="Int64"))
    return checked, faults


def _described(faults: pd.DataFrame, utterances: pd.DataFrame) -> str:
    first = faults.iloc[0]
    return (
        f"{len(faults)} of {len(utterances)} utterances have no sound audio (e.g. {first['item']}: {first['reason']})"
    )
