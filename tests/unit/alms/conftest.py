"""A small untrained model in a folder, three clips, and the prompts of the repository."""

from pathlib import Path

import numpy as np
import pytest
import torch

from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.tiny.build import build_model, build_processor
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.proxies.prompts import MODALITIES, load_prompts, render

CLASSES = ["neutral", "happy", "sad", "angry"]
PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts" / "focus.yaml"


@pytest.fixture(scope="session")
def prompts():
    return load_prompts(PROMPTS)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, prompts):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("model") / "tiny"
    texts = [prompts.user_text(f, "", CLASSES, m) for f in prompts.focus_ids for m in MODALITIES]
    processor = build_processor(train_tokenizer(texts, CLASSES))
    model = build_model(processor, 5)
    with torch.no_grad():  # distinct answers, not the near uniform ones of fresh weights
        model.lm_head.weight *= 8
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def alm(checkpoint):
    return load_alm(checkpoint, device="cpu")


@pytest.fixture(scope="session")
def waveforms():
    draw = np.random.default_rng(0)
    return [draw.normal(0, 0.1, size).astype(np.float32) for size in (32_000, 50_001, 17_777)]


@pytest.fixture(scope="session")
def texts(alm, prompts):
    words = ["the road turns left", "so, she is never coming back tonight, my friend", "look"]
    return [
        render(alm, prompts, f, t, CLASSES, "both")
        for f, t in zip(("tone", "words", "subtle_cues"), words, strict=True)
    ]
