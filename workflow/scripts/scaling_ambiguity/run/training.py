"""The trainings of a run: labels, arms, groups of folds and seeds, jobs and predictions."""

from collections.abc import Iterable
from typing import Any

from scaling_ambiguity.labels.names import Labels, curves, expand
from scaling_ambiguity.run import files
from scaling_ambiguity.run.annotators import Annotators
from scaling_ambiguity.training.kinds import AMBER2

HOW_JOBS_ARE_CUT = ("models", "seeds", "seeds_per_job", "folds_per_job")
EACH_FOLD = ("{fold}",)  # the group of a job with one fold, which is a wildcard of its rule
PEER_MB = 4000  # memory of a peer's training, which reads its vectors where they lie
BESIDE_MB = 6000  # memory of a process that trains an ALM, in addition to the weights


class Training(Annotators):
    """What models are trained on, and in which jobs."""

    def stages(self, corpus: str) -> set[str]:
        """Return the stages of a corpus: votes, annotation, training. No other place decides it."""
        stages = {"votes"}
        if self.annotators_of(corpus):
            stages.add("annotation")
        if self.has_audio(corpus) and self.config["finetuning"]["models"]:
            stages.add("training")
        return stages

    def corpora_with(self, stage: str) -> list[str]:
        """Return the selected corpora that have a stage."""
        return [corpus for corpus in self.config["run"]["corpora"] if stage in self.stages(corpus)]

    def systems_on(self, corpus: str) -> dict[str, dict[str, Any]]:
        """Return the entries of the AmbER2 systems that are trained on a corpus, by name; none where nothing is."""
        models = self.config["finetuning"]["models"] if corpus in self.corpora_with("training") else []
        return {model: self.model_entry(model) for model in models if self.kind_name(model) == AMBER2}

    def left_out(self) -> list[str]:
        """Return lines per corpus on what this run leaves out, and why."""
        lines, models = [], self.config["finetuning"]["models"]
        for corpus in self.config["run"]["corpora"]:
            able = self.annotators_of(corpus)
            deaf = [name for name in self.config["run"]["annotators"] if name not in able]
            silent = [f"annotation by {', '.join(deaf)}"] if deaf else []
            silent += ["training"] if models and not self.has_audio(corpus) else []
            if silent:
                lines.append(f"{corpus}: {self.without_audio(corpus)}; left out: {', '.join(silent)}")
            if not models:
                lines.append(f"{corpus}: finetuning.models is empty; left out: training")
        return lines

    def trained_annotators(self) -> list[str]:
        """Return whose labels models are trained on: the annotators of `run.models`, or all of the run."""
        run = self.config["run"]
        return run.get("models", {}).get("annotators", run["annotators"])

    def expand_labels(self, short: str) -> list[str]:
        """Return the full names of a short one, e.g. combined-equal for every annotator whose labels are trained on."""
        return expand(short, self.trained_annotators())

    def curve_names(self) -> list[str]:
        """Return the short names of labels from a limited number of votes: h1m5 is 1 human, 5 synthetic."""
        return curves(**self.config["learning_curves"])

    def label_names(self) -> list[str]:
        """Return every label table that models are trained on, controls and learning curves included."""
        short = ["human", "synthetic"]
        short += [f"combined-{pooling}" for pooling in self.config["run"]["poolings"]]
        short += [f"control-{control}" for control in self.config["controls"]]
        short += self.curve_names()
        return [name for entry in short for name in self.expand_labels(entry)]

    def label_tables(self, corpus: str, protocol: str) -> list[str]:
        """Return their files."""
        return [self.label_table(corpus, protocol, labels) for labels in self.label_names()]

    def trained_labels(self) -> list[str]:
        """Return the label tables that models are trained on: those of `run.models.labels`, or all; and all curves."""
        selected = self.config["run"].get("models", {}).get("labels")
        if selected is None:
            return self.label_names()
        chosen = {name for short in (*selected, *self.curve_names()) for name in self.expand_labels(short)}
        return [name for name in self.label_names() if name in chosen]

    def arms(self, protocol: str) -> list[tuple[str, str]]:
        """Return (labels, augmentation) of every condition that models are trained in under a protocol."""
        augmented = {name for short in self.config["run"]["augmented_labels"] for name in self.expand_labels(short)}
        return [
            (labels, augmentation)
            for augmentation in self.augmentations_of(protocol)
            for labels in self.trained_labels()
            if augmentation == "none" or labels in augmented
        ]

    def predictions(self, corpus: str, protocol: str) -> list[str]:
        """Return the predictions of every model, condition, fold and seed of a corpus under a protocol."""
        return self._trainings(files.PREDICTIONS, corpus, protocol)

    def _trainings(self, pattern: str, corpus: str, protocol: str) -> list[str]:
        given = pattern.replace("{corpus}", corpus).replace("{protocol}", protocol)
        return [
            given.format(model=model, labels=labels, augmentation=augmentation, fold=fold, seed=seed)
            for model in self.config["finetuning"]["models"]
            for labels, augmentation in self.arms(protocol)
            for fold in self.folds(protocol)
            for seed in self.seeds
        ]

    def trained(self, corpus: str, protocol: str) -> dict[str, list]:
        """Return ``arms`` (model, labels, augmentation) and ``seeds`` of a run's own models; other files may be left.

        Predictions of an earlier selection of models, labels or seeds stay in the folder of a run.
        """
        models = self.config["finetuning"]["models"] if "training" in self.stages(corpus) else []
        return {"arms": [[model, *arm] for model in models for arm in self.arms(protocol)], "seeds": self.seeds}

    def predictions_if_trained(self, corpus: str, protocol: str) -> list[str]:
        """Return the same; none of a corpus on which no model is trained."""
        return self.predictions(corpus, protocol) if "training" in self.stages(corpus) else []

    def models_of(self, corpus: str, annotator: str, protocol: str) -> list[str]:
        """Return the predictions on which hypotheses about an annotator are tested; none if its labels train no model.

        The hypotheses compare models trained on human, on synthetic and on every kind of combined votes.
        """
        needed = ["human", *(name for name in self.label_names() if Labels.parse(name).annotator == annotator)]
        needed = [name for name in needed if Labels.parse(name).kind in ("human", "synthetic", "combined")]
        able = len(needed) > 1 and set(needed) <= set(self.trained_labels())
        return self.predictions_if_trained(corpus, protocol) if able else []

    def all_predictions(self) -> list[str]:
        """Return the predictions of the whole run."""
        return self._of_run(files.PREDICTIONS)

    def all_trainings(self) -> list[str]:
        """Return the folder of every trained model of the run: adapter, curve, record and card."""
        return self._of_run(files.FINETUNED)

    def _of_run(self, pattern: str) -> list[str]:
        pairs = [(c, p) for c in self.corpora_with("training") for p in self.config["run"]["protocols"]]
        return [path for corpus, protocol in pairs for path in self._trainings(pattern, corpus, protocol)]

    def seed_groups(self) -> list[list[int]]:
        """Return the seeds that are trained together in one process, group by group."""
        size = self.config["finetuning"]["seeds_per_job"]
        size = len(self.seeds) if size == "all" else size
        return [self.seeds[start : start + size] for start in range(0, len(self.seeds), size)]

    def fold_groups(self) -> dict[tuple[int | str, ...], list[str]]:
        """Return folds that are trained together in one process -> the protocols that have them."""
        if self.config["finetuning"]["folds_per_job"] == 1:
            return {EACH_FOLD: list(self.config["protocols"])}
        groups: dict[tuple[int | str, ...], list[str]] = {}
        for protocol in self.config["protocols"]:
            groups.setdefault(tuple(self.folds(protocol)), []).append(protocol)
        return groups

    def training_processes(self) -> int:
        """Return the number of processes that share every batch of a training."""
        return self.config["finetuning"].get("execution", {}).get("processes", 1)

    def training_gpus(self, model: str) -> int:
        """Return the number of GPUs that a training of a model requests; small peers are trained on the CPU."""
        return self.model_entry(model).get("gpus", 0) * self.training_processes()

    def training_memory(self, model: str) -> int:
        """Return the memory in MB of a training of a model."""
        processes = self.training_processes()
        large = self.kind_of(model).language_model
        return self.alm_memory(model, copies=processes, beside=BESIDE_MB * processes) if large else PEER_MB

    def training_prompts(self, model: str) -> list[str]:
        """Return the prompt set that a training of a model reads, if any."""
        return [self.prompt_set("focus")] if self.kind_of(model).prompts else []

    def training_checkpoint(self, model: str) -> list[str]:
        """Return the checkpoint that a model is trained from, where a rule makes it."""
        return self.checkpoint_of(model) if self.kind_of(model).language_model else []

    def training_check(self, model: str) -> list[str]:
        """Return the check of a GPU node that precedes the trainings of a model."""
        return self.gpu_check_of(model) if self.kind_of(model).language_model else []

    def training_module(self, model: str) -> str:
        """Return the module that a training loads by name."""
        return self.kind_of(model).module

    def encodings_of_corpus(self, corpus: str, model: str) -> list[str]:
        """Return the audio tokens that a training of an ALM reads; none if its base is quantised: another encoder."""
        large = self.kind_of(model).language_model
        read = large and self.shares_encodings(model) and not self.config["finetuning"].get("quantised")
        return self.encodings(corpus, model) if read else []

    def features_of(self, corpus: str, model: str) -> dict[str, list[str]]:
        """Return the folders of the vectors of a corpus, by encoder of a model."""
        shards = range(self.shards(corpus))
        return {
            encoder: [files.VECTORS.format(corpus=corpus, encoder=encoder, shard=shard) for shard in shards]
            for encoder in self.encoders_of(model)
        }

    def augmented_items(
        self, corpus: str, protocol: str, labels: str, augmentation: str, folds: Iterable[int]
    ) -> list[str]:
        """Return the augmented items of a condition, one folder per fold; none without augmentation."""
        names = {"corpus": corpus, "protocol": protocol, "labels": labels, "augmentation": augmentation}
        return [files.AUGMENTED.format(**names, fold=fold) for fold in folds if augmentation != "none"]

    def augmented_features(self, condition: dict[str, str], folds: Iterable[int]) -> dict[str, list[str]]:
        """Return the folders of the vectors of augmented items, one per fold, by encoder of the condition's model."""
        if condition["augmentation"] == "none":
            return {}
        folds = list(folds)
        return {
            encoder: [files.AUGMENTED_VECTORS.format(**condition, fold=fold, encoder=encoder) for fold in folds]
            for encoder in self.encoders_of(condition["model"])
        }

    def training_job(self, condition: dict[str, str], folds: list[int], seeds: list[int]) -> dict[str, Any]:
        """Return the fields of a :class:`~scaling_ambiguity.training.job.TrainingJob` that no rule has to add.

        Args:
            condition: corpus, protocol, model, labels and augmentation.
            folds: Numbers of the folds of the job.
            seeds: Numbers of its trainings of each fold.
        """
        corpus, model, finetuning = condition["corpus"], condition["model"], self.config["finetuning"]
        return condition | {
            "kind": self.kind_name(model),
            "entry": self.model_entry(model),
            "options": {key: value for key, value in finetuning.items() if key not in HOW_JOBS_ARE_CUT},
            "objective": self.objective(condition["protocol"]),
            "classes": self.config["corpora"][corpus]["classes"],
            "folds": folds,
            "seeds": seeds,
            "base_seed": self.config["seed"],
            "online": self.config["augmentations"][condition["augmentation"]].get("online"),
            "prompts": next(iter(self.training_prompts(model)), None),
            "root": self.corpus_root(corpus),
            "encoders": {name: self.encoder_entry(name) for name in self.encoders_of(model)},
            "features": self.features_of(corpus, model),
            "augmented_features": self.augmented_features(condition, folds),
            "state": f"resources/state/finetune/{files.CONDITION}".format(**condition),
        }
