"""The corpora of a run: their roots, which sound they have, and their files."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.registry import Entry
from scaling_ambiguity.corpora import LARGEST_REJECT_SHARE
from scaling_ambiguity.corpora.readers import look_for_sound
from scaling_ambiguity.corpora.sound_files import SoundAtHand
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.run import files
from scaling_ambiguity.run.protocols import Protocols

AUDIT_SHARDS = 64  # at most: the audit of a file takes milliseconds
NOT_READ = ("shards", "release", "license")  # keys of a corpus that do not change what is read


class Corpora(Protocols):
    """The corpora of the configuration."""

    def __init__(
        self, config: dict[str, Any], start: str | Path, checkout: str | Path, facts: Mapping[str, Entry] | None = None
    ) -> None:
        super().__init__(config, start, checkout, facts)
        self._sound: dict[str, SoundAtHand] = {}

    def classes(self, corpus: str) -> str:
        """Return the class set of a corpus, joined by commas, in its order."""
        return ",".join(self.corpus_entry(corpus)["classes"])

    def reader(self, corpus: str) -> str:
        """Return the module that reads a corpus."""
        return self.corpus_entry(corpus)["reader"]

    def is_simulated(self, corpus: str) -> bool:
        """Return whether the truth behind the votes of a corpus is known."""
        return self.reader(corpus) == "demo"

    def shards(self, corpus: str) -> int:
        """Return the number of jobs that query a model on a corpus."""
        return self.corpus_entry(corpus)["shards"]

    def root_of(self, corpus: str) -> str:
        """Return the folder of a real corpus: its entry's `root`, the variable <NAME>_ROOT, or <READER>_ROOT.

        Raises:
            UserError: None of them is set, or several corpora would be the same files.
        """
        entry = self.config["corpora"].get(corpus, {"reader": corpus})
        of_name, of_reader = f"{corpus.upper()}_ROOT", f"{entry['reader'].upper()}_ROOT"
        root = entry.get("root") or os.environ.get(of_name) or os.environ.get(of_reader)
        if not root:
            raise UserError(
                f"corpora.{corpus}.root is missing: the folder of the corpus. Set it in the configuration, "
                f"or the environment variable {of_name}{'' if of_name == of_reader else f' (or {of_reader})'}."
            )
        if not entry.get("root") and not os.environ.get(of_name) and (twins := self.same_files(corpus)):
            variables = ", ".join(f"{name.upper()}_ROOT" for name in [corpus, *twins])
            raise UserError(
                f"{of_reader} is the root of the corpora {corpus} and {', '.join(twins)}, which would be the same "
                f"files. Set corpora.*.root, or the environment variables {variables}."
            )
        return self.absolute(root)

    def same_files(self, corpus: str) -> list[str]:
        """Return other corpora of the reader `table` that name the same files and have no root of their own."""
        corpora = self.config["corpora"]
        if corpora.get(corpus, {}).get("reader") != "table":
            return []

        def read(name: str) -> dict[str, Any]:
            return {key: value for key, value in corpora[name].items() if key not in NOT_READ}

        rootless = [
            name for name in corpora if not corpora[name].get("root") and not os.environ.get(f"{name.upper()}_ROOT")
        ]
        return [name for name in rootless if name != corpus and read(name) == read(corpus)]

    def first_of(self, reader: str) -> str:
        """Return the first corpus that a reader reads; one of its name where there is none."""
        return next((name for name, entry in self.config["corpora"].items() if entry["reader"] == reader), reader)

    def corpus_root(self, corpus: str) -> str:
        """Return the folder that the paths of a corpus are relative to: made here, or given by the user."""
        return f"resources/corpora/{corpus}" if self.is_simulated(corpus) else self.root_of(corpus)

    def sound_of(self, corpus: str) -> SoundAtHand:
        """Return how much of the sound of a corpus is on disk, as its reader finds it; looked for once."""
        if corpus not in self._sound:
            entry = self.corpus_entry(corpus)
            self._sound[corpus] = look_for_sound(entry["reader"], Path(self.corpus_root(corpus)), entry)
        return self._sound[corpus]

    def has_audio(self, corpus: str) -> bool:
        """Return whether a corpus has sound. Where it is optional, nearly all of it has to be there."""
        entry = self.corpus_entry(corpus)
        audio = entry.get("audio", "required")
        if audio == "optional" and not self.is_simulated(corpus):
            return self.sound_of(corpus).enough(entry.get("max_reject_share", LARGEST_REJECT_SHARE))
        return audio != "none"

    def without_audio(self, corpus: str) -> str:
        """Return why a corpus has no sound in this run."""
        none = self.corpus_entry(corpus).get("audio") == "none"
        return f"corpora.{corpus}.audio is none" if none else str(self.sound_of(corpus))

    def corpus_entry(self, corpus: str) -> dict[str, Any]:
        """Return the entry of a corpus."""
        return self.config["corpora"][corpus]

    def simulation_options(self, corpus: str) -> dict[str, Any]:
        """Return what of the entry of a simulated corpus decides what is made."""
        return {key: value for key, value in self.corpus_entry(corpus).items() if key != "shards"}

    def screening_options(self, corpus: str) -> dict[str, Any]:
        """Return what of the entry of a corpus decides which of its utterances are kept."""
        return {key: value for key, value in self.corpus_entry(corpus).items() if key == "max_reject_share"}

    def reading_options(self, corpus: str) -> dict[str, Any]:
        """Return the entry of a corpus as it is read: whether its sound is used is decided here alone."""
        entry = self.simulation_options(corpus)
        return entry | {"audio": "required" if self.has_audio(corpus) else "none"} if "audio" in entry else entry

    def utterances(self, corpus: str) -> str:
        """Return the table of the utterances of a corpus."""
        return files.CORPUS.format(corpus=corpus, table="utterances.parquet")

    def votes(self, corpus: str) -> str:
        """Return the table of the human votes of a corpus."""
        return files.CORPUS.format(corpus=corpus, table="votes.parquet")

    def audio_of(self, corpus: str) -> list[str]:
        """Return the folder of sound files of a corpus that this workflow makes itself; none of a real one."""
        return [f"{self.corpus_root(corpus)}/audio"] if self.is_simulated(corpus) else []

    def made_here(self, corpus: str) -> list[str]:
        """Return the raw tables of a corpus that this workflow makes itself; the files of a real one are its own."""
        names = ("utterances.csv", "votes.csv") if self.is_simulated(corpus) else ()
        return [f"{self.corpus_root(corpus)}/{name}" for name in names]

    def truth_of(self, corpus: str) -> list[str]:
        """Return the truth of a simulated corpus; nothing for a real one."""
        return [files.CORPUS.format(corpus=corpus, table="truth.parquet")] if self.is_simulated(corpus) else []

    def pins_of(self, corpus: str) -> list[str]:
        """Return the pinned list of a corpus' published files, with their hashes, where the project has one."""
        name = f"{self.reader(corpus)}.tsv.gz"
        return [f"{self.pins}/{name}"] if Path(self.checkout, "workflow", "resources", name).exists() else []

    def audit_shards(self, corpus: str) -> int:
        """Return the number of jobs of the audio audit of a corpus."""
        return min(self.shards(corpus), AUDIT_SHARDS)

    def sound_shards(self, corpus: str) -> list[str]:
        """Return the tables of the audio audit of a corpus, one per shard; none where it has no sound."""
        shards = range(self.audit_shards(corpus)) if self.has_audio(corpus) else ()
        return [files.SOUND.format(corpus=corpus, shard=shard) for shard in shards]

    def factors_of(self, corpus: str) -> list[str]:
        """Return the table of factors that a bias is looked for in, of corpora that have one."""
        entry = self.corpus_entry(corpus).get("factors")
        path = f"{self.corpus_root(corpus)}/{entry['table']}" if entry else ""
        return [path] if entry and (self.is_simulated(corpus) or Path(path).is_file()) else []

    def merged_classes(self, corpus: str) -> dict[str, str]:
        """Return which labels of a corpus are read as which class."""
        return self.corpus_entry(corpus).get("class_policy", {}).get("merge", {})
