"""A stated distribution is one whole JSON object over the classes, or nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.context import Turn
from scaling_ambiguity.proxies.synonyms import load_synonyms
from scaling_ambiguity.proxies.verbalised import LONGEST, drawn_label, load_verbalised, parse_distribution

CLASSES = ["neutral", "happy", "sad"]
PLAIN = '{"neutral": 0.5, "happy": 0.3, "sad": 0.2}'
PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts"
SYNONYMS = PROMPTS / "synonyms.yaml"


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN,
        f"\n {PLAIN} \n",
        f"```json\n{PLAIN}\n```",
        f"```\n{PLAIN}```",
        '{"sad": 0.2, "NEUTRAL": 0.5, " Happy ": 0.3}',
        '{"neutral": 50, "happy": 30, "sad": 20}',
        '{"neutral": "50%", "happy": "30 %", "sad": "20.0%"}',
    ],
)
def test_accepted(answer):
    result = parse_distribution(answer, CLASSES)
    assert result.status == "ok" and result.reason == ""
    np.testing.assert_allclose(result.distribution, [0.5, 0.3, 0.2], rtol=1e-12)


def test_a_sum_within_the_tolerance_is_divided_by():
    result = parse_distribution('{"neutral": 0.33, "happy": 0.33, "sad": 0.33}', CLASSES)
    np.testing.assert_allclose(result.distribution, [1 / 3] * 3)
    assert parse_distribution('{"neutral": 33, "happy": 33, "sad": 33}', CLASSES) == result
    strict = parse_distribution('{"neutral": 0.33, "happy": 0.33, "sad": 0.33}', CLASSES, tolerance=0.001)
    assert (strict.distribution, strict.status) == (None, "invalid") and "sum to 0.99" in strict.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"neutral": 0.5, "happy": 0.5}', "'sad' is missing"),
        ('{"neutral": 0.5, "happy": 0.3, "sad": 0.1, "angry": 0.1}', "'angry' is not one of the classes"),
        ('{"neutral": 0.5, "happy": 0.3, "sad": 0.2, "Sad": 0.0}', "'sad' is stated twice"),
        ('{"neutral": 0.5, "neutral": 0.5, "happy": 0.3, "sad": 0.2}', "'neutral' is stated twice"),
        ('{"neutral": 0.5, "happy": 0.3, "sad": 0.1}', "sum to 0.9"),
        ('{"neutral": 0.9, "happy": 0.3, "sad": -0.2}', "outside 0 to 1"),
        ('{"neutral": 120, "happy": -10, "sad": -10}', "outside 0 to 100"),
        ('{"neutral": 5, "happy": 3, "sad": 2}', "outside 0 to 1"),
        ('{"neutral": true, "happy": 0, "sad": 0}', "not a number"),
        ('{"neutral": null, "happy": 0.5, "sad": 0.5}', "not a number"),
        ('{"neutral": "0.5", "happy": 0.3, "sad": 0.2}', "not a number"),
        ('{"neutral": "50%", "happy": 30, "sad": 20}', "not a number"),
        ('{"neutral": [1], "happy": 0, "sad": 0}', "not a number"),
        ('{"neutral": NaN, "happy": 0.5, "sad": 0.5}', "no JSON object"),
        ('{"neutral": Infinity, "happy": 0, "sad": 0}', "no JSON object"),
        ('{"neutral": 1e999, "happy": 0, "sad": 0}', "not finite"),
        ('{"neutral": 1' + "0" * 400 + ', "happy": 0, "sad": 0}', "not finite"),
        ('{"distribution": ' + PLAIN + "}", "'distribution' is not one of the classes"),
        ("[" + PLAIN + "]", "no JSON object"),
        (f"Here it is: {PLAIN}", "text before"),
        (f"{PLAIN} as I said", "no JSON object"),
        (f"{PLAIN}\n{PLAIN}", "text before"),
        (f"{PLAIN}\n```", "a code fence is closed"),
        (PLAIN[:-1], "no JSON object"),
        ("{'neutral': 0.5, 'happy': 0.3, 'sad': 0.2}", "no JSON object"),
        ("{}", "'neutral' is missing"),
        ("", "no JSON object"),
        ("happy", "no JSON object"),
        ('{"a":' * 3000, "nested too deeply"),
        ('{"a":' + "[" * 15000, "nested too deeply"),
        (" " * LONGEST + PLAIN, "longer than"),
    ],
)
def test_rejected_with_a_reason(answer, reason):
    result = parse_distribution(answer, CLASSES)
    assert result.distribution is None and result.status == "invalid"
    assert reason in result.reason


def test_reasoning_first_and_the_object_last():
    draft = '{"neutral": 1, "happy": 0, "sad": 0}'
    for before in ("The voice is low. ", f"My first thought {{sic}} was {draft}, but no:\n", "Final distribution: "):
        result = parse_distribution(before + PLAIN, CLASSES, reasoned=True)
        assert result.distribution == pytest.approx((0.5, 0.3, 0.2))
        fenced = parse_distribution(f"{before}\n```json\n{PLAIN}\n```\n", CLASSES, reasoned=True)
        assert fenced.distribution == result.distribution
    for answer in (f"{PLAIN} That is my answer.", '{"distribution": ' + PLAIN, f"[{draft}, {PLAIN}", f"{PLAIN}\n```"):
        assert parse_distribution(answer, CLASSES, reasoned=True).distribution is None


def test_an_inner_object_is_not_taken_for_the_whole():
    answer = 'So: {"first": {"neutral": 1, "happy": 0, "sad": 0}, "second": ' + PLAIN + "}"
    result = parse_distribution(answer, CLASSES, reasoned=True)
    assert result.distribution is None and "'first'" in result.reason


def test_refusals():
    assert parse_distribution("I'm sorry, I cannot judge emotions.", CLASSES).status == "refused"
    assert parse_distribution("I don't know {", CLASSES).status == "invalid"


def test_synonyms_name_classes_too():
    words = load_synonyms(SYNONYMS).vocabulary(CLASSES)
    answer = '{"neutral": 0.5, "happiness": 0.3, "sadness": 0.2}'
    assert parse_distribution(answer, words).distribution == pytest.approx((0.5, 0.3, 0.2))
    assert parse_distribution(answer, CLASSES).status == "invalid"


@given(st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(any), st.booleans())
def test_what_is_stated_is_what_is_read(weights, percent):
    expected = np.array(weights) / sum(weights)
    stated = {name: float(share) * (100 if percent else 1) for name, share in zip(CLASSES, expected, strict=True)}
    result = parse_distribution(json.dumps(stated), CLASSES)
    np.testing.assert_allclose(result.distribution, expected, atol=1e-12)


@given(st.text(alphabet='{}[]":,. 0123456789%`\nneutralhappysad', max_size=80), st.booleans())
def test_no_text_breaks_it_and_no_result_is_half_valid(text, reasoned):
    result = parse_distribution(text, CLASSES, reasoned=reasoned)
    assert (result.status == "ok") == (result.distribution is not None)
    assert result.distribution is None or abs(sum(result.distribution) - 1) < 1e-12


def test_votes_drawn_from_a_distribution():
    shares = (0.0, 0.7, 0.3, 0.0)
    grid = [drawn_label(shares, (step + 0.5) / 1000) for step in range(1000)]
    assert np.bincount(grid, minlength=4).tolist() == [0, 700, 300, 0]
    assert drawn_label(shares, 0.0) == 1 and drawn_label((0.5, 0.49999, 0.0), 0.999999) == 1


def test_the_repositorys_prompts(prompts):
    direct = load_verbalised(PROMPTS / "verbalised.yaml", reasoned=False)
    reasoned = load_verbalised(PROMPTS / "verbalised.yaml", reasoned=True)
    assert direct.focus == reasoned.focus == prompts.focus and direct.rules != reasoned.rules
    text = reasoned.user_text("tone", "hello", CLASSES, "both")
    assert "hello" in text and text.endswith("neutral, happy, sad") and "JSON" in text and "{" not in text
    assert "hello" not in direct.user_text("tone", "hello", CLASSES, "audio")
    shown = direct.user_text("tone", "hello", CLASSES, "both", [Turn("good morning", False)])
    assert 'The other speaker: "good morning"' in shown and "before" not in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": ["one"]}, "`rules` needs one entry"),
        ({"task": {"both": "x"}}, "`task` needs one entry"),
        ({"focus": {}}, "needs a focus line"),
        ({"more": 1}, "has the fields"),
    ],
)
def test_faults_of_a_prompt_set_are_named(tmp_path, change, message):
    data = yaml.safe_load((PROMPTS / "verbalised.yaml").read_text()) | change
    path = tmp_path / "prompts.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(UserError, match=message):
        load_verbalised(path, reasoned=False)


@pytest.mark.parametrize(
    ("answer", "shares"),
    [
        ('{"neutral": 4, "happy": 12, "sad": 4}', (0.2, 0.6, 0.2)),
        ('{"neutral": 0, "happy": 3.0, "sad": 0}', (0.0, 1.0, 0.0)),
        ('{"neutral": 1, "happy": 1, "sad": 70}', (1 / 72, 1 / 72, 70 / 72)),
    ],
)
def test_counts_of_listeners_are_divided_by_their_sum(answer, shares):
    assert parse_distribution(answer, CLASSES, counts=True).distribution == pytest.approx(shares)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"neutral": 0, "happy": 0, "sad": 0}', "no listener is counted"),
        ('{"neutral": 0.5, "happy": 1, "sad": 2}', "'neutral' has 0.5, no number of listeners"),
        ('{"neutral": -1, "happy": 1, "sad": 2}', "'neutral' has -1, no number of listeners"),
        ('{"neutral": "4", "happy": 1, "sad": 2}', "'neutral' has '4', not a number"),
        ('{"neutral": 4, "happy": 1}', "'sad' is missing"),
    ],
)
def test_what_is_no_count_is_refused(answer, reason):
    found = parse_distribution(answer, CLASSES, counts=True)
    assert (found.distribution, found.status, found.reason) == (None, "invalid", reason)


def test_prompts_and_answers_state_the_same_kind():
    assert load_verbalised(PROMPTS / "counts.yaml", counts=True).kind == "counts"
    with pytest.raises(UserError, match="`kind` is 'distribution', and prompts of kind `counts`"):
        load_verbalised(PROMPTS / "verbalised.yaml", counts=True)
    with pytest.raises(UserError, match="`kind` is 'counts', and prompts of kind `distribution`"):
        load_verbalised(PROMPTS / "counts.yaml", reasoned=True)
