"""Write every stored answer of an annotator as a candidate: its distribution, log-probability, tokens and seconds.

No model is opened or queried: the table is a projection of the answer store, as the votes are.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.proxies import asking
from scaling_ambiguity.proxies.candidates import candidate_table, stored_answers
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.not_asked import lacking
from scaling_ambiguity.proxies.played import as_played
from scaling_ambiguity.proxies.reading import prompts_for, vocabulary_for
from scaling_ambiguity.tables.candidates import CANDIDATES
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Look up the answers of the votes, project, write."""
    options, votes = arguments.options, PROXIES.read(arguments.votes)
    utterances = as_played(UTTERANCES.read(arguments.utterances), options, arguments.seed)
    rows = utterances[~utterances["utterance"].isin(lacking(utterances, options["modality"]))]
    rows = rows.sort_values("utterance", kind="stable")
    design = (options, prompts_for(options, arguments.prompts), arguments.classes, arguments.seed)
    entry = asking.entry_of(arguments.alm, options, arguments.classes, arguments.store)
    limit = None if "store" in entry else entry["max_tokens"]  # published answers are accepted at any limit
    dialogues = asking.dialogues_of(arguments.turns, rows["utterance"])
    asked, records = stored_answers(
        votes,
        arguments.store,
        limit,
        lambda engine: items(rows, Path(arguments.root), engine, *design, dialogues),
    )
    vocabulary = vocabulary_for(arguments.classes, arguments.synonyms)
    table = candidate_table(votes, asked, records, arguments.corpus, options, vocabulary)
    CANDIDATES.write(table, arguments.output)
    print(table["status"].value_counts().to_string())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_arguments(parser)
    parser.add_argument("--synonyms", help="table of synonyms, YAML; without it labels count as they are spelled")
    parser.add_argument("--votes", required=True, help="the annotator's synthetic votes, parquet")
    parser.add_argument("--output", required=True, help="candidates, parquet")
    cli.run(main, parser)
