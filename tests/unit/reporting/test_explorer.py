"""What the listening page is made of: rows, distributions, answers, drawings of sound, scripts that hold only data."""

import base64
import io
import json
import urllib.parse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from explored_corpus import ANNOTATOR, HOSTILE, ODD, SECOND, TEMPLATE, make_corpus, page_of
from PIL import Image
from scipy.stats import beta

from scaling_ambiguity.corpora.accounting import FOLLOWS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.explorer import OWN
from scaling_ambiguity.reporting.explorer import folder as writing
from scaling_ambiguity.reporting.explorer.contents import Contents, majority, most_frequent, spread
from scaling_ambiguity.reporting.explorer.inputs import Explored
from scaling_ambiguity.reporting.explorer.sounds import BANDS, FRAMES, drawn, link, outline, png, spectrogram
from scaling_ambiguity.reporting.explorer.sources import counted
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.votes import VOTES


def contents_of(entry, page=Path("page")):
    return Contents(Explored.read(entry, "entry"), 0.95, page)


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    root = tmp_path_factory.mktemp("explored")
    return make_corpus(root / "tables", root=root)


@pytest.fixture(scope="module")
def contents(entry):
    return contents_of(entry)


def test_every_utterance_is_a_row_and_a_left_out_one_states_why(contents):
    rows = contents.rows.set_index("utterance")
    assert len(rows) == 25 and rows["kept"].sum() == 23
    assert rows.loc["zz_damaged", ["reason", "source"]].tolist() == ["audio: truncated", "list.csv:3"]
    assert (
        rows.loc["only listed", "reason"] == "utterance: no such file" and rows.loc["only listed", "transcript"] is None
    )
    index = contents.index()
    assert index["left_out"] == [["vote", "no label", 1]]
    assert contents.details()[contents.names.index(ODD)]["lost"] == [["vote", "no label", 1]]


def test_shares_are_those_of_the_votes_with_jeffreys_interval(entry, contents):
    votes = VOTES.read(entry["found_votes"])
    name = "u00003"
    own = votes[(votes["utterance"] == name) & votes["label"].notna()]["label"].value_counts()
    n, p, low, high = contents.details()[contents.names.index(name)]["shares"][0]
    assert n == own.sum()
    assert p == pytest.approx([own.get(label, 0) / n for label in entry["classes"]], abs=1e-4)
    # Jeffreys interval of 7 of 10, and of none of 10 (equal tails)
    source = counted("people", "human votes", np.array([[7.0, 3.0, 0.0]]), 0.95)
    assert source.low[0] == pytest.approx(beta.ppf(0.025, [7.5, 3.5, 0.5], [3.5, 7.5, 10.5]))
    assert source.high[0] == pytest.approx(beta.ppf(0.975, [7.5, 3.5, 0.5], [3.5, 7.5, 10.5]))
    assert source.low[0, 0] == pytest.approx(0.393, abs=2e-3) and source.high[0, 0] == pytest.approx(0.907, abs=2e-3)
    assert all(a <= b for a, b in zip(low, high, strict=True))


def test_every_source_of_the_run_is_there_the_first_annotator_first(contents):
    index = contents.index()
    assert index["annotators"] == [ANNOTATOR.replace("_", " "), SECOND.replace("_", " ")]
    titles = [(source["group"], source["title"]) for source in index["sources"]]
    assert titles == [
        ("people", "human votes"),
        ("synthetic", "tiny crossed, votes"),
        ("synthetic", "tiny crossed, own distribution"),
        ("synthetic", "other alm, votes"),
        ("combined", "combined, equal (tiny crossed)"),
        ("trained models", "tiny on human labels"),
        ("strategies", "demo tiny, best of N (BoN), fair"),
        ("strategies", "demo tiny, mean of 2"),
        ("given predictors", "mine"),
    ]
    n, p, low, high = contents.details()[contents.names.index("u00004")]["shares"][5]
    assert n is None and sum(p) == pytest.approx(1, abs=1e-3)
    assert all(a <= b <= c for a, b, c in zip(low, p, high, strict=True)), "two seeds: least, mean and largest"
    left_out = contents.details()[contents.names.index("zz_damaged")]
    assert left_out["shares"][0] is not None and left_out["shares"][1:] == [None] * 8


