import json
import shutil

import pytest
import torch
from scipy.stats import chisquare

from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.sampling import draw_token, sample_answers
from scaling_ambiguity.alms.scoring import end_token, end_tokens, label_log_probabilities
from scaling_ambiguity.seeds import uniform

CLASSES = ["neutral", "happy", "sad", "angry"]


@pytest.fixture(scope="module")
def inputs(alm, waveforms, texts):
    return embed_prompts(alm, texts, encode_audio(alm, waveforms))


def test_draws_agree_with_the_read_out(alm, inputs):
    one = {key: value[:1] for key, value in inputs.items()}
    with torch.no_grad():
        logits = alm.model(**one).logits[:, -1]
        read_out = label_log_probabilities(alm, one, CLASSES)[0].exp()
    number = 4000
    uniforms = torch.tensor([uniform("chi", i) for i in range(number)], dtype=torch.float64)
    drawn = draw_token(logits.expand(number, -1), torch.ones(number), uniforms)
    labels = torch.tensor([alm.tokenizer(label)["input_ids"][0] for label in CLASSES])
    p = logits[0].double().softmax(-1)
    common = p.topk(12).indices
    observed = torch.stack([(drawn == token).sum() for token in common]).double()
    expected = number * p[common]
    result = chisquare([*observed, number - observed.sum()], [*expected, number - expected.sum()])
    assert result.pvalue > 1e-3
    assert torch.allclose(p[labels] / p[labels].sum(), read_out.double(), atol=1e-5)


def test_temperature_sharpens_and_zero_is_greedy():
    logits = torch.tensor([[0.0, 1.0, 3.0]]).expand(3000, -1)
    uniforms = (torch.arange(3000, dtype=torch.float64) + 0.5) / 3000
    for temperature in (0.5, 1.0, 2.0):
        drawn = draw_token(logits, torch.full((3000,), temperature), uniforms)
        expected = (logits[0].double() / temperature).softmax(-1)
        assert torch.allclose(torch.bincount(drawn, minlength=3) / 3000, expected.float(), atol=1e-3)
    assert (draw_token(logits, torch.zeros(3000), uniforms) == 2).all()


def test_extreme_uniforms_stay_inside_the_vocabulary():
    logits = torch.tensor([[-40.0, 0.0, -40.0]]).expand(2, -1)
    drawn = draw_token(logits, torch.ones(2), torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64))
    assert drawn.max() <= 2 and drawn.min() >= 0
    assert (
        draw_token(torch.tensor([[0.0, 0.0, -1e9]]), torch.ones(1), torch.tensor([1 - 2**-53], dtype=torch.float64))[0]
        == 1
    )


def plain_answer(alm, text, waveform, temperature, draw, longest):
    """Return the same answer without cache, padding or batch."""
    inputs = embed_prompts(alm, [text], encode_audio(alm, [waveform]))
    embeds, tokens, logprob = inputs["inputs_embeds"], [], 0.0
    for step in range(longest):
        with torch.no_grad():
            logits = alm.model(inputs_embeds=embeds).logits[:, -1]
        u = torch.tensor([uniform("plain", draw, step)], dtype=torch.float64)
        token = int(draw_token(logits, torch.tensor([temperature]), u))
        tokens.append(token)
        logprob += float(logits[0].double().log_softmax(-1)[token])
        if token == end_token(alm):
            break
        embeds = torch.cat([embeds, alm.model.get_input_embeddings()(torch.tensor([[token]]))], dim=1)
    return tokens, logprob


def test_shared_cache_equals_plain_decoding(alm, inputs, texts, waveforms):
    prompt_of = [0, 1, 2, 1, 0, 2, 2]
    temperatures = [0.0, 0.5, 1.0, 3.0, 0.9, 0.2, 6.0]
    answers = sample_answers(alm, inputs, prompt_of, temperatures, lambda d, s: uniform("plain", d, s), longest=6)
    for draw, answer in enumerate(answers):
        row = prompt_of[draw]
        tokens, logprob = plain_answer(alm, texts[row], waveforms[row], temperatures[draw], draw, 6)
        assert answer.tokens == len(tokens)
        assert answer.response == alm.tokenizer.decode(tokens, skip_special_tokens=True)
        assert answer.logprob == pytest.approx(logprob, abs=1e-4)
        assert answer.ended == (tokens[-1] == end_token(alm))


def test_ended_draws_leave_the_batch_and_the_others_go_on(alm, inputs, monkeypatch):
    from scaling_ambiguity.alms import sampling

    prompt_of, temperatures = [0, 0, 1, 2, 2, 2], [5.0] * 6
    whole = sample_answers(alm, inputs, prompt_of, temperatures, lambda d, s: uniform("end", d, s))
    first = sample_answers(alm, inputs, prompt_of, temperatures, lambda d, s: uniform("end", d, s), longest=2)
    tokens = [alm.tokenizer(answer.response)["input_ids"] for answer in first]
    # Declare the first token of draw 2 the end: only draws that begin with it may stop there.
    monkeypatch.setattr(sampling, "end_tokens", lambda _: [tokens[2][0]])
    stopped = sample_answers(alm, inputs, prompt_of, temperatures, lambda d, s: uniform("end", d, s))
    assert stopped[2].tokens == 1 and stopped[2].ended
    for before, after, ids in zip(whole, stopped, tokens, strict=True):
        if ids[0] != tokens[2][0] and not after.ended:
            assert after.response == before.response
            assert after.logprob == pytest.approx(before.logprob, abs=1e-4)


def test_an_answer_does_not_depend_on_its_neighbours(alm, inputs):
    uniforms = {"a": lambda d, s: uniform("n", d, s), "b": lambda d, s: uniform("n", d + 3, s)}
    full = sample_answers(alm, inputs, [0, 1, 2, 0, 1, 2], [1.0] * 6, uniforms["a"])
    half = sample_answers(alm, inputs, [0, 1, 2], [1.0] * 3, uniforms["b"])
    assert [x.response for x in full[3:]] == [x.response for x in half]


def test_every_end_token_of_the_checkpoint_ends_an_answer(checkpoint, inputs, tmp_path):
    """Real checkpoints list two, as ``[151643, 151645]``; the second is learned from a first answer's first token."""
    prompt_of, temperatures = [0, 0, 1, 2, 2, 2], [5.0] * 6
    plain = load_alm(checkpoint, device="cpu")
    first = sample_answers(plain, inputs, prompt_of, temperatures, lambda d, s: uniform("ends", d, s), longest=2)
    ids = [plain.tokenizer(answer.response)["input_ids"] for answer in first]
    draw = next(
        i for i, row in enumerate(ids) if len(row) == 2 and not first[i].ended and "\ufffd" not in first[i].response
    )
    said = ids[draw][0]
    folder = shutil.copytree(checkpoint, tmp_path / "two")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [end_token(plain), said]}))
    alm = load_alm(folder, device="cpu")
    assert end_tokens(alm) == [end_token(plain), said]
    answers = sample_answers(alm, inputs, prompt_of, temperatures, lambda d, s: uniform("ends", d, s), longest=2)
    assert answers[draw].tokens == 1 and answers[draw].ended
    for before, after, row in zip(first, answers, ids, strict=True):
        if said not in row:
            assert after.response == before.response and after.tokens == before.tokens
