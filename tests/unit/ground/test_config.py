"""The configuration is checked before any work: one message with key path, value and what is accepted."""

import copy
import unicodedata

import pytest
import yaml
from snakemake.utils import update_config

from scaling_ambiguity.alms.registry import resolve_all
from scaling_ambiguity.configuration.checked import SCHEMA, checked_config
from scaling_ambiguity.errors import UserError

REPOSITORY = SCHEMA.parents[2]
DEMO = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
PRESETS = REPOSITORY / "workflow" / "presets"


def changed(path, value):
    config = copy.deepcopy(DEMO)
    *parents, last = path.split(".")
    place = config
    for key in parents:
        place = place[key]
    place[last] = value
    return config


@pytest.mark.parametrize(("text", "key"), [("no: happy", "False"), ("~: happy", "None"), ("1.0: happy", "1.0")])
def test_a_key_that_yaml_reads_as_no_text_is_named(text, key):
    config = changed("corpora.demo.class_policy", yaml.safe_load(f"merge: {{{text}, joy: happy}}"))
    with pytest.raises(UserError, match=rf"corpora.demo.class_policy.merge has the key {key} \(for 'happy'\).*quotes"):
        checked_config(config)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"votes": 1}, "votes"),
        ({"mode": "readout"}, "mode"),
        ({"temperatures": [0.5]}, "temperatures"),
        ({"design": "crossed"}, "temperatures"),
    ],
)
def test_a_beam_search_has_no_temperatures(change, key):
    search = {"alm": "tiny", "mode": "sampled", "votes": 5, "design": "beam", "prompts": "focus", "modality": "both"}
    config = checked_config(changed("annotators.search", search))
    assert config["annotators"]["search"]["temperatures"] == [0]
    with pytest.raises(UserError, match=rf"annotators\.search.*{key}"):
        checked_config(changed("annotators.search", search | change))


def test_a_model_trained_on_votes_needs_classes_of_one_word():
    entry = {"engine": "transformers", "checkpoint": "resources/models/hearing", "gpus": 0, "encodings": "shared"}
    entry |= {"encoder": {"checkpoint": "openai/whisper-base", "layers": 3}}
    entry |= {"trained_on": {"corpus": "mine", "protocol": "fair"}}
    config = changed("alms.hearing", entry | {"training": {"steps": 1, "batch": 1, "learning_rate": 0.001}})
    votes = yaml.safe_load((REPOSITORY / "workflow" / "presets" / "votes.yaml").read_text())
    config["corpora"]["mine"] = next(iter(votes["corpora"].values())) | {"classes": ["anger", "very_happy"]}
    with pytest.raises(UserError, match="'very_happy' is not one word"):
        checked_config(config)
    config["corpora"]["mine"]["classes"] = ["anger", "happy", "sad"]
    checked_config(config)


def test_whole_numbers_may_be_labels():
    config = checked_config(changed("corpora.demo.class_policy", {"merge": {1: "happy", "sorrow": "sad"}}))
    assert config["corpora"]["demo"]["class_policy"]["merge"] == {"1": "happy", "sorrow": "sad"}


@pytest.mark.parametrize("preset", sorted(PRESETS.glob("*.yaml")), ids=lambda preset: preset.stem)
def test_what_a_check_returned_passes_it_unchanged(preset):
    """The report asks Snakemake once more, with the configuration that the run had."""
    config, text = copy.deepcopy(DEMO), preset.read_text()
    if text.startswith("# Laid over cremad_voices"):
        update_config(config, yaml.safe_load((PRESETS / "cremad_voices.yaml").read_text()))
    update_config(config, yaml.safe_load(text))
    once = checked_config(resolve_all(config))
    assert checked_config(copy.deepcopy(once)) == once


