"""The distribution that an annotator's votes are drawn from: the limit of infinitely many votes."""

import math
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.proxies.elicitation import Item
from scaling_ambiguity.tables.base import class_columns

Array: TypeAlias = NDArray[np.float64]


def read_out_options(options: dict[str, Any], focus_lines: int, classes: int) -> dict[str, Any]:
    """Return an annotator's entry with its labels read out, over whole cycles of its design.

    An annotator of mode ``readout`` keeps its own draws: they are its design. For a sampled one, as many draws are
    planned as are needed for every focus line, temperature and, if permuted, class order to occur equally often.

    Args:
        options: The annotator's entry.
        focus_lines: Number of focus lines of its prompt set.
        classes: Number of classes.
    """
    if options.get("mode", "sampled") == "readout":
        return options
    temperatures = len(options["temperatures"])
    crossed = options["design"] == "crossed"
    cycle = focus_lines * temperatures if crossed else math.lcm(focus_lines, temperatures)
    if options.get("class_order", "fixed") != "fixed":
        cycle = math.lcm(cycle, classes)
    return options | {"mode": "readout", "votes": cycle}


def asked_once(utterances: list[list[Item]]) -> list[list[Item]]:
    """Return, for each utterance, the first draw of every prompt: labels are read out once, for all temperatures."""
    return [list({item.prompt: item for item in reversed(draws)}.values())[::-1] for draws in utterances]


def distribution_table(
    utterances: list[list[Item]], records: dict[str, dict[str, Any]], classes: list[str]
) -> pd.DataFrame:
    """Return one label distribution per utterance (``tables.labels``): the mean over its draws of softmax(s / T).

    s are the log-probabilities of the label strings that were read out for the draw's prompt, T is the draw's
    temperature (0: all on the most probable label). A label of several tokens is heated as a whole, and an answer
    that is not a label has no share. Utterances without any read-out are left out.

    Args:
        utterances: Every draw of the design.
        records: Request key -> stored answer, with ``label_logprobs``, of :func:`asked_once`.
        classes: The labels.
    """
    rows = []
    for draws, asked in zip(utterances, asked_once(utterances), strict=True):
        scores = {item.prompt: records.get(item.request.key, {}).get("label_logprobs") for item in asked}
        parts = [
            heated(np.asarray(scores[item.prompt], dtype=np.float64), item.request.temperature)
            for item in draws
            if scores[item.prompt] is not None
        ]
        if parts:
            rows.append(
                {"utterance": draws[0].utterance}
                | dict(zip(class_columns(classes), np.mean(parts, axis=0), strict=True))
            )
    table = pd.DataFrame(rows, columns=["utterance", *class_columns(classes)])
    return table.assign(n_human=0, n_synthetic=0).astype({"utterance": str})


def heated(scores: Array, temperature: float) -> Array:
    """Return exp(s_c / T) / sum_k exp(s_k / T), (C,); T = 0 puts all on the first of the most probable."""
    if temperature <= 0:
        return np.eye(len(scores))[int(np.argmax(scores))]
    shifted = np.exp((scores - scores.max()) / temperature)
    return shifted / shifted.sum()
