"""Deal every utterance's human votes, at random and many times, into level, conditioning and reference votes."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.roles import deal_roles
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Read the votes, deal them and write the roles."""
    votes = VOTES.read(arguments.votes)
    roles = deal_roles(votes, level_votes=arguments.level_votes, deals=arguments.deals, seed=arguments.seed)
    ROLES.write(roles, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=Path, required=True, help="votes table of the corpus")
    parser.add_argument("--level-votes", type=int, required=True, help="votes that decide the ambiguity level")
    parser.add_argument("--deals", type=int, required=True, help="number of random deals")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True, help="roles table to write")
    cli.run(main, parser)
