"""Engine `transformers`: an audio-language model in this process."""

from collections.abc import Callable, Sequence

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.loading import LoadedALM, load_alm
from scaling_ambiguity.alms.questions import Answer, Question
from scaling_ambiguity.alms.sampling import LONGEST_ANSWER, sample_answers
from scaling_ambiguity.errors import UserError

_KNOWN = {"engine", "checkpoint", "gpus", "revision", "trust_remote_code", "trained_on", "training"}


class Engine:
    """Answers batches of questions with one encoding a clip and one prefill a prompt."""

    def __init__(self, alm: LoadedALM, model: str) -> None:
        self.alm = alm
        self.model = model
        self.revision = alm.revision
        self.processor = alm.processor

    def answer(self, questions: Sequence[Question], uniform: Callable[..., float]) -> list[Answer]:
        """Return an answer to each question.

        Args:
            questions: Any number; those about one clip share its encoding, those with one clip
                and prompt share their prefill.
            uniform: ``uniform(*stream, step)`` in [0, 1).
        """
        files = list(dict.fromkeys(q.audio for q in questions if q.audio is not None))
        clips = dict(zip(files, encode_audio(self.alm, [load_waveform(path) for path in files]), strict=True))
        prompts = list(dict.fromkeys((q.audio, q.prompt) for q in questions))
        row_of = {prompt: row for row, prompt in enumerate(prompts)}
        heard = [None if audio is None else clips[audio] for audio, _ in prompts]
        return sample_answers(
            self.alm,
            embed_prompts(self.alm, [text for _, text in prompts], heard),
            [row_of[q.audio, q.prompt] for q in questions],
            [q.temperature for q in questions],
            lambda draw, step: uniform(*questions[draw].stream, step),
            LONGEST_ANSWER,
        )


def open_engine(entry: dict) -> Engine:
    """Open the model of an ``alms`` entry of the configuration (``checkpoint``, ``revision``, ``trust_remote_code``).

    Raises:
        UserError: An unknown key, no checkpoint, or one that cannot be opened.
    """
    unknown = set(entry) - _KNOWN
    if unknown or "checkpoint" not in entry:
        raise UserError(
            f"alms entry: needs `checkpoint`; unknown keys {sorted(unknown)}; "
            f"engine `transformers` knows {sorted(_KNOWN)}."
        )
    options = {key: entry[key] for key in ("revision", "trust_remote_code") if key in entry}
    return Engine(load_alm(entry["checkpoint"], **options), entry["checkpoint"])
