"""Where a run is: the folder it started in, its sources, its seeds."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.registry import Entry


class Places:
    """The configuration and the folders of a run.

    Attributes:
        config: The checked configuration; never changed.
        start: The folder in which Snakemake was called, where relative paths of the configuration begin.
        checkout: The folder of the Snakefile.
        base: The same, relative to the folder of the run: a checkout that was moved re-runs nothing.
        scripts, prompts, pins, paper, notebooks: Folders of sources, relative to the folder of the run.
        facts: What the registry says about an ALM, by its name in the configuration, if it names an entry there.
        seeds: Numbers of the trainings of each fold.
    """

    def __init__(
        self, config: dict[str, Any], start: str | Path, checkout: str | Path, facts: Mapping[str, Entry] | None = None
    ) -> None:
        self.config, self.start, self.checkout = config, str(start), Path(checkout)
        self.base = os.path.relpath(checkout, self._folder())
        self.scripts = self._source("workflow/scripts")
        self.prompts = self._source("workflow/prompts")
        self.pins = self._source("workflow/resources")
        self.paper = self._source("paper")
        self.notebooks = self._source("notebooks")
        self.facts = dict(facts or {})
        self.seeds = list(range(config["finetuning"]["seeds"]))

    def _folder(self) -> Path:
        return Path(self.start, self.config["run"]["directory"]).resolve()

    def _source(self, folder: str) -> str:
        return os.path.normpath(Path(self.base, folder))

    def absolute(self, path: str) -> str:
        """Return a path that the user names; a relative one begins where Snakemake was called."""
        # not a Path: a last slash would go, and with it a parameter of jobs that have run
        return os.path.join(self.start, os.path.expanduser(path))  # noqa: PTH111, PTH118

    def from_start(self, path: str) -> str:
        """Return the same path relative to the folder of the run."""
        return os.path.relpath(self.absolute(path), self._folder())

    def prompt_set(self, name: str) -> str:
        """Return the file of a prompt set or of synonyms."""
        return f"{self.prompts}/{name}.yaml"
