"""A clip too short for an audio token fails alone: its draws say why, those of the others are the same bytes."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.alms.encoded_clips import EncodedClips
from scaling_ambiguity.alms.encoding_shards import encode_shard
from scaling_ambiguity.alms.engines.transformers import Engine
from scaling_ambiguity.proxies.annotation import collect, extra_columns, vote_table
from scaling_ambiguity.proxies.distribution import asked_once, distribution_table
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES

CLASSES = ["neutral", "happy", "sad", "angry"]
DESIGN = {"votes": 3, "design": "crossed", "temperatures": [0.5, 1.0], "modality": "both"}
SHORT = "u_2"
REASON = "the clip is too short for a single audio token (100 samples at 16000 Hz, at least 800)."


@pytest.fixture
def utterances(tmp_path):
    """Five clips, one of them of 100 samples: all are asked in one batch, the short one first."""
    for place in range(5):
        clip = np.random.default_rng(place).normal(0, 0.1, 100 if place == 2 else 8_000 + 4_000 * place)
        soundfile.write(tmp_path / f"{place}.wav", clip, 16_000)
    names = [f"u_{place}" for place in range(5)]
    return pd.DataFrame(
        {"utterance": names, "path": [f"{place}.wav" for place in range(5)], "transcript": "the road turns left"}
    )


@pytest.fixture
def asked(alm, prompts, tmp_path):
    """Ask for the draws of some utterances, into the store of that name; the draws and their records."""

    def ask(rows, mode, name, encoded=None):
        engine, store = Engine(alm, "tiny", encoded=encoded), AnswerStore(tmp_path / name)
        draws = items(rows, tmp_path, engine, DESIGN | {"mode": mode}, prompts, CLASSES, 42)
        records = collect(draws, engine, store, name)
        store.close()
        return draws, records, engine

    return ask


def table(draws, records, mode, path):
    options = DESIGN | {"mode": mode}
    read = reader_for(options, spelled(CLASSES))
    votes = vote_table(draws, records, "tiny", read, extra_columns(options))
    PROXIES.write(votes, path)
    return votes


@pytest.mark.parametrize("mode", ["sampled", "readout"])
def test_its_draws_fail_with_the_reason_and_the_others_keep_their_bytes(asked, utterances, tmp_path, mode):
    votes = table(*asked(utterances, mode, "all")[:2], mode, tmp_path / "all.parquet")
    own = votes["utterance"] == SHORT
    assert own.sum() == DESIGN["votes"] and set(votes.loc[own, "status"]) == {"failed"}
    assert set(votes.loc[own, "reason"]) == {REASON} and votes.loc[own, "label"].isna().all()
    assert votes.loc[~own, "reason"].isna().all() and set(votes.loc[~own, "status"]) <= {"ok", "invalid", "cut"}
    rest = utterances[utterances["utterance"] != SHORT]
    without = table(*asked(rest, mode, "without")[:2], mode, tmp_path / "without.parquet")
    PROXIES.write(votes[~own].drop(columns="reason").reset_index(drop=True), tmp_path / "others.parquet")
    assert "reason" not in without
    assert (tmp_path / "others.parquet").read_bytes() == (tmp_path / "without.parquet").read_bytes()


def test_failed_draws_are_stored_apart_and_asked_again_without_that_file(asked, utterances, tmp_path):
    first = table(*asked(utterances, "sampled", "store")[:2], "sampled", tmp_path / "first.parquet")
    (failed,) = (tmp_path / "store").glob("failed-*.jsonl")
    assert len(failed.read_text().splitlines()) == DESIGN["votes"]
    kept = {path: path.read_bytes() for path in (tmp_path / "store").iterdir()}
    again = table(*asked(utterances, "sampled", "store")[:2], "sampled", tmp_path / "again.parquet")
    assert again.equals(first) and {path: path.read_bytes() for path in (tmp_path / "store").iterdir()} == kept
    failed.unlink()
    table(*asked(utterances, "sampled", "store")[:2], "sampled", tmp_path / "anew.parquet")
    assert (tmp_path / "anew.parquet").read_bytes() == (tmp_path / "first.parquet").read_bytes()
    assert len(list((tmp_path / "store").glob("failed-*.jsonl"))) == 1


def test_a_batch_of_short_clips_alone(asked, utterances, tmp_path):
    votes = table(*asked(utterances[2:3], "sampled", "one")[:2], "sampled", tmp_path / "one.parquet")
    assert votes["status"].tolist() == ["failed"] * DESIGN["votes"]


def test_the_distributions_are_those_of_the_others(asked, utterances, prompts, alm, tmp_path):
    draws, records, _ = asked(utterances, "readout", "all")
    assert {records[item.request.key]["status"] for part in asked_once(draws) for item in part} == {
        "answered", "failed"
    }  # fmt: skip
    found = distribution_table(draws, records, CLASSES)
    LABELS.validate(found, "read out")
    assert found["utterance"].tolist() == ["u_0", "u_1", "u_3", "u_4"]
    rest = utterances[utterances["utterance"] != SHORT]
    assert distribution_table(*asked(rest, "readout", "without")[:2], CLASSES).equals(found)


def test_encodings_of_the_corpus_change_nothing(asked, utterances, alm, tmp_path):
    own = table(*asked(utterances, "sampled", "own")[:2], "sampled", tmp_path / "own.parquet")
    named = [(row.utterance, tmp_path / row.path) for row in utterances.itertuples()]
    assert encode_shard(alm, named, tmp_path / "state", tmp_path / "shard") == {SHORT: REASON}
    draws, records, engine = asked(utterances, "sampled", "shared", EncodedClips([tmp_path / "shard"]))
    assert table(draws, records, "sampled", tmp_path / "shared.parquet").equals(own)
    assert (tmp_path / "shared.parquet").read_bytes() == (tmp_path / "own.parquet").read_bytes()
    assert not engine.encodings.missed
