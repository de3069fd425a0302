"""IEMOCAP and MSP-Podcast in their published formats, made up here, from files on disk to the PDF, or to the tables."""

import importlib.util
import json
import subprocess

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from checkout import REPOSITORY, TINY, Checkout

pytestmark = pytest.mark.slow


def _load(name):
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "tests" / "unit" / "corpora" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLASSES = ["neutral", "happy", "sad", "angry"]
INSIDE = {"Neutral", "Happiness", "Excited", "Sadness", "Anger"}
ASKED = {"alm": "tiny", "mode": "sampled", "votes": 5, "prompts": "focus", "temperatures": [0.2, 0.93]}
ASKED |= {"design": "crossed", "modality": "both"}
LITTLE = {
    "finetuning": {"steps": 2, "evaluate_every": 1, "folds_per_job": "all"},
    "controls": [],
    "annotators": {"asked": ASKED},
    "statistics": {
        "resamples": 200,
        "deals": 2,
        "saturation_votes": [1, 2, 3, 5],
        "exchange": {"largest_k": 1, "votes": [1, 5]},
    },
}


def configure(made: Checkout, name: str, entry: dict, splits: dict, **more: dict) -> tuple[str, ...]:
    """Write the differences from the tiny preset; return the arguments that select them."""
    run = {
        "name": name,
        "directory": f"runs/{name}",
        "corpora": [name],
        "annotators": ["asked"],
        "augmentation": ["none"],
        "augmented_labels": [],
    }
    preset = LITTLE | {"corpora": {name: entry}, "protocols": {"fair": {"splits": splits}}, "run": run} | more
    preset["paper"] = {"headline": {"corpus": name, "annotator": "asked", "protocol": "fair"}}
    (made.root / f"{name}.yaml").write_text(yaml.safe_dump(preset))
    return (*TINY, f"{name}.yaml")


def tone(path, rate, loudness):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, loudness * np.sin(np.arange(rate // 2) * 0.17), rate, subtype="PCM_16")


def page(made: Checkout, name: str) -> str:
    """Return the text of the paper and its supplement, in one line."""
    texts = []
    for document in ("main", "supplement"):
        pdf = made.root / "runs" / name / "paper" / f"{document}.pdf"
        texts.append(subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout)
    return " ".join(" ".join(texts).split())


def test_iemocap_runs_to_the_paper_and_a_silent_clip_is_never_annotated(tmp_path):
    made, make = Checkout.make(tmp_path / "checkout"), _load("make_iemocap")
    clips = make.sample(sessions=(1, 2, 3), clips=14)
    root = make.write(tmp_path / "IEMOCAP_full_release", clips, audio=True)
    sounds = {path.stem: path for path in root.rglob("*.wav")}
    # kept by the class policy, so that nothing but its silence can leave it out
    silent = next(clip.name for clip in clips if all(set(words) <= INSIDE for _, words, _ in clip.votes))
    tone(sounds[silent], 16000, 0.0)
    entry = {
        "reader": "iemocap",
        "release": "part",
        "root": str(root),
        "classes": CLASSES,
        "shards": 1,
        "max_reject_share": 0.05,
    }
    merge = {"happiness": "happy", "excited": "happy", "sadness": "sad", "anger": "angry"}
    entry["class_policy"] = {"merge": merge, "out_of_set": "drop"}
    chosen = configure(made, "iemocap", entry, {"scheme": "session", "folds": 3})
    made.warm("-c2", "build_paper", *chosen)

    corpus = made.root / "runs/iemocap/results/corpora/iemocap"
    rejects = pd.read_parquet(corpus / "rejects.parquet").set_index("item")
    assert rejects.loc[silent, "stage"] == "audio" and "silent" in rejects.loc[silent, "reason"]
    account = json.loads((corpus / "audit.json").read_text())
    found = account["utterances"]
    assert found["found"] == len(sounds) == found["kept"] + sum(found["lost"].values())
    assert found["lost"]["audio: silent"] == 1
    votes = pd.read_parquet(made.root / "runs/iemocap/results/proxies/iemocap/asked/votes.parquet")
    assert silent not in set(votes["utterance"]) and votes.groupby("utterance").size().eq(5).all()
    splits = pd.read_parquet(made.root / "runs/iemocap/results/splits/iemocap/fair.parquet")
    tested = splits[splits["part"] == "test"]
    assert tested.groupby("fold")["utterance"].agg(lambda names: names.str[:5].nunique()).eq(1).all()
    # three votes cannot both decide a level and be predicted: said, and drawn for all utterances together
    levels = pd.read_csv(made.root / "runs/iemocap/results/levels/iemocap/fair.csv")
    assert levels["lower_edge"].isna().all() and levels["without_level"].sum() == account["utterances"]["kept"]
    words = page(made, "iemocap")
    assert "IEMOCAP" in words and "??" not in words and "espeak" not in words.lower()


def test_msp_podcast_runs_to_its_tables_and_an_8_khz_clip_is_heard_at_16_khz(tmp_path):
    made, make = Checkout.make(tmp_path / "checkout"), _load("make_msp")
    votes = make.sample(90)
    names = list(dict.fromkeys(vote.utterance for vote in votes))
    parts = {name: ("Train", "Development", "Test1")[i % 3] for i, name in enumerate(names)}
    speakers = {name: str(100 * (i % 3) + i % 4) for i, name in enumerate(names)}
    table = make.consensus(votes, Split_Set=parts, SpkrID=speakers)
    root = make.write_podcast(tmp_path / "MSP Podcast", votes, table=table)
    for i, name in enumerate(names):
        tone(root / "Audios" / f"{name}.wav", 8000 if i == 7 else 16000, 0.3)
    entry = {"reader": "msp_podcast", "release": "2.0", "root": str(root), "classes": CLASSES, "shards": 2}
    entry["class_policy"] = {"out_of_set": "drop"}  # half of the votes are outside of the four classes
    chosen = configure(made, "podcast", entry, {"scheme": "official"})
    made.warm("-c2", "tables", *chosen)

    results = made.root / "runs/podcast/results"
    utterances = pd.read_parquet(results / "corpora/podcast/utterances.parquet").set_index("utterance")
    copy = utterances["sound"].dropna()
    assert copy.index.tolist() == [names[7]] and utterances.loc[names[7], "sample_rate"] == 8000
    assert soundfile.info(made.root / "runs/podcast" / copy.iloc[0]).samplerate == 16000
    splits = pd.read_parquet(results / "splits/podcast/fair.parquet").set_index("utterance")["part"]
    official = pd.Series(parts).map({"Train": "train", "Development": "validation", "Test1": "test"})
    assert (splits == official.reindex(splits.index)).all()
    results_table = (made.root / "runs/podcast/paper/tables/tab_results.tex").read_text()
    assert all(word in results_table for word in ("class prior", "synthetic", "combined")), results_table
