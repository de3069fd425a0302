"""The questions to an annotator about a corpus: every question of a shard, in a fixed order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.alms.engine import Engine
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.proxies.context import Dialogues
from scaling_ambiguity.proxies.designs import plan
from scaling_ambiguity.proxies.prompts import PromptSet, render
from scaling_ambiguity.proxies.reading import MODES
from scaling_ambiguity.proxies.requests import Request, text_sha256

NOT_HEARD = "none"


@dataclass(frozen=True)
class Item:
    """One draw about one utterance: its place in the tables, its question, and its request.

    Attributes:
        utterance: Its name.
        draw: Number of the draw, from 0.
        focus: Identifier of the focus line.
        prompt: The rendered prompt.
        audio: The sound file, or None if it is not part of the input.
        request: The key under which the answer is stored.
        labels: The classes whose probabilities are read out; None: an answer is generated.
        class_order: The classes as the prompt lists them, where that differs from draw to draw; else None.
        beam: The answer's rank in a beam search and the number of beams; None: it is no such answer.
    """

    utterance: str
    draw: int
    focus: str
    prompt: str
    audio: Path | None
    request: Request
    labels: tuple[str, ...] | None = None
    class_order: tuple[str, ...] | None = None
    beam: tuple[int, int] | None = None


def items(
    rows: pd.DataFrame,
    root: Path,
    engine: Engine,
    options: dict,
    prompts: PromptSet,
    classes: list[str],
    seed: int,
    dialogues: Dialogues | None = None,
) -> list[list[Item]]:
    """Return, for each utterance, its draws in order.

    Args:
        rows: Utterances, with path (relative to ``root``) and transcript.
        root: Root of the corpus.
        engine: Determines the key of answers, the rendering of prompts, and the token limit.
        options: The annotator's entry: votes, design, temperatures, modality; and class_order, context, speaker
            where they differ from the defaults: the corpus' order, no earlier turn, no name.
        prompts: The prompt set.
        classes: The label words.
        seed: The run's seed.
        dialogues: The turns of the corpus, for annotators that receive context.

    Raises:
        UserError: An utterance lacks the audio or transcript that the modality needs, or context is requested for
            a corpus without conversations.
    """
    if options.get("mode", "sampled") not in MODES:
        raise UserError(f"annotator mode {options['mode']!r} is unknown; there are {MODES}.")
    modality, context, result = options["modality"], options.get("context", 0), []
    before: tuple = ()
    if context and dialogues is None:
        raise UserError("annotator context: this corpus has no conversations in known order; set context: 0.")
    permuted = options.get("class_order", "fixed") != "fixed"
    draws = plan(options, prompts.focus_ids, classes, seed)
    labels = tuple(classes) if options.get("mode") == "readout" else None
    beams = options["votes"] if options["design"] == "beam" else None
    limit = None if labels else engine.longest  # labels are read out completely
    sounds = sound_paths(rows, Path(root)) if modality != "text" else [None] * len(rows)
    for row, audio in zip(rows.itertuples(), sounds, strict=True):
        transcript = _evidence(row, modality)
        sound = sound_key(row, audio, root)
        if context and dialogues is not None:
            before = dialogues.before(row.utterance, context)
        speaker = row.speaker if options.get("speaker", False) else None
        rendered = {
            (focus, order): render(engine, prompts, focus, transcript, order, modality, before, speaker)
            for focus, order in {(draw.focus, draw.classes): None for draw in draws}
        }
        # a read-out draw is not a sampled answer: the mode and the labels are part of the question
        labels_key = ["readout", *classes] if labels else ["beam", str(beams)] if beams else []
        hashed = {asked: text_sha256("\0".join([*labels_key, text])) for asked, text in rendered.items()}
        asked = []
        for draw in draws:
            what, order = (draw.focus, draw.classes), draw.classes if permuted else None
            about_draw = hashed[what], sound, draw.temperature, seed, draw.number
            request = Request(engine.model, engine.revision, *about_draw, limit)
            beam = (draw.number, beams) if beams else None
            asked.append(
                Item(row.utterance, draw.number, draw.focus, rendered[what], audio, request, labels, order, beam)
            )
        result.append(asked)
    return result


def _evidence(row: Any, modality: str) -> str | None:
    """Return the transcript, None where there is none; the evidence that the modality needs has to be present."""
    transcript = None if pd.isna(row.transcript) else row.transcript
    if modality == "text":
        if transcript is None:
            raise UserError(
                f"{row.utterance}: has no transcript, which modality `text` needs; choose `audio` or `both`."
            )
        return transcript
    if pd.isna(row.path):
        raise UserError(f"{row.utterance}: has no audio, which modality `{modality}` needs; choose `text`.")
    return transcript


def sound_key(row: Any, audio: Path | None, root: Path) -> str:
    """Return what identifies the sound of an utterance in requests.

    It is the hash of the corpus' own file, not of a resampled copy; ``none:<utterance>`` without sound input.

    Raises:
        UserError: The file cannot be read.
    """
    if audio is None:
        return f"{NOT_HEARD}:{row.utterance}"
    path = Path(root) / row.path
    try:
        return file_sha256(path)
    except OSError as error:
        raise UserError(f"{path}: not readable ({error}). Check the corpus root and restore the file.") from error
