"""The models of a run: ALMs, frozen encoders and small peers; how they are opened, and what their jobs request."""

import os
from typing import Any

from scaling_ambiguity.alms.availability import located
from scaling_ambiguity.alms.before_work import Place, against_training, obstacles
from scaling_ambiguity.alms.main_memory import main_memory_mb
from scaling_ambiguity.amber2.settings import Amber2Settings
from scaling_ambiguity.configuration.testtime import judged_by
from scaling_ambiguity.encoders.kinds import KINDS as ENCODER_KINDS
from scaling_ambiguity.encoders.kinds import SOUND
from scaling_ambiguity.run import files
from scaling_ambiguity.run.corpora import Corpora
from scaling_ambiguity.training.kinds import AMBER2, KINDS, LORA, PERCEPTRON, Kind

OPENING = ("checkpoint", "revision", "trust_remote_code")  # keys that decide what is opened
SMALL_MB = 8000  # memory of a job with an encoder that is no ALM's


class Models(Corpora):
    """The ALMs, encoders and peers of the configuration."""

    def is_cross_fitted(self, alm: str) -> bool:
        """Return whether an ALM is trained here on the votes of a corpus, one member per fold."""
        return "corpus" in self.config["alms"][alm].get("trained_on", {})

    def members(self, alm: str) -> list[str]:
        """Return the checkpoints of a cross-fitted ALM, one per fold of the protocol it is trained under."""
        folds = self.folds(self.training_of(alm, "protocol"))
        return [f"{self.config['alms'][alm]['checkpoint']}/fold-{fold}" for fold in folds]

    def training_of(self, alm: str, key: str) -> str:
        """Return what a cross-fitted ALM is trained on: its `corpus` or `protocol`."""
        return self.config["alms"][alm]["trained_on"][key]

    def checkpoint_of(self, alm: str) -> list[str]:
        """Return the checkpoint of an ALM, where a rule makes it; of a cross-fitted one all members."""
        entry = self.config["alms"][alm]
        if self.is_cross_fitted(alm):
            return self.members(alm)
        return [entry["checkpoint"]] if "trained_on" in entry else []

    def tower_checkpoint(self, alm: str) -> str:
        """Return the checkpoint that an ALM's audio encoder is opened from: of a cross-fitted one, the untrained."""
        folder = self.config["alms"][alm]["checkpoint"]
        return f"{folder}/untrained" if self.is_cross_fitted(alm) else folder

    def tower_input(self, alm: str) -> list[str]:
        """Return the same as an input, where a rule makes it; it has the shapes of all members."""
        return [self.tower_checkpoint(alm)] if "trained_on" in self.config["alms"][alm] else []

    def alm_entry(self, alm: str) -> dict[str, Any]:
        """Return the entry of an ALM, with the checkpoints of its members where it is cross-fitted."""
        return self.config["alms"][alm] | ({"members": self.members(alm)} if self.is_cross_fitted(alm) else {})

    def checked_entry(self, alm: str) -> dict[str, Any]:
        """Return the entry of an ALM as it is checked on a GPU: a cross-fitted one by its untrained shape."""
        tower = {"checkpoint": self.tower_checkpoint(alm)} if self.is_cross_fitted(alm) else {}
        return self.config["alms"][alm] | tower

    def tower_entry(self, alm: str) -> dict[str, Any]:
        """Return how the audio encoder of an ALM is opened."""
        entry = self.config["alms"][alm] | {"checkpoint": self.tower_checkpoint(alm)}
        return {key: entry[key] for key in OPENING if key in entry}

    def making_entry(self, alm: str) -> dict[str, Any]:
        """Return what of the entry of an ALM that is trained on a simulated world decides its weights."""
        return {key: value for key, value in self.config["alms"][alm].items() if key != "encodings"}

    def written_prompts(self, alm: str) -> list[str]:
        """Return the prompts by which an ALM that is trained here learns to count listeners; none if it does not."""
        name = self.config["alms"][alm]["training"].get("writes")
        return [self.prompt_set(name)] if name else []

    def member_labels(self, alm: str) -> str:
        """Return the human labels that the members of a cross-fitted ALM are trained on."""
        return self.label_table(self.training_of(alm, "corpus"), self.training_of(alm, "protocol"), "human")

    def member_splits(self, alm: str) -> str:
        """Return the table of the parts, one of which each member of a cross-fitted ALM is trained on."""
        return self.split_table(self.training_of(alm, "corpus"), self.training_of(alm, "protocol"))

    def member_encodings(self, alm: str) -> list[str]:
        """Return the encoder outputs that the members of a cross-fitted ALM are trained on."""
        return self.encodings(self.training_of(alm, "corpus"), alm)

    def alms_trained_on(self, key: str) -> str:
        """Return a constraint of the wildcard: the ALMs trained here on a `corpus`, or simulated `utterances`."""
        alms = self.config["alms"].items()
        return "|".join(name for name, entry in alms if key in entry.get("trained_on", {})) or "no_alm"

    def alm_gpus(self, alm: str) -> int:
        """Return the number of GPUs that a job of an ALM requests."""
        return self.config["alms"][alm]["gpus"]

    def alm_memory(self, alm: str, copies: int = 1, beside: int = 4000) -> int:
        """Return the memory in MB of a job with ``copies`` processes that open an ALM; ``beside`` in addition to it."""
        return main_memory_mb(self.config["alms"][alm], self.facts.get(alm), copies, beside)

    def gpu_check_of(self, alm: str) -> list[str]:
        """Return the check of a GPU node that precedes the jobs of an ALM with GPUs.

        SA_CHECK_GPU=off leaves it out, e.g. where GPUs are only pretended.
        """
        wanted = self.alm_gpus(alm) and os.environ.get("SA_CHECK_GPU", "on") != "off"
        return [files.GPU_CHECK.format(alm=alm)] if wanted else []

    def shares_encodings(self, alm: str) -> bool:
        """Return whether the encoder outputs of an ALM are kept on disk for every job that hears with it."""
        return self.config["alms"][alm].get("encodings", "own") == "shared"

    def encodings(self, corpus: str, alm: str) -> list[str]:
        """Return the encoder outputs of an ALM on a corpus, one folder per shard."""
        shards = range(self.shards(corpus))
        return [files.ENCODINGS.format(corpus=corpus, alm=alm, shard=shard) for shard in shards]

    def tower_of(self, encoder: str) -> str | None:
        """Return the ALM whose audio tower an encoder is, or None."""
        return self.config["encoders"][encoder].get("alm")

    def encoder_entry(self, encoder: str) -> dict[str, Any]:
        """Return how an encoder is opened; the tower of an ALM is opened as that ALM is."""
        entry = self.config["encoders"][encoder]
        tower = self.tower_of(encoder)
        opened = self.config["alms"][tower] if tower else entry
        return {"kind": entry["kind"]} | {key: opened[key] for key in (*OPENING, "layers") if key in opened}

    def encoder_module(self, encoder: str) -> str:
        """Return the module of an encoder's kind, without the package."""
        return ENCODER_KINDS[self.config["encoders"][encoder]["kind"]].module

    def encoder_gpus(self, encoder: str) -> int:
        """Return the number of GPUs that a job of an encoder requests."""
        tower = self.tower_of(encoder)
        return self.alm_gpus(tower) if tower else self.config["encoders"][encoder].get("gpus", 0)

    def encoder_memory(self, encoder: str) -> int:
        """Return the memory in MB of a job that opens an encoder."""
        tower = self.tower_of(encoder)
        return self.alm_memory(tower) if tower else SMALL_MB

    def encoder_checkpoint(self, encoder: str) -> list[str]:
        """Return the checkpoint that an encoder is opened from, where a rule makes it."""
        tower = self.tower_of(encoder)
        return self.checkpoint_of(tower) if tower else []

    def encoder_check(self, encoder: str) -> list[str]:
        """Return the check of a GPU node that precedes the jobs of an encoder, an ALM's tower with GPUs."""
        tower = self.tower_of(encoder)
        return self.gpu_check_of(tower) if tower else []

    def sound_for(self, corpus: str, encoder: str) -> list[str]:
        """Return the sound of a corpus that this workflow makes, where an encoder hears it."""
        kind = ENCODER_KINDS[self.config["encoders"][encoder]["kind"]]
        return self.audio_of(corpus) if kind.reads == SOUND else []

    def kind_name(self, model: str) -> str:
        """Return the kind of a model that is trained: an ALM gets an adapter, a peer is a perceptron by default."""
        peers = self.config["peers"]
        return peers[model].get("kind", PERCEPTRON) if model in peers else LORA

    def kind_of(self, model: str) -> Kind:
        """Return what the workflow has to know of a model's kind."""
        return KINDS[self.kind_name(model)]

    def encoders_of(self, model: str) -> list[str]:
        """Return the frozen encoders whose vectors a model is trained on."""
        return [self.config["peers"][model][key] for key in self.kind_of(model).features]

    def model_entry(self, model: str) -> dict[str, Any]:
        """Return the entry of a model that is trained; its kind is a field of the job."""
        entry = self.alm_entry(model) if self.kind_of(model).language_model else self.config["peers"][model]
        return {key: value for key, value in entry.items() if key != "kind"}

    def refuse_untrainable(self) -> None:
        """Raise UserError if a trained model of kind amber2 has parts that could never learn."""
        for model in self.config["finetuning"]["models"]:
            if self.kind_name(model) == AMBER2:
                Amber2Settings.of(model, self.model_entry(model))

    def opened_models(self) -> dict[str, dict[str, Any]]:
        """Return entries of what this run opens, by key: ALMs that are queried, fine-tuned or heard with, encoders."""
        trained = self.config["finetuning"]["models"]
        alms = [self.config["annotators"][name]["alm"] for name in self.config["run"]["annotators"]]
        for entry in map(self.config["testtime"].get, self.config["run"].get("testtime", [])):
            alms.append(entry["alm"])
            alms += [judged_by(entry, "verifier")] if entry.get("verifier") else []
        alms += [model for model in trained if self.kind_of(model).language_model]
        encoders = [name for model in trained for name in self.encoders_of(model)]
        alms += [alm for alm in map(self.tower_of, encoders) if alm]
        opened = {f"alms.{name}": self.config["alms"][name] for name in alms}
        opened |= {f"alms.{n}.encoder": self.config["alms"][n]["encoder"] for n in alms if self.is_cross_fitted(n)}
        return opened | {f"encoders.{name}": self.config["encoders"][name] for name in encoders}

    def against_alm(
        self, alm: str, place: Place, has_answers: bool, silent: list[str], reading: list[str]
    ) -> list[str]:
        """Return why an ALM cannot be queried or trained from a place; see :func:`~..alms.before_work.obstacles`."""
        entry = self.config["alms"][alm]
        reasons = obstacles(entry, self.facts.get(alm), place, has_answers, silent, reading)
        if alm in self.config["finetuning"]["models"] and "checkpoint" in entry:
            targets = self.config["finetuning"]["lora"]["targets"]
            reasons += against_training(located(self.tower_checkpoint(alm)), targets)
        return reasons

    def against_encoder(self, encoder: str, place: Place) -> list[str]:
        """Return why an encoder cannot be opened from a place; an ALM's tower is checked as that ALM."""
        return [] if self.tower_of(encoder) else obstacles(self.config["encoders"][encoder], None, place)

    def against_encoder_of(self, alm: str, place: Place) -> list[str]:
        """Return why the published encoder that an ALM is assembled behind cannot be opened from a place."""
        return obstacles(self.config["alms"][alm]["encoder"], None, place)