def test_votes_that_follow_their_utterance_are_stated_there_alone(tmp_path):
    entry = make_corpus(tmp_path, models=False)
    rejects = REJECTS.read(entry["rejects"])
    follower = rejects.assign(item="zz_damaged/r1/0", stage="vote", reason=FOLLOWS).head(1)
    REJECTS.write(pd.concat([rejects, follower]), entry["rejects"])
    made = contents_of(entry)
    assert made.index()["left_out"] == [["vote", "no label", 1]]
    assert made.details()[made.names.index("zz_damaged")]["lost"] == [["vote", FOLLOWS, 1]]


def test_answers_keep_status_and_reason(contents):
    *_, last = contents.details()[contents.names.index("u00004")]["answers"][0]
    assert last == [4, "tone", 0.5, None, "cut", "at the token limit", HOSTILE]


def test_votes_outside_the_classes_are_shown_and_not_counted(contents):
    detail = contents.details()[contents.names.index("u00004")]
    assert [counts for *_, counts in detail["votes"]] == [1, 1, 1, 1, 0] and detail["votes"][-1][1:3] == [
        "puzzled",
        None,
    ]
    assert contents.index()["columns"]["votes"][contents.names.index("u00004")] == 4


def test_twelve_classes_without_transcripts_and_without_models(tmp_path):
    classes = [f"class {place}" for place in range(12)]
    made = contents_of(make_corpus(tmp_path, classes=classes, transcripts=False, models=False))
    columns = made.index()["columns"]
    assert set(columns["transcript"]) == {None} and set(columns["link"]) == {None}
    assert len(made.index()["corners"]) == 12 and max(columns["majority"]) <= 12


def test_conflict_of_presentations_is_measured_where_a_run_has_it(tmp_path):
    from scaling_ambiguity.corpora.roles import deal_roles
    from scaling_ambiguity.tables.roles import ROLES

    entry = make_corpus(tmp_path, size=60, most=8, models=False)
    votes = VOTES.read(entry["votes"])
    ROLES.write(deal_roles(votes, level_votes=3, deals=3, seed=1), tmp_path / "roles.parquet")
    VOTES.write(votes.assign(presentation="face"), tmp_path / "face.parquet")
    entry |= {"conflict": str(tmp_path / "face.parquet"), "roles": str(tmp_path / "roles.parquet")}
    columns = contents_of(entry).index()["columns"]
    assert set(columns["conflict_third"]) == {-1, 0, 1, 2}
    known = [value for value in columns["conflict"] if value is not None]
    assert known and all(-1 <= value <= 2 for value in known)


def test_a_majority_needs_more_votes_than_any_other():
    assert majority(np.array([[2.0, 1, 0], [1, 1, 0], [0, 0, 0]])).tolist() == [0, 3, -1]


def test_the_level_is_the_most_frequent_over_deals():
    level, share = most_frequent(np.array([[0, 2, -1], [0, 1, -1], [1, 1, -1], [0, -1, -1]]))
    assert level.tolist() == [0, 1, -1]
    assert share[:2].tolist() == [0.75, pytest.approx(2 / 3)] and np.isnan(share[2])


def test_equal_distributions_lie_side_by_side_near_their_place():
    places = np.zeros((300, 2))
    moved = spread(places, np.arange(300) > 0)
    assert np.isnan(moved[0]).all() and len(np.unique(moved[1:], axis=0)) == 299
    assert np.abs(moved[1:]).max() < 0.1


def test_a_link_is_relative_and_quoted(tmp_path):
    target = tmp_path / "a corpus #1" / "ü?.wav"
    made = link(target, tmp_path / "run" / "results" / "explorer")
    assert made == "../../../a%20corpus%20%231/%C3%BC%3F.wav"
    assert urllib.parse.unquote(made).endswith("ü?.wav")


