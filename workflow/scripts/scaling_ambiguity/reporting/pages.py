"""HTML pages for readers: the index of the notebooks and the page that the report opens on. They need no network."""

import csv
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaling_ambiguity.io import read_json
from scaling_ambiguity.reporting.verdicts import NOT_APPLICABLE, outcome, read_verdicts

ROWS = 20  # of a table at most; the file has all
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.answer { font-size: 1.35rem; line-height: 1.4; border-left: .3rem solid #0072b2; padding-left: 1rem; }
.note { border: 1px solid #d55e00; padding: .5rem 1rem; }
figure { margin: 1.5rem 0; } figure img { width: 100%; max-width: 42rem; background: white; }
figcaption, .small { font-size: .875rem; }
table { border-collapse: collapse; font-size: .8125rem; } .wide { overflow-x: auto; }
th, td { border-bottom: 1px solid #8888; padding: .2rem .6rem; text-align: left; vertical-align: top; }
.badge { border-radius: .7rem; padding: .05rem .6rem; color: white; white-space: nowrap; font-size: .8125rem; }
.passed { background: #007a55; } .failed { background: #b03a00; } .shown { background: #5a5f66; }
"""
SYMBOLS = {
    r"\,": "\u2009",
    r"\%": "%",
    r"\&": "&",
    r"\_": "_",
    r"\infty": "∞",
    r"\le": "≤",
    "--": "–",
    "$": "",
    "~": " ",
}
EMPHASIS = re.compile(r"\*+(\w[^*`]*)\*+")  # of Markdown; the star of `k*` stays
COMMAND = re.compile(r"\\(?:emph|textbf|url|textit)\{([^{}]*)\}")


@dataclass(frozen=True)
class Notebook:
    """An executed notebook: its name, title, question and verdicts."""

    name: str
    title: str
    question: str
    verdicts: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, ipynb: Path, verdict: Path) -> "Notebook":
        """Read the heading of a notebook and its verdicts."""
        text = next("".join(cell["source"]) for cell in read_json(ipynb)["cells"] if cell["cell_type"] == "markdown")
        title, _, rest = text.partition("\n")
        words = " ".join(EMPHASIS.sub(r"\1", rest).replace("`", "").split())
        return cls(ipynb.stem, title.lstrip("# ").strip(), words, read_verdicts(verdict))


def plain_text(latex: str) -> str:
    """Return the text of a number as it is printed, for HTML that is still to be escaped."""
    text = COMMAND.sub(r"\1", latex)
    for command, symbol in SYMBOLS.items():
        text = text.replace(command, symbol)
    return text.replace("{", "").replace("}", "")


def page(title: str, body: Iterable[str]) -> str:
    """Return a page; ``title`` is escaped here, the body is HTML."""
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    )
    return f'<!doctype html>\n<html lang="en">\n<head>{head}<style>{STYLE}</style></head>\n<body>\n' + (
        "\n".join(body) + "\n</body>\n</html>\n"
    )


def badges(verdicts: Sequence[dict[str, Any]]) -> str:
    """Return badges: how many gating verdicts passed, red if one failed; how many of the findings hold."""
    parts = []
    for gating, words in ((True, "gating passed"), (False, "findings hold")):
        outcomes = [one["passed"] for one in verdicts if one["gating"] == gating and outcome(one) != NOT_APPLICABLE]
        if outcomes:
            colour = ("passed" if all(outcomes) else "failed") if gating else "shown"
            parts.append(f'<span class="badge {colour}">{sum(outcomes)} of {len(outcomes)} {words}</span>')
    return " ".join(parts)


def index_of(notebooks: Iterable[Notebook], folder: str = "") -> list[str]:
    """Return the table of the notebooks, linked below ``folder``, each with badges and the text of its verdicts."""
    lines = ["<table><tr><th>question</th><th>verdicts</th></tr>"]
    for one in notebooks:
        link = f'<a href="{folder}{html.escape(one.name)}.html">{html.escape(one.title)}</a>'
        said = "".join(
            f"<li>{outcome(each)}: {html.escape(each['name'])}: {html.escape(each['message'])}</li>"
            for each in one.verdicts
        )
        details = f"<details><summary>each</summary><ul class='small'>{said}</ul></details>"
        question = f"<div class='small'>{html.escape(one.question)}</div>"
        lines.append(f"<tr><td>{link}{question}</td><td>{badges(one.verdicts)}{details}</td></tr>")
    return [*lines, "</table>"]


def notebook_index(notebooks: Sequence[Notebook]) -> str:
    """Return the page beside the executed notebooks."""
    everything = [verdict for one in notebooks for verdict in one.verdicts]
    body = [
        "<h1>Notebooks of the statistical validation</h1>",
        f"<p>{badges(everything)}</p>",
        "<p>A gating verdict is an identity that holds for any data; if one fails, the paper is not built. A "
        "finding depends on the data, or on a single draw, and never gates.</p>",
        *index_of(notebooks),
    ]
    return page("Notebooks", body)


def answer(numbers: Mapping[str, dict[str, Any]]) -> str:
    """Return the sentence that answers the question, from numbers.json; in a run without answers, what was counted."""

    def text(key: str) -> str:
        return plain_text(str(numbers[key]["text"]))

    if "exchange.weighted.words" in numbers:
        many = text("exchange.m") != "1"
        noun = "votes with a fitted weight are" if many else "vote with a fitted weight is"
        return f"{text('exchange.m')} synthetic {noun} worth {text('exchange.weighted.words')}."
    return (
        f"No synthetic votes were made in this run: {text('corpus.votes')} human votes on {text('corpus.utterances')} "
        "utterances were counted."
    )


def table_rows(path: Path, most: int = ROWS) -> tuple[list[str], list[list[str]], int]:
    """Return the head, the first ``most`` rows and the number of rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    return head, rows[:most], len(rows)


def common_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Return place -> value of the columns that say the same in all of several rows; none if no other were left."""
    same = {place: rows[0][place] for place in range(len(head)) if len({row[place] for row in rows}) == 1}
    return same if len(rows) > 1 and len(same) < len(head) else {}


def shown_table(path: Path, caption: str, link: str) -> list[str]:
    """Return a folded table of at most ``ROWS`` rows with a link to the whole."""
    head, rows, total = table_rows(path)
    rest = f"{len(rows)} of {total} rows; all are in" if total > len(rows) else "from"
    common = common_columns(head, rows)
    kept = [place for place in range(len(head)) if place not in common]
    cells = "".join(f"<th>{html.escape(head[place])}</th>" for place in kept)
    lines = [f"<tr>{''.join(f'<td>{html.escape(_short(row[place]))}</td>' for place in kept)}</tr>" for row in rows]
    said = ", ".join(f"{head[place]} {_short(value)}" for place, value in common.items() if value)
    if said:
        rest = f"In all of these rows: {html.escape(said)}. {rest[0].upper()}{rest[1:]}"
    return [
        f"<details><summary>{html.escape(path.stem)}: {html.escape(caption.partition('. ')[0].rstrip('.'))}</summary>",
        f"<div class='wide'><table><tr>{cells}</tr>{''.join(lines)}</table></div>",
        f"<p class='small'>{rest} <a href='{html.escape(link)}'>{html.escape(path.name)}</a></p></details>",
    ]


def _short(cell: str) -> str:
    """Return a number to four significant digits; other text as it is."""
    try:
        return f"{float(cell):.4g}" if "." in cell else cell
    except ValueError:
        return cell


@dataclass(frozen=True)
class Front:
    """What the report opens on; paths of files are those of the run.

    Attributes:
        title, subtitle: Of the paper.
        notes: Lines that a reader has to know first, e.g. that the corpus is simulated.
        figure: SVG of Figure 1, or None in a run that has none, and its caption.
        papers: PDFs, the first one the paper.
        tables: CSV files, and captions by their stem.
    """

    title: str
    subtitle: str
    notes: list[str]
    figure: Path | None
    caption: str
    papers: list[Path]
    tables: list[Path]
    captions: dict[str, str]


def front_page(front: Front, numbers: Mapping[str, dict[str, Any]], notebooks: Sequence[Notebook]) -> str:
    """Return the page that the report opens on: the answer, Figure 1, what to read next, notebooks, tables."""
    body = [
        f"<h1>{html.escape(front.title)}</h1>",
        f"<p>{html.escape(front.subtitle)}</p>" if front.subtitle else "",
        f"<p class='answer'>{html.escape(answer(numbers))}</p>",
        *(f"<p class='note'>{html.escape(note)}</p>" for note in front.notes),
    ]
    if front.figure:
        body.append(
            f"<figure><img src='files/{html.escape(front.figure.name)}' alt='Figure 1'>"
            f"<figcaption>Figure 1. {html.escape(front.caption)}</figcaption></figure>"
        )
    paper, *others = front.papers
    links = [
        (f"files/{paper.name}", "The paper", " (PDF): the same answer with its method and limits"),
        *((f"files/{one.name}", one.stem.capitalize(), " (PDF)") for one in others),
        ("#notebooks", "The notebooks", ": identities that must hold, and findings, each with its verdict"),
        ("#tables", "The tables", ", the first rows of each"),
        ("files/numbers.json", "Every number", " of the text, with its file, column and row"),
        ("workflow.html", "Figures with captions, and the rules and code", " that made each file"),
    ]
    body += [
        "<h2>What to read next</h2><ol>",
        *(f"<li><a href='{html.escape(link)}'>{html.escape(words)}</a>{more}.</li>" for link, words, more in links),
        "</ol>",
        "<h2 id='notebooks'>Notebooks</h2>",
        *index_of(notebooks, "files/"),
        "<h2 id='tables'>Tables</h2>",
    ]
    for path in front.tables:
        body += shown_table(path, front.captions.get(path.stem, ""), f"files/{path.name}")
    return page(front.title, [line for line in body if line])
