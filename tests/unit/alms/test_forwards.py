"""Forwards are cut by memory and halved where it runs out; what is answered does not depend on it."""

import sys
import warnings
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import torch
import transformers as tf
from torch.nn.functional import linear
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scaling_ambiguity.alms import forwards
from scaling_ambiguity.alms.engines.transformers import Engine, open_engine
from scaling_ambiguity.alms.families import family
from scaling_ambiguity.alms.forwards import Forwards, Item, left, shapes_of
from scaling_ambiguity.alms.label_tree import label_tree
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.place_cost import place_cost
from scaling_ambiguity.alms.prefix import prefill
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import uniform

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import FAMILIES, ask, noise, open_family

SPLIT = ("neutral", "happy indeed", "sad", "gloomy")
FOCUS = ("tone", "words", "subtle_cues")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for place, seconds in enumerate((0.31, 2.37, 1.0)):
        soundfile.write(folder / f"{place}.wav", noise(place, seconds), 16_000, subtype="FLOAT")
    return sorted(folder.iterdir())


def questions(alm, clips):
    made = []
    for place, clip in enumerate([*clips, None]):
        for focus in FOCUS:
            text = ask(alm, focus, "so it goes " * (1 + place), "both" if clip else "text")
            made += [Question(text, clip, 0.8, (focus, place, draw)) for draw in range(4)]
            made.append(Question(text, clip, 0.8, (focus, place), SPLIT))
    return made


