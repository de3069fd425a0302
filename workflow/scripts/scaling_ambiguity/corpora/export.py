"""A corpus' votes and label distributions as a folder that may be shared: ids and votes, nothing else.

Audio, paths, transcripts and the raters' free text belong to the corpus and its licence; they are
kept out by a list of the columns that may be shared, not of those that may not.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.corpora.accounting import tally
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, write_parquet
from scaling_ambiguity.tables.base import class_columns

VOTE_COLUMNS = ("utterance", "presentation", "rater", "kind", "role", "rank", "label", "weight", "raters_known")
LABEL_COLUMNS = ("utterance", "n_human", "n_synthetic")


def exported_votes(votes: pd.DataFrame) -> pd.DataFrame:
    """Return the votes that may be shared: without the raters' own words, which may be free text."""
    return votes[list(VOTE_COLUMNS)]


def exported_labels(labels: pd.DataFrame, classes: list[str], where: str = "labels") -> pd.DataFrame:
    """Return the distributions over ``classes`` that may be shared.

    Raises:
        UserError: The table has other classes.
    """
    columns = [*LABEL_COLUMNS, *class_columns(classes)]
    if set(columns) != set(labels.columns):
        raise UserError(
            f"{where}: columns {sorted(set(labels.columns) ^ set(columns))} do not fit the classes {classes}."
        )
    return labels[columns]


def data_card(name: str, options: dict[str, Any], votes: pd.DataFrame, labels: dict[str, pd.DataFrame]) -> str:
    """Return the data card: the header that lists the files for Hugging Face ``datasets``, and a description."""
    files = {"votes": "votes.parquet"} | {f"labels-{key}": f"labels-{key}.parquet" for key in labels}
    counted = votes[votes["label"].notna()]
    raters_known = bool(votes["raters_known"].all())
    header = [
        "---",
        f"pretty_name: {json.dumps(f'Votes of {name}')}",
        f"license: {json.dumps(options.get('license', 'other'))}",
        "task_categories:",
        "- audio-classification",
        "configs:",
    ]
    for number, (key, file) in enumerate(files.items()):
        header += [f"- config_name: {json.dumps(key)}", f"  data_files: {json.dumps(file)}"]
        header += ["  default: true"] if number == 0 else []
    facts = {
        "corpus": name,
        "reader": options.get("reader"),
        "release": options.get("release", "not stated"),
        "classes": ", ".join(options["classes"]),
        "class policy": json.dumps(options.get("class_policy") or "default", sort_keys=True),
        "utterances": votes["utterance"].nunique(),
        "votes in the classes": len(counted),
        "votes outside the classes or ignored": len(votes) - len(counted),
        "raters": votes["rater"].nunique() if raters_known else "not known: names are utterance#number",
        "presentations": ", ".join(tally(votes["presentation"])),
    }
    body = [
        f"# Votes of {name}",
        "",
        "Who heard which emotion: one row per vote in `votes.parquet`, one distribution per utterance in",
        "`labels-*.parquet`. A null `label` is a vote that does not count under the class policy.",
        "Ids and votes only: no audio, no file paths, no transcripts and no free text of raters.",
        "The corpus itself comes from its owners, under their licence; its terms hold for these ids, too.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in facts.items()),
        "",
        "```python",
        "from datasets import load_dataset",
        'votes = load_dataset("PATH OF THIS FOLDER", "votes", split="train")',
        "```",
    ]
    return "\n".join([*header, "---", "", *body]) + "\n"


def export(
    name: str, options: dict[str, Any], votes: pd.DataFrame, labels: dict[str, pd.DataFrame], folder: Path
) -> None:
    """Write votes.parquet, one file for each of ``labels`` and README.md into ``folder``, completely or not at all."""
    allowed = {key: exported_labels(table, options["classes"], key) for key, table in labels.items()}
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        write_parquet(exported_votes(votes), temporary / "votes.parquet")
        for key, table in allowed.items():
            write_parquet(table, temporary / f"labels-{key}.parquet")
        card = data_card(name, options, exported_votes(votes), allowed)
        (temporary / "README.md").write_text(card, encoding="utf-8")
