"""Generated corpora of every shape: each ends in a PDF, or in one message of the first jobs that names the remedy.

The cells cover every pair of values of the factors. `pytest tests/workflow/test_grid.py -k twelve_classes` runs one.
"""

import csv
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from checkout import REPOSITORY, compiling, stand_in
from paper_pages import texts_of

pytestmark = pytest.mark.slow
FIRST = {
    "read_corpus",
    "split_corpus",
    "audit_audio",
    "screen_corpus",
    "fig_validity",
    "tab_validity",
    "read_model_votes",
}
WORDS = [
    "neutral",
    "happy",
    "sad",
    "angry",
    "fear",
    "disgust",
    "surprise",
    "contempt",
    "bored",
    "amused",
    "calm",
    "proud",
]


@dataclass(frozen=True)
class Cell:
    """Speakers, [least, most] votes per utterance, classes, synthetic votes, raters by name, sound; what it ends in."""

    name: str
    speakers: int
    votes: tuple[int, int]
    classes: int
    synthetic: int
    raters: bool
    sound: bool
    message: str = ""  # empty: a PDF


ONE = "At least two are needed"
SINGLE = "none of the 60 utterances has votes of two people"
CELLS = [
    Cell("one_speaker", 1, (5, 5), 4, 5, True, False, ONE),
    Cell("one_speaker_one_vote", 1, (1, 1), 2, 1, False, True, ONE),
    Cell("one_speaker_three_votes", 1, (3, 3), 2, 5, False, False, ONE),
    Cell("one_speaker_many_votes", 1, (3, 9), 10, 20, True, True, ONE),
    Cell("one_vote", 12, (1, 1), 4, 20, True, False, SINGLE),
    Cell("one_vote_two_speakers", 2, (1, 1), 10, 5, False, False, SINGLE),
    Cell("one_vote_five_speakers", 5, (1, 1), 2, 1, True, True, SINGLE),
    Cell("two_speakers_three_votes", 2, (3, 3), 2, 20, True, True),
    Cell("two_speakers_five_votes", 2, (5, 5), 4, 1, False, False),
    Cell("two_speakers_ragged", 2, (3, 9), 10, 5, True, False),
    Cell("five_speakers_three_votes", 5, (3, 3), 10, 1, True, False),
    Cell("five_speakers_five_votes", 5, (5, 5), 2, 20, False, True),
    Cell("five_speakers_ragged", 5, (3, 9), 4, 5, False, False),
    Cell("twelve_speakers_three_votes", 12, (3, 3), 4, 5, False, True),
    Cell("twelve_speakers_five_votes", 12, (5, 5), 10, 1, True, True),
    Cell("twelve_speakers_ragged", 12, (3, 9), 2, 20, True, False),
    Cell("twelve_classes", 12, (3, 9), 12, 1, False, False),
]


