"""A verifier is asked about candidates: what it is shown, how its answers are read and paid, and a real server."""

import importlib.util
import json
import math
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from scaling_ambiguity.alms.engine import BatchEngine
from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.annotation import collect
from scaling_ambiguity.proxies.prompts import load_prompts, render
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.verifying import accepted, load_verifier, read_number
from scaling_ambiguity.tables.candidates import CANDIDATES
from scaling_ambiguity.tables.judgements import JUDGEMENTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.testtime.exporting import judgement_lines
from scaling_ambiguity.testtime.judging import (
    cyclic_orders,
    judgement_table,
    not_asked_rows,
    questions,
    summary,
    usable,
)
from scaling_ambiguity.testtime.pool import build_pool
from scaling_ambiguity.testtime.verifier import answered_shares, first_place_bias, order_flips

_spec = importlib.util.spec_from_file_location("http_servers", Path(__file__).parents[1] / "alms" / "http_servers.py")
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

CLASSES = ["neutral", "happy", "sad", "angry"]
PROMPTS = SCRIPTS.parent / "prompts" / "verifier.yaml"
BEST = '{"neutral": 1, "happy": 9, "sad": 5, "angry": 5}'
TEXTS = [BEST.replace("9", str(n)) for n in (2, 9, 4)]  # candidate 1 is the best
BOTH = {question: load_verifier(PROMPTS, question) for question in ("pick", "score")}
PICK = {"pick": BOTH["pick"]}


class Processor:
    """Chat format of a model, reduced to what distinguishes turns."""

    def apply_chat_template(self, conversation, **_):
        return "\n".join(
            part if isinstance(part, str) else part.get("text", "<|AUDIO|>")
            for turn in conversation
            for part in ([turn["content"]] if isinstance(turn["content"], str) else turn["content"])
        )


def shown_in(prompt):
    """Return the candidates that a prompt shows, in order."""
    return re.findall(r"^Answer(?: \d+)?: (.*)$", prompt, re.MULTILINE)


def best_number(prompt):
    """Return what a good verifier answers: the number of the best candidate, or its score."""
    shown = shown_in(prompt)
    if "best" in prompt:
        return str(shown.index(BEST) + 1) if BEST in shown else "1"
    return "9" if shown == [BEST] else "2"


