"""Published answers stand in for their model, and earlier turns of a conversation reach the annotator."""

import importlib.util

import pandas as pd
import pytest
import yaml
from checkout import REPOSITORY, TINY, Checkout

VOTES = "results/proxies/{}/tiny_crossed/votes.parquet"
NAMES = ("tiny_crossed", "tiny_audio", "tiny_text")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Checkout.make(tmp_path_factory.mktemp("elicitation"))


def configure(made, name, **differences):
    differences["run"] = {"name": name, "directory": f"runs/{name}"} | differences.get("run", {})
    (made.root / f"{name}.yaml").write_text(yaml.safe_dump(differences))
    return (*TINY, f"{name}.yaml")


@pytest.mark.slow
def test_published_answers_give_the_same_votes_without_the_model(made):
    made.snakemake("-c2", "results/answers/tiny_crossed", *TINY)
    first = made.root / "runs" / "tiny"
    (first / "results" / "answers" / "tiny_crossed").rename(made.root / "published")
    alms = {"gone": {"engine": "replay_answers", "store": "published", "gpus": 0}}
    asked = {name: {"alm": "gone"} for name in NAMES}
    arguments = configure(made, "replayed", alms=alms, annotators=asked)
    assert "train_tiny_alm" not in made.planned(VOTES.format("demo"), *arguments)
    made.snakemake("-c2", VOTES.format("demo"), *arguments)
    again = made.root / "runs" / "replayed"
    assert (again / VOTES.format("demo")).read_bytes() == (first / VOTES.format("demo")).read_bytes()
    assert not (again / "resources" / "answers").exists()
    asked["tiny_crossed"]["votes"] = 12
    arguments = configure(made, "replayed", alms=alms, annotators=asked)
    made.snakemake("-c2", VOTES.format("demo"), *arguments)
    votes = pd.read_parquet(again / VOTES.format("demo"))
    assert votes["status"].eq("failed").sum() == 96 * 2 == votes["reason"].notna().sum()
    logs = "".join(path.read_text() for path in (again / "logs" / "annotate_shard").glob("*.log"))
    assert "no such draw: fewer were asked" in logs
    nowhere = configure(made, "nowhere", alms={"gone": alms["gone"] | {"store": "nowhere"}}, annotators=asked)
    assert "no published answers; correct alms.<name>.store" in made.snakemake(
        "-n", VOTES.format("demo"), *nowhere, check=False
    )


@pytest.mark.slow
def test_earlier_turns_are_read_and_shown(made, tmp_path):
    file = REPOSITORY / "tests" / "unit" / "corpora" / "make_iemocap.py"
    spec = importlib.util.spec_from_file_location("make_iemocap", file)
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    root = make.write(tmp_path / "IEMOCAP_full_release", make.sample(sessions=(1, 2), clips=6))
    merge = {"happiness": "happy", "excited": "happy", "sadness": "sad", "anger": "angry"}
    entry = {"reader": "iemocap", "release": "part", "root": str(root), "shards": 1, "max_reject_share": 1.0}
    entry |= {"classes": ["neutral", "happy", "sad", "angry"], "class_policy": {"merge": merge, "out_of_set": "drop"}}
    arguments = configure(
        made,
        "talk",
        corpora={"talk": entry},
        annotators={"tiny_crossed": {"votes": 2, "context": 2, "prompts": "focus_context"}},
        run={"corpora": ["talk"]},
        paper={"headline": {"corpus": "talk"}},
    )
    target = VOTES.format("talk")
    assert "read_turns" in made.planned(target, *arguments)
    made.snakemake("-c2", target, *arguments)
    folder = made.root / "runs" / "talk"
    turns = pd.read_parquet(folder / "results" / "corpora" / "talk" / "turns.parquet")
    assert len(turns) == 2 * 2 * 6 and set(pd.read_parquet(folder / target)["utterance"]) <= set(turns["utterance"])
    log = (folder / "logs" / "annotate_shard" / "talk-tiny_crossed-0.log").read_text()
    assert "0 utterances have no place in a conversation" in log
