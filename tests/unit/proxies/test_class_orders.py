"""The order of the classes and the temperature bands as factors of the design."""

from collections import Counter

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.annotation import collect, extra_columns, vote_table
from scaling_ambiguity.proxies.class_orders import ordered
from scaling_ambiguity.proxies.designs import assign, plan
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.gathering import gather
from scaling_ambiguity.proxies.not_asked import with_not_asked
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import spelled
from scaling_ambiguity.tables.proxies import PROXIES

CLASSES = ["neutral", "happy", "sad", "angry"]
BANDS = [[0.1, 0.3], [0.3, 0.5], [0.5, 0.7], [0.7, 0.9], [0.9, 0.93]]


def test_the_fixed_order_is_the_corpus_own():
    assert {ordered("fixed", draw, CLASSES, 42) for draw in range(20)} == {tuple(CLASSES)}


@pytest.mark.parametrize("classes", [CLASSES, list("abcde"), list("abcdefgh"), ["one", "two"]])
def test_every_block_is_a_latin_square(classes):
    size = len(classes)
    for block in range(6):
        rows = [ordered("permuted", block * size + i, classes, 42) for i in range(size)]
        for place in range(size):
            assert sorted(row[place] for row in rows) == sorted(classes)
        assert all(sorted(row) == sorted(classes) for row in rows)


def test_orders_depend_on_seed_and_block_alone_and_more_draws_change_none():
    some = [ordered("permuted", draw, CLASSES, 42) for draw in range(40)]
    assert some == [ordered("permuted", draw, CLASSES, 42) for draw in range(40)]
    assert some != [ordered("permuted", draw, CLASSES, 43) for draw in range(40)]
    assert len(set(some)) > 12, "blocks start from permutations of their own"


def test_with_as_many_focus_lines_as_classes_the_first_class_is_not_tied_to_the_focus():
    classes = list("abcde")
    firsts = Counter((draw % 5, ordered("permuted", draw, classes, 1)[0]) for draw in range(1000))
    assert len(firsts) == 25 and max(firsts.values()) < 80  # 40 each expected, s.d. 6


def test_bands_give_every_draw_a_temperature_of_its_own_inside_and_numbers_stay_as_they_are():
    draws = [assign("confounded", j, list("vwxyz"), BANDS, 42) for j in range(50)]
    for j, (focus, temperature) in enumerate(draws):
        low, high = BANDS[j % 5]
        assert focus == "vwxyz"[j % 5] and low <= temperature <= high
    assert len({temperature for _, temperature in draws}) > 40
    assert draws[:20] == [assign("confounded", j, list("vwxyz"), BANDS, 42) for j in range(20)]
    assert assign("crossed", 3, ["a"], [0.2, 0.93], 42)[1] in (0.2, 0.93)


def test_the_plan_without_new_keys_is_the_plan_of_the_past(options):
    draws = plan(options, ["a", "b"], CLASSES, 42)
    assert [(d.focus, d.temperature) for d in draws] == [
        assign("crossed", j, ["a", "b"], options["temperatures"]) for j in range(7)
    ]
    assert {draw.classes for draw in draws} == {tuple(CLASSES)}


def test_an_unknown_order_is_refused():
    with pytest.raises(UserError, match="class_order 'sorted' is unknown"):
        ordered("sorted", 0, CLASSES, 1)


def votes_of(corpus, engine, options, prompts, folder, rows):
    asked = items(rows, corpus[1], engine, options, prompts, CLASSES, 42)
    records = collect(asked, engine, AnswerStore(folder), "t")
    return asked, vote_table(asked, records, "a", reader_for(options, spelled(CLASSES)), extra_columns(options))


def test_the_order_reaches_the_prompt_and_the_votes_table(corpus, engine, options, prompts, tmp_path):
    options |= {"class_order": "permuted", "votes": 8}
    asked, votes = votes_of(corpus, engine(), options, prompts, tmp_path / "s", corpus[0].head(3))
    for item in (item for draws in asked for item in draws):
        assert f"Emotions: {', '.join(ordered('permuted', item.draw, CLASSES, 42))}\n" in item.prompt
    assert votes["class_order"].str.split("|").str[0].value_counts().to_dict() == dict.fromkeys(CLASSES, 6)
    left = corpus[0].tail(2)
    whole = with_not_asked(votes, left, "a", options, prompts, CLASSES, 42)
    PROXIES.write(whole, tmp_path / "0.parquet")
    found = gather([str(tmp_path / "0.parquet")])
    assert len(found) == 5 * 8 and found.groupby("draw")["class_order"].nunique().eq(1).all()


def test_tables_of_the_past_have_neither_column_and_still_read(corpus, engine, options, prompts, tmp_path):
    _, votes = votes_of(corpus, engine(), options, prompts, tmp_path / "s", corpus[0].head(2))
    assert not {"class_order", "label_mass", "reason"} & set(votes.columns)
    PROXIES.write(votes, tmp_path / "old.parquet")
    assert len(PROXIES.read(tmp_path / "old.parquet")) == 14


def test_a_fixed_order_and_none_stated_are_one_request(corpus, engine, options, prompts):
    stated = items(corpus[0], corpus[1], engine(), options | {"class_order": "fixed"}, prompts, CLASSES, 42)
    silent = items(corpus[0], corpus[1], engine(), options, prompts, CLASSES, 42)
    assert stated == silent