class Judge(BatchEngine):
    """Answers as ``says`` does; remembers what it was asked."""

    model, revision, processor, longest, repeats, clips_at_once = "judge", "r7", Processor(), 8, True, 4
    capabilities = frozenset({"sample", "read_labels"})

    def __init__(self, says=best_number):
        self.says, self.asked = says, []

    def answer(self, questions, uniform, prepared=None):
        self.asked += questions
        return [self._one(question) for question in questions]

    def _one(self, question):
        said = self.says(question.prompt)
        if question.labels is None:
            return Answer(said, -1.0, 2, not said.endswith("..."))
        logs = [math.log(0.4 if label == said else 0.1) for label in question.labels]
        return Answer(said, max(logs), 1, True, tuple(logs))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Six utterances of noise, the last without words: (table, root)."""
    root, rows = tmp_path_factory.mktemp("heard"), []
    for i in range(6):
        soundfile.write(root / f"{i}.wav", np.random.default_rng(i).normal(0, 0.1, 4000), 16_000, subtype="PCM_16")
        rows.append({"utterance": f"u{i}", "path": f"{i}.wav", "transcript": f"words {i}" if i < 5 else None})
    columns = {"speaker": [f"s{i % 3}" for i in range(6)], "session": None, "split": None, "duration": 0.25}
    types = {"session": "str", "split": "str", "sample_rate": "Int64", "transcript": "str"}
    return pd.DataFrame(rows).assign(**columns, sample_rate=16_000).astype(types), root


def candidates(texts=TEXTS):
    """Return three candidates of each utterance, the second of u1 unusable, those of u2 all."""
    rows = []
    for i in range(6):
        for draw, text in enumerate(texts):
            bad = (i == 1 and draw == 1) or i == 2
            numbers = np.array(list(json.loads(text).values())) / sum(json.loads(text).values())
            rows.append((f"u{i}", draw, "no" if bad else text, "invalid" if bad else "ok", "no JSON" if bad else None,
                         *(np.full(4, np.nan) if bad else numbers)))  # fmt: skip
    columns = ["utterance", "draw", "response", "status", "reason", *(f"p_{c}" for c in CLASSES)]
    frame = pd.DataFrame(rows, columns=columns).astype({"reason": "str"})
    about = {"corpus": "demo", "annotator": "writer", "prompt": "p", "temperature": 0.0, "revision": "r1"}
    return CANDIDATES.validate(frame.assign(**about, logprob=-3.0, tokens=9.0, seconds=0.1), "test")


def judged(corpus, folder, engine=None, prompts=PICK, left=None, **options):
    table, root = corpus
    engine = engine or Judge()
    options = {"mode": "sampled", "modality": "both"} | options
    pools = {"writer": usable(candidates(), options.get("candidates"))}
    rows = table if left is None else table[~left]
    asked = questions(rows, root, engine, options, prompts, CLASSES, 1, pools)
    store = AnswerStore(folder)
    records = collect([[one.item for one in some] for some in asked], engine, store, "test")
    store.close()
    without = not_asked_rows(table.iloc[:0] if left is None else table[left], pools)
    said = judgement_table(asked, records, "demo", options.get("judge", "verifier"), without)
    return JUDGEMENTS.validate(said, "test"), engine, summary(asked, records, said)


def pool_of(said):
    judgements = said.rename(columns={"annotator": "pool"})
    return build_pool("sampled", candidates(), [f"u{i}" for i in range(6)], CLASSES, judgements)


def test_orders_are_rows_of_the_cyclic_square():
    shown = tuple(enumerate("abcde"))
    square = cyclic_orders(shown, None)
    assert len(square) == 5 and square[0] == shown
    for place in range(5):
        assert {order[place] for order in square} == set(shown), "each candidate once at each place"
    assert [order[0][1] for order in cyclic_orders(shown, 2)] == ["a", "c"]
    assert cyclic_orders(shown[:2], 5) == cyclic_orders(shown[:2], None)


@pytest.mark.parametrize(
    ("response", "number"),
    [("2", "2"), (" 2.\n", "2"), ("**3**", "3"), ("0", None), ("4", None), ("Answer 2", None), ("2 or 3", None),
     ("-2", None), ("+2", None), ("2.5", None), ("two", None), ("", None), ("2/10", None)],
)  # fmt: skip
def test_an_answer_is_one_whole_number_or_undecided(response, number):
    found, status = read_number(response, accepted("pick", 3))
    assert found == number and (status == "ok") == (number is not None)
    assert accepted("score", 3) == tuple(map(str, range(11)))
    assert read_number("I'm sorry, I cannot judge that.", ("1", "2")) == (None, "refused")


def test_the_prompts_show_the_candidates_as_written_and_not_as_control_tokens():
    about = BOTH["pick"].judging(*TEXTS, "<|im_end|>")
    text = render(Processor(), about, "criteria", "we won", CLASSES, "both")
    assert shown_in(text) == [*TEXTS, "< |im_end| >"] and "we won" in text and "<|AUDIO|>" in text
    assert "Answer 2: " in text and "number only" in text
    alone = render(Processor(), BOTH["score"].judging(BEST), "criteria", "we won", CLASSES, "text")
    assert shown_in(alone) == [BEST] and "from 0 to 10" in alone and "<|AUDIO|>" not in alone


def test_picks_in_every_order_scores_and_what_they_cost(corpus, tmp_path):
    said, engine, lines = judged(corpus, tmp_path, prompts=BOTH)
    assert len(engine.asked) == 4 * (3 + 3) + (2 + 2), (
        "nothing is asked about u2, whose candidates are no distributions"
    )
    assert said["requests"].sum() == pytest.approx(len(engine.asked)), "the table counts what was asked"
    assert lines[0] == "pick: 14 questions, 100.0% answered by a number" and lines[1].startswith("score: 14 questions")
    whole = said[said["utterance"] == "u0"]
    assert whole.groupby("order")["place"].apply(list).tolist() == [[0, 1, 2], [2, 0, 1], [1, 2, 0]]
    assert (whole["picked"] == (whole["draw"] == 1)).all()
    assert whole["score"].tolist() == [9.0 if draw == 1 else 2.0 for draw in whole["draw"]]
    pool = pool_of(said)
    verdicts = pool.verdicts["verifier"]
    assert verdicts.picks[0].tolist() == [1, 1, 1] and verdicts.picks[2].tolist() == [-1, -1, -1]
    assert order_flips(verdicts) == pytest.approx(1 / 13), "u1 has no best candidate: the first place is named"
    assert answered_shares(verdicts) == {"picked_share": 1.0, "scored_share": 1.0}
    again, second, _ = judged(corpus, tmp_path, prompts=BOTH)
    assert second.asked == [] and again.equals(said), "a stored answer is not asked again"


def test_a_verifier_that_always_names_the_first_has_a_bias(corpus, tmp_path):
    said, _, _ = judged(corpus, tmp_path, Judge(lambda prompt: "1"))
    verdicts = pool_of(said).verdicts["verifier"]
    bias = first_place_bias(verdicts)
    assert bias == pytest.approx(1 - (12 / 3 + 2 / 2) / 14) and order_flips(verdicts) == 1.0


def test_read_out_picks_have_scores_of_ten_times_their_probability(corpus, tmp_path):
    said, engine, lines = judged(corpus, tmp_path, mode="readout")
    assert {question.labels for question in engine.asked} == {("1", "2", "3"), ("1", "2")}
    first = said[(said["utterance"] == "u0") & (said["order"] == 0)]
    assert first["score"].tolist() == pytest.approx([10 / 6, 40 / 6, 10 / 6]) and first["picked"].tolist()[1]
    assert re.fullmatch(r"pick: 14 questions, 100.0% answered by a number that was read out; 5\d % of all .*", lines[0])
    scores, _, _ = judged(corpus, tmp_path, mode="readout", prompts={"score": BOTH["score"]})
    mean = np.arange(11) @ np.where(np.arange(11) == 9, 0.4, 0.1) / 1.4
    assert scores[(scores["utterance"] == "u0") & (scores["draw"] == 1)]["score"].item() == pytest.approx(mean)
    assert scores["picked"].isna().all() and (scores["order"] == 0).all()


def test_answers_that_are_no_number_are_undecided_with_a_reason(corpus, tmp_path):
    words = iter(["the second", "4", "I'm sorry, I cannot judge that.", "1 is not only the...", *"1" * 10])
    said, _, lines = judged(corpus, tmp_path, Judge(lambda prompt: next(words)))
    why = said[said["picked"].isna()].drop_duplicates(["utterance", "order"])["reason"]
    why = why.str.replace(r" to \d$", "", regex=True).value_counts().to_dict()
    assert why == {
        "pick: the answer is no whole number from 1": 2,
        "pick: declined, or taken away by a filter": 1,
        "pick: cut at the token limit": 1,
    }
    assert lines[0] == "pick: 14 questions, 71.4% answered by a number"
    assert sum(int(line.split()[0]) for line in lines[1:]) == said["picked"].isna().sum()
    shares = answered_shares(pool_of(said).verdicts["verifier"])
    assert shares == {"picked_share": pytest.approx(10 / 14), "scored_share": 0}, "what was never given is no gap"


def test_a_verifier_without_sound_is_asked_about_the_words_alone(corpus, tmp_path):
    left = corpus[0]["transcript"].isna()
    said, engine, lines = judged(corpus, tmp_path, modality="text", judge="deaf", left=left)
    assert all(question.audio is None for question in engine.asked) and set(said["verifier"]) == {"deaf"}
    missing = said[said["utterance"] == "u5"]
    assert len(missing) == 3 and missing["picked"].isna().all() and missing["requests"].sum() == 0
    assert lines[-1].startswith("3 rows undecided: not asked: the utterance lacks")


def test_a_limit_of_candidates_and_orders(corpus, tmp_path):
    said, engine, _ = judged(corpus, tmp_path, candidates=2, orders=1)
    assert len(engine.asked) == 5 and set(said[said["utterance"] == "u1"]["draw"]) == {0, 2}
    assert set(said[said["utterance"] == "u0"]["draw"]) == {0, 1}


def test_lines_of_a_submission(corpus, tmp_path):
    said, _, _ = judged(corpus, tmp_path, judge="deaf")
    lines = list(judgement_lines(said, {"sampled": "writer"}, ["u0", "u1"]))
    assert len(lines) == 9 + 4 and {line["pool"] for line in lines} == {"sampled"}
    assert sum(line["requests"] for line in lines) == pytest.approx(5) and lines[0]["encoder_rows"] == 0
    json.dumps(lines, allow_nan=False)


def test_prompts_that_cannot_ask_are_refused(tmp_path):
    data = yaml.safe_load(PROMPTS.read_text())

    def written(**changes):
        path = tmp_path / "p.yaml"
        path.write_text(yaml.safe_dump(data | changes))
        return path

    for changes, message in (
        ({"candidate": {"pick": "{candidate}", "score": "{candidate}"}}, r"`candidate\.pick` needs a line with"),
        ({"candidate": "Answer: {candidate}"}, r"`candidate` needs one entry for each of \['pick', 'score'\]"),
        ({"rules": ["- {focus}"]}, "`rules` needs one entry for each of"),
        ({"kind": "vote"}, "prompts of kind `verify` are asked for"),
        ({"reasoned": True}, "takes no `reasoned`"),
    ):
        with pytest.raises(UserError, match=rf"p\.yaml: .*{message}"):
            load_verifier(written(**changes), "pick")
    with pytest.raises(UserError, match="judges no candidate"):
        load_prompts(PROMPTS.with_name("focus.yaml")).judging(BEST)
    with pytest.raises(UserError, match="is rendered about a candidate"):
        render(Processor(), BOTH["pick"], "criteria", "w", CLASSES, "both")


def spoken(body):
    """Return the text and the number of clips of a request."""
    parts = next(turn["content"] for turn in body["messages"] if isinstance(turn["content"], list))
    texts = [part["text"] for part in parts if part["type"] == "text"]
    return "\n".join(texts), [part["input_audio"]["data"] for part in parts if part["type"] == "input_audio"]


@pytest.mark.ci
def test_a_verifier_behind_a_server_is_paid_once_and_hears_what_its_control_says(corpus, tmp_path):
    table, root = corpus
    UTTERANCES.write(table, tmp_path / "utterances.parquet")
    CANDIDATES.write(candidates(), tmp_path / "candidates.parquet")

    def command(url, judge, name, **options):
        alm = {"engine": "openai", "gpus": 0, "base_url": url, "model": "m", "revision": "r1", "concurrency": 2}
        options = {"mode": "sampled", "modality": "both", "asks": ["pick", "score"], "candidates": 3} | options
        words = {
            "submission": "s", "judge": judge, "corpus": "demo", "root": root, "prompts": PROMPTS, "shard": 0,
            "candidates": json.dumps({"writer": str(tmp_path / "candidates.parquet")}), "seed": 1, "shards": 1,
            "utterances": tmp_path / "utterances.parquet", "alm": json.dumps(alm), "options": json.dumps(options),
            "classes": ",".join(CLASSES), "store": tmp_path / judge, "output": tmp_path / f"{name}.parquet",
        }  # fmt: skip
        listed = [sys.executable, SCRIPTS / "judge_candidates.py"]
        listed += [word for key, value in words.items() for word in (f"--{key}", value)]
        return subprocess.run(list(map(str, listed)), capture_output=True, text=True, check=False)

    with servers.scripted(lambda body: servers.completion(best_number(spoken(body)[0]))) as server:
        done = command(server.url, "verifier", "first")
        assert done.returncode == 0, done.stderr
        said, paid = JUDGEMENTS.read(tmp_path / "first.parquet"), len(server.seen)
        assert paid == 28 == round(said["requests"].sum()) and "100.0% answered by a number" in done.stdout
        own = {spoken(body)[1][0] for body in server.seen}
        assert len(own) == 5 and {body["temperature"] for body in server.seen} == {0.0}
        command(server.url, "verifier", "second")
        assert len(server.seen) == paid, "nothing is asked twice"
        assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()
        heard = {(spoken(body)[0], spoken(body)[1][0]) for body in server.seen}
        command(server.url, "shuffled", "shuffled", sound="another")
        other = {(spoken(body)[0], spoken(body)[1][0]) for body in server.seen[paid:]}
        assert {text for text, _ in other} == {text for text, _ in heard} and not other & heard
        paid = len(server.seen)
        command(server.url, "deaf", "deaf", modality="text")
        assert len(server.seen) > paid and all(spoken(body)[1] == [] for body in server.seen[paid:])
    with servers.scripted(lambda body: servers.completion("I prefer the second.")) as server:
        ended = command(server.url, "mute", "mute", first_answers=5)
        assert ended.returncode == 1 and re.search(r"none of the first \d answers gives a number", ended.stderr)
        assert "set first_answers of the verifier to 0" in ended.stderr


def test_judge_export_and_score_with_a_real_model(tmp_path, new_world, monkeypatch, capsys):
    """An untrained ALM reads out its verdicts, three times over; they reach the strategies and the facts."""
    from scaling_ambiguity.alms.tiny.build import build_model, build_processor
    from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer

    made = new_world(tmp_path, utterances=40, speakers=8, deals=3, seed=7)
    names = UTTERANCES.read(made.path("utterances"))
    rng, rows = np.random.default_rng(3), []
    for i, (name, truth) in enumerate(zip(made.names, made.v, strict=True)):
        soundfile.write(tmp_path / f"{i}.wav", rng.normal(0, 0.1, 4000), 16_000, subtype="PCM_16")
        for draw in range(3):
            numbers = rng.multinomial(20, truth)
            text = json.dumps(dict(zip(CLASSES, numbers.tolist(), strict=True)))
            rows.append((name, draw, text, "ok", None, *(numbers / 20)))
    columns = ["utterance", "draw", "response", "status", "reason", *(f"p_{c}" for c in CLASSES)]
    about = {"corpus": "demo", "annotator": "writer", "prompt": "p", "temperature": 0.7, "revision": "r1"}
    written = pd.DataFrame(rows, columns=columns).astype({"reason": "str"}).assign(**about, logprob=-3.0, tokens=9.0)
    CANDIDATES.write(written.assign(seconds=0.1), tmp_path / "candidates.parquet")
    place = dict(zip(made.names, range(len(made.names)), strict=True))
    heard = names.assign(path=[f"{place[name]}.wav" for name in names["utterance"]], transcript="we won")
    UTTERANCES.write(heard, tmp_path / "heard.parquet")
    texts = [BOTH[question].judging(BEST).user_text("criteria", "we won", CLASSES, "both") for question in BOTH]
    processor = build_processor(train_tokenizer([*texts, " ".join(map(str, range(11)))], CLASSES))
    build_model(processor, 5).save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")

    def call(script, *words):
        """Run a program in this process: what it imports takes longer than its work."""
        monkeypatch.setattr(sys, "argv", [script, *map(str, words)])
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
        return capsys.readouterr().out

    ways = {"verifier": {}, "shuffled": {"sound": "another"}, "deaf": {"modality": "text"}}
    for judge, way in ways.items():
        options = {"mode": "readout", "modality": "both", "asks": ["pick", "score"]} | way
        printed = call(
            "judge_candidates.py", "--submission", "s", "--judge", judge, "--corpus", "demo", "--root", tmp_path,
            "--candidates", json.dumps({"writer": str(tmp_path / "candidates.parquet")}), "--prompts", PROMPTS,
            "--utterances", tmp_path / "heard.parquet", "--classes", ",".join(CLASSES), "--seed", 1, "--shard", 0,
            "--shards", 1, "--alm", json.dumps({"engine": "transformers", "checkpoint": str(tmp_path / "tiny")}),
            "--options", json.dumps(options), "--store", tmp_path / "store" / judge,
            "--output", tmp_path / f"{judge}.parquet",
        )  # fmt: skip
        assert "100.0% answered by a number that was read out" in printed
    entry = {"corpus": "demo", "alm": "tiny", "pools": {"sampled": "writer"}, "has_seen_votes": "no", "licence": "CC0",
             "contact": "c", "date": "2026-11-29", "verifier": {"alm": "self"}}  # fmt: skip
    annotator = {"alm": "tiny", "mode": "verbalised", "stated": "counts", "design": "crossed", "votes": 3}
    pools = {"sampled": {"candidates": str(tmp_path / "candidates.parquet"), "annotator": annotator,
                         "prompts": str(PROMPTS.with_name("counts.yaml"))}}  # fmt: skip
    common = ["--votes", made.path("votes"), "--utterances", made.path("utterances"), "--classes", ",".join(CLASSES)]
    printed = call("export_submission.py", "--entry", json.dumps(entry), "--pools", json.dumps(pools), "--judgements",
                   *(tmp_path / f"{judge}.parquet" for judge in ways), *common, "--output", tmp_path / "s")  # fmt: skip
    assert "verifier: 360 judgements, 100.0% with a pick or a score" in printed
    options = {"resamples": 100, "level": 0.95, "interval": "bootstrap_t", "smoothing": 0.001}
    printed = call(
        "score_strategies.py", "--submission", tmp_path / "s", "--corpus", "demo", *common, "--rerun",
        "--options", json.dumps(options), "--seed", 1, "--output", tmp_path / "scores.parquet", "--csv",
        tmp_path / "b.csv", "--left-out", tmp_path / "l.csv", "--rejects", tmp_path / "r.parquet",
    )  # fmt: skip
    assert "itself judged its candidates" in printed and "'self'" not in printed
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    nll = scores[(scores["metric"] == "nll") & (scores["against"] == "none")].dropna(subset=["estimate"])
    shown = set(zip(nll["strategy"], nll["form"], strict=True))
    for name in ("alm_v", "w_alm_v"):
        forms = {(name, form) for form in ("faithful", "fair")}
        assert forms | {(f"{name}-{judge}", "control") for judge in ("shuffled", "deaf")} <= shown
    facts = scores[scores["strategy"] == "verifier_verifier"].set_index("metric")["estimate"]
    assert facts["picked_share"] == facts["scored_share"] == 1 and {"first_place_bias", "order_flips"} <= set(
        facts.index
    )
    requests = scores[(scores["metric"] == "requests") & (scores["strategy"] == "alm_v")]["estimate"]
    different = written.groupby("utterance")["response"].nunique().mean()
    assert requests.tolist() == pytest.approx([3 + 3 + different] * 2), (
        "three answers, three orders, a score of each text"
    )
