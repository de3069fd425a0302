"""A folder of answers that somebody else generated, to be scored (`--config submission=FOLDER`)."""

import json
import re
from pathlib import Path

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.run.training import Training

SUBMITTED = ("manifest.json", "candidates.jsonl.gz", "scores.jsonl.gz")


class Submission(Training):
    """The submission of the configuration, if it names one."""

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

    def submission_files(self) -> list[str]:
        """Return the files of the submission that are there."""
        return [str(path) for path in (self.submission_folder() / name for name in SUBMITTED) if path.is_file()]

    def submission_corpus(self) -> str:
        """Return the corpus that the submission is about.

        Raises:
            UserError: The manifest cannot be read, or this run does not have the corpus.
        """
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
