"""Submissions to the test-time benchmark: of this run's answers, and of a folder (`--config submission=FOLDER`)."""

import json
import re
from pathlib import Path
from typing import Any

from scaling_ambiguity.configuration.testtime import judged_by, judged_pools
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.run import files
from scaling_ambiguity.run.training import Training

VERIFIER, SHUFFLED, DEAF, _ = JUDGES = ("verifier", "shuffled", "deaf", "self")
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

    def verifier_of(self, submission: str) -> dict[str, Any]:
        """Return how candidates of a submission are judged; empty: they are not, or the submission is a folder."""
        return self.config["testtime"].get(submission, {}).get("verifier") or {}

    def submissions_by(self, *, judged: bool) -> str:
        """Return a constraint of the wildcard: submissions of this run that a verifier judges, or the others."""
        names = [name for name in self.config["testtime"] if bool(self.verifier_of(name)) == judged]
        return "|".join(names) or "no_submission"

    def judges_of(self, submission: str) -> list[str]:
        """Return who judges the candidates of a submission: its verifier and the controls of it."""
        verifier = self.verifier_of(submission)
        return [VERIFIER, *verifier.get("controls", [])] if verifier else []

    def judging_alm(self, submission: str, judge: str) -> str:
        """Return the name of the ALM that judges; `self` is the one that wrote the candidates."""
        return judged_by(self.config["testtime"][submission], judge)

    def judging_options(self, submission: str, judge: str) -> dict[str, Any]:
        """Return how a verifier, or a control of it, is asked."""
        apart = ("alm", "controls", "pools", "prompts")  # they say who is asked, and are inputs
        given = {key: value for key, value in self.verifier_of(submission).items() if key not in apart}
        options = {"asks": ["pick"], "modality": "both"} | given
        options |= {"sound": "another"} if judge == SHUFFLED else {"modality": "text"} if judge == DEAF else {}
        return options

    def judged_candidates(self, submission: str) -> dict[str, str]:
        """Return annotator -> candidates that are judged."""
        entry, pools = self.config["testtime"][submission], self.pools_of(submission)
        return {entry["pools"][kind]: pools[kind]["candidates"] for kind in judged_pools(entry)}

    def judging_prompts(self, submission: str) -> str:
        """Return the prompts by which candidates are judged."""
        return self.prompt_set(self.verifier_of(submission)["prompts"])

    def judging_encodings(self, submission: str, judge: str, shard: str) -> list[str]:
        """Return the encoder outputs that a verifier reads for one shard; none if it hears nothing or shares none."""
        alm, corpus = self.judging_alm(submission, judge), self.corpus_of_submission(submission)
        if not self.shares_encodings(alm) or judge == DEAF:
            return []
        if judge == SHUFFLED:  # which may be of any shard
            return self.encodings(corpus, alm)
        return [files.ENCODINGS.format(corpus=corpus, alm=alm, shard=shard)]

    def judgements_of(self, submission: str) -> list[str]:
        """Return what a verifier and its controls said, one table per judge and shard; none without a verifier."""
        shards = range(self.shards(self.corpus_of_submission(submission)))
        names = [(judge, shard) for judge in self.judges_of(submission) for shard in shards]
        return [files.JUDGED.format(submission=submission, judge=judge, shard=shard) for judge, shard in names]

    def judging_store(self, submission: str, judge: str) -> str:
        """Return the folder of a verifier's answers."""
        return f"resources/answers/{submission}/{judge}"

    def refuse_unheard(self) -> None:
        """Stop before any work if a selected verifier cannot hear its corpus, or its prompts are none.

        Raises:
            UserError: Naming the key and the remedy.
        """
        for name in self.submissions():
            verifier, corpus = self.verifier_of(name), self.corpus_of_submission(name)
            if not verifier:
                continue
            if not self.has_audio(corpus):
                raise UserError(
                    f"testtime.{name}.verifier cannot hear corpus {corpus}: {self.without_audio(corpus)}. Get its "
                    "sound, or set verifier: null."
                )
            path = Path(self.judging_prompts(name))
            if not path.is_file():
                raise UserError(
                    f"testtime.{name}.verifier.prompts = {verifier['prompts']!r}: there is no {path}. Name a file of "
                    "workflow/prompts of kind verify, such as verifier."
                )
            from scaling_ambiguity.proxies.verifying import load_verifier  # prompts, which no plan needs

            for question in verifier.get("asks", ["pick"]):
                load_verifier(path, question)

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
            written = SUBMITTED if self.verifier_of(submission) else SUBMITTED[:2]
            return [files.SUBMISSION.format(submission=submission, file=name) for name in written]
        if submission != self.submission_name():
            names = ", ".join(self.config["testtime"]) or "there is none"
            raise UserError(f"{submission!r} is no submission of testtime ({names}).")
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
