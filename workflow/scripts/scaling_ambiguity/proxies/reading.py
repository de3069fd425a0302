"""How an annotator's answers are read: by its mode, its parsing rule and whether it reasons first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.parsing import Parsed, parser
from scaling_ambiguity.proxies.prompts import PromptSet, load_prompts
from scaling_ambiguity.proxies.synonyms import Vocabulary, load_synonyms, spelled
from scaling_ambiguity.proxies.verbalised import drawn_label, load_verbalised, parse_distribution
from scaling_ambiguity.seeds import uniform

MODES = ("sampled", "readout", "verbalised")
LABEL_TOKENS, SHARE_TOKENS, FRAME_TOKENS, REASONING_TOKENS = 8, 16, 16, 384

Reader = Callable[[str, tuple], Parsed]


def prompts_for(options: dict[str, Any], path: str | Path) -> PromptSet:
    """Return an annotator's prompts: those asking for a distribution if it verbalises, else those asking for a label.

    Raises:
        UserError: Unknown mode, the file is not such a prompt set, or it asks for reasoning that the annotator does
            not read, or the other way round.
    """
    reasoned = options.get("reasoning", False)
    if _mode(options) == "verbalised":
        return load_verbalised(path, reasoned=reasoned, counts=options.get("stated") == "counts")
    prompts = load_prompts(path)
    if prompts.reasoned != reasoned:
        asks = "asks for reasoning first" if prompts.reasoned else "asks for the emotion's name alone"
        raise UserError(
            f"{path}: {asks}, but the annotator has reasoning: {str(reasoned).lower()}. Set reasoning: "
            f"{str(prompts.reasoned).lower()}, or name other prompts (focus asks for the name, focus_reasoned argues)."
        )
    return prompts


def vocabulary_for(classes: list[str], synonyms: str | Path | None) -> Vocabulary:
    """Return the accepted answers about ``classes``: their spellings, and the words of a table if one is given."""
    return spelled(classes) if synonyms is None else load_synonyms(synonyms).vocabulary(classes)


def reader_for(options: dict[str, Any], vocabulary: Vocabulary) -> Reader:
    """Return the function that turns an answer into (label, status); it depends only on the answer and its stream.

    A stated distribution becomes one vote drawn from it by the stream's own uniform number, so that N
    answers are N votes whatever the mode; the distribution itself stays in the stored answer.

    Args:
        options: The annotator's entry: mode, parsing (``strict`` or ``faithful``), reasoning, stated (``shares``, or
            ``counts`` of listeners).
        vocabulary: The accepted answers.

    Raises:
        UserError: Unknown mode or parsing rule.
    """
    reasoned = options.get("reasoning", False)
    if _mode(options) != "verbalised":
        parse = parser(options.get("parsing", "strict"), vocabulary, reasoned=reasoned)
        return lambda response, stream: parse(response)

    counts = options.get("stated") == "counts"

    def read(response: str, stream: tuple) -> Parsed:
        stated = parse_distribution(response, vocabulary, reasoned=reasoned, counts=counts)
        if stated.distribution is None:
            return None, stated.status
        return vocabulary.classes[drawn_label(stated.distribution, uniform(*stream, "vote"))], "ok"

    return read


def longest_answer(options: dict[str, Any], classes: list[str]) -> int:
    """Return how many tokens an answer may have before it is cut (and then counts as invalid)."""
    tokens = FRAME_TOKENS + SHARE_TOKENS * len(classes) if _mode(options) == "verbalised" else LABEL_TOKENS
    return tokens + (REASONING_TOKENS if options.get("reasoning", False) else 0)


def _mode(options: dict[str, Any]) -> str:
    mode = options.get("mode", "sampled")
    if mode not in MODES:
        raise UserError(f"annotator mode {mode!r} is unknown; there are {MODES}.")
    if mode == "readout" and options.get("reasoning", False):
        raise UserError("annotator mode `readout` reads the labels at once; choose `sampled` to let the model reason.")
    return mode