def test_the_demo_is_valid():
    assert checked_config(copy.deepcopy(DEMO)) == DEMO


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("statistics.resample", 3, ["statistics.resample", "3", "Did you mean 'resamples'"]),
        ("statistics.resamples", "many", ["statistics.resamples", "'many'", "integer"]),
        ("statistics.level", 1.5, ["statistics.level", "1.5", "below 1"]),
        ("corpora.demo.reader", "iemocapp", ["corpora.demo.reader", "'iemocapp'", "demo"]),
        ("corpora.demo.classes", ["neutral", "joy"], ["corpora.demo.classes", "'joy'", "happy"]),
        ("corpora.demo.votes", [9, 2], ["corpora.demo.votes", "[9, 2]", "smallest"]),
        ("run.corpora", ["dem"], ["run.corpora", "'dem'", "Accepted: demo"]),
        ("run.annotators", ["tiny"], ["run.annotators", "'tiny'", "tiny_crossed"]),
        ("run.augmented_labels", ["combined-equl"], ["run.augmented_labels", "equl", "equal"]),
        ("annotators.tiny_crossed.alm", "large", ["annotators.tiny_crossed.alm", "'large'", "tiny"]),
        ("alms.tiny.trained_on.classes", ["neutral", "sad"], ["corpora.demo.classes", "does not match", "tiny"]),
        ("annotators.tiny_crossed.context", 2, ["annotators.tiny_crossed.context", "'demo'", "set context: 0"]),
        ("annotators.tiny_crossed.speaker", True, ["annotators.tiny_crossed.faithful is missing", "published design"]),
        ("annotators.tiny_published.design", "crossed", ["tiny_published.design", "'crossed'", "'confounded'"]),
        ("peers.tiny_mlp.encoder", "tiny", ["peers.tiny_mlp.encoder", "'tiny'", "{kind: alm, alm: tiny}"]),
        ("peers.tiny_mlp.fusion", "late", ["peers.tiny_mlp", "'fusion'"]),
        ("peers.amber2_fair.text", "statistics", ["amber2_fair.text", "of kind statistics", "kind text"]),
        ("peers.amber2_fair.speech", "minilm", ["amber2_fair.speech", "of kind text", "of sound"]),
        ("peers.amber2_fair.speech", "mini", ["amber2_fair.speech", "'mini'", "not a known encoder"]),
        ("peers.amber2_fair.encoder", "minilm", ["peers.amber2_fair", "'encoder'"]),
        ("peers.amber2_fair.loss", {"kapa": 2}, ["peers.amber2_fair.loss.kapa", "Did you mean 'kappa'"]),
        ("peers.tiny_mlp.kind", "amber", ["peers.tiny_mlp.kind", "'amber'", "amber2"]),
        ("annotators.tiny_published.class_order", "permuted", ["tiny_published.class_order", "'fixed'"]),
        ("annotators.tiny_audio.context", 1, ["annotators.tiny_audio.modality", "'audio'", "both, text"]),
        ("annotators.tiny_crossed.class_order", "shuffled", ["class_order", "'shuffled'", "permuted"]),
        ("annotators.tiny_crossed.temperatures", [0], ["temperatures.0", "0", "above 0"]),
        ("annotators.tiny_crossed.temperatures", [[0.9, 0.1]], ["temperatures.0", "lowest, then highest"]),
        ("annotators.tiny_crossed.temperatures", [[0.1, 3]], ["temperatures.0.1", "3", "at most 2"]),
        ("alms.tiny", {"engine": "replay_answers", "gpus": 0}, ["alms.tiny.store is missing", "export_answers"]),
        (
            "protocols.faithful.augmentation",
            ["dim"],
            ["faithful.augmentation", "'dim'", "Did you mean 'dime'"],
        ),
        ("augmentations.dime", {"ratio": 0.3}, ["augmentations.dime.method is missing", "published"]),
        ("augmentations.none", {"method": "balanced"}, ["augmentations.none", "no options"]),
        ("augmentations.dime_faithful.mixing", "overlay", ["augmentations.dime_faithful", "'mixing'"]),
        ("augmentations.dime_faithful", {"method": "published", "ratio": 0.3}, ["dime_faithful.neighbours is missing"]),
        ("augmentations.dime_faithful.online.speed", [1.1, 0.9], ["online.speed", "[1.1, 0.9]", "least, then largest"]),
        ("augmentations.dime_faithful.online.probability", 0, ["online.probability", "above 0"]),
        ("paper.headline.corpus", "iemocap", ["paper.headline.corpus", "'iemocap'", "demo"]),
    ],
)
def test_a_fault_is_named_with_its_value_and_what_is_accepted(path, value, words):
    with pytest.raises(UserError) as error:
        checked_config(changed(path, value))
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_strings_from_the_command_line_are_coerced_once():
    assert checked_config(changed("statistics.resamples", "500"))["statistics"]["resamples"] == 500
    assert checked_config(changed("run.corpora", "[demo]"))["run"]["corpora"] == ["demo"]
    assert checked_config(changed("finetuning.seeds_per_job", "2"))["finetuning"]["seeds_per_job"] == 2


