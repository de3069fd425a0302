"""Made-up corpora in the exact formats of MSP-Podcast and MSP-IMPROV: names, votes and texts are invented."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

PRIMARY = ["Angry", "Sad", "Happy", "Surprise", "Fear", "Disgust", "Contempt", "Neutral"]
SECONDARY = ["Amused", "Frustrated", "Depressed", "Concerned", "Disappointed", "Excited", "Confused", "Annoyed"]
RELEASE_16 = ["FileName", "Workers", "EmoClass_Major", "EmoClass_Second", "EmoAct", "EmoVal", "EmoDom"]
RELEASE_20 = ["FileName", "WorkerID", "EmoDom", "EmoVal", "EmoAct", "EmoClass_Second", "EmoClass_Major"]
CONSENSUS = ["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]


@dataclass(frozen=True)
class Vote:
    """One worker's vote on one utterance."""

    utterance: str
    rater: str
    primary: str
    secondary: str = ""
    act: str = "4.000000"
    val: str = "4.000000"
    dom: str = "3.000000"

    def line(self, *, naturalness: str | None = None) -> str:
        """Return the vote as in the text files: order A, V, D."""
        tail = f" N:{naturalness};" if naturalness is not None else ""
        return f"{self.rater}; {self.primary}; {self.secondary}; A:{self.act}; V:{self.val}; D:{self.dom};{tail}"


def quoted(cell: str) -> str:
    """Return a CSV cell, in quotes where it needs them."""
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in '",') else cell


def text(votes: list[Vote]) -> str:
    """Return labels.txt."""
    blocks = []
    for name in dict.fromkeys(vote.utterance for vote in votes):
        lines = [vote.line() for vote in votes if vote.utterance == name]
        blocks.append("\n".join([f"{name}.wav; N; A:3.800000; V:4.200000; D:4.000000;", *lines]) + "\n\n")
    return "".join(blocks)


def columns(votes: list[Vote], names: list[str]) -> str:
    """Return labels_detailed.csv with one column a field, as in releases 1.6 and 2.0."""
    fields = {
        "FileName": lambda v: f"{v.utterance}.wav",
        "EmoClass_Major": lambda v: v.primary,
        "EmoClass_Second": lambda v: v.secondary,
        "EmoAct": lambda v: v.act,
        "EmoVal": lambda v: v.val,
        "EmoDom": lambda v: v.dom,
    }
    cells = [[quoted(fields.get(name, lambda v: v.rater)(vote)) for name in names] for vote in votes]
    return "".join(",".join(row) + "\n" for row in [names, *cells])


def pairs(votes: list[Vote]) -> str:
    """Return labels_detailed.csv with the two columns of releases 1.7 to 1.11."""
    rows = ['{}.wav,"{}"\n'.format(vote.utterance, vote.line().replace('"', '""')) for vote in votes]
    return "FileName,EmoDetail\n" + "".join(rows)


def objects(votes: list[Vote]) -> str:
    """Return labels_detailed.json."""
    files: dict[str, dict] = {}
    for vote in votes:
        numbers = {"EmoAct": vote.act, "EmoVal": vote.val, "EmoDom": vote.dom}
        files.setdefault(f"{vote.utterance}.wav", {})[vote.rater] = {
            "EmoClass_Major": vote.primary,
            "EmoClass_Second": vote.secondary,
        } | {name: float(number) if number.strip() else None for name, number in numbers.items()}
    return json.dumps(files, ensure_ascii=False)


DETAILED = {
    "text": ("labels.txt", text),
    "1.6": ("labels_detailed.csv", lambda votes: columns(votes, RELEASE_16)),
    "1.7": ("labels_detailed.csv", pairs),
    "json": ("labels_detailed.json", objects),
    "2.0": ("labels_detailed.csv", lambda votes: columns(votes, RELEASE_20)),
}


def consensus(votes: list[Vote], split: str = "Train", **changes: dict[str, str]) -> pd.DataFrame:
    """Return labels_consensus as a table; ``changes`` are {column: {utterance: value}}."""
    names = list(dict.fromkeys(vote.utterance for vote in votes))
    frame = pd.DataFrame({"FileName": [f"{name}.wav" for name in names]})
    frame[CONSENSUS[1:]] = ["N", "3.8", "4.2", "4.0", "777", "Female", split]
    for column, values in changes.items():
        frame[column] = [values.get(name, old) for name, old in zip(names, frame[column], strict=True)]
    return frame


def write_podcast(root: Path, votes: list[Vote], shape: str = "2.0", table: pd.DataFrame | None = None) -> Path:
    """Write Labels with labels_consensus.csv and the detailed labels in one of ``DETAILED``; return ``root``."""
    folder = root / "Labels"
    folder.mkdir(parents=True, exist_ok=True)
    name, spell = DETAILED[shape]
    (folder / name).write_text(spell(votes), encoding="utf-8")
    table = consensus(votes) if table is None else table
    table.to_csv(folder / "labels_consensus.csv", index=False)
    return root


