"""AmbER2 through the whole workflow: the tiny demo, encoders of the published classes with random weights."""

import pandas as pd
import pytest
import torch
import transformers
import yaml
from checkout import TINY, Checkout
from tokenizers import Tokenizer, models, pre_tokenizers

pytestmark = pytest.mark.slow

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
LITERAL = {"rater": "jsd", "experts_own": 0, "stop_gradient": {"p": False, "u": False}}


def wav2vec(folder):
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        **SMALL, conv_dim=(8,) * 7, num_feat_extract_layers=7, num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, do_stable_layer_norm=False,
    )  # fmt: skip
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)


def bert(folder):
    torch.manual_seed(0)
    transformers.BertModel(transformers.BertConfig(**SMALL, vocab_size=40)).save_pretrained(folder)
    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "I", "you", "it", "is", "the", "not", "."])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=20
    ).save_pretrained(folder)


def written(path, **peers):
    system = {"kind": "amber2", "speech": "voice", "text": "words", "hidden": [16]}
    config = {
        "encoders": {
            "voice": {"kind": "speech", "checkpoint": str(path / "wav2vec2")},
            "words": {"kind": "text", "checkpoint": str(path / "bert"), "layers": "last"},
        },
        "peers": {name: system | entry for name, entry in peers.items()},
        "finetuning": {"models": list(peers)},
    }
    (path / "amber2.yaml").write_text(yaml.safe_dump(config))
    return str(path / "amber2.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the tiny preset with two systems, up to the leaderboard."""
    made, encoders = Checkout.make(tmp_path_factory.mktemp("amber2")), tmp_path_factory.mktemp("encoders")
    wav2vec(encoders / "wav2vec2")
    bert(encoders / "bert")
    systems = {"fair": {"modality_dropout": 0.15}, "literal": {"loss": LITERAL}}
    config = (*TINY, written(encoders, **systems))
    made.warm("-c2", "statistics", *config)
    made.snakemake("-c1", "leaderboard", *config, "--rerun-triggers", "mtime")
    return made.root / "runs" / "tiny" / "results"


def test_every_condition_of_the_run_has_predictions(run):
    found = {path.relative_to(run / "predictions").parts[:5] for path in (run / "predictions").rglob("*.parquet")}
    labels = {"human", "synthetic-tiny_crossed", "combined-tiny_crossed-equal", "control-tiny_crossed-prior"}
    assert {(name[2], name[3]) for name in found if name[4] == "none"} == {
        (system, label) for system in ("fair", "literal") for label in labels
    }
    assert {name[3] for name in found if name[4] == "dime"} == {"combined-tiny_crossed-equal"}
    tables = [pd.read_parquet(path) for path in (run / "predictions").rglob("*.parquet")]
    assert all(abs(table.filter(like="p_").sum(axis=1) - 1).max() < 1e-6 for table in tables)


def test_both_systems_stand_on_the_leaderboard_and_among_the_evaluated(run):
    board = pd.read_csv(run / "leaderboard.csv")
    assert {"fair", "literal"} <= set(board["model"])
    evaluated = pd.concat(pd.read_parquet(path) for path in (run / "statistics").glob("evaluation-*.parquet"))
    assert {"fair", "literal"} <= set(evaluated["model"])


def test_a_notebook_about_the_systems_gates_the_paper_where_there_are_any(checkout, tmp_path):
    wav2vec(tmp_path / "wav2vec2")
    bert(tmp_path / "bert")
    config = written(tmp_path, fair={}, literal={"loss": LITERAL})
    gates = [job for job in checkout.jobs("build_paper", *TINY, config) if job["rule"] == "check_verdicts"]
    assert "results/notebooks/amber2.verdict.json" in gates[0]["input"]
    printed = checkout.snakemake("-n", "-p", "results/notebooks/amber2.html", *TINY, config)
    assert '"systems": {"fair": {"hidden": [16], "speech": "voice", "text": "words"}' in printed
    elsewhere = [job for job in checkout.jobs("build_paper", *TINY) if job["rule"] == "check_verdicts"]
    assert not any("amber2" in name for name in elsewhere[0]["input"])


def test_a_system_that_could_never_learn_is_refused_before_anything_starts(checkout, tmp_path):
    config = written(tmp_path, stuck={"loss": {"experts_own": 0}})
    printed = checkout.snakemake("-n", "statistics", *TINY, config, check=False)
    assert "error: peers.stuck: the experts would never learn" in printed, printed[-2000:]
    assert "Traceback" not in printed
