"""Write every number of the paper's text as a keyed macro, and where each comes from.

The text follows from the given tables: without a table of evaluate_models nothing was trained.
"""

import argparse

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_json, write_text
from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.numbers.collect import collect_numbers
from scaling_ambiguity.reporting.numbers.provenance import faults


def main(arguments: argparse.Namespace) -> None:
    """Write numbers.tex and numbers.json, once the provenance of every number has been followed to its value."""
    paths = {
        "statistics": arguments.statistics,
        "utterances": arguments.utterances,
        "votes": arguments.votes,
        "rejects": arguments.rejects,
        "audit": arguments.audit,
        "leakage": arguments.leakage,
        "verdicts": arguments.verdicts,
        "heldout": next(iter(arguments.heldout), None),
        "member": next(iter(arguments.member), None),
        "status": next(iter(arguments.proxies_status), None),
        "draws": next(iter(arguments.proxies_draws), None),
    }
    with printed_as(arguments.config["paper"].get("names", {})):
        numbers = collect_numbers(arguments.config, paths)
    wrong = list(faults(numbers.provenance(), arguments.config))
    if wrong:
        raise UserError(f"{len(wrong)} numbers do not match their stated provenance, e.g. {wrong[0]}")
    write_text(numbers.latex(), arguments.numbers)
    write_json(numbers.provenance(), arguments.provenance)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", nargs="*", default=[], help="results/statistics/*.parquet")
    parser.add_argument("--verdicts", nargs="*", default=[], help="results/hypotheses/*.json")
    parser.add_argument("--heldout", nargs="*", default=[], help="scores of the ALM that this workflow trained")
    parser.add_argument("--member", nargs="*", default=[], help="report on the first member of a cross-fitted ALM")
    parser.add_argument("--votes", required=True)
    parser.add_argument("--utterances", required=True)
    parser.add_argument("--rejects", required=True)
    parser.add_argument("--audit", help="audit.json of the corpus, which knows whether its sound is as published")
    parser.add_argument("--leakage", nargs="+", required=True, help="results/splits/*/*.leakage.csv")
    parser.add_argument("--proxies-status", nargs="*", default=[], help="status.csv of the headline annotator")
    parser.add_argument("--proxies-draws", nargs="*", default=[], help="draws.csv of the headline annotator")
    parser.add_argument("--config", type=json_value, required=True, help="the configuration, JSON")
    parser.add_argument("--numbers", required=True, help="numbers.tex")
    parser.add_argument("--provenance", required=True, help="numbers.json")
    run(main, parser)
