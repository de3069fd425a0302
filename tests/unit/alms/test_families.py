import base64
import io
import json
import shutil
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import librosa
import numpy as np
import pytest
import soundfile
import torch
import transformers as tf
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from scaling_ambiguity.alms.engines import transformers as engines
from scaling_ambiguity.alms.families.adapters import switch_adapters
from scaling_ambiguity.alms.families.family import SHORTEST
from scaling_ambiguity.alms.families.granite_speech import GraniteMel
from scaling_ambiguity.alms.families.known import family_of, find_family
from scaling_ambiguity.alms.families.pieces import open_pieces, whisper_features
from scaling_ambiguity.alms.families.voxtral import tokenize
from scaling_ambiguity.alms.inputs import embed_prompts, embed_tokens, encode_audio, seconds_cut
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.alms.readout import read_labels
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import uniform

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import CLASSES, FAMILIES, ask, noise, open_family

RATE = 16_000
# Longer than a window of each tiny checkpoint that has windows, or than the 40 s at which Phi-4 unfolds.
LONG = {"voxtral": 9.3, "audio_flamingo_3": 9.3, "qwen2_5_omni": 33.1, "qwen3_omni": 33.1}
LONG |= {"phi4_multimodal": 41.7, "granite_speech": 33.1}


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def alm(family, tmp_path_factory):
    return open_family(family, tmp_path_factory)


def official_inputs(family, alm, clip):
    """Return the features as transformers' own processor of the family makes them for one clip."""
    extractor = alm.processor.feature_extractor
    if family in ("qwen2_5_omni", "qwen3_omni"):
        options = {"padding": "max_length", "return_attention_mask": True, "return_tensors": "pt"}
        batch = extractor([clip], sampling_rate=RATE, **options)
        return {"input_features": batch["input_features"], "feature_attention_mask": batch["attention_mask"]}
    if family == "voxtral":
        kwargs = {**tf.VoxtralProcessor.audio_kwargs, "pad_to_multiple_of": extractor.n_samples}
        kwargs["max_source_positions"] = extractor.nb_max_frames
        own = SimpleNamespace(feature_extractor=extractor)
        return {"input_features": tf.VoxtralProcessor._retrieve_input_features(own, [clip], **kwargs)}
    if family == "phi4_multimodal":
        return dict(extractor([clip], sampling_rate=RATE, return_tensors="pt"))
    return {"input_features": extractor(clip)[None]}


