"""Train a small audio-language model of a real class, the demo's a Qwen2-Audio of 0.6 million parameters, from scratch.

It learns from speakers, sentences and raters that no corpus of the project contains (a foreign
world, synthesised into a temporary folder), and is scored on yet other foreign speakers, compared with the
class prior and the pool's own expected vote. With prompts for it, it also learns to write how many listeners
would give each label. The result is an ordinary checkpoint folder.
"""

import argparse
import tempfile

import numpy as np
import torch

from scaling_ambiguity import cli
from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.loading import LoadedALM, folder_revision, load_alm
from scaling_ambiguity.alms.tiny.answers import Lesson, every_number
from scaling_ambiguity.alms.tiny.build import QWEN2_AUDIO, build_model, build_processor
from scaling_ambiguity.alms.tiny.heldout import predict, scores
from scaling_ambiguity.alms.tiny.sound import MelSound
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.alms.tiny.training import train
from scaling_ambiguity.corpora.demo_world import World, sample_world
from scaling_ambiguity.corpora.speech import synthesise
from scaling_ambiguity.io import atomic_path, write_json
from scaling_ambiguity.proxies.prompts import PromptSet, lesson_prompts, load_prompts, render, user_texts
from scaling_ambiguity.proxies.verbalised import load_verbalised
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.base import class_columns

HELD_OUT = {"utterances": 160, "speakers": 8}


def main(arguments: argparse.Namespace) -> None:
    """Train, save, load again as any checkpoint is loaded, and score."""
    torch.set_num_threads(1)
    options, prompts = arguments.options, load_prompts(arguments.prompts)
    world_options = options["trained_on"]
    classes = world_options["classes"]
    training = sample_world("foreign_train", world_options, arguments.seed, pool="foreign")
    held_out = sample_world("foreign_heldout", {**world_options, **HELD_OUT}, arguments.seed, pool="foreign")
    texts = [prompts.system, *training.utterances["transcript"]]
    texts += user_texts(prompts, classes)
    asking = [prompts]
    if arguments.writing:
        asking.append(load_verbalised(arguments.writing, counts=True))
        texts += user_texts(asking[1], classes) + every_number(classes)
    family = options["training"].get("family", QWEN2_AUDIO)
    processor = build_processor(train_tokenizer(texts, classes), family)
    model = build_model(processor, derive_seed(arguments.seed, "tiny", "weights") % 2**63, family)
    alm = LoadedALM(model, processor, processor.tokenizer, torch.device("cpu"), "untrained")
    counts = vote_counts(training, classes)
    lessons = []
    for transcript, target in zip(
        training.utterances["transcript"], counts / counts.sum(1, keepdims=True), strict=True
    ):
        label, *counting = (lesson_prompts(processor, one, transcript, classes) for one in asking)
        lessons.append(Lesson(label, target, *counting))
    sound = MelSound(alm, waveforms(training))
    losses = train(alm, lessons, sound, classes, options["training"], arguments.seed)
    with atomic_path(arguments.output) as folder:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        report = held_out_report(
            load_alm(folder, device="cpu"), held_out, prompts, classes, counts.sum(0) / counts.sum()
        )
    report |= {
        "name": arguments.name,
        "revision": folder_revision(arguments.output),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "steps": len(losses),
        "final_loss": float(np.mean(losses[-20:])),
        "trained_on_utterances": len(lessons),
    }
    write_json(report, arguments.scores)


def waveforms(world: World) -> list[np.ndarray]:
    """Return the world's clips, synthesised into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = synthesise(world.utterances, folder, what=f"speech of {world.name}", workers=1)
        return [load_waveform(f"{folder}/{path}") for path in spoken["path"]]


def vote_counts(world: World, classes: list[str]) -> np.ndarray:
    """Return the votes for each class (n, C) in the utterances' order."""
    table = world.votes.groupby(["utterance", "label"]).size().unstack(fill_value=0)
    return table.reindex(index=world.utterances["utterance"], columns=classes, fill_value=0).to_numpy(float)


def held_out_report(alm: LoadedALM, world: World, prompts: PromptSet, classes: list[str], prior: np.ndarray) -> dict:
    """Return the scores of the model, of the class prior of its training votes and of the pool's expected vote."""
    texts = [
        [render(alm, prompts, focus, transcript, classes, "both") for focus in prompts.focus_ids]
        for transcript in world.utterances["transcript"]
    ]
    expected = world.truth[class_columns(classes, "v_")].to_numpy()
    counts = vote_counts(world, classes)
    return {
        "model": scores(predict(alm, waveforms(world), texts, classes), expected, counts),
        "prior": scores(prior[None, :], expected, counts),
        "ceiling": scores(expected, expected, counts),
        "utterances": len(world.utterances),
        "speakers": int(world.utterances["speaker"].nunique()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="name of the model in the configuration")
    parser.add_argument(
        "--options", type=cli.json_value, required=True, help="the model's entry in the configuration, JSON"
    )
    parser.add_argument("--prompts", required=True, help="prompt set, YAML")
    parser.add_argument("--writing", help="prompts by which it also learns to count listeners, YAML")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True, help="checkpoint folder")
    parser.add_argument("--scores", required=True, help="held-out scores, JSON")
    cli.run(main, parser)
