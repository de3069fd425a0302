import pytest
import torch

from scaling_ambiguity.alms.beams import beam_answers
from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.scoring import end_tokens


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


def test_a_model_that_always_ends_and_one_that_never_does(alm, texts, waveforms):
    inputs = embed_prompts(alm, texts[:1], encode_audio(alm, waveforms[:1]))
    answers = beam_answers(alm, inputs, 3, 6)
    assert all(answer.ended or answer.tokens == 6 for answer in answers)
    one = beam_answers(alm, inputs, 3, 1)
    assert all(answer.tokens == 1 for answer in one) and len({answer.response for answer in one}) >= 1
    with pytest.raises(ValueError, match="one prompt and at least two beams"):
        beam_answers(alm, inputs, 1, 6)
