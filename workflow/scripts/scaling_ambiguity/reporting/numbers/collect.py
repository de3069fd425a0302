"""All numbers of the paper, from the files of a run."""

from inspect import signature
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json
from scaling_ambiguity.reporting.chapters import ESTIMATES, named
from scaling_ambiguity.reporting.numbers.augmentation import augmentations
from scaling_ambiguity.reporting.numbers.corpus import (
    add_altered_sound,
    add_answers,
    add_corpus,
    add_effective_answers,
    add_heldout,
    add_member,
    add_replayed_answers,
)
from scaling_ambiguity.reporting.numbers.hypotheses import add_hypotheses
from scaling_ambiguity.reporting.numbers.leakage import add_leakage
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.numbers.settings import add_settings, add_switches, check_config
from scaling_ambiguity.reporting.selection import read_statistics


def headline_table(paths: list[str], kind: str, *names: str) -> pd.DataFrame | None:
    """Return the statistics table ``{kind}-{names joined by -}.parquet`` among ``paths``, or None."""
    wanted = "-".join((kind, *names))
    matches = [path for path in paths if Path(path).stem == wanted]
    return read_statistics(matches) if matches else None


def first_submission(config: dict[str, Any]) -> tuple[str, str] | None:
    """Return corpus and ALM of the first submission to the test-time benchmark of a run, if it has any."""
    entries = [config["testtime"][name] for name in config["run"].get("testtime", [])]
    return (entries[0]["corpus"], entries[0]["alm"]) if entries else None


def headline_leakage(paths: list[str], corpus: str, protocol: str) -> str:
    """Return the report ``{corpus}/{protocol}.leakage.csv`` among ``paths``."""
    matches = [path for path in paths if Path(path).parts[-2:] == (corpus, f"{protocol}.leakage.csv")]
    if not matches:
        raise UserError(f"write_numbers: --leakage has no report of {corpus} under {protocol}; run report_leakage.")
    return matches[0]


def add_estimates(numbers: Numbers, table: pd.DataFrame, functions: tuple[str, ...], study: dict[str, Any]) -> None:
    """Let functions define their numbers from a table of estimates; each gets what it has a parameter for."""
    given = study | {"numbers": numbers, "table": table}
    for function in map(named, functions):
        function(**{name: given[name] for name in signature(function).parameters})


def collect_numbers(config: dict[str, Any], paths: dict[str, Any]) -> Numbers:
    """Return every number, and every switch of the text, that the files of ``paths`` allow.

    Args:
        config: The configuration of the run.
        paths: ``statistics``, ``verdicts`` and ``leakage`` (lists), ``utterances``, ``votes``, ``rejects``;
            and ``audit``, ``heldout``, ``member``, ``status`` and ``draws``, or None.
    """
    check_config(config)
    headline = config["paper"]["headline"]
    corpus, annotator, protocol = headline["corpus"], headline["annotator"], headline["protocol"]
    classes = config["corpora"][corpus]["classes"]
    statistics, heldout, status = paths["statistics"], paths.get("heldout"), paths.get("status")
    evaluation = headline_table(statistics, "evaluation", corpus, protocol)
    numbers = Numbers(config)
    add_switches(numbers, config, trained=evaluation is not None, heldout=heldout is not None)
    given = numbers.switches["replayed"] or numbers.switches["tabulated"]
    add_settings(numbers, config)
    add_corpus(numbers, corpus, classes, paths)
    add_altered_sound(numbers, paths.get("audit"))
    add_leakage(numbers, headline_leakage(paths["leakage"], corpus, protocol))
    if heldout:
        add_heldout(numbers, heldout)
    if paths.get("member"):
        add_member(numbers, paths["member"])
    if status:
        (add_replayed_answers if given else add_answers)(numbers, status)
    if paths.get("draws") and not given:
        add_effective_answers(numbers, paths["draws"])
    study = {
        **{"annotator": annotator, "classes": classes, "level": config["statistics"]["level"]},
        **{"definition": config["protocols"][protocol]["levels"], "simulated": numbers.switches["simulated"]},
        "augmentation": augmentations(config)[0] if numbers.switches["augmented"] else None,
        "submission": first_submission(config),
        **{"models": config["finetuning"]["models"], "poolings": config["run"]["poolings"]},
    }
    for kind, estimates in ESTIMATES.items():
        of_headline = [headline[name] for name in estimates.by]
        table = headline_table(statistics, kind, *of_headline) if estimates.numbers else None
        if table is not None:
            add_estimates(numbers, table, estimates.numbers, study)
    verdicts = [path for path in paths.get("verdicts", []) if Path(path).stem == f"{corpus}-{annotator}-{protocol}"]
    if verdicts:
        add_hypotheses(numbers, read_json(verdicts[0]), str(verdicts[0]))
    return numbers
