"""Print the registry of audio-language models: what each is, whether it can be used from this machine and if not
why, what was run with it here, and what the votes on a large corpus would cost in calls and GPU-hours.
"""

import argparse
import datetime
from pathlib import Path

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.alms.availability import reasons_against, this_machine
from scaling_ambiguity.alms.registry import REGISTRY, load_registry
from scaling_ambiguity.alms.registry_text import costs, facts, listing
from scaling_ambiguity.io import write_csv

CLIPS, VOTES = 100_000, 20  # of the corpus whose cost is told, and a clip


def main(arguments: argparse.Namespace) -> None:
    """Read, check, print."""
    entries = list(load_registry(arguments.registry).values())
    machine = this_machine(arguments.today)
    against = {entry.key: reasons_against(entry, machine) for entry in entries}
    print(listing(entries, against, machine, CLIPS, VOTES))
    if arguments.output:
        table = pd.DataFrame([facts(entry) for entry in entries])
        table["runs_here"] = [not against[entry.key] for entry in entries]
        table["why_not"] = ["; ".join(against[entry.key]) for entry in entries]
        table = table.join(pd.DataFrame([costs(entry, CLIPS, VOTES) for entry in entries]))
        write_csv(table, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registry", type=Path, default=REGISTRY, help="the registry, YAML")
    parser.add_argument("--today", type=datetime.date.fromisoformat, help="date for retirements; default: today's")
    parser.add_argument("--output", type=Path, help="the same as a table to write, CSV")
    cli.run(main, parser)
