"""What of a run may be archived: which corpora are open, which tables hold no utterance, its configuration to share."""

import copy
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from scaling_ambiguity.run.results import Run

# Licence of the corpora of a reader whose entry states none; the corpora of other readers are taken as licensed.
OF_READER = {"demo": "CC0-1.0", "cremad": "ODbL-1.0"}
# Licences under which votes, transcripts and answers about them may be published again, in lower case.
OPEN = ("cc0", "cc-by-4.0", "cc-by-sa-4.0", "odbl", "odc-by", "pddl", "mit", "apache-2.0")
# Tables about all utterances together, from whatever corpus.
OF_ALL = (
    "results/statistics/",
    "results/hypotheses/",
    "results/notebooks/",
    "results/validity/",
    "results/models/",
    "results/verdicts.json",
    "paper/",
)


def licence_of(run: Run, corpus: str) -> str:
    """Return the licence of a corpus: as its entry states it, else that of its reader's corpora; empty: not stated."""
    entry = run.corpus_entry(corpus)
    return entry.get("license") or OF_READER.get(entry["reader"], "")


def licences(run: Run) -> dict[str, str]:
    """Return the licence of every corpus that the paper shows."""
    return {corpus: licence_of(run, corpus) for corpus in run.shown_corpora()}


def closed_corpora(run: Run) -> list[str]:
    """Return the corpora of which no single utterance may be published: their licence is not an open one."""
    return [corpus for corpus, licence in licences(run).items() if not licence.lower().startswith(OPEN)]


def may_be_shared(run: Run, paths: Iterable[str]) -> bool:
    """Return whether tables may be archived: all corpora are open, or none of the tables is about single utterances."""
    return not closed_corpora(run) or all(path.startswith(OF_ALL) for path in paths)


def archived_answers(run: Run) -> list[str]:
    """Return the annotators whose answers are archived: local models, asked about open corpora alone."""
    if closed_corpora(run):
        return []
    names = [name for corpus in run.config["run"]["corpora"] for name in run.valued_annotators(corpus)]
    return [name for name in dict.fromkeys(names) if run.alm_of(name)["engine"] == "transformers"]


def left_out(run: Run) -> list[str]:
    """Return lines on what the archive of a run lacks, and why."""
    lines = ["sound, models, and folders of machines"]
    if closed := closed_corpora(run):
        lines.append(
            f"tables of single utterances, votes, transcripts and answers: corpora under a licence that is not stated "
            f"to be open ({', '.join(closed)}); what is drawn from them is archived as drawn"
        )
    kept = archived_answers(run)
    names = [name for corpus in run.config["run"]["corpora"] for name in run.valued_annotators(corpus)]
    asked = [name for name in dict.fromkeys(names) if run.alm_of(name)["engine"] not in ("replay", "table")]
    if lacking := [name for name in asked if name not in kept]:
        lines.append(f"answers of {', '.join(lacking)}: from a server or about a licensed corpus")
    return lines


def archived_config(run: Run) -> dict[str, Any]:
    """Return the configuration to archive: the use of sound is settled, and no folder of this machine is named."""
    config = copy.deepcopy(run.config)
    for name, entry in config["corpora"].items():
        if entry.get("audio") == "optional" and not run.is_simulated(name):
            selected = name in run.shown_corpora()
            entry["audio"] = "required" if selected and run.has_audio(name) else "none"
        if not run.is_simulated(name):
            entry["root"] = name
    config.pop("source", None)
    config["submission"] = ""
    config["run"]["directory"] = "."
    return _portable(config)


def _portable(value: Any) -> Any:
    """Return a value whose absolute paths are their last parts."""
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_portable(item) for item in value]
    absolute = isinstance(value, str) and value.startswith(("/", "~"))
    return PurePath(value).name if absolute else value
