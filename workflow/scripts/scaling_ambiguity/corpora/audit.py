"""The audit of a corpus: every audio file's header is read, and nothing is lost without a reason."""

from pathlib import Path

import pandas as pd
import soundfile

from scaling_ambiguity.corpora.model import REJECT_COLUMNS, Corpus
from scaling_ambiguity.corpora.paths import inside
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress

DURATION_TOLERANCE = 0.05  # seconds
LARGEST_REJECT_SHARE = 0.05


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
        return f"the audio file does not decode ({str(error).split(': ')[-1].strip()})", float("nan"), 0
    if header.frames == 0:
        return "the audio file is empty", 0.0, header.samplerate
    duration = header.frames / header.samplerate
    if stated is not None and abs(duration - stated) > DURATION_TOLERANCE:
        return f"the audio file lasts {duration:.2f} s instead of {stated:.2f} s", duration, header.samplerate
    return None, duration, header.samplerate


def audit(corpus: Corpus, root: Path, *, name: str, largest_reject_share: float = LARGEST_REJECT_SHARE) -> Corpus:
    """Return the corpus without its faulty items, each of which is in ``rejects`` with the reason.

    Utterances: the audio file is missing, does not decode, is empty, has another duration than
    stated, or nobody voted (stages ``audio`` and ``votes``). Votes: their utterance is unknown
    or left out (stage ``vote``, item ``utterance/rater/rank``). Found = kept + left out, asserted for both.

    Args:
        corpus: What a reader found; ``duration`` and ``sample_rate`` are filled in from the headers.
        root: The corpus' root.
        name: Name of the corpus, for messages.
        largest_reject_share: Largest share of utterances left out that is still accepted.

    Raises:
        UserError: A path leads out of the root, the share is exceeded, or nothing is left.
    """
    utterances, votes = corpus.utterances.copy(), corpus.votes
    voted = set(votes["utterance"])
    rejects, durations, rates = [], [], []
    for row in progress(utterances.to_dict("records"), f"audit {name}", total=len(utterances), unit="file"):
        stage, fault, duration, rate = "audio", None, row["duration"], row["sample_rate"]
        if not pd.isna(row["path"]):
            path = inside(root, row["path"], f"corpus {name}, utterance {row['utterance']}")
            fault, duration, rate = audio_fault(path, None if pd.isna(row["duration"]) else row["duration"])
        if fault is None and row["utterance"] not in voted:
            stage, fault = "votes", "nobody voted on it"
        durations.append(duration)
        rates.append(rate)
        if fault is not None:
            rejects.append((row["utterance"], stage, fault, row["path"], None))
    utterances["duration"] = pd.array(durations, dtype=float)
    utterances["sample_rate"] = pd.array(rates, dtype="Int64")

    left_out = {item for item, *_ in rejects}
    known = set(utterances["utterance"])
    kept = utterances[~utterances["utterance"].isin(left_out)]
    kept_votes = votes[votes["utterance"].isin(known - left_out)]
    for vote in votes[~votes["utterance"].isin(known - left_out)].to_dict("records"):
        reason = "its utterance was left out" if vote["utterance"] in left_out else "its utterance is not in the corpus"
        rejects.append((f"{vote['utterance']}/{vote['rater']}/{vote['rank']}", "vote", reason, None, None))

    found_here = pd.DataFrame(rejects, columns=list(REJECT_COLUMNS), dtype=object)
    all_rejects = pd.concat([corpus.rejects.astype(object), found_here])
    n_votes = sum(stage == "vote" for _, stage, *_ in rejects)
    assert len(kept) + len(left_out) == len(utterances) and len(kept_votes) + n_votes == len(votes), "an item was lost"
    _refuse_if_too_many(name, len(utterances), rejects, len(left_out), largest_reject_share)
    return Corpus(kept.reset_index(drop=True), kept_votes.reset_index(drop=True), all_rejects.reset_index(drop=True))


def _refuse_if_too_many(name: str, found: int, rejects: list[tuple], left_out: int, largest: float) -> None:
    if found == 0 or left_out == found or left_out > largest * found:
        example = f", e.g. {rejects[0][0]}: {rejects[0][2]} ({rejects[0][3]})" if left_out else ""
        raise UserError(
            f"corpus {name}: {left_out} of {found} utterances are unusable{example}; mend the files, "
            f"or raise corpora.{name}.max_reject_share ({largest})."
        )
