"""Train one member of a cross-fitted audio-language model: on the votes about the training speakers of one fold.

The audio tower is frozen; its outputs are read from disk. Projector and language model are trained on label
distributions as answers to all prompts, with sound, words or both. The best step is chosen on the fold's validation
part; the labels of its test part are never read.
"""

import argparse
from pathlib import Path

import pandas as pd
import torch

from scaling_ambiguity import cli
from scaling_ambiguity.alms.encoded_clips import encoder_of
from scaling_ambiguity.alms.loading import LoadedALM, folder_revision, load_alm
from scaling_ambiguity.alms.members import refuse_heard, write_heard
from scaling_ambiguity.alms.tiny.answers import Lesson
from scaling_ambiguity.alms.tiny.member import Course, train_member
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, write_json
from scaling_ambiguity.proxies.prompts import PromptSet, lesson_prompts, load_prompts
from scaling_ambiguity.proxies.verbalised import load_verbalised
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.training.examples import Examples, gather_examples


def main(arguments: argparse.Namespace) -> None:
    """Gather, train, save."""
    torch.set_num_threads(1)
    utterances, splits = UTTERANCES.read(arguments.utterances), SPLITS.read(arguments.splits)
    fold, classes, encoded = arguments.fold, arguments.classes, arguments.encodings
    examples = gather_examples(utterances, arguments.root, arguments.labels, splits, fold, classes, encoded=encoded)
    alm, prompts = load_alm(arguments.untrained, device="cpu"), [load_prompts(arguments.prompts)]
    if arguments.writing:
        prompts.append(load_verbalised(arguments.writing, counts=True))
    train = course(alm, examples.train, prompts, classes)
    validation = course(alm, examples.validation, prompts, classes)
    seed = derive_seed(arguments.seed, "train_alm", fold) % 2**63
    report = train_member(alm, train, validation, classes, arguments.training, seed)
    parts = {
        part: utterances[utterances["utterance"].isin(members.utterances)] for part, members in vars(examples).items()
    }
    with atomic_path(arguments.output) as folder:
        alm.model.save_pretrained(folder)
        alm.processor.save_pretrained(folder)
        write_heard(pd.concat([parts["train"], parts["validation"]]), folder)
        refuse_heard(folder, parts["test"])
    report |= {"train": len(examples.train), "validated": len(examples.validation)}
    report |= {"parameters": sum(weight.numel() for weight in alm.model.parameters())}
    write_json(report | {"revision": folder_revision(arguments.output)}, arguments.scores)


def course(alm: LoadedALM, part: Examples, prompts: list[PromptSet], classes: list[str]) -> Course:
    """Return what is learned from the clips of a part that have audio tokens; those without are named in the log.

    Raises:
        UserError: No clip of the part has, or the outputs on disk come from another tower or sound.
    """
    # of whatever device: a member is trained on the CPU, its tower may have run on a GPU
    taken = part.taken({"revision": encoder_of(alm)["revision"]})
    rows = [i for i, name in enumerate(part.utterances) if name in taken]
    for name in sorted(set(part.utterances) - set(taken)):
        print(f"{name}: too short for an audio token, left out")
    if not rows:
        raise UserError("no clip has an audio token: check the sound of the corpus.")
    assert part.targets is not None, "training and validation have targets"
    lessons = []
    for i in rows:
        asked = [lesson_prompts(alm.processor, one, part.transcripts[i], classes) for one in prompts]
        lessons.append(Lesson(asked[0], part.targets[i], *asked[1:]))
    return Course([taken[part.utterances[i]].tokens for i in rows], lessons)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--untrained", required=True, help="checkpoint with the frozen tower and untrained rest")
    parser.add_argument("--training", type=cli.json_value, required=True, help="settings of the training, JSON")
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--root", type=Path, required=True, help="folder that the utterances' paths are relative to")
    parser.add_argument("--labels", type=Path, required=True, help="label table: distributions of human votes")
    parser.add_argument("--splits", required=True, help="the protocol's splits")
    parser.add_argument("--fold", type=int, required=True)
    parser.add_argument("--encodings", nargs="+", type=Path, required=True, help="outputs of the tower, folders")
    parser.add_argument("--prompts", required=True, help="prompt set, YAML")
    parser.add_argument("--writing", help="prompts by which it also learns to count listeners, YAML")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="label words, comma-separated")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True, help="checkpoint folder")
    parser.add_argument("--scores", required=True, help="losses and numbers of clips, JSON")
    cli.run(main, parser)
