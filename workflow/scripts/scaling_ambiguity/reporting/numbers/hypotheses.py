"""Numbers and verdicts of the three hypotheses."""

import math
from typing import Any

from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.text import bounds, count, joined, number

POOLINGS = {"equal": "votes pooled as equals", "weighted": "votes pooled with the fitted weight"}


def add_hypotheses(numbers: Numbers, found: dict[str, Any], file: str) -> None:
    """Define ``hypotheses.*`` from the output of test_hypotheses in ``file``; ``modelsjudged``: models, not labels."""
    numbers.switch("modelsjudged", found["source"] == "models")
    delta, after = found["delta"], found["delta_after"]
    low, high = (math.nan if found[f"delta_{end}"] is None else found[f"delta_{end}"] for end in ("low", "high"))
    margin = f"after {count(after)}, which is {number(delta, 3)} {bounds(low, high)} nats".replace("  ", " ")
    if delta is None:
        margin = "which is not known here, most utterances having fewer than three votes"
    numbers.value("hypotheses.margin", delta, margin, file=file, column="delta")
    keys = []
    sentences, models = [], {family["model"] for family in found["hypotheses"]}
    for place, family in enumerate(found["hypotheses"]):
        verdicts = []
        for i in (1, 2, 3):
            verdict, key = family[f"h{i}"]["verdict"], f"hypotheses.{family['model']}.{family['pooling']}.h{i}"
            numbers.value(key, verdict, verdict, file=file, column=f"hypotheses.{place}.h{i}.verdict")
            keys.append(key)
            verdicts.append(rf"H{i} is \emph{{{verdict}}}")
        who = POOLINGS.get(family["pooling"], f"{escape_latex(family['pooling'])} pooling")
        who += f" ({escape_latex(plain(family['model']))})" if len(models) > 1 else ""
        sentences.append(f"with {who}, {joined(verdicts)}")
    numbers.words("hypotheses.verdicts", "; ".join(sentences), keys)
