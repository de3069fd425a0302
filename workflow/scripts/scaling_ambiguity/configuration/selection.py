"""What a run selects, and the entries of corpora, protocols, augmentations and statistics that it selects from."""

from typing import Any

from scaling_ambiguity.configuration.faults import require
from scaling_ambiguity.errors import UserError


def check_selection(config: dict[str, Any]) -> None:
    """Refuse names that no entry has, and entries that do not fit together.

    Raises:
        UserError: The first fault.
    """
    run = config["run"]
    for key, library, kind in (
        ("corpora", "corpora", "corpus"),
        ("annotators", "annotators", "annotator"),
        ("poolings", "poolings", "pooling"),
        ("protocols", "protocols", "protocol"),
        ("augmentation", "augmentations", "augmentation"),
    ):
        for name in run[key]:
            require(f"run.{key}", name, config[library], kind)
    for protocol, entry in config["protocols"].items():
        for name in entry.get("augmentation", []):
            require(f"protocols.{protocol}.augmentation", name, config["augmentations"], "augmentation")
    for name, entry in config["augmentations"].items():
        if "online" in entry and entry["online"]["speed"][0] > entry["online"]["speed"][1]:
            raise UserError(
                f"config: augmentations.{name}.online.speed = {entry['online']['speed']} is not accepted; expected "
                "least, then largest factor."
            )
    _check_conflict(config)
    _check_predictors(config)
    _check_headline(config)
    _check_level_votes(config)
    for name, corpus in config["corpora"].items():
        low, high = corpus["votes"] if corpus["reader"] == "demo" else (1, 1)
        if low > high:
            raise UserError(
                f"config: corpora.{name}.votes = {[low, high]} is not accepted; expected smallest, then largest."
            )


def _check_headline(config: dict[str, Any]) -> None:
    """Refuse labels that are not made, and a headline that the run does not select."""
    run = config["run"]
    _check_labels("run.augmented_labels", run["augmented_labels"], config)
    _check_labels("run.models.labels", run.get("models", {}).get("labels", ["human"]), config)
    trained = run.get("models", {}).get("annotators", run["annotators"])
    for name in trained:
        require("run.models.annotators", name, dict.fromkeys(run["annotators"]), "selected annotator")
    require(
        "paper.headline.annotator",
        config["paper"]["headline"]["annotator"],
        dict.fromkeys(trained),
        "trained annotator",
    )
    for key, selected in (("corpus", "corpora"), ("annotator", "annotators"), ("protocol", "protocols")):
        require(
            f"paper.headline.{key}", config["paper"]["headline"][key], dict.fromkeys(run[selected]), f"selected {key}"
        )


def _check_labels(key: str, names: list[str], config: dict[str, Any]) -> None:
    """Refuse short names of labels that the run does not make, and a selection of trained labels without human ones."""
    for name in names:
        if name.startswith("combined-"):
            require(key, name.removeprefix("combined-"), dict.fromkeys(config["run"]["poolings"]), "pooling")
        elif name.startswith("control-"):
            require(key, name.removeprefix("control-"), dict.fromkeys(config["controls"]), "control")
    if key == "run.models.labels" and "human" not in names:
        raise UserError(
            f"config: {key} lacks `human`: models trained on human votes are what every other is compared with."
        )


def presentation_of(corpus: dict[str, Any]) -> str:
    """Return what the raters of a corpus were shown, given its entry; "" if that does not state it."""
    return str(corpus.get("presentation", "voice" if corpus["reader"] == "cremad" else ""))


def _check_predictors(config: dict[str, Any]) -> None:
    """Refuse given predictors of a corpus that is not selected, and names that something else has."""
    taken = config["annotators"] | config["alms"] | config.get("peers", {})
    for name, entry in config.get("predictors", {}).items():
        if name in taken:
            raise UserError(f"config: predictors.{name} has the name of an annotator, ALM or peer; rename it.")
        if "corpus" in entry:
            require(f"predictors.{name}.corpus", entry["corpus"], dict.fromkeys(config["run"]["corpora"]), "corpus")


def _check_conflict(config: dict[str, Any]) -> None:
    """Refuse a conflict of presentations that cannot be measured, or whose models are not there to be compared."""
    entry, path = config["statistics"].get("conflict"), "statistics.conflict"
    if entry is None:
        return
    require(f"{path}.corpus", entry["corpus"], dict.fromkeys(config["run"]["corpora"]), "selected corpus")
    require(f"{path}.other", entry["other"], config["corpora"], "corpus")
    require(f"{path}.model", entry["model"], dict.fromkeys(config["finetuning"]["models"]), "trained model")
    judged, other = (config["corpora"][entry[key]] for key in ("corpus", "other"))
    where = f"config: {path}.other = {entry['other']!r} is not accepted"
    shown = presentation_of(judged)
    if shown == presentation_of(other):
        raise UserError(
            f"{where}: its presentation is that of {entry['corpus']!r}, {shown or 'not stated'}; expected an entry of "
            "`corpora` with another `presentation` of the same utterances."
        )
    if set(judged["classes"]) != set(other["classes"]):
        raise UserError(
            f"{where}: its classes are {other['classes']}, those of {entry['corpus']!r} {judged['classes']}; expected "
            "the same ones."
        )
    if "conflict" in judged.get("factors", {}).get("columns", []):
        raise UserError(
            f"config: corpora.{entry['corpus']}.factors.columns has a factor 'conflict', the name of the strata of "
            f"{path}; rename the column, or remove {path}."
        )


def _check_level_votes(config: dict[str, Any]) -> None:
    """Three levels of agreement need three values of it: three votes, or four votes for one of two classes."""
    for protocol in config["run"]["protocols"]:
        levels = config["protocols"][protocol]["levels"]
        for corpus in config["run"]["corpora"] if levels["definition"] == "agreement" else ():
            classes = len(config["corpora"][corpus]["classes"])
            least = 4 if classes == 2 else 3
            if levels["votes"] < least:
                raise UserError(
                    f"config: protocols.{protocol}.levels.votes = {levels['votes']} is not accepted with the {classes} "
                    f"classes of corpus {corpus}: their agreement has too few values for three levels; expected "
                    f"{least} or more."
                )