def test_a_tone_is_drawn_where_it_is(tmp_path):
    rate = 16000
    time = np.arange(rate) / rate
    tone = (np.sin(2 * np.pi * 440 * time) * (time < 0.5)).astype(np.float32)
    levels = spectrogram(tone, rate)
    assert levels.shape == (BANDS, min(FRAMES, (rate - 512) // 128 + 1))
    assert levels[:, : levels.shape[1] // 3].max() == 15 and levels[:, -5:].max() == 0
    mel = 2595 * np.log10(1 + 440 / 700) / (2595 * np.log10(1 + 8000 / 700))
    assert abs((BANDS - 1 - levels[:, 5].argmax()) / BANDS - mel) < 0.03
    assert (np.array(Image.open(io.BytesIO(png(levels)))) == 17 * levels).all()
    ends = outline(tone)
    assert ends.dtype == np.int8 and ends[:100].min() == -127 and ends[:100].max() == 127 and (ends[-20:] == 0).all()
    soundfile.write(tmp_path / "tone.wav", tone, rate)
    drawing = drawn(tmp_path / "tone.wav")
    assert drawing["seconds"] == 1.0 and len(base64.b64decode(drawing["peaks"])) == ends.size


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [("no.wav", None, "not there"), ("bad.wav", b"RIFF", "cannot be decoded"), ("none.wav", "empty", "no sound")],
)
def test_a_sound_that_cannot_be_drawn_says_why(tmp_path, name, data, fault):
    if data == "empty":
        soundfile.write(tmp_path / name, np.zeros(0), 16000)
    elif data:
        (tmp_path / name).write_bytes(data)
    assert fault in drawn(tmp_path / name)["fault"]


def test_the_shortest_sound_is_drawn():
    assert spectrogram(np.zeros(1, dtype=np.float32), 16000).shape == (BANDS, 1)
    assert outline(np.zeros(1, dtype=np.float32)).tolist() == [[0, 0]]


def test_the_same_tables_give_the_same_bytes_and_the_page_names_no_host(tmp_path):
    pytest.importorskip("itables", reason="itables is not installed")
    entry = make_corpus(tmp_path / "tables")
    pages = [page_of(tmp_path / name, entry) for name in ("one", "two")]
    names = [sorted(path.relative_to(page) for path in page.rglob("*") if path.is_file()) for page in pages]
    assert names[0] == names[1] and len(names[0]) > 10
    for name in names[0]:
        assert (pages[0] / name).read_bytes() == (pages[1] / name).read_bytes(), name
    for own in ("index.html", *(f"lib/{name}" for name in OWN)):
        assert "//" not in (pages[0] / own).read_text().replace("// ", ""), own


def test_a_script_holds_data_and_nothing_that_ends_it():
    line = writing.script("demo/index", {"text": HOSTILE})
    assert line.count("\n") == 1 and "\u2028" not in line
    head, _, value = line.removesuffix(");\n").partition(", ")
    assert head == 'explorer.receive("demo/index"' and json.loads(value) == {"text": HOSTILE}


def test_a_module_becomes_a_script_or_is_refused():
    made = writing.plain_script("var a=1,b=2;export{a as default,b};", "x.js")
    assert made == 'var Tables=(function(){var a=1,b=2;\n;return {"default":a,"b":b};})();\n'
    for strange in ("var a=1;", "import x from 'y';export{x as y}", "export{a};export{b}"):
        with pytest.raises(UserError, match=r"x.js: not one module without imports"):
            writing.plain_script(strange, "x.js")


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(writing, "LIBRARIES", {"no_such_package": ("a.js",)})
    with pytest.raises(UserError, match="no_such_package is not installed"):
        writing.write_libraries(TEMPLATE, tmp_path / "lib")


def test_the_title_is_text(tmp_path):
    writing.write_page(TEMPLATE / "index.html", "<script>", tmp_path / "index.html")
    assert "&lt;script&gt;" in (tmp_path / "index.html").read_text()


def test_a_wrong_entry_names_the_key():
    with pytest.raises(UserError, match=r"--corpora: demo\.classes is missing"):
        Explored.read({"corpus": "demo"}, "--corpora: demo")
