"""The names of label tables, parsed and formatted: every other module uses this one."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from scaling_ambiguity.errors import UserError

SHAPES = {
    "human": "human",
    "synthetic": "synthetic-<annotator>",
    "combined": "combined-<annotator>-<pooling>",
    "control": "control-<annotator>-<control>",
    "curve": "curve-<annotator>-h<human votes or all>m<synthetic votes>",
}
WORD = "[a-z0-9_]+"
NAME = re.compile(
    f"(?P<kind>human)|(?P<of>{'|'.join(SHAPES)})-(?P<annotator>{WORD})(?:-(?P<detail>{WORD}(?:-{WORD})*))?"
)
BUDGET = re.compile(r"h(all|[1-9][0-9]*)m(0|[1-9][0-9]*)")
BARE = ("human", "synthetic")  # kinds without a detail


class Labels(NamedTuple):
    """A kind of label table; ``str`` gives its name.

    Attributes:
        kind: human, synthetic, combined, control or curve.
        annotator: Whose synthetic votes, "" for human.
        detail: The pooling, the control or the budget of votes, "" for human and synthetic.
    """

    kind: str
    annotator: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return "-".join(part for part in self if part)

    @classmethod
    def parse(cls, name: str) -> "Labels":
        """Return the parts of a name.

        Raises:
            UserError: It matches none of the SHAPES.
        """
        labels = cls.of_predictor(name)
        if labels is None or (labels.kind in BARE) == bool(labels.detail):
            raise UserError(f"labels {name!r} are unknown; expected {', '.join(SHAPES.values())}.")
        if labels.kind == "curve":
            labels.budget()
        return labels

    @classmethod
    def of_predictor(cls, name: str) -> "Labels | None":
        """Return the parts of a name in a statistics table, None for one without an annotator such as ``prior``.

        There, synthetic votes may have a detail as well: ``synthetic-<annotator>-matched-smoothed``.
        """
        match = NAME.fullmatch(name)
        if match is None or match["of"] == "human":
            return None
        return cls(match["kind"] or match["of"], match["annotator"] or "", match["detail"] or "")

    def budget(self) -> tuple[int | None, int]:
        """Return the votes per utterance of a curve: (human, None for all of them; synthetic).

        Raises:
            UserError: The detail is not a budget.
        """
        match = BUDGET.fullmatch(self.detail)
        if not match:
            raise UserError(
                f"labels {str(self)!r}: budget {self.detail!r} is not h<human votes or all>m<synthetic votes>, "
                "such as h3m20."
            )
        return (None if match[1] == "all" else int(match[1])), int(match[2])


def expand(short: str, annotators: Iterable[str]) -> list[str]:
    """Return the names of a kind with its detail, such as ``combined-equal``: one per annotator; human is one."""
    kind, _, detail = short.partition("-")
    return ["human"] if kind == "human" else [str(Labels(kind, annotator, detail)) for annotator in annotators]


def curves(human: Iterable[int | str], synthetic: Iterable[int]) -> list[str]:
    """Return the short names of learning curves, one per pair of budgets: curve-h1m5 is 1 human, 5 synthetic votes."""
    synthetic = list(synthetic)
    return [f"curve-h{h}m{m}" for h in human for m in synthetic]
