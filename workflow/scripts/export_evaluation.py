"""Write the scores of a submission in the format of Every Eval Ever, one record as JSON."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.io import write_json
from scaling_ambiguity.tables.strategy_scores import STRATEGY_SCORES
from scaling_ambiguity.testtime.every_eval_ever import as_record
from scaling_ambiguity.testtime.manifest import read_manifest


def main(arguments: argparse.Namespace) -> None:
    """Read, translate, write."""
    scores, options = STRATEGY_SCORES.read(arguments.scores), arguments.options
    manifest = read_manifest(arguments.submission)
    record = as_record(scores, manifest, level=options["level"], floor=options["smoothing"])
    write_json(record, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, help="of the submission, parquet")
    parser.add_argument("--submission", required=True, type=Path, help="folder")
    parser.add_argument("--options", type=cli.json_value, required=True, help="of the statistics, JSON")
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
