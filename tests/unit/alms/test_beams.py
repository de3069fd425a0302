import pytest
import soundfile
import torch

from scaling_ambiguity.alms.beams import beam_answers
from scaling_ambiguity.alms.engines import transformers as transformers_engine
from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.alms.scoring import end_tokens
from scaling_ambiguity.proxies.designs import plan


@pytest.mark.parametrize("beams", [2, 3, 5, 7])
@pytest.mark.parametrize("longest", [1, 2, 8, 20])
def test_beams_are_those_of_generate(alm, texts, waveforms, beams, longest):
    clips = encode_audio(alm, waveforms)
    for text, clip in zip(texts, clips, strict=True):
        inputs = embed_prompts(alm, [text], [clip])
        answers = beam_answers(alm, inputs, beams, longest)
        # from embeddings, so that the sound is that of the same encoder; ids are then those generated alone
        generated = alm.model.generate(
            **inputs, num_beams=beams, num_return_sequences=beams, max_new_tokens=longest, do_sample=False,
            output_scores=True, return_dict_in_generate=True, eos_token_id=end_tokens(alm),
        )  # fmt: skip
        expected = [alm.tokenizer.decode(row, skip_special_tokens=True) for row in generated.sequences]
        assert [answer.response for answer in answers] == expected
        means = torch.tensor([answer.logprob / answer.tokens for answer in answers])
        assert torch.allclose(means, generated.sequences_scores, atol=1e-5)
        assert torch.equal(means, means.sort(descending=True).values)


def test_the_engine_searches_once_per_prompt_and_gives_each_rank(alm, texts, waveforms, tmp_path, monkeypatch):
    files = []
    for place, clip in enumerate(waveforms):
        files.append(tmp_path / f"{place}.wav")
        soundfile.write(files[-1], clip, 16_000, subtype="FLOAT")
    searches, search = [], transformers_engine.beam_answers
    monkeypatch.setattr(transformers_engine, "beam_answers", lambda *a: searches.append(1) or search(*a))
    engine = transformers_engine.Engine(alm, "m")
    assert "beam" in engine.capabilities
    questions = [
        Question(text, path, 0.0, ("s", rank), beam=(rank, 4))
        for text, path in zip(texts, files, strict=True)
        for rank in (0, 1, 2, 3)
    ]
    sampled = [Question(texts[0], files[0], 0.5, ("s", 9))]
    answers = engine.answer([*questions, *sampled], lambda *stream: 0.5)
    assert len(searches) == len(texts) and len(answers) == 13
    for place, (text, clip) in enumerate(zip(texts, encode_audio(alm, waveforms), strict=True)):
        expected = beam_answers(alm, embed_prompts(alm, [text], [clip]), 4, engine.longest)
        assert answers[4 * place : 4 * place + 4] == expected


def test_a_search_is_a_design(prompts):
    draws = plan({"design": "beam", "votes": 3}, prompts.focus_ids, ["happy", "sad"], 1)
    assert [(draw.number, draw.focus, draw.temperature) for draw in draws] == [
        (rank, prompts.focus_ids[0], 0.0) for rank in range(3)
    ]


def test_a_model_that_always_ends_and_one_that_never_does(alm, texts, waveforms):
    inputs = embed_prompts(alm, texts[:1], encode_audio(alm, waveforms[:1]))
    answers = beam_answers(alm, inputs, 3, 6)
    assert all(answer.ended or answer.tokens == 6 for answer in answers)
    one = beam_answers(alm, inputs, 3, 1)
    assert all(answer.tokens == 1 for answer in one) and len({answer.response for answer in one}) >= 1
    with pytest.raises(ValueError, match="one prompt and at least two beams"):
        beam_answers(alm, inputs, 1, 6)
