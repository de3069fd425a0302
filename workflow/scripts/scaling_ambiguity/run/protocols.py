"""What a protocol decides: folds, votes that define levels, the objective of a training, augmentations."""

from typing import Any

from scaling_ambiguity.run import files
from scaling_ambiguity.run.places import Places


class Protocols(Places):
    """The protocols of the configuration."""

    def folds(self, protocol: str) -> list[int]:
        """Return the numbers of the folds of a protocol."""
        splits = self.splits_of(protocol)
        if splits["scheme"] == "groups":
            return list(range(len(splits["groups"])))
        return list(range(splits["folds"] if splits["scheme"] in ("speaker", "session") else 1))

    def level_votes(self) -> int:
        """Return the votes per utterance that are set aside for levels: the most that a selected protocol asks for."""
        levels = [self.levels_of(protocol) for protocol in self.config["run"]["protocols"]]
        return max((entry["votes"] for entry in levels if entry["definition"] != "faithful"), default=3)

    def splits_of(self, protocol: str) -> dict[str, Any]:
        """Return how a protocol splits a corpus."""
        return self.config["protocols"][protocol]["splits"]

    def levels_of(self, protocol: str) -> dict[str, Any]:
        """Return how a protocol defines levels of ambiguity."""
        return self.config["protocols"][protocol]["levels"]

    def split_table(self, corpus: str, protocol: str) -> str:
        """Return the table of the parts of a corpus."""
        return files.SPLITS.format(corpus=corpus, protocol=protocol)

    def label_table(self, corpus: str, protocol: str, labels: str) -> str:
        """Return a table of labels."""
        return files.LABELS.format(corpus=corpus, protocol=protocol, labels=labels)

    def objective(self, protocol: str) -> dict[str, Any]:
        """Return what of a protocol reaches training: head, loss and what the loss needs."""
        entry = self.config["protocols"][protocol]
        return {key: entry[key] for key in ("head", "loss", "entropy_weight", "geometry") if key in entry}

    def augmentations_of(self, protocol: str) -> list[str]:
        """Return the augmentations that models are trained with under a protocol: its own choice, or the run's."""
        return self.config["protocols"][protocol].get("augmentation", self.config["run"]["augmentation"])

    def balanced_of(self, corpus: str, protocol: str) -> list[str]:
        """Return the balanced evaluation split, of a protocol whose levels have votes of their own; else none."""
        separate = self.levels_of(protocol)["definition"] != "faithful"
        wanted = separate and self.config["statistics"]["balanced"].get("by", "bin") != "none"
        return [files.BALANCED.format(corpus=corpus, protocol=protocol)] if wanted else []

    def making_options(self, augmentation: str) -> dict[str, Any]:
        """Return what of an augmentation makes new items; its on-line step belongs to the training."""
        entry = self.config["augmentations"][augmentation]
        return {key: value for key, value in entry.items() if key != "online"}

    def augmenting_modules(self, augmentation: str) -> list[str]:
        """Return what an augmentation loads by name: the published DiME-Aug, or an arm."""
        method = self.config["augmentations"][augmentation]["method"]
        published = method == "published"
        return ["augmentation.published"] if published else ["augmentation.fold", f"augmentation.arms.{method}"]