def test_every_key_of_the_demo_config_is_commented_or_described():
    schema = yaml.safe_load(SCHEMA.read_text())
    assert set(DEMO) == set(schema["properties"]), "config.yaml shows every key"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("paper.authors", ["A. Lovelace", "王伟"], ["paper.authors.1", "王伟", "U+738B", "Latin letters"]),
        ("paper.title", "How much is an ALM worth? 🙂", ["paper.title", "U+1F642"]),
        ("paper.subtitle", "Μια μελέτη", ["paper.subtitle", "U+039C"]),
    ],
)
def test_text_that_the_paper_cannot_print_is_named_before_any_work(path, value, words):
    with pytest.raises(UserError) as caught:
        checked_config(changed(path, value))
    assert all(word in str(caught.value) for word in words), caught.value


def test_two_classes_need_four_votes_for_three_levels():
    with pytest.raises(UserError, match=r"protocols\.fair\.levels\.votes = 3 .* expected 4 or more"):
        checked_config(changed("corpora.demo.classes", ["happy", "sad"]))
    config = changed("corpora.demo.classes", ["happy", "sad"])
    config["protocols"]["fair"]["levels"]["votes"] = 4
    assert checked_config(config)["corpora"]["demo"]["classes"] == ["happy", "sad"]


def test_an_alm_whose_votes_are_a_table_needs_a_file_and_the_mode_of_its_engine():
    config = changed("alms.given", {"engine": "table", "votes": "votes.csv", "columns": {"utterance": "clip"}})
    config["annotators"]["given"] = {"alm": "given", "mode": "table", "votes": 5}
    assert checked_config(config)["alms"]["given"]["gpus"] == 0
    config["annotators"]["given"]["mode"] = "replay"
    with pytest.raises(UserError, match=r"annotators\.given\.mode = 'replay' .* expected table"):
        checked_config(config)
    with pytest.raises(UserError, match=r"alms\.given\.votes is missing"):
        checked_config(changed("alms.given", {"engine": "table"}))


def test_names_are_composed():
    decomposed = unicodedata.normalize("NFD", "Nguyễn Văn An")
    assert checked_config(changed("paper.authors", [decomposed]))["paper"]["authors"] == ["Nguyễn Văn An"]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("protocols.fair", "reference", "human"), ("poolings.weighted", "fit", "held_out"),
     ("statistics", "cluster", "speaker"), ("peers.tiny_mlp", "peer", "mlp")],
)  # fmt: skip
def test_a_key_that_had_but_one_value_is_named_with_the_remedy(section, key, value):
    config = yaml.safe_load((SCHEMA.parents[2] / "config.yaml").read_text())
    entry = config
    for name in section.split("."):
        entry = entry[name]
    entry[key] = value
    with pytest.raises(UserError, match=rf"{section}.{key} = '{value}' is not a known key.*remove the line"):
        checked_config(config)


