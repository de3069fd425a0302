"""The paper of a run on votes alone: a real corpus, no training, an annotator that replays votes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from paper_pages import check_pages
from paper_text import keys_reached, keys_used, read_sources, sections_with, taken_branches

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.numbers.collect import collect_numbers
from scaling_ambiguity.reporting.numbers.settings import split_words
from scaling_ambiguity.reporting.tables.corpus import corpus_table, describe_corpus
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPTS = REPOSITORY / "workflow" / "scripts"
SECTIONS, WITH_MODELS = sections_with(), sections_with("models")
CLASSES = ["neutral", "happy", "sad", "angry"]
STATISTICS = ("alignment", "agreement", "bias", "shared", "saturation", "exchange", "exchange_by_level", "costs")
STATISTICS += ("predictors",)


def paths_of(run: dict, *, evaluation: Path | None = None) -> dict:
    statistics = [str(run[kind]) for kind in STATISTICS] + ([str(evaluation)] if evaluation else [])
    tables = {name: str(run[name]) for name in ("utterances", "votes", "rejects", "status")}
    return tables | {
        "statistics": statistics,
        "leakage": [str(run["leakage"])],
        "verdicts": [str(run["verdicts"])],
        "heldout": None,
        "draws": str(run["draws"]) if "draws" in run else None,
    }


@pytest.fixture(scope="module")
def numbers(votes_run, votes_config):
    return collect_numbers(votes_config, paths_of(votes_run))


def read_text(numbers, sections: dict[str, list[str]]) -> str:
    sources = read_sources(REPOSITORY / "paper", sections)
    return "\n".join(taken_branches(text, numbers.switches) for text in sources.values())


def check_keys(numbers, sections: dict[str, list[str]]) -> None:
    used = keys_used([read_text(numbers, sections)])
    assert sorted(used - set(numbers.keys())) == []
    assert sorted(set(numbers.keys()) - keys_reached(used, numbers.provenance())) == []


def test_the_switches_follow_from_what_is_given(numbers):
    assert numbers.switches == {
        "simulated": False,
        "cremad": True,
        "replayed": True,
        "tabulated": False,
        "sampledvotes": False,
        "levelvotes": True,
        "heldoutscores": False,
        "crossfitted": False,
        "trained": False,
        "proxytrained": False,
        "augmented": False,
        "augmentedagain": False,
        "weighted": False,
        "controlled": False,
        "adapters": False,
        "peers": False,
        "students": False,
        "sametrained": False,
        "seedvariance": False,
        "leveled": True,
        "levelsnoisy": True,
        "entropycompared": True,
        "ratersjudged": False,
        "modelsjudged": False,
        "crossedraters": False,
        "crossedalone": False,
        "alignedlike": False,
        "alignedalone": False,
        "factored": True,
        "sharedvotes": True,
        "listened": False,
        "conflicting": False,
        "componentsknown": False,
        "pricedalone": True,
        "classshares": False,
        "exchangeleveled": True,
        "calibratedrefused": False,
        "gainsbeside": True,
        "gaincrossed": False,
        "rulers": False,
        "durationsknown": False,
        "ratersknown": False,
        "soundaltered": False,
        "soundcompared": True,
    }


def test_every_key_used_is_defined_and_every_key_defined_is_used(numbers):
    check_keys(numbers, SECTIONS)


@pytest.mark.parametrize(("trained", "dime"), [(False, False), (False, True), (True, False), (True, True)])
def test_the_demo_may_be_run_without_training_or_augmentation(trained, dime, run, config):
    config = json.loads(json.dumps(config))
    config["run"]["augmentation"] = ["none", "dime"] if dime else ["none"]
    paths = paths_of(run, evaluation=run["evaluation"] if trained else None) | {"heldout": str(run["heldout"])}
    check_keys(collect_numbers(config, paths), WITH_MODELS if trained else SECTIONS)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"definition": "agreement", "votes": 3}, "pairwise agreement"),
        ({"definition": "entropy", "votes": 5}, "entropy of their distribution"),
        ({"definition": "pattern", "votes": 3}, "unanimous"),
        ({"definition": "faithful"}, "tertiles"),
    ],
)
def test_every_definition_of_levels_has_its_words(levels, words, votes_run, votes_config):
    config = json.loads(json.dumps(votes_config))
    config["protocols"]["fair"]["levels"] = levels
    numbers = collect_numbers(config, paths_of(votes_run))
    check_keys(numbers, SECTIONS)
    assert words in numbers["settings.levels"].text
    text = " ".join(read_text(numbers, SECTIONS).split())
    assert (r"\result{settings.level-votes} per utterance where there are enough" in text) == ("votes" in levels)
    assert ("as published, all votes on an utterance decide it" in text) == ("votes" not in levels)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("models", "seeds", "protocol", "said", "unsaid"),
    [
        (["tiny"], 2, {}, {"sametrained", "adapters"}, {"peers", "seedvariance"}),
        (["tiny", "tiny_mlp"], 5, {}, {"sametrained", "adapters", "peers", "seedvariance"}, set()),
        (["tiny_mlp"], 1, {"loss": "emd"}, {"peers"}, {"sametrained", "adapters", "students"}),
        (["tiny_mlp", "amber2_fair"], 2, {}, {"peers", "students"}, {"adapters"}),
        (["other"], 2, {"head": "faithful", "loss": "jsd", "entropy_weight": 0.08}, {"adapters"}, {"sametrained"}),
    ],
)
def test_the_text_names_what_is_trained_and_how(models, seeds, protocol, said, unsaid, run, config):
    config = json.loads(json.dumps(config))
    config["finetuning"] |= {"models": models, "seeds": seeds}
    config["protocols"]["fair"] |= protocol
    numbers = collect_numbers(config, paths_of(run, evaluation=run["evaluation"]) | {"heldout": str(run["heldout"])})
    check_keys(numbers, WITH_MODELS)
    assert said <= {name for name, on in numbers.switches.items() if on}
    assert not unsaid & {name for name, on in numbers.switches.items() if on}
    assert numbers["settings.seeds"].text == ("1 seed" if seeds == 1 else f"{seeds} seeds")
    loss = {"emd": "earth mover", "jsd": "plus 0.08 times the entropy"}.get(protocol.get("loss"), "cross-entropy")
    assert loss in numbers["settings.loss"].text


@pytest.mark.parametrize(
    ("changes", "words", "cited"),
    [
        ({}, "each call asks for one label", True),
        ({"mode": "readout", "modality": "audio"}, "probabilities of the label strings", False),
        (
            {"mode": "verbalised", "reasoning": True},
            "written as JSON, and a vote is drawn from it, after an argument",
            False,
        ),
    ],
)
def test_the_text_names_how_the_alm_is_asked(changes, words, cited, run, config):
    config = json.loads(json.dumps(config))
    config["annotators"]["tiny_crossed"] |= changes
    numbers = collect_numbers(config, paths_of(run) | {"heldout": str(run["heldout"])})
    check_keys(numbers, SECTIONS)
    assert words in numbers["settings.mode"].text and numbers.switches["sampledvotes"] == cited
    assert numbers["settings.modality"].text == (
        "the sound alone" if changes.get("modality") else "sound and transcript"
    )


@pytest.mark.parametrize("place", ["model", "store"])
def test_an_alm_behind_a_server_or_with_kept_answers_is_named_by_what_it_has(place, run, config):
    config = json.loads(json.dumps(config))
    config["alms"]["tiny"] = {place: "some/where", "gpus": 0}
    assert collect_numbers(config, paths_of(run))["settings.checkpoint"].text == r"\url{some/where}"


def test_models_may_be_trained_with_replayed_votes(votes_run, votes_config, run, tmp_path):
    from scaling_ambiguity.tables.statistics import STATISTICS as TABLE

    table = TABLE.read(run["evaluation"])
    table["labels"] = table["labels"].str.replace("tiny_crossed", "face")
    path = tmp_path / "evaluation-cremad-fair.parquet"
    TABLE.write(table[table["augmentation"] == "none"].assign(corpus="cremad"), path)
    numbers = collect_numbers(votes_config, paths_of(votes_run, evaluation=path))
    check_keys(numbers, WITH_MODELS)


def test_nothing_is_said_of_models_prompts_or_simulation(numbers):
    text = " ".join(read_text(numbers, SECTIONS).split())
    for word in ("fine-tuned on", "focus lines", "DiME", "adapters", "simulated pool", "seeds"):
        assert word not in text, word
    for word in ("No ALM was asked", "No number here is evidence about ALMs", "are not identified", "Nothing was fine"):
        assert word in text, word


def test_failed_draws_are_counted_by_reason(numbers):
    assert [numbers[f"answers.{name}"].text for name in ("asked", "failed", "invalid", "valid")] == [
        r"2\,880",
        "6",
        "4",
        r"99.7\,\%",
    ]
    assert numbers["settings.source"].text == "cremad face"
    assert numbers["settings.source.presentation"].text == "face"
    assert numbers["settings.corpus.presentation"].text == "voice"


def test_what_the_parts_share_is_told_with_the_pairs_by_name(numbers, votes_run):
    assert numbers["leakage.audio"].text == (
        r"2 sets (\path{a_1} and \path{a_2}; \path{b_1} and \path{b_2}), no set across parts"
    )
    assert numbers["leakage.speaker"].text == "no speaker"
    assert numbers["leakage.transcript"].text == "9 to 10 transcripts"
    source = numbers.provenance()["leakage.audio"]
    assert (source["file"], source["rows"], source["n"]) == (str(votes_run["leakage"]), {"kind": "audio"}, 480)


def test_sound_that_was_not_compared_is_said_not_to_be(run, config):
    paths = paths_of(run) | {"heldout": str(run["heldout"])}
    text = read_text(collect_numbers(config, paths), SECTIONS)
    assert "was not checked" in text and "Byte-identical" not in text


def test_a_missing_or_faulty_report_of_leakage_is_named(votes_run, votes_config, tmp_path):
    with pytest.raises(UserError, match="no report of cremad under fair"):
        collect_numbers(votes_config, paths_of(votes_run) | {"leakage": []})
    path = tmp_path / "cremad" / "fair.leakage.csv"
    path.parent.mkdir()
    path.write_text("fold,kind\n0,audio\n")
    with pytest.raises(UserError, match="re-run report_leakage"):
        collect_numbers(votes_config, paths_of(votes_run) | {"leakage": [str(path)]})


def test_what_is_not_known_is_said_not_to_be(votes_run, run):
    def described(files: dict) -> dict:
        tables = (UTTERANCES.read(files["utterances"]), VOTES.read(files["votes"]), REJECTS.read(files["rejects"]))
        return describe_corpus(*tables, CLASSES)

    text, _ = corpus_table({"cremad": described(votes_run), "demo": described(run)})
    rows = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines()]
    lines = {name: values for name, *values in rows}
    assert lines["raters"] == ["not known", "30"]
    assert lines["minutes of speech"][0] == "--"
    assert float(lines["minutes of speech"][1]) > 0


def test_a_few_unknown_durations_do_not_make_a_short_corpus(run):
    utterances = UTTERANCES.read(run["utterances"])
    utterances.loc[3, "duration"] = float("nan")
    described = describe_corpus(utterances, VOTES.read(run["votes"]), REJECTS.read(run["rejects"]), CLASSES)
    assert described["minutes"] != described["minutes"]


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"scheme": "groups", "groups": [["1", "2"], ["3", "4"], ["5", "6"]]}, "in 3 folds"),
        ({"scheme": "speaker", "folds": 5}, "in 5 folds"),
        ({"scheme": "session"}, "a session"),
        ({"scheme": "official"}, "as the corpus prescribes"),
        ({"scheme": "random", "test": 0.2}, r"20\,\% of the utterances"),
    ],
)
def test_every_scheme_of_splits_has_its_words(splits, words):
    assert words in split_words(splits)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")
def test_the_paper_is_built(votes_run, votes_config, settings_of, tmp_path, program):
    style = ["--classes", ",".join(CLASSES), "--style", REPOSITORY / "paper" / "paper.mplstyle"]

    def call(name: str, *arguments: object) -> None:
        subprocess.run([*program(name), *map(str, arguments)], check=True)

    shown = {"saturation": "saturation", "exchange_rate": "exchange", "exchange_by_level": "exchange_by_level"}
    shown |= {
        "cost_surface": "costs",
        "alignment_by_level": "alignment",
        "confusion": "agreement",
        "bias": "bias",
        "shared_votes": "shared",
        "worth": "predictors",
    }
    figures = [tmp_path / f"fig_{name}.pdf" for name in shown]
    for figure, kind in zip(figures, shown.values(), strict=True):
        outputs = ["--figure", figure, "--svg", figure.with_suffix(".svg"), "--data", figure.with_suffix(".csv")]
        call(figure.stem, "--statistics", votes_run[kind], *style[2:], *outputs)
    figures.append(tmp_path / "fig_validity.pdf")
    resources = REPOSITORY / "workflow" / "resources"
    outputs = ["--figure", figures[-1], "--svg", tmp_path / "v.svg", "--data", tmp_path / "v.csv", *style[2:]]
    call("fig_validity", "--recovery", resources / "recovery.csv", "--type-one", resources / "type_one.csv", *outputs)
    corpus = ["--corpora", "cremad", "--utterances", votes_run["utterances"], "--votes", votes_run["votes"]]
    shown = ["--classes", ",".join(CLASSES)]
    about = {"tab_corpus": [*corpus, "--rejects", votes_run["rejects"], *shown]}
    about["tab_votes_lost"] = ["--corpora", "cremad", "--audits", votes_run["audit"]]
    about["tab_settings"] = ["--settings", settings_of(votes_config), "--answers", votes_run["status"]]
    about["tab_alignment"] = ["--statistics", votes_run["alignment"], *shown]
    about["tab_exchange"] = ["--statistics", votes_run["exchange"], votes_run["exchange_by_level"]]
    about["tab_headline"] = ["--statistics", votes_run["exchange"]]
    about["tab_worth"] = ["--statistics", votes_run["predictors"]]
    about["tab_validity"] = ["--study", REPOSITORY / "workflow" / "resources" / "validity.csv"]
    about["tab_agreement"] = ["--statistics", votes_run["agreement"]]
    about["tab_bias"] = ["--statistics", votes_run["bias"]]
    about["tab_saturation"] = ["--statistics", votes_run["saturation"]]
    about["tab_hypotheses"] = ["--verdicts", votes_run["verdicts"]]
    tables = [tmp_path / f"{name}.tex" for name in about]
    for table in tables:
        call(table.stem, *about[table.stem], "--table", table, "--data", table.with_suffix(".csv"))
    numbers = tmp_path / "numbers.tex"
    call(
        "write_numbers",
        *("--statistics", *(votes_run[kind] for kind in STATISTICS), "--heldout"),
        *("--votes", votes_run["votes"], "--utterances", votes_run["utterances"], "--rejects", votes_run["rejects"]),
        *(
            "--verdicts",
            votes_run["verdicts"],
            "--leakage",
            votes_run["leakage"],
            "--proxies-status",
            votes_run["status"],
            "--config",
            json.dumps(votes_config),
        ),
        *("--numbers", numbers, "--provenance", tmp_path / "numbers.json"),
    )
    call(
        "build_paper",
        *("--sources", REPOSITORY / "paper", "--figures", *figures, "--tables", *tables, "--numbers", numbers),
        *("--sections", ",".join(SECTIONS["main"]), "--supplement-sections", ",".join(SECTIONS["supplement"])),
        *("--output", tmp_path / "main.pdf", "--supplement", tmp_path / "supplement.pdf"),
    )
    check_pages(tmp_path)
