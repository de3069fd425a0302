"""The annotators of a run: an ALM and how it is queried, or votes that are given."""

import os
from pathlib import Path
from typing import Any

from scaling_ambiguity.configuration.asking import GIVEN
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.run import files
from scaling_ambiguity.run.models import Models


class Annotators(Models):
    """The annotators of the configuration."""

    def alm_name(self, annotator: str) -> str:
        """Return the name of the ALM behind an annotator."""
        return self.annotator_entry(annotator)["alm"]

    def alm_of(self, annotator: str) -> dict[str, Any]:
        """Return the entry of the ALM behind an annotator."""
        return self.config["alms"][self.alm_name(annotator)]

    def annotator_entry(self, annotator: str) -> dict[str, Any]:
        """Return the entry of an annotator."""
        return self.config["annotators"][annotator]

    def votes_per_utterance(self, annotator: str) -> int:
        """Return the number of synthetic votes per utterance."""
        return self.annotator_entry(annotator)["votes"]

    def annotator_memory(self, annotator: str) -> int:
        """Return the memory in MB of a job that opens the ALM behind an annotator."""
        return self.alm_memory(self.alm_name(annotator))

    def annotator_gpus(self, annotator: str) -> int:
        """Return the number of GPUs that a job of an annotator requests."""
        return self.alm_gpus(self.alm_name(annotator))

    def needs_sound(self, annotator: str) -> bool:
        """Return whether an annotator hears: votes that are given need no sound, nor does a model with text alone."""
        modality = self.annotator_entry(annotator).get("modality")
        return self.alm_of(annotator)["engine"] not in GIVEN and modality != "text"

    def annotators_of(self, corpus: str) -> list[str]:
        """Return the selected annotators that can annotate a corpus."""
        selected = self.config["run"]["annotators"]
        return [name for name in selected if not self.needs_sound(name) or self.has_audio(corpus)]

    def annotators_by(self, engine: str) -> str:
        """Return a constraint of the wildcard: annotators whose votes an engine gives, or, `asking`, all others."""
        engines = {name: self.alm_of(name)["engine"] for name in self.config["annotators"]}
        names = [n for n, other in engines.items() if other == engine or (engine == "asking" and other not in GIVEN)]
        return "|".join(names) or "no_annotator"

    def replayed_corpora(self) -> list[str]:
        """Return the corpus entries whose votes are the answers of a selected annotator."""
        alms = map(self.alm_of, self.config["run"]["annotators"])
        return [alm["corpus"] for alm in alms if alm["engine"] == "replay"]

    def replayed_votes(self, annotator: str) -> str:
        """Return the table of human votes that an annotator replays."""
        return self.votes(self.alm_of(annotator)["corpus"])

    def model_votes(self, annotator: str) -> str:
        """Return the file of votes behind an annotator of engine `table`, relative to the folder of the run."""
        return self.from_start(self.alm_of(annotator)["votes"])

    def prompts_of(self, annotator: str) -> str:
        """Return the file of an annotator's prompt set."""
        return self.prompt_set(self.annotator_entry(annotator)["prompts"])

    def synonyms_of(self, annotator: str) -> list[str]:
        """Return the table of synonyms by which an annotator's answers are read: none, or one file."""
        name = self.annotator_entry(annotator).get("synonyms")
        return [self.prompt_set(name)] if name else []

    def turns_of(self, corpus: str, annotator: str) -> list[str]:
        """Return the turns of a corpus' conversations, where an annotator is given context: none, or one file."""
        context = self.annotator_entry(annotator).get("context", 0)
        return [files.CORPUS.format(corpus=corpus, table="turns.parquet")] if context else []

    def checkpoint_behind(self, annotator: str) -> list[str]:
        """Return the checkpoint of the ALM behind an annotator, where a rule makes it."""
        return self.checkpoint_of(self.alm_name(annotator))

    def gpu_check_behind(self, annotator: str) -> list[str]:
        """Return the check of a GPU node that precedes the jobs of an annotator."""
        return self.gpu_check_of(self.alm_name(annotator))

    def opened_alm(self, annotator: str) -> dict[str, Any]:
        """Return the entry of the ALM behind an annotator, as its job opens it; published answers by their folder."""
        entry = self.alm_entry(self.alm_name(annotator))
        return entry | {"store": self._published_folder(entry)} if "store" in entry else entry

    def _published_folder(self, entry: dict[str, Any]) -> str:
        return os.path.normpath(self.absolute(entry["store"]))

    def published_of(self, annotator: str) -> list[str]:
        """Return the files of the published answers that an annotator replays; none where a model is queried.

        Raises:
            UserError: Its folder has none.
        """
        entry = self.alm_of(annotator)
        if entry["engine"] != "replay_answers":
            return []
        folder = self._published_folder(entry)
        published = sorted(str(path) for path in Path(folder).glob("*.json*"))
        if not published:
            raise UserError(f"{folder}: no published answers; correct alms.<name>.store of {annotator}.")
        return published

    def store_of(self, annotator: str) -> str:
        """Return the folder of an annotator's answers: its own store, or the published answers that it replays."""
        entry = self.alm_of(annotator)
        return self._published_folder(entry) if "store" in entry else f"resources/answers/{annotator}"

    def read_out_store(self, annotator: str) -> str:
        """Return where read-outs are kept: an annotator that draws its votes from them has them among its answers."""
        among_answers = self.annotator_entry(annotator).get("mode", "sampled") == "readout"
        return f"resources/{'answers' if among_answers else 'read_outs'}/{annotator}"

    def brings_server(self, alm: str) -> bool:
        """Return whether the jobs of an ALM start the server that they query."""
        return "serve" in self.config["alms"][alm]

    def asking_modules(self, annotator: str) -> list[str]:
        """Return what annotation loads by name; see :meth:`engine_modules`."""
        return self.engine_modules(self.alm_name(annotator))

    def engine_modules(self, alm: str) -> list[str]:
        """Return what is loaded by name to ask an ALM: its engine, and what starts a server where it brings one."""
        engine = f"alms.engines.{self.config['alms'][alm]['engine']}"
        return [engine, *(["alms.served"] if self.brings_server(alm) else [])]

    def encodings_of_shard(self, corpus: str, annotator: str, shard: str) -> list[str]:
        """Return the encoder outputs that an annotator reads for one shard; none if it hears nothing or shares none."""
        entry, alm = self.annotator_entry(annotator), self.alm_name(annotator)
        if not self.shares_encodings(alm) or entry["modality"] == "text":
            return []
        if entry.get("sound") == "another":  # which may be of any shard
            return self.encodings(corpus, alm)
        return [files.ENCODINGS.format(corpus=corpus, alm=alm, shard=shard)]

    def annotated_shards(self, corpus: str, annotator: str) -> list[str]:
        """Return the votes of an annotator on a corpus, one table per shard."""
        shards = range(self.shards(corpus))
        return [files.ANNOTATED.format(corpus=corpus, annotator=annotator, shard=shard) for shard in shards]

    def no_read_out(self, annotator: str) -> str:
        """Return why an annotator has no label distribution of its own that could be read, or "" if it has one."""
        entry = self.annotator_entry(annotator)
        engine = self.alm_of(annotator)["engine"]
        mode = entry.get("mode", "sampled")
        if engine in GIVEN:
            return "replayed" if engine == "replay" else "table"
        if mode == "verbalised":
            return "stated"  # every answer states another distribution
        if entry.get("design") == "beam":
            return "searched"
        if entry.get("reasoning", False):
            return "reasoned"
        if mode == "readout" or engine == "transformers":
            return ""
        return "published" if engine == "replay_answers" else "server"

    def read_outs_of(self, corpus: str, annotator: str) -> list[str]:
        """Return the label distributions of an annotator on a corpus, one table per shard; none where it has none."""
        shards = () if self.no_read_out(annotator) else range(self.shards(corpus))
        return [files.READ_OUT.format(corpus=corpus, annotator=annotator, shard=shard) for shard in shards]

    def annotator_of(self, labels: str) -> str:
        """Return the annotator named in a label name, "" for the human labels.

        Raises:
            UserError: It is no label name.
        """
        return Labels.parse(labels).annotator

    def proxies(self, corpus: str, annotator: str) -> str:
        """Return the synthetic votes of an annotator on a corpus."""
        return files.PROXIES.format(corpus=corpus, annotator=annotator)

    def all_votes(self, annotator: str) -> list[str]:
        """Return the synthetic votes of an annotator on every selected corpus that it can annotate."""
        corpora = self.config["run"]["corpora"]
        return [self.proxies(corpus, annotator) for corpus in corpora if annotator in self.annotators_of(corpus)]

    def proxies_of(self, corpus: str, labels: str) -> list[str]:
        """Return the synthetic votes that a label table needs; none for the human labels."""
        annotator = self.annotator_of(labels)
        return [self.proxies(corpus, annotator)] if annotator else []

    def compared_with(self, annotator: str) -> dict[str, str]:
        """Return part of the input -> annotator that queries the same ALM with that part alone."""
        return self.annotator_entry(annotator).get("listening", {})

    def listening_of(self, corpus: str, annotator: str) -> list[str]:
        """Return the votes of the same ALM given one part of the input alone."""
        return [self.proxies(corpus, name) for name in self.compared_with(annotator).values()]
