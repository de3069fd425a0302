"""The distribution that an annotator's votes are drawn from, against the votes themselves and against its formula."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy.special import softmax
from scipy.stats import chisquare

from scaling_ambiguity.alms.engines.transformers import open_engine
from scaling_ambiguity.proxies.annotation import collect, vote_table
from scaling_ambiguity.proxies.distribution import asked_once, distribution_table, heated, read_out_options
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.labels import LABELS

CLASSES = ["neutral", "happy", "sad", "angry"]
COLUMNS = [f"p_{name}" for name in CLASSES]
HOT = {"mode": "sampled", "votes": 7, "design": "crossed", "temperatures": [0.2, 0.93], "modality": "both"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("read out")
    for i in range(3):
        samples = np.random.default_rng(i).normal(0, 0.1, 16_000)
        soundfile.write(root / f"{i}.wav", samples, 16_000, subtype="PCM_16")
    rows = [{"utterance": f"u{i}", "path": f"{i}.wav", "transcript": f"look {i}"} for i in range(3)]
    return pd.DataFrame(rows), root


def drawn(corpus, checkpoint, options, prompts, folder):
    """Return the draws of a design and the stored record of each prompt."""
    table, root = corpus
    engine, store = open_engine({"checkpoint": str(checkpoint)}), AnswerStore(folder)
    draws = items(table, Path(root), engine, options, prompts, CLASSES, 1)
    return draws, collect(asked_once(draws), engine, store, "test"), store


@pytest.mark.parametrize(
    ("design", "order", "votes"),
    [("crossed", "fixed", 10), ("confounded", "fixed", 10), ("crossed", "permuted", 20)],
)
def test_a_sampled_design_is_read_out_over_whole_cycles(design, order, votes):
    options = HOT | {"design": design, "class_order": order}
    read = read_out_options(options, focus_lines=5, classes=4)
    assert read == options | {"mode": "readout", "votes": votes}
    assert read_out_options(read | {"votes": 3}, 5, 4)["votes"] == 3, "a read-out design is its own"


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_scores_are_heated_as_tokens_are(temperature):
    scores = np.log([0.5, 0.3, 0.15, 1e-30])
    assert heated(scores, temperature) == pytest.approx(softmax(scores / temperature))
    assert heated(scores, 0.0).tolist() == [1, 0, 0, 0]
    assert heated(scores - 900, temperature) == pytest.approx(heated(scores, temperature)), "no underflow"


def test_each_prompt_is_read_once_and_counts_with_its_draws(corpus, checkpoint, prompts, tmp_path):
    options = read_out_options(HOT, len(prompts.focus_ids), len(CLASSES))
    draws, records, store = drawn(corpus, checkpoint, options, prompts, tmp_path)
    store.close()
    assert [len(one) for one in draws] == [10] * 3 and len(records) == 3 * 5
    table = distribution_table(draws, records, CLASSES)
    LABELS.validate(table, "read out")
    for row, asked in zip(table.itertuples(), asked_once(draws), strict=True):
        scores = np.array([records[item.request.key]["label_logprobs"] for item in asked])
        expected = np.mean([softmax(scores / t, axis=1) for t in HOT["temperatures"]], axis=(0, 1))
        assert [getattr(row, name) for name in COLUMNS] == pytest.approx(expected)
    without = {key: record for key, record in records.items() if key != asked_once(draws)[0][0].request.key}
    fewer = distribution_table(draws, without, CLASSES)
    assert len(fewer) == 3 and (fewer.loc[0, COLUMNS] != table.loc[0, COLUMNS]).any()
    none = {key: record | {"label_logprobs": None} for key, record in records.items()}
    assert distribution_table(draws, none, CLASSES).empty


def test_votes_are_draws_from_it(corpus, checkpoint, prompts, tmp_path):
    """2,000 votes an utterance of mode `readout`: their counts agree with the distribution (chi-squared)."""
    options = HOT | {"mode": "readout", "votes": 2000, "temperatures": [0.93, 1.5]}
    table, root = corpus
    engine, store = open_engine({"checkpoint": str(checkpoint)}), AnswerStore(tmp_path)
    draws = items(table, Path(root), engine, options, prompts, CLASSES, 1)
    records = collect(draws, engine, store, "test")
    store.close()
    expected = distribution_table(draws, records, CLASSES).set_index("utterance")
    votes = vote_table(draws, records, "a", reader_for(options, spelled(CLASSES)))
    for utterance, group in votes.groupby("utterance"):
        counts = Counter(group["label"])
        observed = [counts[name] for name in CLASSES]
        assert sum(observed) == 2000
        assert chisquare(observed, 2000 * expected.loc[utterance, COLUMNS].to_numpy(float)).pvalue > 1e-3
