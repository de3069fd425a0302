"""Read a corpus into tables: utterances, votes and rejects, and a report of all that was found.

The reader is a module of scaling_ambiguity.corpora.readers, chosen by name. The class policy maps
the corpus' labels to the classes of the run, every audio file's header is read, and items left
out are in the rejects with their reason.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora import LARGEST_REJECT_SHARE, class_policy, module_of
from scaling_ambiguity.corpora.audit import audit, refuse_foreign_ids, refuse_one_speaker, refuse_single_votes
from scaling_ambiguity.corpora.audit_report import reading_notes, report
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_json
from scaling_ambiguity.progress import announce
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Read, map to the classes, audit and write the corpus."""
    otherwise = f"there is no module scaling_ambiguity.corpora.readers.{arguments.reader}."
    otherwise = f"corpora.{arguments.name}.reader is {arguments.reader!r}; {otherwise}"
    reader = module_of("readers", arguments.reader, otherwise)
    if not arguments.root.is_dir():
        raise UserError(f"{arguments.root}: no such folder; correct the root of corpus {arguments.name}.")
    options = arguments.options
    corpus = reader.read(arguments.root, options)
    policy, largest = options.get("class_policy"), options.get("max_reject_share", LARGEST_REJECT_SHARE)
    refuse_foreign_ids(corpus, arguments.name, largest)
    words = (*getattr(reader, "VOCABULARY", ()), *((policy or {}).get("merge", {}) if arguments.proxy else ()))
    kept, account = class_policy.apply(corpus, options["classes"], policy, vocabulary=words, largest_outside=largest)
    kept = audit(
        kept,
        arguments.root,
        name=arguments.name,
        audio=options.get("audio", "required"),
        largest_reject_share=largest,
    )
    refuse_one_speaker(kept, arguments.name)
    if not arguments.proxy:
        refuse_single_votes(kept, arguments.name)
    result = report(corpus, kept, account, name=arguments.name, options=options)
    UTTERANCES.write(kept.utterances, arguments.utterances)
    VOTES.write(kept.votes, arguments.votes)
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.write(kept.rejects.astype(text), arguments.rejects)
    if arguments.audit is not None:
        write_json(result, arguments.audit)
    for line in reading_notes(result, arguments.rejects):
        announce(line)
    for line in (*(f"warning: {line}" for line in result["warnings"]), *result["allows"]["sentences"]):
        print(line)
    print(f"{len(kept.utterances)} utterances, {len(kept.votes)} votes, {len(kept.rejects)} rejects")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", required=True, help="module of corpora/readers")
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--options", type=cli.json_value, required=True, help="the corpus' entry in the configuration")
    parser.add_argument("--proxy", action="store_true", help="votes of a proxy: it need not use every merged label")
    parser.add_argument("--utterances", type=Path, required=True, help="table to write")
    parser.add_argument("--votes", type=Path, required=True, help="table to write")
    parser.add_argument("--rejects", type=Path, required=True, help="table to write")
    parser.add_argument("--audit", type=Path, help="report on what was found, lost and allowed, to write as JSON")
    cli.run(main, parser)
