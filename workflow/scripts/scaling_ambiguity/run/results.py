"""What a run makes of it all: statistics, the leaderboard, and what the paper shows."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.designs import Design
from scaling_ambiguity.reporting.captions import filled
from scaling_ambiguity.reporting.chapters import ESTIMATES, FIGURES, TABLES, Display, shown
from scaling_ambiguity.reporting.proxy_names import proxies_of_run, shared_name
from scaling_ambiguity.run import files
from scaling_ambiguity.run.submission import Submission

INTERVALS = ("resamples", "level", "interval")  # settings that every interval uses

# tables of a corpus that the listening page is made from: those of what is kept, and of all that was read
EXPLORED = {
    "utterances": "utterances.parquet",
    "found": "found/utterances.parquet",
    "votes": "votes.parquet",
    "found_votes": "found/votes.parquet",
    "rejects": "rejects.parquet",
}


class Run(Submission):
    """A run: what it selects, where its files are, with which settings its programs are called."""

    def statistics_options(self, *keys: str) -> dict[str, Any]:
        """Return the settings of the statistics that a rule uses, in addition to those that every interval uses."""
        return {key: self.config["statistics"][key] for key in (*INTERVALS, *keys)}

    def study_options(self, *keys: str) -> dict[str, Any]:
        """Return the same for a rule made from the registry of chapters, which may use `level_votes`."""
        options = self.config["statistics"] | {"level_votes": max(3, self.level_votes())}
        return {key: options[key] for key in (*INTERVALS, *keys)}

    def statistics_of(self, kind: str) -> list[str]:
        """Return the files of one kind of estimate, for every selected corpus that has its stage."""
        estimates, run = ESTIMATES[kind], self.config["run"]
        return list(
            dict.fromkeys(
                estimates.path(kind, corpus=corpus, annotator=annotator, protocol=protocol)
                for corpus in self.corpora_with(estimates.stage)
                for annotator in (self.annotators_of(corpus) if "annotator" in estimates.by else [""])
                for protocol in run["protocols"]
            )
        )

    def statistics(self) -> list[str]:
        """Return the tables of all kinds of estimates."""
        return [path for kind in ESTIMATES if kind != "verdicts" for path in self.statistics_of(kind)]

    def needed(self, kinds: Iterable[str]) -> list[str]:
        """Return the files of kinds of estimates.

        Raises:
            UserError: A kind has none in this run.
        """
        kinds = list(kinds)
        for kind in kinds:
            if not self.statistics_of(kind):
                raise UserError(f"nothing to make: this run has no {kind}. {'; '.join(self.left_out())}")
        return [path for kind in kinds for path in self.statistics_of(kind)]

    def shown_in(self, display: Display) -> list[str]:
        """Return the files that a figure or table is made from.

        Raises:
            UserError: This run has nothing that it shows.
        """
        if display.stage == "conflict" and not self.has_conflict():
            raise UserError("nothing to make: this run has no statistics.conflict, or trains no model on its corpus.")
        needed = self.needed(display.shows)
        return [ESTIMATES[kind].path(kind, **self.headline) for kind in display.shows] if display.headline else needed

    def conflict_of(self, corpus: str) -> list[str]:
        """Return the votes in another presentation that the conflict on a corpus is measured by; else none."""
        entry = self.config["statistics"].get("conflict", {})
        return [self.votes(entry["other"])] if entry.get("corpus") == corpus else []

    def has_conflict(self) -> bool:
        """Return whether trained models are also judged by a conflict of presentations."""
        return any(self.conflict_of(corpus) for corpus in self.corpora_with("training"))

    def given_predictors(self, corpus: str) -> list[str]:
        """Return predictors given as tables: those that name the corpus, or none if it is that of the headline."""
        headline = self.headline["corpus"]
        return [name for name, one in self.config["predictors"].items() if one.get("corpus", headline) == corpus]

    def predictor_table(self, predictor: str) -> str:
        """Return the table of a given predictor, relative to the folder of the run."""
        return self.from_start(self.config["predictors"][predictor]["table"])

    def valued_annotators(self, corpus: str) -> dict[str, dict[str, Any]]:
        """Return the files of every annotator that `value_predictors` values: by name, votes and distributions."""
        selected = self.annotators_of(corpus)
        compared = [other for name in selected for other in self.compared_with(name).values()]
        return {
            name: {"proxies": self.proxies(corpus, name), "read_out": self.read_outs_of(corpus, name)}
            for name in dict.fromkeys(selected + compared)
        }

    def valued_tables(self, corpus: str) -> list[str]:
        """Return the same as a list of files."""
        valued = self.valued_annotators(corpus).values()
        return [path for tables in valued for path in [tables["proxies"], *tables["read_out"]]]

    def valued_given(self, corpus: str) -> dict[str, str]:
        """Return the file of every given predictor of a corpus, by name."""
        names = self.given_predictors(corpus)
        return {name: files.GIVEN.format(corpus=corpus, predictor=name) for name in names}

    def valued_strategies(self, corpus: str) -> dict[str, str]:
        """Return the folder of the predictions of every submission about a corpus, by its name."""
        return {name: files.STRATEGIES.format(submission=name) for name in self.submissions_about(corpus)}

    def explored(self, corpus: str) -> dict[str, Any]:
        """Return the files of a corpus that the listening page is made from; fields of an ``Explored`` there."""
        protocol = self.headline["protocol"]
        able = self.annotators_of(corpus)
        combined = [
            name for short in self.config["run"]["poolings"] for name in self.expand_labels(f"combined-{short}")
        ]
        combined = [name for name in combined if self.annotator_of(name) in able]
        conflict = self.conflict_of(corpus)
        named = {key: files.CORPUS.format(corpus=corpus, table=table) for key, table in EXPLORED.items()}
        return named | {
            "corpus": corpus,
            "classes": self.corpus_entry(corpus)["classes"],
            "root": self.corpus_root(corpus),
            "protocol": protocol,
            "silent": "" if self.has_audio(corpus) else self.without_audio(corpus),
            "levels": files.LEVELS.format(corpus=corpus, protocol=protocol),
            "splits": self.split_table(corpus, protocol),
            "annotators": self.valued_annotators(corpus),
            "first": self.headline["annotator"],
            "labels": {name: self.label_table(corpus, protocol, name) for name in combined},
            "predictions": self.predictions_if_trained(corpus, protocol),
            "strategies": self.valued_strategies(corpus),
            "given": self.valued_given(corpus),
            "conflict": conflict[0] if conflict else None,
            "roles": files.CORPUS.format(corpus=corpus, table="roles.parquet") if conflict else None,
        }

    def explored_files(self) -> list[str]:
        """Return the files of all corpora of the run that the listening page is made from."""
        paths: list[str] = []
        for corpus in self.config["run"]["corpora"]:
            entry = self.explored(corpus)
            paths += [entry[key] for key in (*EXPLORED, "levels", "splits")]
            paths += [*self.valued_tables(corpus), *entry["labels"].values(), *entry["predictions"]]
            paths += [*entry["strategies"].values(), *entry["given"].values()]
            paths += [entry[key] for key in ("conflict", "roles") if entry[key]]
            paths += self.audio_of(corpus)
        return paths

    @property
    def headline(self) -> dict[str, str]:
        """Corpus, annotator and protocol of the paper's main results."""
        return self.config["paper"]["headline"]

    def printed_names(self) -> dict[str, str]:
        """Return the printed names of identifiers of the configuration."""
        return self.config["paper"].get("names", {})

    def headline_cell(self) -> list[str]:
        """Return the cell of the coverage study that has the size of the headline corpus, where it is simulated."""
        corpus = self.headline["corpus"]
        if not self.is_simulated(corpus):
            return []
        entry = self.config["corpora"][corpus]
        design = Design(entry["speakers"], entry["raters"], len(entry["classes"]), sum(entry["votes"]) // 2)
        return [files.CELL.format(cell=design.name)]

    def shown_corpora(self) -> list[str]:
        """Return the corpora of the run, then those whose votes are replayed as answers."""
        return list(dict.fromkeys([*self.config["run"]["corpora"], *self.replayed_corpora()]))

    def shown_augmentations(self) -> list[str]:
        """Return the augmentations that the paper compares: those of the headline protocol."""
        return [name for name in self.augmentations_of(self.headline["protocol"]) if name != "none"]

    def shown_labels(self) -> str:
        """Return the labels whose augmentation the paper shows: the first that are augmented."""
        augmented = self.config["run"]["augmented_labels"]
        return next((name for short in augmented for name in self.expand_labels(short)), "human")

    def shown_items(self) -> list[str]:
        """Return the augmented items that the paper shows: of the first fold, one folder per augmentation."""
        names = self.headline["corpus"], self.headline["protocol"], self.shown_labels()
        return [folder for one in self.shown_augmentations() for folder in self.augmented_items(*names, one, [0])]

    def proxy_names(self) -> dict[str, str]:
        """Return how the paper calls the votes of every annotator."""
        return proxies_of_run(self.config)

    def shared_proxy_name(self) -> str:
        """Return how the paper calls the votes of all annotators together."""
        return shared_name(self.proxy_names())

    def caption(self, display: Display) -> str:
        """Return the caption of a figure or table of this run."""
        more = f" {display.simulated}" if display.simulated and self.is_simulated(self.headline["corpus"]) else ""
        return filled(display.caption + more, self.shared_proxy_name())

    def captions(self) -> dict[str, str]:
        """Return the captions of the figures and tables that the paper shows."""
        displays = FIGURES | TABLES
        return {name: " ".join(self.caption(displays[name]).split()) for name in shown(displays, self.stages_of_run())}

    def stages_of_run(self) -> set[str]:
        """Return the stages that some corpus of the run has; the paper includes the sections that use them."""
        stages = {"votes"} | {stage for stage in ("annotation", "testtime", "training") if self.corpora_with(stage)}
        stages |= {"conflict"} if self.has_conflict() else set()
        return stages | ({"augmentation"} if self.shown_augmentations() and "training" in stages else set())

    def figure_files(self) -> list[str]:
        """Return the PDF, the SVG and the data of every figure whose stage exists in this run."""
        return _with_endings("figures", shown(FIGURES, self.stages_of_run()), ("pdf", "svg", "csv"))

    def table_files(self) -> list[str]:
        """Return the LaTeX and the data of every table whose stage exists in this run."""
        return _with_endings("tables", shown(TABLES, self.stages_of_run()), ("tex", "csv"))

    def heldout_scores(self) -> list[str]:
        """Return the held-out scores of the headline's ALM, if it is trained on a simulated world."""
        alm = self.alm_name(self.headline["annotator"])
        made = "utterances" in self.config["alms"][alm].get("trained_on", {})
        return [files.HELDOUT.format(alm=alm)] if made else []

    def member_scores(self) -> list[str]:
        """Return the scores of the first member of the headline's ALM, if it is cross-fitted."""
        alm = self.alm_name(self.headline["annotator"])
        return [files.MEMBER.format(alm=alm, fold=0)] if self.is_cross_fitted(alm) else []

    def headline_answers(self, table: str) -> list[str]:
        """Return a table about the headline's answers, `status` or `draws`, if the run annotates."""
        names = {"corpus": self.headline["corpus"], "annotator": self.headline["annotator"], "table": table}
        return [files.ANSWERS.format(**names)] if self.corpora_with("annotation") else []

    def settings(self) -> dict[str, Any]:
        """Return the settings and amounts that the supplement lists, for the annotators of the headline's corpus."""
        annotators = self.annotators_of(self.headline["corpus"]) if self.corpora_with("annotation") else []
        alms = {self.alm_name(name): self.alm_of(name) for name in annotators}
        trained = self.config["finetuning"]["models"] if self.corpora_with("training") else []
        return {
            "annotators": {name: self.annotator_entry(name) for name in annotators},
            "alms": {name: entry["training"] for name, entry in alms.items() if "training" in entry},
            "models": {name: {"kind": self.kind_name(name)} | self.model_entry(name) for name in trained},
            "finetuning": self.config["finetuning"],
            "trainings": len(self.all_trainings()) if trained else 0,
            "statistics": self.config["statistics"],
        }

    def answers_of_settings(self) -> list[str]:
        """Return how the answers of these annotators were parsed, a table each."""
        corpus = self.headline["corpus"]
        names = self.settings()["annotators"]
        return [files.ANSWERS.format(corpus=corpus, annotator=name, table="status") for name in names]

    def notes_on_reading(self) -> list[str]:
        """Return lines on what was left out of the corpora of this run as they were read, and on apparent slips."""
        from scaling_ambiguity.corpora.audit_report import reading_notes  # tables, which no plan needs

        lines = []
        for corpus in self.shown_corpora():
            folder = Path(files.CORPUS.format(corpus=corpus, table="audit.json")).parent
            if (folder / "audit.json").exists():
                lines += reading_notes(json.loads((folder / "audit.json").read_text()), folder / "rejects.parquet")
        return lines

    def refuse_missing_tables(self) -> None:
        """Raise UserError if a table is missing that the configuration names: votes of an ALM, a given predictor."""
        alms = dict.fromkeys(map(self.alm_name, self.config["run"]["annotators"]))
        tables = {f"alms.{name}.votes": self.config["alms"][name].get("votes") for name in alms}
        tables |= {f"predictors.{name}.table": one["table"] for name, one in self.config["predictors"].items()}
        for key, path in tables.items():
            if path is not None and not Path(self.from_start(path)).is_file():
                raise UserError(
                    f"{key} = {path!r}: no such file in {self.start}. Correct the path; it is relative to the folder "
                    "in which Snakemake is called."
                )


def _with_endings(folder: str, names: Iterable[str], endings: Iterable[str]) -> list[str]:
    return [f"paper/{folder}/{name}.{ending}" for name in names for ending in endings]
