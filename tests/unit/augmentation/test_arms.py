"""Every arm end to end: bins filled by items that lie in them, guards, bytes, sounds that pass the audit."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.augmentation.arms import balanced
from scaling_ambiguity.augmentation.fold import augment, check_recipes, gather_training
from scaling_ambiguity.augmentation.partners import nearest_partners
from scaling_ambiguity.augmentation.recipes import MIXED, Recipe
from scaling_ambiguity.augmentation.simplex_bins import make_bins
from scaling_ambiguity.augmentation.training_part import Part
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256, read_json
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.training.examples import gather_examples

OPTIONS = {"method": "balanced", "ratio": 1.0, "neighbours": 7}
ARMS = {
    "balanced": OPTIONS,
    "overlaid": OPTIONS | {"mixing": "overlay"},
    "codes": OPTIONS | {"bins": "codebook", "codes": 3, "partners": "any"},
    "oversample": {"method": "oversample", "ratio": 1.0},
    "mixup": {"method": "mixup", "share": 0.5},
    "specaugment": {"method": "specaugment", "share": 0.5},
}


@pytest.fixture
def world(corpus):
    """Give the corpus of ten tones two speakers and a training part in four bins."""
    p = np.array(
        [[1, 0, 0]] * 4 + [[0.3, 0.4, 0.3], [0, 1, 0], [0.1, 0.5, 0.4], [0, 0, 1], [0.2, 0.4, 0.4], [0.1, 0.1, 0.8]]
    )
    corpus["labels"][["p_neutral", "p_happy", "p_sad"]] = p
    corpus["utterances"]["speaker"] = ["a", "b"] * 5
    corpus["utterances"]["duration"] = [(8000 + 400 * i) / 16000 for i in range(10)]
    LABELS.write(corpus["labels"], corpus["folder"] / "labels.parquet")
    return corpus


def _part(world, name="arm", **changes):
    arguments = {
        "name": name,
        "labels": world["folder"] / "labels.parquet",
        "features": world["folder"] / "features.parquet",
        "fold": 0,
        "options": OPTIONS,
        "seed": 1,
        **{key: world[key] for key in ("utterances", "root", "splits", "classes")},
    }
    return Part(**arguments | changes)


def _run(world, output, name="arm", **changes):
    augment(_part(world, name, **changes), world["folder"] / name / output)
    return world["folder"] / name / output


def _training(world):
    return gather_training(_part(world))


def _bytes(folder):
    return {str(path.relative_to(folder)): file_sha256(path) for path in sorted(folder.rglob("*.*"))}


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_makes_sound_training_items(world, arm):
    folder = _run(world, "fold-0", arm, options=ARMS[arm])
    items = ITEMS.read(folder / "items.parquet")
    p = world["labels"].set_index("utterance")[["p_neutral", "p_happy", "p_sad"]]
    text = world["utterances"].set_index("utterance")["transcript"]
    assert len(items) and items["utterance"].str.startswith(f"{arm}0_").all()
    for item in items.itertuples():
        parents = item.parents.split("|")
        assert len(set(parents)) == len(parents) and set(parents) <= set(p.index[:8])
        shares = [item.alpha, 1 - item.alpha][: len(parents)]
        np.testing.assert_allclose([item.p_neutral, item.p_happy, item.p_sad], shares @ p.loc[parents].to_numpy())
        assert all(text[parent] in item.transcript for parent in parents) or item.transform == "mixup"
        assert soundfile.info(folder / item.path).samplerate == 16000
    # the training reads the folder as it reads that of the published way
    parts = gather_examples(
        world["utterances"], world["root"], world["folder"] / "labels.parquet", world["splits"], 0,
        world["classes"], folder,
    )  # fmt: skip
    assert len(parts.train) == 8 + len(items)
    summary, far = pd.read_csv(folder / "summary.csv"), read_json(folder / "distances.json")
    assert summary["after"].sum() == 8 + len(items) and far["items"] == len(items)


def test_bins_reach_their_target_and_the_distance_says_so(world):
    folder = _run(world, "fold-0")
    summary = pd.read_csv(folder / "summary.csv").set_index("bin")
    assert summary.loc[summary["before"] > 0, "before"].to_dict() == {
        "neutral_low": 4, "happy_low": 1, "happy_high": 2, "sad_low": 1,
    }  # fmt: skip
    occupied = summary[summary["before"] > 0]
    assert (occupied["target"] == 4).all() and (occupied["after"] == 4).all()
    # a mixture would leave a bin of low ambiguity; the high one has one pair of parents, and then transforms
    assert summary["mixed"].sum() == summary.at["happy_high", "mixed"] == 1
    assert summary.at["happy_high", "transformed"] == 1
    far = read_json(folder / "distances.json")
    assert far["target_before"]["total_variation"] == pytest.approx(0.25)  # shares 4, 1, 2, 1 of 8
    assert far["target_after"] == far["balance_after"] == {"total_variation": 0.0, "js_distance": 0.0}
    # empty bins get nothing
    assert (summary.loc[summary["before"] == 0, "target"] == 0).all()


def test_mixtures_lie_in_the_bin_they_were_made_for(world):
    training = _training(world)
    bins = make_bins({}, training.distributions, world["classes"], "x")
    for options in (OPTIONS, OPTIONS | {"mixing": "overlay"}, OPTIONS | {"partners": "any"}):
        recipes = balanced.plan(training, options, "arm0", 3, "augmentations.arm")
        for recipe in recipes:
            assert f"arm0_{bins.names[int(bins.place(recipe.distribution)[0])]}_" in recipe.utterance
        speakers = dict(zip(training.names, training.speakers, strict=True))
        mixed = [recipe for recipe in recipes if recipe.kind == MIXED]
        assert mixed
        same = all(speakers[recipe.parents[0]] == speakers[recipe.parents[1]] for recipe in mixed)
        assert same or options.get("partners") == "any"


def test_a_parent_is_used_no_more_than_allowed(world):
    for arm in ("balanced", "oversample"):
        folder = _run(world, "fold-0", arm, options=ARMS[arm] | {"reuse": 2})
        used = ITEMS.read(folder / "items.parquet")["parents"].str.split("|").explode().value_counts()
        assert used.max() <= 2
        assert pd.read_csv(folder / "summary.csv")["shortfall"].sum() > 0


@pytest.mark.parametrize("arm", ARMS)
def test_same_seed_same_bytes(world, arm):
    options = ARMS[arm]
    first, second = (_run(world, output, arm, options=options) for output in ("one", "two"))
    assert _bytes(first) == _bytes(second)
    others = [_bytes(_run(world, f"seed{seed}", arm, options=options, seed=seed)) for seed in (2, 3, 4)]
    assert any(other != _bytes(first) for other in others)


@pytest.mark.parametrize("arm", ARMS)
def test_labels_outside_training_are_never_read(world, arm):
    before = _bytes(_run(world, "one", arm, options=ARMS[arm]))
    LABELS.write(world["labels"].iloc[:8], world["folder"] / "labels.parquet")
    assert _bytes(_run(world, "two", arm, options=ARMS[arm])) == before


def test_a_parent_outside_training_a_double_name_and_oneself_are_refused(world):
    def recipe(name, *parents):
        return Recipe(name, parents, 0.5, "concatenate", {}, np.array([1.0, 0, 0]), None, MIXED)

    def check(*recipes):
        check_recipes(list(recipes), world["splits"], 0, set(world["utterances"]["utterance"]))

    check(recipe("new", "x_00", "x_01"))
    for wrong in ("x_08", "x_09", "elsewhere"):  # validation, test, another corpus
        with pytest.raises(UserError, match="not in train"):
            check(recipe("new", "x_00", wrong))
    with pytest.raises(UserError, match="itself"):
        check(recipe("new", "x_00", "x_00"))
    for pair in (("x_03",), ("new", "new")):
        with pytest.raises(UserError, match="of this name"):
            check(*(recipe(name, "x_00", "x_01") for name in pair))


def test_a_silent_parent_is_heard_by_the_audit(world):
    for name in world["utterances"]["path"]:
        soundfile.write(world["root"] / name, np.zeros(8000), 16000)
    with pytest.raises(UserError, match="silent"):
        _run(world, "fold-0")
    assert not (world["folder"] / "arm/fold-0").exists()


def test_no_transcripts(world):
    world["utterances"]["transcript"] = None
    items = ITEMS.read(_run(world, "fold-0") / "items.parquet")
    assert items["transcript"].isna().all()


def test_nothing_to_make(world):
    folder = _run(world, "fold-0", options=OPTIONS | {"ratio": 0})
    assert ITEMS.read(folder / "items.parquet").empty
    assert read_json(folder / "distances.json")["items"] == 0


def test_text_changes_are_in_the_record(world):
    options = OPTIONS | {"text": {"kind": "mask", "share": 0.5}, "transforms": {"noise": [20, 20]}}
    items = ITEMS.read(_run(world, "fold-0", options=options) / "items.parquet")
    single = items[~items["parents"].str.contains("|", regex=False)]
    assert (single["transform"] == "noise:snr=20:words_masked=1").all() and single["transcript"].str.contains(
        r"\.\.\."
    ).all()


def test_partners_are_others_of_the_group():
    space, groups = np.random.default_rng(0).normal(size=(9, 3)), np.array(list("aaaabbbbc"))
    found = nearest_partners(space, groups, 5)
    for row, partners in enumerate(found):
        inside = partners[partners >= 0]
        assert row not in inside and len(set(inside)) == len(inside)
        assert len(inside) == {"a": 3, "b": 3, "c": 0}[groups[row]] and (groups[inside] == groups[row]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "balance"}, "balance"),
        ({"method": "balanced", "alpha": 1}, "alpha"),
        ({"method": "balanced", "mixing": "overlay", "partners": "any"}, "two voices"),
        ({"method": "balanced", "mixing": "stir"}, "stir"),
        ({"method": "balanced", "neighbours": 0}, "neighbours"),
        ({"method": "oversample", "ratio": 2}, "ratio"),
        ({"method": "oversample", "reuse": 0}, "reuse"),
        ({"method": "mixup", "share": 0}, "share"),
        ({"method": "specaugment", "masks": 0}, "masks"),
    ],
)
def test_bad_options_name_the_entry_of_the_configuration(world, options, message):
    with pytest.raises(UserError, match=rf"augmentations\.arm.*{message}"):
        _run(world, "fold-0", options=options)
