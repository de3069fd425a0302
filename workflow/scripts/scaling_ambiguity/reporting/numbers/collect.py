"""All numbers of the paper, from the files of a run."""

from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json
from scaling_ambiguity.reporting.numbers.agreement import add_agreement
from scaling_ambiguity.reporting.numbers.alignment import add_alignment, add_saturation
from scaling_ambiguity.reporting.numbers.augmentation import augmentations
from scaling_ambiguity.reporting.numbers.bias import add_bias
from scaling_ambiguity.reporting.numbers.corpus import (
    add_answers,
    add_corpus,
    add_effective_answers,
    add_heldout,
    add_replayed_answers,
)
from scaling_ambiguity.reporting.numbers.costs import add_costs
from scaling_ambiguity.reporting.numbers.exchange import add_exchange, add_exchange_by_level, add_validation
from scaling_ambiguity.reporting.numbers.hypotheses import add_hypotheses
from scaling_ambiguity.reporting.numbers.leakage import add_leakage
from scaling_ambiguity.reporting.numbers.levels import add_levels
from scaling_ambiguity.reporting.numbers.models import add_models
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.numbers.settings import add_settings, add_switches, check_config
from scaling_ambiguity.reporting.numbers.shared import add_shared
from scaling_ambiguity.reporting.numbers.worth import add_worth
from scaling_ambiguity.reporting.selection import read_statistics


def headline_table(paths: list[str], kind: str, *names: str) -> pd.DataFrame | None:
    """Return the statistics table ``{kind}-{names joined by -}.parquet`` among ``paths``, or None."""
    wanted = "-".join((kind, *names))
    found = [path for path in paths if Path(path).stem == wanted]
    return read_statistics(found) if found else None


def headline_leakage(paths: list[str], corpus: str, protocol: str) -> str:
    """Return the report ``{corpus}/{protocol}.leakage.csv`` among ``paths``."""
    found = [path for path in paths if Path(path).parts[-2:] == (corpus, f"{protocol}.leakage.csv")]
    if not found:
        raise UserError(f"write_numbers: --leakage has no report of {corpus} under {protocol}; run report_leakage.")
    return found[0]


def collect_numbers(config: dict[str, Any], paths: dict[str, Any]) -> Numbers:
    """Return every number, and every switch of the text, that the files of ``paths`` allow.

    Args:
        config: The configuration of the run.
        paths: ``statistics``, ``verdicts`` and ``leakage`` (lists), ``utterances``, ``votes``, ``rejects``; and
            ``heldout``, ``status`` and ``draws``, or None.
    """
    check_config(config)
    headline = config["paper"]["headline"]
    corpus, annotator, protocol = headline["corpus"], headline["annotator"], headline["protocol"]
    classes = config["corpora"][corpus]["classes"]
    level = config["statistics"]["level"]
    statistics, heldout, status = paths["statistics"], paths.get("heldout"), paths.get("status")
    evaluation = headline_table(statistics, "evaluation", corpus, protocol)
    numbers = Numbers(config)
    add_switches(numbers, config, trained=evaluation is not None, heldout=heldout is not None)
    simulated = numbers.switches["simulated"]
    given = numbers.switches["replayed"] or numbers.switches["tabulated"]
    augmentation = augmentations(config)[0] if numbers.switches["augmented"] else None
    add_settings(numbers, config)
    add_corpus(numbers, corpus, classes, paths)
    add_leakage(numbers, headline_leakage(paths["leakage"], corpus, protocol))
    if heldout:
        add_heldout(numbers, heldout)
    if status:
        (add_replayed_answers if given else add_answers)(numbers, status)
    if paths.get("draws") and not given:
        add_effective_answers(numbers, paths["draws"])
    alignment = headline_table(statistics, "alignment", corpus, annotator, protocol)
    if alignment is not None:
        add_alignment(numbers, alignment, annotator, classes, level)
        add_levels(numbers, alignment, config["protocols"][protocol]["levels"], len(classes))
    agreement = headline_table(statistics, "agreement", corpus, annotator)
    if agreement is not None:
        add_agreement(numbers, agreement, annotator)
    bias = headline_table(statistics, "bias", corpus, annotator, protocol)
    if bias is not None:
        add_bias(numbers, bias, annotator)
    shared = headline_table(statistics, "shared", corpus)
    if shared is not None:
        add_shared(numbers, shared, level)
    saturation = headline_table(statistics, "saturation", corpus, annotator)
    if saturation is not None:
        add_saturation(numbers, saturation, annotator)
    exchange = headline_table(statistics, "exchange", corpus, annotator)
    if exchange is not None:
        add_exchange(numbers, exchange, level)
        if simulated:
            add_validation(numbers, exchange)
    predictors = headline_table(statistics, "predictors", corpus, protocol)
    if predictors is not None:
        add_worth(numbers, predictors)
    by_level = headline_table(statistics, "exchange_by_level", corpus, annotator, protocol)
    if by_level is not None:
        add_exchange_by_level(numbers, by_level, level)
    elif exchange is not None:
        numbers.switch("exchangeleveled", False)
    costs = headline_table(statistics, "costs", corpus, annotator)
    if costs is not None:
        add_costs(numbers, costs, level)
    verdicts = [path for path in paths.get("verdicts", []) if Path(path).stem == f"{corpus}-{annotator}-{protocol}"]
    if verdicts:
        add_hypotheses(numbers, read_json(verdicts[0]), str(verdicts[0]))
    if evaluation is not None:
        add_models(numbers, evaluation, annotator, level, simulated=simulated, augmentation=augmentation)
    return numbers
