"""What prompts begin with is read once, and nothing but last digits is other than without."""

import sys
import warnings
from pathlib import Path

import pytest
import soundfile
import torch

from scaling_ambiguity.alms.engines.transformers import Engine, open_engine
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.prefix import prefill, shared_prefixes
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.seeds import uniform

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import CLASSES, FAMILIES, PROMPTS, ask, noise, open_family

from scaling_ambiguity.proxies.prompts import load_prompts

SPLIT = ("neutral", "happy indeed", "sad", "gloomy")
FOCUS = tuple(load_prompts(PROMPTS).focus)


def rows(*texts: str) -> dict[str, torch.Tensor]:
    """Return texts as left-padded rows whose embeddings are the letters' codes."""
    width = max(map(len, texts))
    embeds = torch.tensor([[[0.0]] * (width - len(t)) + [[float(ord(c))] for c in t] for t in texts])
    mask = torch.tensor([[0] * (width - len(t)) + [1] * len(t) for t in texts])
    return {"inputs_embeds": embeds, "attention_mask": mask}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("abcdef", "abcdxy", "abcd"), [([0, 1, 2], 3)]),  # one token of the shortest is left
        (("abcdef", "abcdef"), [([0, 1], 5)]),
        (("abcdef", "abzzzz"), [([0], 5), ([1], 5)]),  # too little in common
        (("abcdef", "zzz", "abcdef"), [([0], 5), ([1], 2), ([2], 5)]),  # neighbours only
        (("abcdefgh", "abcdefxy", "abcdwxyz"), [([0, 1, 2], 4)]),  # the third shortens what the first two had
        (("a",), [([0], 0)]),
    ],
)
def test_groups_known_in_advance(texts, expected):
    assert shared_prefixes(rows(*texts)) == expected


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for place, seconds in enumerate((0.31, 2.37, 4.0)):
        soundfile.write(folder / f"{place}.wav", noise(place, seconds), 16_000, subtype="FLOAT")
    return sorted(folder.iterdir())


def questions(alm, clips):
    """Return questions in an order that separates a clip's prompts; of every focus line, both modes and no clip too."""
    made = []
    for focus in FOCUS:
        for place, clip in enumerate([*clips, None]):
            text = ask(alm, focus, "so it goes " * (1 + place), "both" if clip else "text")
            made += [
                Question(text, clip, 0.8, (focus, place)),
                Question(text, clip, 0.8, (focus, place), tuple(CLASSES)),
                Question(text, clip, 0.8, (focus, place), SPLIT),
            ]
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_answers_from_fewer_tokens(family, clips, tmp_path_factory):
    alm = open_family(family, tmp_path_factory)
    asked, found, read = questions(alm, clips), {}, {}
    for shared in (False, True):
        positions = []
        hook = parts(alm.model).language_model.register_forward_pre_hook(
            lambda module, args, kwargs, seen=positions: seen.append(kwargs["inputs_embeds"].shape[:2]),
            with_kwargs=True,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[shared] = Engine(alm, "tiny", shared_prefix=shared).answer(asked, uniform)
        hook.remove()
        read[shared] = sum(batch * width for batch, width in positions)
    assert read[True] < 0.7 * read[False]
    for plain, other in zip(found[False], found[True], strict=True):
        assert other.response == plain.response
        assert other.logprob == pytest.approx(plain.logprob, abs=1e-4)
        assert other.label_logprobs == pytest.approx(plain.label_logprobs, abs=1e-4)
    assert len({answer.label_logprobs for answer in found[True]}) > len(asked) / 2


def test_the_comparison_would_notice_a_prefix_of_another_clip(clips, tmp_path_factory):
    alm = open_family("qwen2_audio", tmp_path_factory)
    text = ask(alm, "tone", "look")
    labels = [
        Engine(alm, "tiny", shared_prefix=True).answer([Question(text, clip, 1.0, (), tuple(CLASSES))], uniform)[0]
        for clip in clips[1:]
    ]
    first, second = (torch.tensor(answer.label_logprobs) for answer in labels)
    assert (first - second).abs().max() > 1e-3


def test_where_nothing_is_shared_the_rows_are_read_whole(tmp_path_factory):
    from scaling_ambiguity.alms.inputs import embed_prompts

    alm = open_family("qwen2_audio", tmp_path_factory)
    inputs = embed_prompts(alm, [ask(alm, "tone", "look", "text"), "hello there"], [None, None])
    plain = prefill(parts(alm.model), inputs, use_cache=False)
    other = prefill(parts(alm.model), inputs, shared=True, use_cache=False)
    assert torch.equal(plain.hidden, other.hidden) and torch.equal(plain.position, other.position)
    assert other.cache is None


def test_answers_are_filed_apart(checkpoint, prompts, clips):
    import pandas as pd

    utterances = pd.DataFrame({"utterance": ["u"], "path": [clips[0].name], "transcript": ["look"]})
    options = {"votes": 2, "design": "crossed", "temperatures": [1.0], "modality": "both"}
    keys = []
    for entry in ({}, {"shared_prefix": False}, {"shared_prefix": True}):
        engine = open_engine({"checkpoint": str(checkpoint), **entry})
        asked = items(utterances, clips[0].parent, engine, options, prompts, CLASSES, 1)
        keys.append([item.request.key for item in asked[0]])
    assert keys[0] == keys[1] and not set(keys[0]) & set(keys[2])
