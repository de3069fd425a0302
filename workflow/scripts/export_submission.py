"""Write the stored answers of an ALM's annotators as a submission to the test-time benchmark; no model is queried.

Ids and answers alone are written. The submission is checked and scored as that of anybody else (score_strategies).
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.labels.counting import voted_counts
from scaling_ambiguity.tables.candidates import CANDIDATES
from scaling_ambiguity.tables.judgements import JUDGEMENTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES
from scaling_ambiguity.testtime.exporting import judgement_lines, one_revision, pool_entry, submission_lines
from scaling_ambiguity.testtime.manifest import VERSION, votes_sha256
from scaling_ambiguity.testtime.submission import write_submission


def main(arguments: argparse.Namespace) -> None:
    """Gather the pools, describe them, write."""
    entry, classes = arguments.entry, arguments.classes
    table, votes = UTTERANCES.read(arguments.utterances), VOTES.read(arguments.votes)
    used, counts = voted_counts(votes, table["utterance"].tolist(), classes, arguments.votes)
    names = table["utterance"][used].tolist()
    pools = {kind: CANDIDATES.read(pool["candidates"]) for kind, pool in arguments.pools.items()}
    judgements = [JUDGEMENTS.read(path) for path in arguments.judgements]
    model_facts = {name: entry.get(name) for name in ("parameters", "encoder_flop")} | {"verifier": _verifier(entry)}
    model_facts |= {name: entry[name] for name in ("corpus", "alm", "licence", "contact", "date", "has_seen_votes")}
    model_facts |= {
        "revision": one_revision(pools, entry["alm"]),
        "benchmark_version": VERSION,
        "classes": classes,
        "corpus_reference_sha256": votes_sha256(names, classes, counts),
        "pools": {kind: pool_entry(pool["annotator"], pool["prompts"]) for kind, pool in arguments.pools.items()},
    }
    scores = judgement_lines(pd.concat(judgements), entry["pools"], names) if judgements else []
    write_submission(arguments.output, model_facts, submission_lines(pools, names, classes), scores)
    for kind, pool in pools.items():
        print(f"{kind}: {len(pool)} answers, {(pool['status'] == 'ok').mean():.1%} with a distribution")
    for judge, said in pd.concat(judgements).groupby("verifier", sort=False) if judgements else ():
        decided = said["picked"].notna() | said["score"].notna()
        print(f"{judge}: {len(said)} judgements, {decided.mean():.1%} with a pick or a score")


def _verifier(entry: dict[str, Any]) -> str | None:
    """Return the name of the ALM that judged the candidates, or None."""
    verifier = entry.get("verifier")
    return verifier and (entry["alm"] if verifier["alm"] == "self" else verifier["alm"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entry", type=cli.json_value, required=True, help="of the submission, JSON")
    parser.add_argument(
        "--pools", type=cli.json_value, required=True, help="kind -> candidates, annotator and prompts; JSON"
    )
    parser.add_argument("--judgements", nargs="+", default=[], help="what a verifier and its controls said, parquet")
    parser.add_argument("--votes", required=True, help="human votes of the corpus")
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    cli.run(main, parser)
