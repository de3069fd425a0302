"""`audio: optional`: sound that a reader finds is used; what a run leaves out for want of it has its true reason."""

import numpy as np
import pytest
import soundfile
import yaml
from checkout import TINY

ASKED = {"alm": "tiny", "mode": "sampled", "votes": 5, "prompts": "focus", "temperatures": [0.2], "design": "crossed"}


@pytest.fixture
def corpus(checkout, tmp_path, monkeypatch):
    """Return a function that writes a corpus of two tables and a configuration; it returns the arguments for it."""
    monkeypatch.setenv("MINE_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("TABLE_ROOT", str(tmp_path / "nowhere"))

    def write(*annotators, sound):
        (tmp_path / "root").mkdir()
        rows = [f"u{i},s{i % 3},wav/u{i}.wav,some words\n" for i in range(6)]
        (tmp_path / "root/u.csv").write_text("utterance,speaker,path,transcript\n" + "".join(rows))
        (tmp_path / "root/v.csv").write_text("utterance,label\n" + "".join(f"u{i},sad\n" for i in range(6)))
        (tmp_path / "disk").mkdir()
        (tmp_path / "root/wav").symlink_to(tmp_path / "disk")
        for i in range(6) if sound else ():
            soundfile.write(tmp_path / f"disk/u{i}.wav", 0.3 * np.sin(np.arange(3200) * 0.2), 16000)
        entry = {"reader": "table", "utterances": "u.csv", "votes": "v.csv", "classes": ["sad", "happy"], "shards": 1}
        text = {
            "corpora": {"mine": entry | {"audio": "optional"}},
            "annotators": {"hearing": ASKED | {"modality": "both"}, "reading": ASKED | {"modality": "text"}},
            "finetuning": {"models": ["tiny"]},
            "protocols": {"fair": {"levels": {"votes": 4}}},  # of two classes
            "run": {"name": "mine", "directory": "runs/mine", "corpora": ["mine"], "annotators": list(annotators)},
            "paper": {"headline": {"corpus": "mine", "annotator": annotators[0], "protocol": "fair"}},
        }
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(text))
        return (*TINY, str(tmp_path / "mine.yaml"))

    return write


def asked(jobs):
    names = {name.split("/")[3] for job in jobs for name in job["output"] if name.startswith("results/proxies/mine/")}
    return {job["rule"].partition("_seeds")[0] for job in jobs}, names


def test_sound_behind_a_link_is_used(checkout, corpus):
    rules, names = asked(checkout.jobs("statistics", *corpus("hearing", "reading", sound=True)))
    assert {"annotate_shard", "audit_audio", "finetune"} <= rules
    assert names == {"hearing", "reading"}


def test_without_sound_who_reads_alone_is_asked(checkout, corpus):
    rules, names = asked(checkout.jobs("statistics", *corpus("hearing", "reading", sound=False)))
    assert "annotate_shard" in rules and not {"audit_audio", "finetune"} & rules
    assert names == {"reading"}


def test_a_target_with_nothing_to_show_says_where_sound_was_looked_for(checkout, corpus, tmp_path):
    printed = checkout.snakemake("-n", "fig_exchange_rate", *corpus("hearing", sound=False), check=False)
    reason = f"mine: no sound found in {tmp_path}/root/wav; left out: annotation by hearing, training"
    assert f"error: nothing to make: this run has no exchange. {reason}" in printed
    assert "Traceback" not in printed and 'File "' not in printed and "InputFunctionException" not in printed