def own_log_probabilities(family, alm, text, clip):
    """Return log p of the next token by the model's whole forward: its own features, scatter and positions."""
    if family in ("qwen2_audio", "audio_flamingo_3"):
        batch = alm.processor(text=[text], audio=[clip], sampling_rate=RATE, return_tensors="pt")
        batch = {key: value for key, value in batch.items() if key != "num_audio_tokens"}
    else:
        batch = official_inputs(family, alm, clip)
        token = alm.processor.audio_token
        expanded = text.replace(token, token * len(encode_audio(alm, [clip])[0]))
        ids = torch.tensor([family_of(alm.model).tokenize(alm.tokenizer, expanded)])
        batch |= {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.no_grad():
        logits = alm.model(**batch).logits[0, -1]
    divisor = alm.model.config.text_config.logits_scaling if family == "granite_speech" else 1
    return (logits.double() / divisor).log_softmax(-1)


@pytest.mark.parametrize("length", ["short", "long"])
def test_reading_equals_the_models_own_forward(family, alm, length):
    if length == "long" and family not in LONG:
        pytest.skip("one window only")
    clip = noise(1, 1.7 if length == "short" else LONG[family])
    text = ask(alm, "tone", "the road turns left")
    expected = own_log_probabilities(family, alm, text, clip)
    found = read_labels(alm, embed_prompts(alm, [text], encode_audio(alm, [clip])), CLASSES)[0]
    ids = [alm.tokenizer(label, add_special_tokens=False)["input_ids"][0] for label in CLASSES]
    assert torch.allclose(found, expected[ids], atol=1e-4)


def test_the_prompt_is_read_as_if_its_placeholders_had_been_written_out(alm, family):
    text, clip = ask(alm, "tone", 'a word of "two" — ß'), noise(3, 0.7)
    heard = encode_audio(alm, [clip])[0]
    written = text.replace(alm.processor.audio_token, alm.processor.audio_token * len(heard))
    read = family_of(alm.model).tokenize(alm.tokenizer, written)
    inputs = embed_prompts(alm, [text], [heard])
    assert torch.equal(inputs["inputs_embeds"], embed_tokens(alm, [read], [heard])["inputs_embeds"])


def hears(alm) -> bool:
    """Whether another clip, silence and no clip at all each change the label log-probabilities."""
    text = ask(alm, "tone", "look")
    clips = [noise(2, 1.5), noise(3, 1.5), np.zeros(24_000, np.float32)]
    rows = [read_labels(alm, embed_prompts(alm, [text], encode_audio(alm, [clip])), CLASSES)[0] for clip in clips]
    deaf = read_labels(alm, embed_prompts(alm, [ask(alm, "tone", "look", "text")], [None]), CLASSES)[0]
    return all(float((rows[0] - other).abs().max()) > 1e-3 for other in (rows[1], rows[2], deaf))


def test_the_audio_is_heard(alm):
    assert hears(alm)


def test_the_test_of_hearing_fails_where_features_do_not_arrive(family, alm, monkeypatch):
    tower = parts(alm.model).audio_tower
    forward = tower.forward

    def deaf(features, *args, **kwargs):
        return forward(torch.zeros_like(features), *args, **kwargs)

    def deaf_by_name(input_features, *args, **kwargs):
        return forward(torch.zeros_like(input_features), *args, **kwargs)

    monkeypatch.setattr(tower, "forward", deaf_by_name if "omni" in family else deaf)
    assert not hears(alm)


def test_votes_and_read_outs_from_a_folder(alm, tmp_path):
    soundfile.write(tmp_path / "clip.wav", noise(4, 1.2), RATE)
    engine = engines.Engine(alm, "tiny")
    text = ask(alm, "words", "look")
    questions = [Question(text, tmp_path / "clip.wav", 1.0, ("f", draw)) for draw in range(12)]
    questions += [Question(text, tmp_path / "clip.wav", 1.0, ("f", draw), tuple(CLASSES)) for draw in range(3)]
    questions.append(Question(ask(alm, "words", "look", "text"), None, 1.0, ("f", "text"), tuple(CLASSES)))
    answers = engine.answer(questions, uniform)
    sampled, read = answers[:12], answers[12:]
    # generation_config asks for the most probable token alone.
    assert alm.model.generation_config.top_k == 1 and len({answer.response for answer in sampled}) > 6
    assert all(answer.label_logprobs is None and answer.logprob < 0 for answer in sampled)
    assert all(answer.response in CLASSES and len(answer.label_logprobs) == 4 for answer in read)
    assert read[0].label_logprobs == read[1].label_logprobs != read[3].label_logprobs


def test_what_is_not_heard_is_recorded(family, alm, tmp_path):
    longest = family_of(alm.model).longest(alm.processor)
    expected = {"qwen2_audio": 4, "qwen2_5_omni": 40, "qwen3_omni": 40, "audio_flamingo_3": 12, "voxtral": 2400}
    assert longest == expected.get(family)
    if longest is None or longest > 12:
        assert seconds_cut(alm, noise(0, 11)) == 0
        return
    soundfile.write(tmp_path / "clip.wav", noise(5, longest + 1.5), RATE)
    question = Question(ask(alm, "tone", "look"), tmp_path / "clip.wav", 1.0, (0,), tuple(CLASSES))
    with pytest.warns(UserWarning, match="are cut"):
        (answer,) = engines.Engine(alm, "tiny").answer([question], uniform)
    assert answer.seconds_cut == pytest.approx(1.5)


def test_too_short_a_clip_is_a_user_error(alm):
    with pytest.raises(UserError, match="too short"):
        encode_audio(
            alm, [np.zeros(SHORTEST // 2 if alm.model.config.model_type != "qwen2_audio" else 100, np.float32)]
        )


def test_features_without_the_window_equal_those_with_it(tmp_path_factory):
    extractor = open_family("qwen2_5_omni", tmp_path_factory).processor.feature_extractor
    for size in (800, 16_000, 16_001, 23_456, 39_999):
        clip = noise(size, size / RATE)
        batch = extractor([clip], sampling_rate=RATE, return_attention_mask=True, return_tensors="pt")
        expected = batch["input_features"][0][:, batch["attention_mask"][0].bool()]
        assert torch.allclose(whisper_features(extractor, clip), expected, atol=1e-5)


def test_granite_features_equal_librosas():
    clip = noise(6, 1.03)
    power = librosa.feature.melspectrogram(
        y=clip, sr=RATE, n_fft=512, hop_length=160, win_length=400, n_mels=80, htk=True, norm=None, pad_mode="reflect"
    ).T
    expected = np.log10(np.maximum(power, 1e-10))
    expected = np.maximum(expected, expected.max() - 8) / 4 + 1
    expected = expected[: len(expected) // 2 * 2].reshape(-1, 160)
    assert np.allclose(GraniteMel()(clip).numpy(), expected, atol=1e-4)


def test_granite_logits_are_divided_as_its_language_model_was_trained(tmp_path_factory):
    alm = open_family("granite_speech", tmp_path_factory)
    text = tf.GraniteForCausalLM(alm.model.config.text_config).eval()
    text.model.load_state_dict(alm.model.model.language_model.state_dict())
    text.lm_head.load_state_dict(alm.model.lm_head.state_dict())
    prompt = ask(alm, "tone", "look", "text")
    ids = torch.tensor([alm.tokenizer(prompt, add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        expected = text(input_ids=ids).logits[0, -1].double().log_softmax(-1)
    labels = [alm.tokenizer(label)["input_ids"][0] for label in CLASSES]
    found = read_labels(alm, embed_prompts(alm, [prompt], [None]), CLASSES)[0]
    assert torch.allclose(found, expected[labels], atol=1e-4)


@pytest.mark.parametrize("name", ["phi4_multimodal", "granite_speech"])
def test_adapters_are_on_for_clips_and_off_for_text(name, tmp_path_factory, tmp_path):
    plain = open_family(name, tmp_path_factory)
    folder = shutil.copytree(plain.model.config._name_or_path, tmp_path / "adapted")
    base = load_alm(folder, device="cpu").model if name == "granite_speech" else None
    if base is None:
        with pytest.warns(UserWarning, match="speech-lora"):
            base = load_alm(folder, device="cpu").model
    targets = r".*layers\.\d+\.self_attn\.o_proj"
    tuned = get_peft_model(base, LoraConfig(r=4, lora_alpha=64, target_modules=targets, init_lora_weights=False))
    tuned.save_pretrained(folder / "speech-lora" if name == "phi4_multimodal" else folder)
    adapted = load_alm(folder, device="cpu")
    soundfile.write(tmp_path / "clip.wav", noise(7, 1.0), RATE)
    heard = Question(ask(plain, "tone", "look"), tmp_path / "clip.wav", 1.0, (0,), tuple(CLASSES))
    written = Question(ask(plain, "tone", "look", "text"), None, 1.0, (1,), tuple(CLASSES))
    expected = engines.Engine(plain, "tiny").answer([heard, written], uniform)
    found = engines.Engine(adapted, "tiny").answer([heard, written, heard], uniform)
    assert found[1].label_logprobs == pytest.approx(expected[1].label_logprobs, abs=1e-6)
    assert found[0].label_logprobs == found[2].label_logprobs
    assert np.abs(np.subtract(found[0].label_logprobs, expected[0].label_logprobs)).max() > 1e-2
    switch_adapters(adapted.model, False)
    off = read_labels(adapted, embed_prompts(adapted, [heard.prompt], encode_audio(adapted, [noise(7, 1.0)])), CLASSES)
    assert off[0].tolist() == pytest.approx(expected[0].label_logprobs, abs=1e-3)  # 16 bits in the file


@pytest.mark.parametrize("name", ["qwen2_5_omni", "qwen3_omni"])
def test_the_thinker_is_taken_from_a_whole_omni_checkpoint(name, tmp_path_factory, tmp_path):
    alone = open_family(name, tmp_path_factory)
    folder = shutil.copytree(alone.model.config._name_or_path, tmp_path / "whole")
    config = json.loads((folder / "config.json").read_text())
    kind, architecture = ("qwen2_5_omni", "Qwen2_5OmniModel") if "2_5" in name else ("qwen3_omni_moe", None)
    whole = {"architectures": [architecture or "Qwen3OmniMoeForConditionalGeneration"], "model_type": kind}
    (folder / "config.json").write_text(json.dumps(whole | {"thinker_config": config}))
    weights = {f"thinker.{key}": value for key, value in load_file(folder / "model.safetensors").items()}
    save_file(weights | {"talker.extra": torch.ones(1)}, folder / "model.safetensors", metadata={"format": "pt"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        taken = load_alm(folder, device="cpu")
    text, clip = ask(alone, "tone", "look"), noise(8, 1.0)
    rows = [read_labels(alm, embed_prompts(alm, [text], encode_audio(alm, [clip])), CLASSES) for alm in (alone, taken)]
    assert torch.allclose(*rows, atol=1e-6)


def test_a_model_of_no_family_says_what_to_do():
    with pytest.raises(UserError, match=r"WhisperForConditionalGeneration.*openai"):
        find_family("WhisperForConditionalGeneration")


def test_a_chat_template_in_the_older_file_is_found(tmp_path_factory, tmp_path):
    alm = open_family("qwen2_5_omni", tmp_path_factory)
    folder = shutil.copytree(alm.model.config._name_or_path, tmp_path / "older")
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="no chat template"):
        open_pieces(folder, {}, "<|AUDIO|>")
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    assert open_pieces(folder, {}, "<|AUDIO|>").chat_template == alm.processor.chat_template
    with pytest.raises(UserError, match="not from one checkpoint"):
        open_pieces(folder, {}, "<|unheard|>")


def test_voxtral_prompts_equal_mistrals_own(tmp_path):
    pytest.importorskip("mistral_common")
    control = {1: "<s>", 2: "</s>", 3: "[INST]", 4: "[/INST]", 11: "<pad>", 24: "[AUDIO]", 25: "[BEGIN_AUDIO]"}
    control |= {0: "<unk>", 5: "[AVAILABLE_TOOLS]", 6: "[/AVAILABLE_TOOLS]", 7: "[TOOL_RESULTS]", 8: "[/TOOL_RESULTS]"}
    control |= {9: "[TOOL_CALLS]", 10: "[IMG]", 12: "[IMG_BREAK]", 13: "[IMG_END]", 14: "[PREFIX]"}
    control |= {15: "[MIDDLE]", 16: "[SUFFIX]", 17: "[SYSTEM_PROMPT]"}
    control |= {18: "[/SYSTEM_PROMPT]", 19: "[TOOL_CONTENT]", 32: "[ARGS]", 33: "[CALL_ID]", 34: "[TRANSCRIBE]"}
    special = [{"rank": i, "token_str": control.get(i, f"<SPECIAL_{i}>"), "is_control": True} for i in range(40)]
    code = [base64.b64encode(bytes([i])).decode() for i in range(256)]
    sizes = {"num_vocab_tokens": 256, "default_vocab_size": 296, "default_num_special_tokens": 40}
    audio = {"num_mel_bins": 80, "hop_length": 160, "window_size": 400}
    data = {
        "vocab": [{"rank": i, "token_bytes": text, "token_str": None} for i, text in enumerate(code)],
        "special_tokens": special,
        "config": {"pattern": r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|\s+", "version": "v7", **sizes},
        "audio": {"sampling_rate": RATE, "frame_rate": 12.5, "audio_encoding_config": audio, "chunk_length_s": 30.0},
        "version": 1,
        "type": "Tekken",
    }
    (tmp_path / "tekken.json").write_text(json.dumps(data))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "voxtral"}))
    tf.WhisperFeatureExtractor(feature_size=80).save_pretrained(tmp_path)
    processor = find_family("VoxtralForConditionalGeneration").open_processor(tmp_path, {})
    text = {"type": "text", "text": "Which emotion? neutral, happy\nsad: angry"}
    sound = io.BytesIO()
    soundfile.write(sound, noise(0, 1.0), RATE, format="WAV")
    clip = {"type": "audio", "base64": base64.b64encode(sound.getvalue()).decode()}
    conversation = [{"role": "user", "content": [clip, text]}]
    expected = processor.tokenizer.apply_chat_template(conversation, tokenize=True, return_dict=True)["input_ids"]
    prompt = processor.apply_chat_template(conversation).replace("[AUDIO]", "[AUDIO]" * 375)
    assert tokenize(processor.tokenizer, prompt) == (expected if isinstance(expected[0], int) else expected[0])
