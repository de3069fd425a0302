"""Ask a verifier, or a control of it, about the written candidates of one shard of a corpus.

Answers come from the answer store if they were given before; missing ones are requested and added to it. The
judgements are a pure function of the stored answers.
"""

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.alms.engine import Capability, open_engine
from scaling_ambiguity.alms.members import members_of
from scaling_ambiguity.proxies import asking
from scaling_ambiguity.proxies.annotation import ask_all
from scaling_ambiguity.proxies.not_asked import lacking
from scaling_ambiguity.proxies.played import as_played
from scaling_ambiguity.proxies.verifying import load_verifier
from scaling_ambiguity.proxies.watch import LIMITS, Watch
from scaling_ambiguity.tables.candidates import CANDIDATES
from scaling_ambiguity.tables.judgements import JUDGEMENTS
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of
from scaling_ambiguity.testtime.judging import (
    Asked,
    judgement_table,
    not_asked_rows,
    questions,
    read_any,
    summary,
    usable,
)

_NEEDED: dict[str, Capability] = {"sampled": "sample", "readout": "read_labels"}


def main(arguments: argparse.Namespace) -> None:
    """Open the model, query it, write what it said."""
    torch.set_num_threads(1)
    options, classes = arguments.options, arguments.classes
    utterances = as_played(UTTERANCES.read(arguments.utterances), options, arguments.seed)
    rows = shard_of(utterances, arguments.shard, arguments.shards)
    left = rows["utterance"].isin(lacking(utterances, options["modality"]))
    pools = {}
    for annotator, path in arguments.candidates.items():
        table = CANDIDATES.read(path, utterances=rows["utterance"].tolist())
        pools[annotator] = usable(table, options.get("candidates"))
    prompts = {question: load_verifier(arguments.prompts, question) for question in options["asks"]}
    who = f"testtime.{arguments.submission}.verifier"
    asked: list[list[Asked]] = []
    records: dict[str, dict[str, Any]] = {}
    for alm, members in members_of(arguments.alm, rows[~left]):
        entry = asking.entry_of(alm, options, classes, arguments.store, arguments.encodings)
        mode = options["mode"]
        with closing(open_engine(entry, _NEEDED[mode], f"{who}, mode `{mode}`", arguments.server_log)) as engine:
            settings = (engine, options, prompts, classes, arguments.seed, pools)
            requested = questions(members, Path(arguments.root), *settings)
            items = [[one.item for one in some] for some in requested]
            limits = {name: options[name] for name in LIMITS if name in options}
            watch = Watch(items, read_any, **limits, asked=("verifier", "number"))
            what = f"judge {arguments.submission} {arguments.judge} shard {arguments.shard}"
            asked, records = asked + requested, records | ask_all(items, engine, arguments.store, what, watch)[0]
    said = judgement_table(asked, records, arguments.corpus, arguments.judge, not_asked_rows(rows[left], pools))
    JUDGEMENTS.write(said, arguments.output)
    for line in summary(asked, records, said):
        print(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submission", required=True)
    parser.add_argument("--judge", required=True, help="verifier, or a control: shuffled, deaf, self")
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--candidates", type=cli.json_value, required=True, help="annotator -> its candidates, JSON")
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--root", required=True, help="folder that the utterances' paths are relative to")
    parser.add_argument(
        "--alm", type=cli.json_value, required=True, help="the verifier's entry in the configuration, JSON"
    )
    parser.add_argument("--options", type=cli.json_value, required=True, help="of the verifier, JSON")
    parser.add_argument("--prompts", required=True, help="prompt set of kind verify, YAML")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="label words, comma-separated")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--store", required=True, help="folder of the answer store")
    asking.add_shard_arguments(parser)
    parser.add_argument("--server-log", default="server.log", help="log file of the server of an entry with `serve`")
    parser.add_argument("--output", required=True, help="judgements, parquet")
    cli.run(main, parser)