def answers(alm, asked, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Engine(alm, "tiny", **options).answer(asked, uniform)


def alike(found, expected):
    """Compare answers: the same words, and the same probabilities but for the order of sums in float32."""
    assert [a.response for a in found] == [a.response for a in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-5 * one.tokens)
        assert one.label_logprobs is None or one.label_logprobs == pytest.approx(other.label_logprobs, abs=1e-5)


class Small:
    """Lets a language model fail as torch does on a GPU where it gets more than so many rows at once."""

    def __init__(self, model, most: int) -> None:
        self.failed, self.rows = 0, []
        self.hook = model.register_forward_pre_hook(self.look, with_kwargs=True)
        self.most = most

    def look(self, module, args, kwargs):
        rows = len(kwargs["inputs_embeds"])
        if rows > self.most:
            self.failed += 1
            raise torch.OutOfMemoryError(f"CUDA out of memory. {rows} rows")
        self.rows.append(rows)


@pytest.mark.ci
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_out_of_memory_halves_the_rows_and_the_answers_stay(family, shared, clips, tmp_path_factory, capsys):
    alm = open_family(family, tmp_path_factory)
    asked = questions(alm, clips)
    whole = answers(alm, asked, shared_prefix=shared)
    small = Small(parts(alm.model).language_model, 5)
    try:
        halved = answers(alm, asked, shared_prefix=shared)
    finally:
        small.hook.remove()
    assert small.failed and max(small.rows) <= 5 and "from here on at most" in capsys.readouterr().out
    assert small.failed < 12, "what failed once is not tried again and again"
    alike(halved, whole)


def test_not_even_one(clips, tmp_path_factory):
    alm = open_family("qwen2_audio", tmp_path_factory)
    small = Small(parts(alm.model).language_model, 0)
    try:
        with pytest.raises(UserError, match=r"out of memory with a single prompt of \d+ tokens"):
            answers(alm, questions(alm, clips)[:5])
    finally:
        small.hook.remove()


def test_other_errors_are_not_taken_for_it(clips, tmp_path_factory):
    alm = open_family("qwen2_audio", tmp_path_factory)

    def broken(module, args, kwargs):
        raise RuntimeError("a shape does not fit")

    hook = parts(alm.model).language_model.register_forward_pre_hook(broken, with_kwargs=True)
    try:
        with pytest.raises(RuntimeError, match="a shape does not fit"):
            answers(alm, questions(alm, clips)[:5])
    finally:
        hook.remove()


def test_free_memory_and_configuration_bound_a_forward(checkpoint, clips, monkeypatch):
    engine = open_engine({"checkpoint": str(checkpoint), "places": 300})
    sizes = []
    hook = parts(engine.alm.model).language_model.register_forward_pre_hook(
        lambda module, args, kwargs: sizes.append(kwargs["inputs_embeds"].shape[:2]), with_kwargs=True
    )
    asked = questions(engine.alm, clips)
    bounded = engine.answer(asked, uniform)
    assert max(batch * width for batch, width in sizes if width > 1) <= 300
    sizes.clear()
    engine = Engine(engine.alm, "tiny")
    alike(engine.answer(asked, uniform), bounded)
    assert max(batch for batch, _ in sizes) > 2
    need = engine.forwards.need([Item(0, 0, (0, 256), 0)], kept=False, behind=8)[1]
    monkeypatch.setattr(forwards, "free_memory", lambda device: int(need / forwards.SHARE * 1.5))
    sizes.clear()
    engine.answer(asked, uniform)
    hook.remove()
    assert max(batch for batch, width in sizes if width > 1) <= 3


def test_the_cut_is_the_same_whenever_there_is_enough(checkpoint, monkeypatch):
    """Not the free memory decides, byte by byte, but how often the configured number has to be halved."""
    engine = open_engine({"checkpoint": str(checkpoint), "places": 1024})
    made = [Item(key, key, (0, 64), key) for key in range(40)]
    need = engine.forwards.need(made[:16], kept=False, behind=0)[1]

    def cut(free):
        monkeypatch.setattr(forwards, "free_memory", lambda device: int(free / forwards.SHARE) + 1)
        return [len(piece) for piece in engine.forwards._cut(made, False, 0)]

    assert cut(need) == cut(1.9 * need) == cut(50 * need) == [16, 16, 8]
    assert cut(0.99 * need) == cut(0.55 * need) == [8] * 5
    assert cut(0) == [1] * 40


def test_widths_depend_on_a_row_and_its_group_alone():
    singles = [([row], 0) for row in range(3)]
    assert shapes_of([5, 32, 33], singles) == [((0, 32), 0), ((0, 32), 1), ((0, 64), 2)]
    assert shapes_of([70, 71, 9], [([0, 1], 40), ([2], 8)]) == [((64, 32), 0), ((64, 32), 0), ((0, 32), 1)]


def test_rows_at_another_width():
    inputs = {"inputs_embeds": torch.arange(12.0).view(2, 3, 2), "attention_mask": torch.tensor([[0, 1, 1], [0, 0, 1]])}
    narrow = left(inputs, [1, 0], 2)
    assert narrow["attention_mask"].tolist() == [[0, 1], [1, 1]]
    assert narrow["inputs_embeds"].tolist() == inputs["inputs_embeds"][[1, 0], 1:].tolist()
    wide = left(inputs, [0], 5)
    assert wide["attention_mask"].tolist() == [[0, 0, 0, 1, 1]] and wide["inputs_embeds"].shape == (1, 5, 2)
    assert wide["inputs_embeds"][0, 2:].equal(inputs["inputs_embeds"][0])


def shapes_on_meta(model_class, config):
    with torch.device("meta"):
        model = model_class(config)
    return {name: tuple(one.shape) for name, one in model.named_parameters()}


QWEN2_AUDIO = {"model_type": "qwen2", "hidden_size": 4096, "intermediate_size": 11_008, "num_hidden_layers": 32}
QWEN2_AUDIO |= {"num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 156_032}


class Peak(TorchDispatchMode):
    """Counts the bytes of the tensors that are alive, and the most there were; on the meta device none is allocated."""

    def __init__(self):
        super().__init__()
        self.sizes, self.alive, self.most = {}, 0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.count(tensor.untyped_storage())
        return result

    def count(self, storage):
        key = storage._cdata
        if key not in self.sizes:
            self.sizes[key] = storage.nbytes()
            self.alive += self.sizes[key]
            self.most = max(self.most, self.alive)
            weakref.finalize(storage, self.gone, key)

    def gone(self, key):
        self.alive -= self.sizes.pop(key)


def test_a_read_out_of_long_clips_at_the_published_shape_fits_beside_the_weights(monkeypatch):
    """Eight clips of 30 s, five prompts and six labels of Qwen2-Audio 7B: at most 30 GB besides the weights.

    The same clips took 111 GB where every label had a copy of its prompt's keys and values. Counted are all tensors of
    the largest forward, on the meta device, whose attention keeps whole matrices of scores: no kernel takes more.
    """
    gigabytes, labels = 1e9, [[1, 2], [3], [4], [5, 6, 7], [8, 9], [10, 11]]
    length = 750 + 131  # tokens of 30 s of sound, and of the words around it
    with torch.device("meta"):
        model = tf.Qwen2AudioForConditionalGeneration(tf.Qwen2AudioConfig(text_config=QWEN2_AUDIO)).to(torch.bfloat16)
    # torch has no autocast on the meta device
    monkeypatch.setattr(family, "_product", lambda hidden, weight, bias: linear(hidden.float(), weight.float(), bias))
    monkeypatch.setattr(forwards, "free_memory", lambda device: 80 * gigabytes)
    cut, pieces = Forwards(SimpleNamespace(model=model, device=torch.device("meta"))), []
    shape = shapes_of([length] * 40, [([row], 0) for row in range(40)])
    items = [Item(row, row, *shape[row]) for row in range(40)]
    cut.run(items, pieces.append, kept=False, behind=sum(len(label) - 1 for label in labels))
    rows, width = max(map(len, pieces)), shape[0][0][1]
    assert sum(map(len, pieces)) == 40 and rows * width <= forwards.MOST_PLACES
    modules, tree = parts(model), label_tree(labels)
    with torch.no_grad(), torch.device("meta"), Peak() as peak:
        inputs = {key: torch.zeros(rows, width, dtype=torch.long) for key in ("attention_mask", "position_ids")}
        inputs["inputs_embeds"] = torch.zeros(rows, width, QWEN2_AUDIO["hidden_size"], dtype=torch.bfloat16)
        hidden = prefill(modules, inputs, use_cache=False, tree=tree).hidden
        scores = tree.scores(torch.log_softmax(modules.logits(hidden).double(), dim=-1))
    assert scores.shape == (rows, len(labels))
    assert 5 * gigabytes < cut.largest < 30 * gigabytes and 5 * gigabytes < peak.most < 30 * gigabytes


def test_the_cost_of_a_place_is_that_of_the_published_shapes():
    """Keys and values: 2 x layers x KV heads x head size; Qwen2-Audio 0.524 MB a token in bfloat16, Voxtral 0.123."""
    config = tf.Qwen2AudioConfig(text_config=QWEN2_AUDIO)
    found = place_cost(shapes_on_meta(tf.Qwen2AudioForConditionalGeneration, config))
    assert 2 * found.kept == 524_288 and found.output == 156_032
    assert found.passing == 16 * 4096 + 3 * 11_008
    text = {"hidden_size": 3072, "num_hidden_layers": 30, "num_attention_heads": 32, "num_key_value_heads": 8}
    text |= {"head_dim": 128, "intermediate_size": 8192, "vocab_size": 131_072, "model_type": "llama"}
    found = place_cost(shapes_on_meta(tf.VoxtralForConditionalGeneration, tf.VoxtralConfig(text_config=text)))
    assert 2 * found.kept == 2 * 2 * 30 * 8 * 128 and found.output == 131_072


@pytest.mark.parametrize("family", FAMILIES)
def test_the_cost_of_a_place_is_what_the_cache_holds(family, tmp_path_factory):
    alm = open_family(family, tmp_path_factory)
    model = parts(alm.model).language_model
    with torch.no_grad():
        embeds = torch.zeros(2, 7, model.get_input_embeddings().embedding_dim)
        cache = model(inputs_embeds=embeds, use_cache=True).past_key_values
    held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    whole = {name: tuple(one.shape) for name, one in alm.model.named_parameters()}
    assert place_cost(whole).kept * 2 * 7 == held
    inner = {name: tuple(one.shape) for name, one in model.named_parameters()}
    assert place_cost(inner).kept * 2 * 7 == held and Forwards(alm)._cost.kept * 14 == held
