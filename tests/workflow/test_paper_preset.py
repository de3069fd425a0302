"""The published experiment as a preset: every command line is built on corpora in the published formats."""

import importlib.util
import json
import math
import re
import shlex
from collections import Counter

import pandas as pd
import pytest
import yaml
from checkout import REPOSITORY, Checkout

from scaling_ambiguity.reporting.chapters import FIGURES, TABLES
from scaling_ambiguity.training.job import CONDITION
from scaling_ambiguity.training.options import TrainingOptions

pytestmark = pytest.mark.ci

SHELL = "Shell command: "
PRESET = ("--configfile", "workflow/presets/paper.yaml")
ON_A_CLUSTER = ("--profile", "slurm", "--executor", "dryrun")
LABELS = ["human", "synthetic-qwen", "combined-qwen-equal", "combined-qwen-weighted"]
LABELS += [f"control-qwen-{control}" for control in ("prior", "echo", "shuffled")]

OBJECTIVES = {
    "fair": {"head": "labels", "loss": "nll"},
    "faithful": {"head": "faithful", "loss": "jsd", "entropy_weight": 0.08},
}


def _load(name):
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "tests" / "unit" / "corpora" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Folders of the two corpora in their published formats, by the name of their environment variable."""
    folder, iemocap, msp = tmp_path_factory.mktemp("licensed"), _load("make_iemocap"), _load("make_msp")
    made = {"IEMOCAP_ROOT": iemocap.write(folder / "IEMOCAP_full_release", iemocap.sample(clips=40), audio=True)}
    votes = msp.sample(120)
    names = list(dict.fromkeys(vote.utterance for vote in votes))
    table = msp.consensus(votes, SpkrID={name: str(100 + i % 12) for i, name in enumerate(names)})
    made["MSP_PODCAST_ROOT"] = msp.write_podcast(folder / "MSP Podcast", votes, table=table)
    for name in names:
        iemocap.write_sound(made["MSP_PODCAST_ROOT"] / "Audios" / f"{name}.wav")
    return made


@pytest.fixture
def at_hand(corpora, monkeypatch):
    for variable, root in corpora.items():
        monkeypatch.setenv(variable, str(root))


def commands(printed: str) -> list[list[str]]:
    """Return the words of every command line of a dry run."""
    lines = [line.strip().removeprefix(SHELL).removeprefix("exec ") for line in printed.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("python ")]


def after(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1]


@pytest.mark.slow
def test_both_forms_of_the_published_experiment_are_planned(checkout, at_hand):
    printed = checkout.snakemake("-n", "-p", *ON_A_CLUSTER, "all", *PRESET)
    built = commands(printed)
    trained = [words for words in built if words[1].endswith("finetune.py")]
    jobs = [json.loads(after(words, "--job")) for words in trained]
    arms = Counter(tuple(job[name] for name in CONDITION) for job in jobs)
    for corpus in ("iemocap", "msp_podcast"):
        for protocol, folds in (("fair", 5), ("faithful", 1)):
            for model in ("qwen2_audio_7b", "qwen_mlp"):
                for labels in LABELS:
                    assert arms.pop((corpus, protocol, model, labels, "none")) == 5 * folds
                for labels in LABELS[:3]:
                    name = {"fair": "dime", "faithful": "dime_faithful"}[protocol]
                    assert arms.pop((corpus, protocol, model, labels, name)) == 5 * folds
    assert not arms
    altered = [job for job in jobs if job["online"]]
    assert altered and {job["protocol"] for job in altered} == {"faithful"}
    assert all(bool(job["online"]) == (job["augmentation"] == "dime_faithful") for job in jobs)
    published = {"probability": 0.3, "semitones": 1, "speed": [0.95, 1.05]}
    assert all(job["online"] == published for job in altered)
    made = [json.loads(after(words, "--options")) for words in built if words[1].endswith("augment_items.py")]
    assert {"published", "balanced"} == {options["method"] for options in made}
    assert not any("online" in options for options in made), "its change makes no item anew"
    assert {tuple(job["seeds"]) for job in jobs} == {(0,), (1,), (2,), (3,), (4,)}
    for job in jobs:
        assert job["objective"] == OBJECTIVES[job["protocol"]]
        options, small = job["options"], job["model"] == "qwen_mlp"
        opened = job["encoders"]["qwen_tower"] if small else job["entry"]
        assert opened["checkpoint"] == "Qwen/Qwen2-Audio-7B-Instruct" and len(opened["revision"]) == 40
        assert job["kind"] == ("perceptron" if small else "lora") and bool(job["features"]) == small
        assert options["lora"] | {"targets": None} == {"r": 8, "alpha": 16, "dropout": 0.2, "targets": None}
        assert (options["learning_rate"], options["clip"], options["weight_decay"]) == (2.5e-6, 3.0, 0.03)
        execution = TrainingOptions(**options).execution
        pieces = execution.pieces(list(range(options["batch"])), 0)
        assert execution.processes == 1 and options["batch"] == 8 * 8 == sum(map(len, pieces)), "the published batch"
        assert max(map(len, pieces)) == 4, "utterances at once"
    asked = Counter(re.findall(r"^ *resources: .*?mem_mb=(\d+), .*runtime=600", printed, flags=re.MULTILINE))
    large = sum(job["model"] == "qwen2_audio_7b" for job in jobs)
    whole = str(6000 + math.ceil(1.2 * 2 * 8400))
    assert asked == {whole: large, "4000": len(trained) - large}, "the weights do not fit into the job"
    planned = set(re.findall(r"^(?:local)?rule (\w+):", printed, flags=re.MULTILINE))
    scripts = {words[1].rpartition("/")[2].removesuffix(".py") for words in built}
    made_by_a_script = {re.sub(r"finetune_seeds_\d", "finetune", rule) for rule in planned} - {"all"}
    programs = {"draw_figure": FIGURES, "write_table": TABLES}
    made_by_a_script -= {name for p in programs.keys() & scripts for name, one in programs[p].items() if one.shows}
    made_by_a_script -= {"encode_augmented_items"}  # encode_items reads another table
    assert made_by_a_script - scripts == set(), "a rule without a command line"


def test_the_corpora_of_the_preset_are_read_and_split_by_both_protocols(tmp_path, at_hand):
    """A part of the corpora, in few jobs; the class policy and the splits are the preset's own."""
    made = Checkout.make(tmp_path / "checkout")
    part = {"iemocap": {"release": "part", "shards": 1}, "msp_podcast": {"shards": 1, "release": "2.0"}}
    (made.root / "part.yaml").write_text(yaml.safe_dump({"corpora": part}))
    splits = [f"results/splits/{corpus}/{protocol}.parquet" for corpus in part for protocol in ("fair", "faithful")]
    made.snakemake("-c1", *splits, *PRESET, "part.yaml")
    results = made.root / "runs" / "paper" / "results"
    for corpus in part:
        utterances = pd.read_parquet(results / "corpora" / corpus / "utterances.parquet")
        votes = pd.read_parquet(results / "corpora" / corpus / "votes.parquet")
        counted = votes[(votes["role"] == "primary") & (votes["kind"] == "observer")]
        assert set(counted["label"].dropna()) == {"neutral", "happy", "sad", "angry"}
        assert not counted["label"].isna().any(), "a vote outside the four classes takes its utterance out"
        fair = pd.read_parquet(results / "splits" / corpus / "fair.parquet").merge(utterances, on="utterance")
        speakers = fair[fair["part"] == "test"].groupby("fold")["speaker"].agg(set)
        assert len(speakers) == 5 and sum(map(len, speakers)) == len(set().union(*speakers))
        faithful = pd.read_parquet(results / "splits" / corpus / "faithful.parquet")
        assert set(faithful["fold"]) == {0}
        assert abs((faithful["part"] == "test").mean() - 0.2) < 0.02