@pytest.mark.parametrize("name", sorted(path.name for path in PRESETS.glob("*.yaml")))
def test_the_cost_surface_of_a_preset_ends_where_the_headline_does(name):
    """Once it stopped at five votes of CREMA-D's six, while the headline valued all six."""
    preset = yaml.safe_load((PRESETS / name).read_text())
    statistics = DEMO["statistics"] | preset.get("statistics", {})
    headline = (DEMO["paper"] | preset.get("paper", {}))["headline"]["annotator"]
    votes = (DEMO["annotators"].get(headline, {}) | preset.get("annotators", {}).get(headline, {}))["votes"]
    possible = [m for m in statistics["costs"]["synthetic"] if m <= votes]  # others are left out
    assert max(possible) == max(statistics["exchange"]["votes"]) == votes


SERVER = {"engine": "openai", "gpus": 0, "base_url": "http://127.0.0.1:8000/v1", "model": "m", "revision": "r"}


def judged(**changes):
    """Return the part of a submission that has it judged, by the ALM that wrote it unless changed."""
    return {"verifier": {"alm": "self", "prompts": "verifier", "mode": "readout"} | changes}


def benchmark():
    """Return the demo's configuration under the preset `benchmark`."""
    config = copy.deepcopy(DEMO)
    preset = yaml.safe_load((PRESETS / "benchmark.yaml").read_text())
    for section, entries in preset.items():
        config[section] = config.get(section, {}) | entries
    return config


def test_the_benchmark_is_accepted_and_yes_and_no_are_words():
    config = benchmark()
    config["testtime"]["demo_tiny"]["has_seen_votes"] = False  # what YAML makes of a bare no
    checked = checked_config(config)
    assert checked["testtime"]["demo_tiny"]["has_seen_votes"] == "no"
    assert checked_config(DEMO)["testtime"] == {} and "testtime" not in DEMO["run"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alm": "tinny"}, r"testtime\.demo_writer\.alm = 'tinny' is not a known ALM\. Did you mean 'tiny'"),
        ({"corpus": "elsewhere"}, r"testtime\.demo_writer\.corpus = 'elsewhere' is not a known"),
        ({"pools": {"beams": "writer_beam"}}, "'writer_beam' is not a known key"),
        ({"pools": {"beam": "writer"}}, r"testtime\.demo_writer\.pools\.beam = 'writer' is not a known annotator"),
        ({"pools": {"beam": "writer_sampled"}}, "has design: crossed; a pool of kind beam needs a beam search"),
        ({"pools": {"sampled": "writer_beam"}}, "has design: beam; a pool of kind sampled is no beam search"),
        ({"pools": {"sampled": "writer_labels"}}, "has mode: sampled; a pool of kind sampled needs verbalised"),
        ({"pools": {"readout": "tiny_readout"}}, "has alm: tiny; a pool of kind readout needs tiny_writer"),
        ({"pools": {"reasoned": "writer_sampled"}}, "has reasoning: false; a pool of kind reasoned needs true"),
        (
            {"pools": {"greedy": "writer_sampled"}},
            "draws 10 answers at up to 1; a greedy pool has one, at most at 0.01",
        ),
        ({"verifier": "gpt_4o_audio"}, r"testtime\.demo_writer\.verifier = 'gpt_4o_audio' is not accepted.*null"),
        (judged(alm="gpt"), r"testtime\.demo_writer\.verifier\.alm = 'gpt' is not a known ALM"),
        (judged(mode="verbalised"), r"verifier\.mode = 'verbalised' is not accepted; expected one of readout, sampled"),
        (judged(asks=[]), r"verifier\.asks = \[\] is not accepted"),
        (judged(controls=["self"]), r"verifier\.controls has 'self', and the verifier is the ALM that wrote"),
        (judged(alm="tiny_writer", controls=["self"]), "Leave the control out, or name another ALM"),
        (judged(alm="stored", mode="sampled"), "'stored' is of engine replay_answers, which answers no new question"),
        (judged(pools=["sampled"]) | {"pools": {"beam": "writer_beam"}}, "has 'sampled', which is no pool of this sub"),
        (
            judged() | {"pools": {"labels": "writer_labels"}},
            "nothing to judge: pools has no written candidates of kind",
        ),
        (judged() | {"corpus": "silent"}, "verifier cannot hear corpus 'silent', which has audio: none"),
        ({"date": "yesterday"}, "testtime.demo_writer.date = 'yesterday' is not accepted"),
    ],
)
def test_what_cannot_be_a_pool_is_refused_before_any_work(change, message):
    config = benchmark()
    config["alms"]["served"] = SERVER
    config["alms"]["stored"] = {"engine": "replay_answers", "store": "answers", "gpus": 0}
    config["corpora"]["silent"] = config["corpora"]["demo"] | {"audio": "none"}
    config["testtime"]["demo_writer"] |= change
    with pytest.raises(UserError, match=message):
        checked_config(config)


