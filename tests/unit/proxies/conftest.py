"""The repository's prompts, a small corpus on disk, and an engine that counts what it is asked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.alms.engine import BatchEngine
from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.proxies.prompts import load_prompts

PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts" / "focus.yaml"


class Processor:
    """Chat format of a model, reduced to what is told apart."""

    def apply_chat_template(self, conversation, **_):
        lines = []
        for turn in conversation:
            content = turn["content"]
            content = content if isinstance(content, str) else "".join(x.get("text", "<|AUDIO|>\n") for x in content)
            lines.append(f"{turn['role']}: {content}")
        return "\n".join(lines)


class CountingEngine(BatchEngine):
    """Answers by its uniform alone; remembers every question; may be told to die at a batch."""

    model, revision, processor = "fake", "r1", Processor()
    longest, repeats, clips_at_once = None, True, 8
    capabilities = frozenset({"sample"})

    def __init__(self, dies_at=None):
        self.batches, self.dies_at = [], dies_at

    @property
    def questions(self):
        return [question for batch in self.batches for question in batch]

    def answer(self, questions, uniform, prepared=None):
        if self.dies_at is not None and len(self.batches) == self.dies_at:
            raise KeyboardInterrupt
        self.batches.append(questions)
        words = ["happy", "sad", "neutral", "angry", "I cannot tell", "mixed"]
        values = [uniform(*question.stream, 0) for question in questions]
        return [Answer(words[int(value * len(words))], -value, 2, True) for value in values]


@pytest.fixture
def engine():
    return CountingEngine


@pytest.fixture(scope="session")
def prompts():
    return load_prompts(PROMPTS)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """20 utterances of noise: (utterances table, root)."""
    root, rows = tmp_path_factory.mktemp("corpus"), []
    for i in range(20):
        samples = np.random.default_rng(i).normal(0, 0.1, 8000)
        soundfile.write(root / f"u{i:02d}.wav", samples, 16_000, subtype="PCM_16")
        rows.append({"utterance": f"u_{i:02d}", "path": f"u{i:02d}.wav", "transcript": f"words {i}"})
    return pd.DataFrame(rows), root


@pytest.fixture
def options():
    return {
        "mode": "sampled",
        "votes": 7,
        "design": "crossed",
        "temperatures": [0.2, 0.4, 0.6, 0.8, 0.93],
        "modality": "both",
    }
