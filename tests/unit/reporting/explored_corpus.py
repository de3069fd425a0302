"""A made-up corpus as tables, for the listening page: unequal votes, odd names, left-out utterances, perhaps sound."""

import argparse
import subprocess
from pathlib import Path

import build_explorer
import numpy as np
import pandas as pd

from scaling_ambiguity.reporting.explorer import OWN, PAGE
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

TEMPLATE = Path(__file__).resolve().parents[3] / "workflow" / "resources" / "explorer"
HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'> & \u2028 \"so\""
ODD = "ü ö/#1 50%?&'<i>\".x"  # an id
ANNOTATOR, SECOND = "tiny_crossed", "other_alm"
assert (TEMPLATE / PAGE).is_file() and all((TEMPLATE / name).is_file() for name in OWN)


def _votes(names, classes, random, most):
    """Rows of votes: 1 to ``most`` of every utterance, the last of some outside the classes."""
    rows = []
    for place, name in enumerate(names):
        favourite = place % len(classes)
        for rater in range(1 + place % most):
            label = classes[favourite if random.random() < 0.7 else random.integers(len(classes))]
            outside = rater and rater == most - 1
            rows.append((name, f"r{rater}", None if outside else label, "puzzled" if outside else label))
    table = pd.DataFrame(rows, columns=["utterance", "rater", "label", "label_raw"])
    return table.assign(presentation="voice", kind="observer", role="primary", rank=0, weight=1.0, raters_known=True)


def _proxies(names, classes, random, draws, annotator):
    table = pd.DataFrame({"utterance": np.repeat(names, draws), "draw": np.tile(np.arange(draws), len(names))})
    label = pd.Series(random.choice(classes, len(table)), dtype=object)
    cut = table["draw"] == draws - 1
    return table.assign(
        presentation="voice",
        rater=annotator,
        kind="synthetic",
        role="primary",
        rank=0,
        label=label.where(~cut, None),
        label_raw=label,
        weight=1.0,
        raters_known=True,
        prompt="tone",
        temperature=0.5,
        response=label.where(~cut, HOSTILE),
        status=np.where(cut, "cut", "ok"),
        logprob=np.nan,
        reason=pd.Series(None, index=table.index, dtype=object).where(~cut, "at the token limit"),
    )


def _shares(names, classes, random, prefix="p_"):
    values = random.dirichlet(np.ones(len(classes)), len(names))
    return pd.DataFrame(values, columns=[f"{prefix}{label}" for label in classes]).assign(utterance=list(names))


def _write_utterances(names, folder, transcripts, paths):
    table = pd.DataFrame({"utterance": names, "speaker": [f"s{place % 7}" for place in range(len(names))]})
    table = table.assign(session=None, split=None, path=paths, duration=1.5, sample_rate=16000, transcript=transcripts)
    UTTERANCES.write(table, folder / "found" / "utterances.parquet")
    # the last one is left out as its sound is damaged
    UTTERANCES.write(table.iloc[:-1], folder / "utterances.parquet")
    return table["utterance"].tolist()[:-1]


def _write_rejects(lost, names, folder):
    items = [
        (lost, "audio", "truncated"),
        ("only listed", "utterance", "no such file"),
        (f"{names[0]}/r9/0", "vote", "no label"),
    ]
    rejects = pd.DataFrame(items, columns=["item", "stage", "reason"]).assign(source_file="list.csv", source_line=3)
    REJECTS.write(rejects, folder / "rejects.parquet")


