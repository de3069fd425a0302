"""Numbers and verdicts of the three hypotheses."""

from typing import Any

from scaling_ambiguity.reporting.naming import escape_latex
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.text import count, joined, number

POOLINGS = {"equal": "votes pooled as equals", "weighted": "votes pooled with the fitted weight"}


def add_hypotheses(numbers: Numbers, found: dict[str, Any], file: str) -> None:
    """Define ``hypotheses.*`` from what test_hypotheses wrote to ``file``; ``modelsjudged``: models, not labels."""
    numbers.switch("modelsjudged", found["source"] == "models")
    numbers.value("hypotheses.delta", found["delta"], number(found["delta"], 3), file=file, column="delta")
    numbers.value(
        "hypotheses.after", found["delta_after"], count(found["delta_after"]), file=file, column="delta_after"
    )
    sentences, models = [], {family["model"] for family in found["hypotheses"]}
    for family in found["hypotheses"]:
        verdicts = [rf"H{i} is \emph{{{family[f'h{i}']['verdict']}}}" for i in (1, 2, 3)]
        who = POOLINGS.get(family["pooling"], f"{escape_latex(family['pooling'])} pooling")
        who += f" ({escape_latex(family['model'])})" if len(models) > 1 else ""
        sentences.append(f"with {who}, {joined(verdicts)}")
    text = "; ".join(sentences)
    numbers.value("hypotheses.verdicts", text, text, file=file, column="hypotheses")
