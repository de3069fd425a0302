"""Make the embedded demo: a simulated corpus with a known truth, spoken by espeak-ng.

Under --root: audio/*.wav, utterances.csv, votes.csv and details.csv (what was intended and
realised in each utterance, and whether its words contradict the voice). The truth goes to --truth.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.demo_world import sample_world
from scaling_ambiguity.corpora.speech import synthesise
from scaling_ambiguity.io import atomic_path, write_csv
from scaling_ambiguity.tables.truth import TRUTH


def main(arguments: argparse.Namespace) -> None:
    """Sample the world, speak it and write it."""
    world = sample_world(arguments.name, arguments.options, arguments.seed)
    with atomic_path(arguments.root / "audio") as folder:
        files = synthesise(world.utterances, folder, what=f"synthesise {arguments.name}")
    utterances = world.utterances[["utterance", "speaker"]].assign(
        path="audio/" + files["path"], duration=files["duration"], transcript=world.utterances["transcript"]
    )
    write_csv(utterances, arguments.root / "utterances.csv")
    write_csv(world.votes.sort_values(["utterance", "rater"]), arguments.root / "votes.csv")
    write_csv(world.utterances, arguments.root / "details.csv")
    TRUTH.write(world.truth, arguments.truth)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--options", type=cli.json_value, required=True, help="the corpus' entry in the configuration")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--truth", type=Path, required=True, help="truth table to write")
    cli.run(main, parser)
