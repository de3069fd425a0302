"""Assemble an audio-language model that is to be trained on votes: Whisper's first layers and an untrained rest.

The tokenizer is trained on the prompts and the corpus' transcripts; the window is as long as its longest clip. The
result is an ordinary checkpoint folder, by which `encode_audio` runs the frozen audio tower once for all folds.
"""

import argparse

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.alms.tiny.answers import every_number
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.alms.tiny.whisper import build_model, build_processor, open_whisper, window
from scaling_ambiguity.io import atomic_path
from scaling_ambiguity.proxies.prompts import load_prompts, user_texts
from scaling_ambiguity.proxies.verbalised import load_verbalised
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Open Whisper, build, save."""
    torch.set_num_threads(1)
    utterances, prompts, classes = (
        UTTERANCES.read(arguments.utterances),
        load_prompts(arguments.prompts),
        arguments.classes,
    )
    texts = [prompts.system, *utterances["transcript"].dropna().drop_duplicates().sort_values()]
    texts += user_texts(prompts, classes)
    if arguments.writing:
        texts += user_texts(load_verbalised(arguments.writing, counts=True), classes) + every_number(classes)
    encoder = open_whisper(arguments.encoder)
    processor = build_processor(train_tokenizer(texts, classes), encoder, window(utterances["duration"].max(), encoder))
    seed = derive_seed(arguments.seed, "tiny", "weights") % 2**63
    model = build_model(processor, encoder, arguments.encoder["layers"], seed)
    with atomic_path(arguments.output) as folder:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    millions = sum(weight.numel() for weight in model.parameters()) / 1e6
    print(f"{millions:.1f} million parameters, a window of {processor.feature_extractor.chunk_length} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=cli.json_value, required=True, help="Whisper checkpoint and layers, JSON")
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--prompts", required=True, help="prompt set, YAML")
    parser.add_argument("--writing", help="prompts by which it will also learn to count listeners, YAML")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="label words, comma-separated")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True, help="checkpoint folder")
    cli.run(main, parser)