def write_corpus(cell: Cell, folder: Path) -> None:
    """Write utterances, votes of people and votes of a model, and sound: 60 utterances, or nearly."""
    random, classes = np.random.default_rng(7), WORDS[: cell.classes]
    files = {name: (folder / f"{name}.csv").open("w", newline="") for name in ("utterances", "votes", "model")}
    writers = {name: csv.writer(file) for name, file in files.items()}
    writers["utterances"].writerow(["utterance", "speaker", "path", "transcript"])
    writers["votes"].writerow(["utterance", *(["rater"] if cell.raters else []), "label"])
    writers["model"].writerow(["utterance", "label"])
    for place in range(60 // cell.speakers * cell.speakers):
        name, speaker = f"u{place:03d}", f"s{place % cell.speakers:02d}"
        path = f"{name}.wav" if cell.sound else ""
        writers["utterances"].writerow([name, speaker, path, f"sentence {place}"])
        shares = random.dirichlet(np.full(len(classes), 0.5))
        for rater in random.choice(20, random.integers(cell.votes[0], cell.votes[1] + 1), replace=False):
            writers["votes"].writerow([name, *([f"r{rater}"] if cell.raters else []), random.choice(classes, p=shares)])
        for label in random.choice(classes, cell.synthetic, p=0.7 * shares + 0.3 / len(classes)):
            writers["model"].writerow([name, label])
        if path:
            tone = 6000 * np.sin(2 * np.pi * (120 + place) * np.arange(16000) / 16000) + random.normal(0, 300, 16000)
            with wave.open(str(folder / path), "wb") as file:
                file.setparams((1, 2, 16000, 0, "NONE", ""))
                file.writeframes(tone.astype("<i2").tobytes())
    for file in files.values():
        file.close()


def configuration(cell: Cell, folder: Path) -> dict:
    """Return the configuration: votes alone, few resamples; two speakers are dealt at random, as the message says."""
    corpus = {"reader": "table", "root": str(folder), "utterances": "utterances.csv", "votes": "votes.csv", "shards": 1}
    corpus |= {"classes": WORDS[: cell.classes], "audio": "required" if cell.sound else "optional"}
    fair = {"levels": {"votes": 4 if cell.classes == 2 else 3}}
    if cell.speakers < 4:
        fair["splits"] = {"scheme": "random", "test": 0.2, "validation": 0.1, "seed": 42}
    return {
        "corpora": {"mine": corpus},
        "alms": {"given": {"engine": "table", "votes": str(folder / "model.csv")}},
        "annotators": {"given": {"alm": "given", "mode": "table", "votes": cell.synthetic}},
        "protocols": {"fair": fair},
        "finetuning": {"models": []},
        "statistics": {
            "resamples": 100,
            "deals": 2,
            "saturation_votes": [1, 2, 3, 5],
            "exchange": {"largest_k": 2, "votes": sorted({1, min(5, cell.synthetic), cell.synthetic})},
            "costs": {"human": [1, 2, "all"], "synthetic": sorted({0, 1, cell.synthetic})},
        },
        "run": {
            "name": "grid",
            "directory": ".",
            "corpora": ["mine"],
            "annotators": ["given"],
            "poolings": ["equal", "weighted"],
            "augmentation": ["none"],
            "augmented_labels": [],
        },
        "paper": {"headline": {"corpus": "mine", "annotator": "given", "protocol": "fair"}},
    }


def called(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    environment = compiling() | {"SA_PYTHON": str(stand_in())}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False
    )


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_corpus_ends_in_a_paper_or_in_one_message(cell, tmp_path):
    write_corpus(cell, tmp_path)
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(configuration(cell, tmp_path)))
    snakemake = [sys.executable, "-m", "snakemake", "-s", str(REPOSITORY / "Snakefile"), "--configfile", "grid.yaml"]
    result = called([*snakemake, "--cores", "1", "build_paper"], tmp_path)
    printed = result.stdout + result.stderr
    assert "Traceback" not in printed, printed[-6000:]
    if cell.message:
        begun = {
            line.split()[1].rstrip(":") for line in printed.splitlines() if line.startswith(("rule ", "localrule "))
        }
        assert result.returncode == 1 and cell.message in printed, printed[-3000:]
        assert begun <= FIRST, begun
        return
    assert result.returncode == 0, printed[-6000:]
    text = called(["pdftotext", "paper/main.pdf", "-"], tmp_path).stdout
    text += called(["pdftotext", "paper/supplement.pdf", "-"], tmp_path).stdout
    assert "given as a table" in " ".join(text.split()) and "??" not in text and "nan" not in text.split()
    assert len(texts_of(tmp_path / "paper" / "main.pdf")) <= 5


def test_the_cells_cover_every_pair_of_values():
    shapes = [(cell.speakers, cell.votes, cell.classes, cell.synthetic, cell.raters, cell.sound) for cell in CELLS]
    values = [(1, 2, 5, 12), ((1, 1), (3, 3), (5, 5), (3, 9)), (2, 4, 10), (1, 5, 20), (False, True), (False, True)]
    for first in range(6):
        for other in range(first):
            have = {(shape[first], shape[other]) for shape in shapes}
            wanted = {(one, two) for one in values[first] for two in values[other]}
            assert wanted <= have, (first, other, wanted - have)
