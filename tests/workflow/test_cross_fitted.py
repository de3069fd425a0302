"""An ALM trained on the votes of the corpus that it annotates, from the demo's sound to its read-outs."""

import copy
import json
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from checkout import Checkout

pytestmark = pytest.mark.ci

ALM = {
    "engine": "transformers",
    "checkpoint": "resources/models/hearing",
    "gpus": 0,
    "encodings": "shared",
    "encoder": {"checkpoint": "hub/whisper", "layers": 1},
    "trained_on": {"corpus": "demo", "protocol": "fair"},
    "training": {"steps": 20, "batch": 8, "learning_rate": 1e-3, "silence": 0.1, "writes": "counts"},
}
ASKED = {"alm": "hearing", "mode": "sampled", "votes": 4, "prompts": "focus", "temperatures": [0.5, 0.9]}
ASKED |= {"design": "crossed", "modality": "both"}
WRITTEN = ASKED | {"mode": "verbalised", "stated": "counts", "prompts": "counts", "votes": 2, "first_answers": 0}
WHISPER = """
import sys, torch, transformers
torch.manual_seed(0)
small = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 4, "vocab_size": 64}
small |= {"decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
tokens = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 0)
transformers.WhisperModel(transformers.WhisperConfig(**small, **tokens)).save_pretrained(sys.argv[1])
"""


def configure(made, **changes):
    """Write the differences from the demo; return the arguments that select them."""
    preset = {
        "corpora": {"demo": {"utterances": 48, "speakers": 6, "raters": 12, "shards": 2}},
        "alms": {"hearing": copy.deepcopy(ALM) | changes},
        "annotators": {"hearing": ASKED, "written": WRITTEN},
        "finetuning": {"models": ["hearing"], "seeds": 1, "steps": 4, "evaluate_every": 2, "batch": 4},
        "run": {"name": "heard", "directory": "runs/heard", "annotators": ["hearing"], "augmented_labels": []},
        "paper": {"headline": {"corpus": "demo", "annotator": "hearing", "protocol": "fair"}},
    }
    (made.root / "heard.yaml").write_text(yaml.safe_dump(preset))
    return "--configfile", "heard.yaml"


def test_a_cross_fitted_alm_annotates_and_is_trained_further(tmp_path, monkeypatch):
    made = Checkout.make(tmp_path / "checkout")
    monkeypatch.setenv("SA_MODELS", str(tmp_path))
    subprocess.run([sys.executable, "-c", WHISPER, tmp_path / "whisper"], check=True, capture_output=True)
    below = "results/proxies/demo/hearing"
    adapted = "results/predictions/demo/fair/hearing/human/none"
    targets = [f"{below}/candidates.parquet", *[f"{below}/read_out/{shard}.parquet" for shard in (0, 1)]]
    targets.append("results/proxies/demo/written/candidates.parquet")
    targets += [f"{adapted}/fold-{fold}/seed-0.parquet" for fold in (0, 1)]
    chosen = configure(made, encoder={"checkpoint": "hub/whisper", "layers": 1})
    made.warm("-c2", *targets, *chosen)

    run = made.root / "runs" / "heard"
    utterances = pd.read_parquet(run / "results/corpora/demo/utterances.parquet").set_index("utterance")
    heard = [
        set(pd.read_csv(run / f"resources/models/hearing/fold-{fold}/heard.csv")["speaker"].astype(str))
        for fold in (0, 1)
    ]
    assert all(len(speakers) == 3 for speakers in heard) and not heard[0] & heard[1]  # two folds of three speakers
    votes = pd.read_parquet(run / below / "votes.parquet")
    assert votes.groupby("utterance").size().eq(4).all() and set(votes["utterance"]) == set(utterances.index)
    read = pd.concat([pd.read_parquet(run / below / "read_out" / f"{shard}.parquet") for shard in (0, 1)])
    assert set(read["utterance"]) == set(utterances.index)
    # a vote's answer is stored under one model, whichever member gave it
    stored = [json.loads(line) for path in (run / "resources/answers/hearing").glob("*.jsonl") for line in path.open()]
    assert {(row["model"], row["revision"]) for row in stored if "model" in row} == {
        ("resources/models/hearing", next(row["revision"] for row in stored if "revision" in row))
    }
    candidates = pd.read_parquet(run / below / "candidates.parquet")
    assert len(candidates) == len(votes)
    written = pd.read_parquet(run / "results/proxies/demo/written/candidates.parquet")
    assert written.groupby("utterance").size().eq(2).all() and set(written["utterance"]) == set(utterances.index)
    assert (written["status"] == "ok").eq(written["p_happy"].notna()).all()
    assert written.loc[written["status"] == "invalid", "reason"].str.len().gt(0).all()
    splits = pd.read_parquet(run / "results/splits/demo/fair.parquet")
    for fold in (0, 1):
        tested = set(splits.loc[(splits["fold"] == fold) & (splits["part"] == "test"), "utterance"])
        assert set(pd.read_parquet(run / adapted / f"fold-{fold}/seed-0.parquet")["utterance"]) == tested
        assert not set(utterances.loc[list(tested), "speaker"]) & heard[fold]
        record = json.loads(
            (run / adapted.replace("predictions", "finetuned") / f"fold-{fold}/seed-0/run.json").read_text()
        )
        assert record["checkpoint"] == f"resources/models/hearing/fold-{fold}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encodings": "own"}, "it needs `encoder`.*`encodings: shared`"),
        ({"checkpoint": "elsewhere"}, "it is made as 'resources/models/hearing'"),
        (
            {"trained_on": {"corpus": "demo", "protocol": "faithful"}},
            "splits by random.*of scheme speaker",
        ),
        ({"trained_on": {"corpus": "dmeo", "protocol": "fair"}}, "'dmeo' is not a known corpus"),
        ({"encoder": {"checkpoint": "hub/absent", "layers": 1}}, "alms.hearing.encoder: was not fetched"),
    ],
)
def test_what_cannot_be_trained_is_said_before_any_work(checkout, changes, message):
    chosen = configure(checkout, **changes)
    printed = checkout.snakemake("-c1", "results/proxies/demo/hearing/votes.parquet", *chosen, check=False)
    assert re.search(message, " ".join(printed.split())), printed[-3000:]
    assert not (checkout.root / "runs/heard/results/corpora").exists()