def improv(votes: list[Vote], naturalness: str = "4.000000") -> str:
    """Return Evaluation.txt; the clips are called UTD-IMPROV-..., a space stands behind D."""
    blocks = []
    for name in dict.fromkeys(vote.utterance for vote in votes):
        lines = [vote.line(naturalness=naturalness) for vote in votes if vote.utterance == name]
        clip = name.replace("MSP-IMPROV-", "UTD-IMPROV-")
        blocks.append("\n".join([f"{clip}.avi; A; A:2.400000; V:NaN; D:3.200000 ; N:3.600000;", *lines]) + "\n\n")
    return "".join(blocks)


def sample(n: int = 40, *, raters: int = 12, seed: int = 1, name: str = "MSP-PODCAST_9999_{:04d}") -> list[Vote]:
    """Return 3 to 7 random votes on each of ``n`` utterances."""
    rng = np.random.default_rng(seed)
    votes = []
    for i in range(n):
        likely = rng.dirichlet(np.full(len(PRIMARY), 0.3))
        for rater in rng.choice(raters, rng.integers(3, 8), replace=False):
            primary = str(rng.choice([*PRIMARY, "Other-Curious"], p=[*(0.95 * likely), 1 - 0.95 * likely.sum()]))
            secondary = ",".join([primary, *map(str, rng.choice(SECONDARY, rng.integers(0, 3), replace=False))])
            numbers = (f"{number:.6f}" for number in rng.integers(1, 8, 3))
            votes.append(Vote(name.format(i + 1), f"WORKER999{rater:05d}", primary, secondary, *numbers))
    return votes


def write_large_podcast(
    root: Path,
    utterances: int = 264_705,
    votes: int = 1_500_000,
    *,
    workers: int = 15_000,
    secondary: bool = True,
    seed: int = 1,
) -> Path:
    """Write Labels in the format of release 2.0, at least 5 votes an utterance, each worker once; return ``root``.

    Args:
        root: Folder to write into.
        utterances: Rows of labels_consensus.csv.
        votes: Rows of labels_detailed.csv, at least 5 an utterance.
        workers: Number of workers, more than the most votes on an utterance.
        secondary: Name two secondary labels in each vote (three rows of the votes table in all), or none.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    folder = root / "Labels"
    folder.mkdir(parents=True, exist_ok=True)
    number = np.arange(utterances)
    files = pa.array([f"MSP-PODCAST_{i // 1000:04d}_{i % 1000:04d}.wav" for i in range(utterances)])
    per_utterance = 5 + np.bincount(rng.integers(0, utterances, votes - 5 * utterances), minlength=utterances)
    rows = np.repeat(number, per_utterance)
    place = np.arange(votes) - np.repeat(np.cumsum(per_utterance) - per_utterance, per_utterance)
    step = rng.integers(1, workers // (place.max() + 1), utterances)
    worker = (rng.integers(0, workers, utterances)[rows] + place * step[rows]) % workers
    likely = rng.dirichlet(np.full(9, 0.4), utterances).cumsum(axis=1)
    major = (rng.random(votes)[:, None] > likely[rows]).sum(axis=1).clip(max=8)
    words = pa.array([*PRIMARY, "Other-Curious"])
    cells = pa.array([f'"{a},{b}"' for a in words.to_pylist() for b in SECONDARY])
    ratings = pa.array([f"{rating:.6f}" for rating in range(1, 8)])
    fields = [
        files.take(pa.array(rows)),
        pc.binary_join_element_wise("WORKER", pa.array(99_000_000 + worker).cast(pa.string()), ""),
        words.take(pa.array(major)),
        cells.take(pa.array(major * 8 + rng.integers(0, 8, votes))) if secondary else "",
        *(ratings.take(pa.array(rng.integers(0, 7, votes))) for _ in range(3)),
    ]
    head = "FileName,Worker,EmoClass_Major,EmoClass_Second,EmoAct,EmoVal,EmoDom"
    _write_lines(folder / "labels_detailed.csv", head, fields)
    share = number / utterances
    split = np.select([share < 0.64, share < 0.77, share < 0.945], ["Train", "Development", "Test1"], "Test2")
    fields = [
        files,
        "N,4.0,4.0,4.0",
        pa.array(number // 80).cast(pa.string()),
        "Female",
        pa.array(split.astype(object)),
    ]
    _write_lines(folder / "labels_consensus.csv", ",".join(CONSENSUS), fields)
    return root


def _write_lines(path: Path, head: str, fields: list) -> None:
    lines = pc.binary_join_element_wise(*fields, ",")
    path.write_text("\n".join([head, *lines.to_pylist(), ""]), encoding="utf-8")
