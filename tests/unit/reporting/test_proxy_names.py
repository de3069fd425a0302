"""Synthetic votes are called in print what they are: an edition on replayed votes calls nobody's votes the ALM's."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from matplotlib.text import Text
from paper_text import read_sources, sections_with, switches_used, taken_branches

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.captions import VOTES, captions_tex
from scaling_ambiguity.reporting.chapters import FIGURES, TABLES
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.numbers.settings import add_settings, add_switches
from scaling_ambiguity.reporting.proxy_names import label, proxies_of_run, proxy_votes, shared_name
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.style import styled

REPOSITORY = Path(__file__).resolve().parents[3]
REPORT = REPOSITORY / "workflow" / "report"
# Strategies at test time combine the answers of an ALM that was asked: no replayed edition has them.
CAPTIONS = {name: one.caption for name, one in (FIGURES | TABLES).items() if one.stage != "testtime"}
SECTIONS = sections_with("strategies", "models", "conflict")
THE_ALM = re.compile(r"\bthe ALMs?\b", re.IGNORECASE)  # that was asked; "an ALM" is any
FACE = "the votes on the face"
CLASSES = ["neutral", "happy", "sad", "angry"]


def replaying(config: dict, presentation: str | None, *, reader: str = "cremad") -> dict:
    """Return the configuration with an annotator ``face`` that replays another corpus entry."""
    config = json.loads(json.dumps(config))
    shown = {} if presentation is None else {"presentation": presentation}
    config["corpora"] |= {"voice": {"reader": "cremad"}, "other": {"reader": reader} | shown}
    config["alms"]["face"] = {"engine": "replay", "corpus": "other", "gpus": 0}
    config["annotators"]["face"] = {"alm": "face", "mode": "replay", "votes": 6}
    config["run"] |= {"corpora": ["voice"], "annotators": ["face"]}
    config["paper"]["headline"] |= {"corpus": "voice", "annotator": "face"}
    return config


@pytest.mark.parametrize(
    ("presentation", "reader", "name"),
    [
        ("face", "cremad", FACE),
        ("audiovisual", "cremad", "the votes on voice and face"),
        ("voice", "cremad", "the replayed votes"),  # as the votes that are predicted
        (None, "cremad", "the replayed votes"),  # the voice, where CREMA-D's entry says nothing
        (None, "table", "the replayed votes"),
    ],
)
def test_replayed_votes_are_named_by_what_their_raters_were_shown(presentation, reader, name, config):
    assert proxy_votes(replaying(config, presentation, reader=reader), "face") == name


def test_a_table_of_votes_is_given_and_models_that_are_asked_are_alms(config):
    config = json.loads(json.dumps(config))
    assert proxies_of_run(config) == {"tiny_crossed": "the ALM's votes"}
    for mode in ("readout", "verbalised"):
        config["annotators"]["tiny_crossed"]["mode"] = mode
        assert proxy_votes(config, "tiny_crossed") == "the ALM's votes"
    config["annotators"]["tiny_crossed"]["mode"] = "table"
    assert proxy_votes(config, "tiny_crossed") == "the given votes"


def test_votes_of_several_kinds_share_the_neutral_name(config):
    config = replaying(config, "face")
    config["run"]["annotators"] = ["face", "tiny_crossed"]
    assert shared_name(proxies_of_run(config)) == shared_name({}) == "the synthetic votes"
    assert label(FACE) == "votes on the face"


def test_the_edition_on_votes_of_crema_d_names_votes_on_the_face_from_the_title_on(config):
    preset = yaml.safe_load((REPOSITORY / "workflow" / "presets" / "cremad.yaml").read_text())
    assert proxies_of_run(config | preset) == {"face": FACE}
    assert "votes on the face" in preset["paper"]["title"] and "model" not in preset["paper"]["title"]


def test_no_caption_of_an_edition_on_replayed_votes_names_an_alm():
    assert any(VOTES in caption for caption in CAPTIONS.values())
    text = captions_tex(CAPTIONS, FACE)
    assert "ALM" not in text and text.count(FACE) >= 3 and VOTES not in text
    assert "one of the ALM's votes" in captions_tex(CAPTIONS, "the ALM's votes")
    # the report begins with the title of the edition
    assert (REPORT / "workflow.rst").read_text().startswith('{{ snakemake.config["paper"]["title"] }}')


def test_a_caption_has_no_other_place():
    with pytest.raises(UserError, match="a caption has a place other than"):
        captions_tex({"fig": "What {name} is."}, FACE)


@pytest.mark.parametrize(
    ("settings", "names"),
    [("replayed", {"replayed", "cremad"}), ("table", {"tabulated"})],
)
def test_no_sentence_of_such_an_edition_names_an_alm_that_was_asked(settings, names, config):
    config = replaying(config, "face")
    if settings == "table":
        config["alms"]["face"] = {"engine": "table", "votes": "model.csv"}
        config["annotators"]["face"]["mode"] = "table"
        config["corpora"]["voice"]["reader"] = "table"
    numbers = Numbers(config)
    add_switches(numbers, config, trained=True, heldout=False)
    add_settings(numbers, config)
    assert {name for name in ("replayed", "tabulated", "cremad") if numbers.switches[name]} == names
    assert numbers["settings.proxy"].text == (FACE if settings == "replayed" else "the given votes")
    sources = read_sources(REPOSITORY / "paper", SECTIONS)
    decided = {name: numbers.switches[name] for name in ("replayed", "tabulated", "simulated", "proxytrained")}
    others = switches_used(list(sources.values())) - set(decided)
    for rest in (True, False):  # both branches of whatever does not say what the votes are
        texts = {name: taken_branches(text, dict.fromkeys(others, rest) | decided) for name, text in sources.items()}
        assert "settings.proxy" in texts["supplement/results_models"] and "settings.proxy" in texts["sections/limits"]
        assert {name: THE_ALM.findall(text) for name, text in texts.items() if THE_ALM.search(text)} == {}


@pytest.mark.parametrize("name", [name for name, one in (FIGURES | TABLES).items() if one.proxies])
def test_no_figure_or_table_of_replayed_votes_names_an_alm(name, run):
    display = (FIGURES | TABLES)[name]
    rows = read_statistics([run[display.shows[0]]])
    for votes in (FACE, "the ALM's votes"):
        with styled(REPOSITORY / "paper" / "paper.mplstyle"):
            shown, _ = display.load()(rows, {"tiny_crossed": votes})
            words = shown if isinstance(shown, str) else " ".join(one.get_text() for one in shown.findobj(Text))
        assert label(votes) in words
        assert ("ALM" in words) == ("ALM" in votes)


def test_the_list_of_targets_names_no_alm():
    assert [one.title for one in (FIGURES | TABLES).values() if THE_ALM.search(one.title)] == []


@pytest.mark.parametrize("name", [name for name in CAPTIONS if (FIGURES | TABLES)[name].shows])
def test_no_identifier_of_the_configuration_is_printed(name, run):
    """Two files, so that every panel and block has its heading."""
    display = (FIGURES | TABLES)[name]
    tables = [read_statistics([run[kind]]) for kind in display.shows if kind in run]
    others = [] if display.headline else tables
    rows = pd.concat([*tables, *(one.assign(file=one["file"] + "2", corpus="my_corpus") for one in others)])
    more: list = [CLASSES] if display.classes else []
    more += [{"tiny_crossed": "the ALM's votes"}] if display.proxies else []
    with styled(REPOSITORY / "paper" / "paper.mplstyle"):
        shown, _ = display.load()(rows, *more)
    words = shown if isinstance(shown, str) else " ".join(one.get_text() for one in shown.findobj(Text))
    words = re.sub(r"\$[^$]*\$", "", words)
    assert ("my corpus" in words or display.headline) and not re.search(r"\w\\?_\w|\w=\w", words), words