def test_what_cannot_be_asked_for_over_http_is_refused():
    config = benchmark()
    config["alms"]["tiny_writer"] = SERVER
    with pytest.raises(
        UserError, match=r"pools\.beam = 'writer_beam' cannot be asked for over HTTP.*Leave the pool out"
    ):
        checked_config(config)
    del config["testtime"]["demo_writer"]["pools"]["beam"]
    checked_config(config)  # whether its server can be read out is seen when a job would ask it
    config["run"]["testtime"] = ["demo_writter"]
    with pytest.raises(UserError, match=r"run\.testtime = 'demo_writter' is not a known submission"):
        checked_config(config)


def conflicting(**changes):
    """Return the preset on CREMA-D that has a conflict of presentations, some of its keys changed."""
    config = copy.deepcopy(DEMO)
    update_config(config, yaml.safe_load((PRESETS / "cremad_amber2.yaml").read_text()))
    config["statistics"]["conflict"] |= changes
    return config


def test_a_conflict_of_presentations_is_accepted():
    assert checked_config(conflicting())["statistics"]["conflict"]["other"] == "cremad_face"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"corpus": "cremad_face"}, "statistics.conflict.corpus = 'cremad_face' is not a known selected corpus"),
        ({"other": "cremad_faces"}, "statistics.conflict.other = 'cremad_faces'.*Did you mean 'cremad_face'"),
        ({"other": "cremad"}, "statistics.conflict.other = 'cremad'.*its presentation is that of 'cremad', voice"),
        ({"model": "soft"}, "statistics.conflict.model = 'soft' is not a known trained model"),
        ({"votes": 3}, "statistics.conflict.votes = 3 is not a known key"),
    ],
)
def test_a_conflict_that_cannot_be_measured_or_compared_is_refused(changes, words):
    with pytest.raises(UserError, match=words):
        checked_config(conflicting(**changes))


def test_a_conflict_knows_what_crema_d_shows_if_nothing_is_stated():
    config = conflicting()
    for name in ("cremad", "cremad_face"):
        config["corpora"][name] = {
            key: value for key, value in config["corpora"][name].items() if key != "presentation"
        }
    config["corpora"]["cremad_face"]["presentation"] = "voice"
    with pytest.raises(UserError, match=r"its presentation is that of 'cremad', voice"):
        checked_config(config)


def test_a_conflict_needs_the_same_classes_and_strata_of_its_own():
    config = conflicting()
    config["corpora"]["cremad_face"] = config["corpora"]["cremad_face"] | {"classes": ["anger", "sad"]}
    with pytest.raises(UserError, match=r"statistics\.conflict\.other = 'cremad_face'.*classes are \['anger', 'sad'\]"):
        checked_config(config)
    config = conflicting()
    factors = config["corpora"]["cremad"]["factors"] | {"columns": ["conflict"]}
    config["corpora"]["cremad"] = config["corpora"]["cremad"] | {"factors": factors}
    with pytest.raises(UserError, match=r"corpora\.cremad\.factors\.columns has a factor 'conflict'.*rename"):
        checked_config(config)
