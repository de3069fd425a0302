"""Annotators: ALMs and the ways in which they are asked."""

from typing import Any

from scaling_ambiguity.configuration.faults import require
from scaling_ambiguity.errors import UserError

# readers of corpora whose conversations are known in order: the modules of corpora/dialogues
DIALOGUE_READERS = ("iemocap",)
GIVEN = ("replay", "table")  # engines, and modes of the same name, whose votes are given and not asked for


def check_asking(config: dict[str, Any]) -> None:
    """Refuse annotators whose entry contradicts that of their ALM, and ALMs with settings of another engine.

    What the engine of an ALM is able to do is checked when the rules are made (``alms.engine``).

    Raises:
        UserError: The first of them.
    """
    for name, annotator in config["annotators"].items():
        require(f"annotators.{name}.alm", annotator["alm"], config["alms"], "ALM")
        engine, mode = config["alms"][annotator["alm"]]["engine"], annotator["mode"]
        if (engine in GIVEN or mode in GIVEN) and engine != mode:
            raise UserError(
                f"config: annotators.{name}.mode = {mode!r} is not accepted with an ALM of engine {engine}; expected "
                f"{engine if engine in GIVEN else 'sampled, readout or verbalised'}."
            )
        _check_listening(config, name)
    for name, alm in config["alms"].items():
        if alm.get("encodings") == "shared" and alm["engine"] != "transformers":
            raise UserError(
                f"config: alms.{name}.encodings = 'shared' is not accepted with engine {alm['engine']}; expected "
                "`own`: only engine transformers opens a model's audio encoder."
            )
        if alm["engine"] == "replay":
            require(f"alms.{name}.corpus", alm["corpus"], config["corpora"], "corpus")
    _check_elicitation(config)


def _check_listening(config: dict[str, Any], name: str) -> None:
    """Refuse a comparison with another ALM, or with an annotator that is not given what the comparison is named by."""
    annotator = config["annotators"][name]
    for part, alone in annotator.get("listening", {}).items():
        require(f"annotators.{name}.listening.{part}", alone, config["annotators"], "annotator")
        other = config["annotators"][alone]
        key = "modality" if part in ("audio", "text") else "sound"
        if (other["alm"], other.get(key)) != (annotator["alm"], part):
            raise UserError(
                f"config: annotators.{name}.listening.{part} = {alone!r} asks ALM {other['alm']!r} with {key} "
                f"{other.get(key)!r}; expected {annotator['alm']!r} with {part!r}."
            )


def _check_elicitation(config: dict[str, Any]) -> None:
    for name, annotator in config["annotators"].items():
        for place, band in enumerate(annotator.get("temperatures", [])):
            if isinstance(band, list) and band[0] >= band[1]:
                raise UserError(
                    f"config: annotators.{name}.temperatures.{place} = {band} is not accepted; expected a band: "
                    "lowest, then highest temperature."
                )
    for name in config["run"]["annotators"]:
        context = config["annotators"][name].get("context", 0)
        for corpus in config["run"]["corpora"] if context else ():
            reader = config["corpora"][corpus]["reader"]
            if reader not in DIALOGUE_READERS:
                raise UserError(
                    f"config: annotators.{name}.context = {context}, but corpus {corpus!r} (reader {reader!r}) has no "
                    f"conversations in known order; set context: 0 there, or select corpora of reader "
                    f"{', '.join(DIALOGUE_READERS)}."
                )
