"""Submissions to the test-time benchmark: of this run's answers, and of a folder (`--config submission=FOLDER`)."""

import json
import re
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.run import files
from scaling_ambiguity.run.training import Training

SUBMITTED = ("manifest.json", "candidates.jsonl.gz", "scores.jsonl.gz")


class Submission(Training):
    """The submissions that this run makes of its own answers, and the folder that the configuration may name."""

    def submissions(self) -> list[str]:
        """Return the selected submissions of this run."""
        return self.config["run"].get("testtime", [])

    def submissions_about(self, corpus: str) -> list[str]:
        """Return those about a corpus."""
        return [name for name in self.submissions() if self.config["testtime"][name]["corpus"] == corpus]

    def stages(self, corpus: str) -> set[str]:
        """Return the stages of a corpus: those of trainings, and testtime where a submission is about it."""
        return super().stages(corpus) | ({"testtime"} if self.submissions_about(corpus) else set())

    def all_scores(self) -> list[str]:
        """Return the scores of all selected submissions."""
        return [files.SCORES.format(submission=name) for name in self.submissions()]

    def pools_of(self, submission: str) -> dict[str, dict[str, Any]]:
        """Return kind -> candidates, entry and prompts of the annotator whose answers are that pool of a submission."""
        entry = self.config["testtime"][submission]
        return {
            kind: {
                "candidates": files.CANDIDATES.format(corpus=entry["corpus"], annotator=name),
                "annotator": self.annotator_entry(name),
                "prompts": self.prompt_set(self.annotator_entry(name)["prompts"]),
            }
            for kind, name in entry["pools"].items()
        }

    def submission_name(self) -> str:
        """Return the folder of the submission as a part of file names; `none` if the configuration names no folder."""
        return re.sub(r"[^a-z0-9_]+", "_", Path(self.config.get("submission") or "none").resolve().name.lower())

    def submission_folder(self) -> Path:
        """Return the folder of answers that is scored.

        Raises:
            UserError: None is named, or it has no manifest.
        """
        folder = self.config.get("submission")
        if not folder:
            raise UserError("nothing to score: name a folder of answers, `--config submission=FOLDER`.")
        if not Path(self.from_start(folder), "manifest.json").is_file():
            raise UserError(
                f"submission = {folder!r}: no manifest.json in such a folder in {self.start}. Correct the path; it is "
                "relative to the folder in which Snakemake is called."
            )
        return Path(self.from_start(folder))

    def submission_files(self, submission: str) -> list[str]:
        """Return the files of a submission: those that this run writes, or those that are in the folder.

        Raises:
            UserError: There is no such submission, or both have its name.
        """
        if submission in self.config["testtime"]:
            if self.config.get("submission") and submission == self.submission_name():
                raise UserError(f"submission: the folder has the name of testtime.{submission}. Rename the folder.")
            return [files.SUBMISSION.format(submission=submission, file=name) for name in SUBMITTED[:2]]
        if submission != self.submission_name():
            known = ", ".join(self.config["testtime"]) or "there is none"
            raise UserError(f"{submission!r} is no submission of testtime ({known}).")
        return [str(path) for path in (self.submission_folder() / name for name in SUBMITTED) if path.is_file()]

    def corpus_of_submission(self, submission: str) -> str:
        """Return the corpus that a submission is about.

        Raises:
            UserError: The manifest of a folder cannot be read, or this run does not have its corpus.
        """
        if submission in self.config["testtime"]:
            return self.config["testtime"][submission]["corpus"]
        manifest = self.submission_folder() / "manifest.json"
        try:
            corpus = json.loads(manifest.read_text(encoding="utf-8")).get("corpus")
        except (ValueError, AttributeError) as error:
            raise UserError(f"{manifest}: not readable as a JSON object ({error}). Write it again.") from None
        if corpus not in self.config["run"]["corpora"]:
            raise UserError(
                f"{manifest}: corpus {corpus!r} is not in this run ({', '.join(self.config['run']['corpora'])}). "
                "Select it in run.corpora."
            )
        return corpus
