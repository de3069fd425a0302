"""Utterances and votes found, kept and lost, by reason: from the audits of the corpora."""

import re
from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.tables.booktabs import tabular
from scaling_ambiguity.reporting.text import count

ITEMS = ("utterances", "votes")
SHOWN_REASONS = 12  # per kind of item; the others are summarised in one line, and all are in the CSV
LONG_REASON = 44  # characters; longer ones are wrapped
OTHERS = "other reasons"
# Item-specific parts: all after a colon, a semicolon or a parenthesis, quoted words, measured seconds.
DETAIL = re.compile(r"\s*(?:[:;(].*| ['\"].*?['\"])")
MEASURED = re.compile(r"\d+\.\d+")


def account(audits: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return corpus, item (utterances or votes), state (found, kept or lost), reason and number from audits.

    ``audits`` are the values of audit.json by corpus. A corpus that lost nothing has no row ``lost``.

    Raises:
        UserError: An audit without these counts, or one where kept and lost do not add up to found.
    """
    rows = []
    for corpus, audit in audits.items():
        for item in ITEMS:
            try:
                found, kept, lost = (audit[item][state] for state in ("found", "kept", "lost"))
            except (KeyError, TypeError) as error:
                raise UserError(f"the audit of {corpus} has no counts of {item}; run read_corpus again.") from error
            if found != kept + sum(lost.values()):
                raise UserError(
                    f"the audit of {corpus} does not add up: {found} {item} found, {kept} kept, {sum(lost.values())} "
                    "lost; run read_corpus again."
                )
            rows += [(corpus, item, "found", "", found), (corpus, item, "kept", "", kept)]
            rows += [(corpus, item, "lost", reason, number) for reason, number in lost.items()]
    return pd.DataFrame(rows, columns=["corpus", "item", "state", "reason", "number"])


def votes_lost_table(audits: dict[str, dict[str, Any]]) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table, one column per corpus, and every reason as given in the audits.

    Reasons that differ only in details are one line of the LaTeX table, the most frequent first.
    """
    rows = account(audits)
    corpora = list(audits)
    body: list = []
    for item in ITEMS:
        subset = rows[rows["item"] == item]
        body += [""] if body else []
        for state in ("found", "kept", "lost"):
            sums = subset[subset["state"] == state].groupby("corpus")["number"].sum().reindex(corpora, fill_value=0)
            body.append([f"{item} {state}", *(count(number) for number in sums)])
        lost = subset[subset["state"] == "lost"]
        lines = lost.assign(reason=lost["reason"].map(general)).pivot_table(
            index="reason", columns="corpus", values="number", aggfunc="sum", fill_value=0
        )
        lines = lines.reindex(columns=corpora, fill_value=0)
        order = sorted(lines.index, key=lambda reason: (-lines.loc[reason].sum(), reason))
        for reason in order[:SHOWN_REASONS]:
            body.append([_cell(reason), *(count(number) for number in lines.loc[reason])])
        if order[SHOWN_REASONS:]:
            others = lines.loc[order[SHOWN_REASONS:]].sum()
            body.append([_cell(OTHERS), *(count(number) for number in others)])
    head = ["", *(escape_latex(plain(corpus)) for corpus in corpora)]
    return tabular("l" + "r" * len(corpora), head, body), rows


def general(reason: str) -> str:
    """Return a reason without its item-specific parts."""
    return MEASURED.sub("...", DETAIL.sub("", reason)).strip() or reason


def _cell(reason: str) -> str:
    text = escape_latex(reason)
    if len(reason) > LONG_REASON:
        text = rf"\parbox[t]{{0.6\linewidth}}{{\raggedright\hangindent=1em {text}\strut}}"
    return rf"\quad {text}"
