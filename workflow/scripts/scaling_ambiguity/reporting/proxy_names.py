"""What the votes of an annotator are called in print: by what they are, not by what they stand for.

Every name is a noun phrase in the plural with its article, so that one sentence fits all of them.
"""

from collections.abc import Mapping
from typing import Any

from scaling_ambiguity.configuration.selection import presentation_of

SYNTHETIC = "the synthetic votes"  # of several kinds, or not stated
OF_ALM = "the ALM's votes"
REPLAYED = "the replayed votes"
GIVEN = "the given votes"
PRESENTATIONS = {
    "voice": "the votes on the voice",
    "face": "the votes on the face",
    "audiovisual": "the votes on voice and face",
}


def proxy_votes(config: dict[str, Any], annotator: str) -> str:
    """Return the name of an annotator's votes.

    Replayed votes of humans are named by what these were shown if no corpus of the run was shown the same.

    Args:
        config: The configuration.
        annotator: A key of its ``annotators``.
    """
    entry = config["annotators"][annotator]
    if entry["mode"] == "table":
        return GIVEN
    if entry["mode"] != "replay":
        return OF_ALM
    shown = presentation_of(config["corpora"][config["alms"][entry["alm"]]["corpus"]])
    judged = {presentation_of(config["corpora"][corpus]) for corpus in config["run"]["corpora"]}
    return REPLAYED if shown in judged else PRESENTATIONS.get(shown, REPLAYED)


def proxies_of_run(config: dict[str, Any]) -> dict[str, str]:
    """Return the name of the votes of every annotator of the run."""
    return {annotator: proxy_votes(config, annotator) for annotator in config["run"]["annotators"]}


def shared_name(names: Mapping[str, str]) -> str:
    """Return the name of all votes of ``names``, the result of :func:`proxies_of_run`."""
    kinds = set(names.values())
    return kinds.pop() if len(kinds) == 1 else SYNTHETIC


def label(name: str) -> str:
    """Return a name without its article, for legends, titles and heads of columns."""
    return name.removeprefix("the ")
