"""The three hypotheses: every comparison with its interval, its minimum detectable effect, and the verdict."""

import math
from typing import Any

import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
from scaling_ambiguity.reporting.text import bounds, number, p_text

NAMES = {
    "h1_gain": "H1: combined $-$ human, low ambiguity",
    "h1_over_prior": "H1: combined $-$ control \\emph{prior}, low ambiguity",
    "h1_over_echo": "H1: combined $-$ control \\emph{echo}, low ambiguity",
    "h1_over_shuffled": "H1: combined $-$ control \\emph{shuffled}, low ambiguity",
    "h2_difference": "H2: (combined $-$ human) at high $-$ low ambiguity",
    "h3_excess": "H3: synthetic $-$ human, against $\\Delta$",
}
COLUMNS = ["corpus", "protocol", "source", "model", "pooling", "comparison", "estimate", "low", "high", "p"]
COLUMNS += ["p_adjusted", "level", "mde", "n", "n_clusters", "verdict", "hypothesis_verdict", "delta"]
COLUMNS += ["delta_low", "delta_high"]
OF_FILE = ("corpus", "protocol", "source", "delta", "delta_low", "delta_high")


def hypotheses_table(files: list[dict[str, Any]]) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it; ``files`` are outputs of test_hypotheses."""
    body: list[Row] = []
    rows = []
    for file in files:
        where = plain(file["corpus"], f"protocol {file['protocol']}")
        for family in file["hypotheses"]:
            judged = "labels as predictors" if family["model"] == "none" else f"{family['model']} fine-tuned"
            title = escape_latex(f"{where}: {plain(judged, family['annotator'], family['pooling'])} pooling")
            body.append(f"{title}, {_margin(file)}")
            for name in ("h1", "h2", "h3"):
                for part in family[name]["parts"]:
                    part = {key: math.nan if value is None else value for key, value in part.items()}
                    interval = cell(part["estimate"], part["low"], part["high"])
                    mde = number(part["mde"], 3)
                    level = f"{100 * part['level']:.1f} \\%"
                    shown = [NAMES[part["name"]], interval, level, p_text(part)]
                    body.append([*shown, mde, part["verdict"]])
                    row = {"comparison": part["name"], "hypothesis_verdict": family[name]["verdict"]} | part
                    row |= {key: file[key] for key in OF_FILE}
                    rows.append(row | {key: family[key] for key in ("model", "pooling")})
    head = ["", "difference in NLL", "level", "$p$", "detectable", "verdict"]
    return tabular("lllrrl", head, body), pd.DataFrame(rows, columns=COLUMNS)


def _margin(file: dict[str, Any]) -> str:
    """Return Delta with its interval over speakers."""
    if file["delta"] is None:
        return r"$\Delta$ not known"
    low, high = (math.nan if file[key] is None else file[key] for key in ("delta_low", "delta_high"))
    return rf"$\Delta = {number(file['delta'], 3)}$ {bounds(low, high)}".strip()
