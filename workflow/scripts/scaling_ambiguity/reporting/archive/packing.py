"""What of a run goes into its archive: tables, products, answers."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256

# Columns that only tables about single utterances have; in a run on a licensed corpus they stay at home.
OF_UTTERANCES = ("utterance", "transcript", "text", "path", "audio", "rater", "speaker")


def members(paths: Iterable[Path], prefix: str) -> dict[str, Path]:
    """Return {name in the archive: file} of files and folders; of a folder of augmented items its table alone."""
    files: dict[str, Path] = {}
    for path in paths:
        if (path / "items.parquet").is_file():
            inside = [path / "items.parquet"]
        else:
            inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        files |= {prefix + file.as_posix(): file for file in inside}
    return files


def without_utterances(files: Mapping[str, Path]) -> dict[str, bytes | Path]:
    """Return the files of a run on a licensed corpus: no column that names an utterance, a speaker or a rater.

    Such columns are taken out of CSV files, whose other columns are what a figure draws.

    Raises:
        UserError: A parquet table has one.
    """
    shared: dict[str, bytes | Path] = {}
    for name, path in files.items():
        shared[name] = path
        if path.suffix == ".csv":
            columns = pd.read_csv(path, nrows=0).columns
            if private := [column for column in columns if column in OF_UTTERANCES]:
                table = pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns=private)
                shared[name] = table.to_csv(index=False, lineterminator="\n").encode()
        columns = pq.read_schema(path).names if path.suffix == ".parquet" else []
        if private := [column for column in columns if column in OF_UTTERANCES]:
            raise UserError(
                f"{path}: its column {private[0]!r} is about single utterances of a licensed corpus, which are not "
                "archived. State corpora.*.license if it is an open one."
            )
    return shared


def sums(files: Mapping[str, bytes | Path]) -> dict[str, tuple[int, str]]:
    """Return bytes and SHA-256 by name."""
    return {
        name: (len(content), hashlib.sha256(content).hexdigest())
        if isinstance(content, bytes)
        else (content.stat().st_size, file_sha256(content))
        for name, content in files.items()
    }


def readme(about: dict[str, Any]) -> str:
    """Return the text that explains an archive."""
    lines = [f"- {line}" for line in about["left_out"]] or ["- nothing"]
    return "\n".join(
        [
            f"# {about['config']['paper']['title']}",
            "",
            f"The archive of the run `{about['config']['run']['name']}`.",
            "",
            "| folder | what |",
            "| --- | --- |",
            "| `products/` | the paper, figures, tables and numbers |",
            "| `run/` | the tables that these are drawn from, and the executed notebooks |",
            "| `answers/` | the answers of audio-language models, as engine `replay_answers` reads them |",
            "| `code/` | the workflow, with the lock of its packages (`requirements.txt`) |",
            "| `archive.json` | the configuration |",
            "| `ro-crate-metadata.json` | all of this for machines (Workflow Run RO-Crate) |",
            "| `manifest-sha256.txt` | sums of all files, for `sha256sum -c` |",
            "",
            "To draw paper, figures, tables and numbers again, without a model, sound, a GPU or the network:",
            "",
            "    unzip ARCHIVE.zip 'code/*' && cd code && bash envs/setup.sh && source .venv/bin/activate",
            "    snakemake -c2 all --config source=../ARCHIVE.zip",
            "",
            "Left out:",
            "",
            *lines,
            "",
        ]
    )
