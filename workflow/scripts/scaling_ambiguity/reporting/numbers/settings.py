"""Numbers that were chosen, not measured: the configuration as the text quotes it."""

from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.naming import escape_latex
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.text import count, joined, percent

NEEDED = ("paper", "run", "corpora", "alms", "annotators", "protocols", "augmentations", "finetuning", "statistics")
DESIGNS = {
    "crossed": "are crossed, so that their effects can be told apart",
    "confounded": "change together, as published, so that their effects cannot be told apart",
}


def check_config(config: dict[str, Any]) -> None:
    """Raise a UserError if a section of the configuration that the text quotes was not passed on."""
    absent = [name for name in NEEDED if name not in config]
    if absent:
        raise UserError(f"write_numbers: --config has no {absent[0]!r}; it needs {list(NEEDED)}.")


def is_simulated(config: dict[str, Any]) -> bool:
    """Return whether the headline corpus is made by the workflow itself."""
    return config["corpora"][config["paper"]["headline"]["corpus"]]["reader"] == "demo"


def add_settings(numbers: Numbers, config: dict[str, Any]) -> None:
    """Define ``paper.*`` and ``settings.*``."""
    paper, statistics, finetuning = config["paper"], config["statistics"], config["finetuning"]
    headline = paper["headline"]
    annotator = config["annotators"][headline["annotator"]]
    protocol = config["protocols"][headline["protocol"]]
    alm = config["alms"][annotator["alm"]]

    def setting(key: str, value: Any, text: str, path: str) -> None:
        numbers.value(key, value, text, file="configuration", column=path)

    for name in ("title", "subtitle"):
        setting(f"paper.{name}", paper[name], escape_latex(paper[name]), f"paper.{name}")
    authors = [escape_latex(author) for author in paper["authors"]]
    setting("paper.authors", ", ".join(paper["authors"]), joined(authors), "paper.authors")
    setting("settings.corpus", headline["corpus"], escape_latex(headline["corpus"]), "paper.headline.corpus")
    setting("settings.protocol", headline["protocol"], escape_latex(headline["protocol"]), "paper.headline.protocol")
    setting("settings.alm", annotator["alm"], escape_latex(annotator["alm"]), f"annotators.{headline['annotator']}.alm")
    setting(
        "settings.checkpoint", alm["checkpoint"], rf"\url{{{alm['checkpoint']}}}", f"alms.{annotator['alm']}.checkpoint"
    )
    setting(
        "settings.votes", annotator["votes"], count(annotator["votes"]), f"annotators.{headline['annotator']}.votes"
    )
    temperatures = annotator["temperatures"]
    setting("settings.temperatures", len(temperatures), count(len(temperatures)), "annotators.temperatures")
    design = annotator["design"]
    setting("settings.design", design, DESIGNS.get(design, escape_latex(design)), "annotators.design")
    setting("settings.level", statistics["level"], percent(statistics["level"]), "statistics.level")
    for name in ("resamples", "deals"):
        setting(f"settings.{name}", statistics[name], count(statistics[name]), f"statistics.{name}")
    setting("settings.floor", statistics["smoothing"], f"{statistics['smoothing']:g}", "statistics.smoothing")
    setting(
        "settings.level-votes",
        protocol["levels"]["votes"],
        count(protocol["levels"]["votes"]),
        "protocols.levels.votes",
    )
    setting("settings.splits", protocol["splits"]["scheme"], _split_words(protocol["splits"]), "protocols.splits")
    for name in ("seeds", "steps"):
        setting(f"settings.{name}", finetuning[name], count(finetuning[name]), f"finetuning.{name}")
    setting("settings.rank", finetuning["lora"]["r"], count(finetuning["lora"]["r"]), "finetuning.lora.r")
    dime = config["augmentations"].get("dime", {})
    if dime:
        setting("settings.dime.ratio", dime["ratio"], percent(dime["ratio"]), "augmentations.dime.ratio")
        setting(
            "settings.dime.neighbours", dime["neighbours"], count(dime["neighbours"]), "augmentations.dime.neighbours"
        )


def _split_words(splits: dict[str, Any]) -> str:
    if splits["scheme"] == "speaker":
        return f"in {count(splits['folds'])} folds, no speaker of which occurs in another"
    return f"at random, {percent(splits['test'])} of the utterances for test, speakers on both sides"