def speak(path: Path, words: str) -> None:
    """Synthesise words with the demo's synthesiser."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["espeak-ng", "-w", str(path), words], check=True)


def make_corpus(
    folder: Path,
    size=24,
    classes=("neutral", "happy", "sad", "angry"),
    most=5,
    transcripts=True,
    root=None,
    models=True,
):
    """Write the tables of a corpus below ``folder``; return its entry, fields of an ``Explored``."""
    random, classes = np.random.default_rng(3), list(classes)
    every = [f"u{place:05d}" for place in range(size - 1)] + ["zz_damaged"]
    every[0] = ODD
    texts = [f"sentence {place}, said calmly" if transcripts else None for place in range(size)]
    texts[0] = HOSTILE if transcripts else None
    paths = [f"sound/{name.replace('/', '_')}.wav" if root else None for name in every]
    names = _write_utterances(every, folder, texts, paths)
    votes = _votes(every, classes, random, most)
    VOTES.write(votes, folder / "found" / "votes.parquet")
    VOTES.write(votes[votes["utterance"] != every[-1]], folder / "votes.parquet")
    _write_rejects(every[-1], names, folder)
    level = pd.DataFrame({"utterance": names[1:], "votes": np.int16(3)})
    for deal in range(3):
        level[f"level_{deal:02d}"] = random.integers(3, size=len(level)).astype(np.int8)
        level[f"agreement_{deal:02d}"] = 0.5
    LEVELS.write(level, folder / "levels.parquet")
    splits = pd.DataFrame({"utterance": names * 2, "fold": np.repeat([0, 1], len(names))})
    tested = np.tile(np.arange(len(names)) % 2, 2) == splits["fold"]
    SPLITS.write(splits.assign(part=np.where(tested, "test", "train")), folder / "splits.parquet")
    for annotator, draws in ((ANNOTATOR, 5), (SECOND, 2)):
        PROXIES.write(_proxies(names, classes, random, draws, annotator), folder / f"{annotator}.parquet")
    pooled = _shares(names, classes, random).assign(n_human=1, n_synthetic=1)
    LABELS.write(pooled, folder / "combined.parquet")
    predictions = _write_predictions(splits[tested], classes, random, folder) if models else []
    return {
        "corpus": "demo",
        "classes": classes,
        "root": str(root or folder),
        "utterances": str(folder / "utterances.parquet"),
        "found": str(folder / "found" / "utterances.parquet"),
        "votes": str(folder / "votes.parquet"),
        "found_votes": str(folder / "found" / "votes.parquet"),
        "rejects": str(folder / "rejects.parquet"),
        "levels": str(folder / "levels.parquet"),
        "splits": str(folder / "splits.parquet"),
        "protocol": "fair",
        "silent": "" if root else "corpora.demo.audio is none",
        "annotators": {
            SECOND: {"proxies": str(folder / f"{SECOND}.parquet"), "read_out": []},
            ANNOTATOR: {
                "proxies": str(folder / f"{ANNOTATOR}.parquet"),
                "read_out": [str(folder / "combined.parquet")],
            },
        },
        "first": ANNOTATOR,
        "labels": {f"combined-{ANNOTATOR}-equal": str(folder / "combined.parquet")},
        "predictions": predictions,
        "strategies": _write_given(names, classes, random, folder) if models else {},
        "given": {"mine": str(folder / "strategies" / "bon-fair.parquet")} if models else {},
    }


def _write_given(names, classes, random, folder):
    """Write the predictions of two strategies; return their folder by submission."""
    for name in ("bon-fair", "mean_of_2-control"):
        (folder / "strategies").mkdir(exist_ok=True)
        GIVEN.write(_shares(names, classes, random), folder / "strategies" / f"{name}.parquet")
    return {"demo_tiny": str(folder / "strategies")}


def _write_predictions(tested, classes, random, folder):
    """Write two seeds of one model under both folds; return their paths."""
    paths = []
    for fold in (0, 1):
        names = tested.loc[tested["fold"] == fold, "utterance"].tolist()
        for seed in (0, 1):
            table = _shares(names, classes, random).assign(
                corpus="demo", protocol="fair", model="tiny", labels="human", augmentation="none", strategy="none",
                fold=fold, seed=seed,
            )  # fmt: skip
            paths.append(str(folder / f"{fold}-{seed}.parquet"))
            PREDICTIONS.write(table, paths[-1])
    return paths


def page_of(folder: Path, entry: dict, title: str = "A title") -> Path:
    """Build the page of one corpus as the program does; return its folder."""
    page = folder / "explorer" / PAGE
    build_explorer.main(
        argparse.Namespace(
            corpora={"demo": entry},
            template=TEMPLATE,
            title=title,
            name="made up",
            level=0.95,
            page=page,
            data=page.parent / "data",
            lib=page.parent / "lib",
        )
    )
    return page.parent
