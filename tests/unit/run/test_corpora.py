"""Which files a corpus asks for, with and without sound; whose root is which."""

import pytest

from scaling_ambiguity.errors import UserError


def test_a_simulated_corpus_is_made_here(make):
    run = make()
    assert run.classes("sim") == "happy,sad"
    assert run.corpus_root("sim") == "resources/corpora/sim" and run.audio_of("sim") == ["resources/corpora/sim/audio"]
    assert run.made_here("sim") == [f"resources/corpora/sim/{name}.csv" for name in ("utterances", "votes")]
    assert run.truth_of("sim") == ["results/corpora/sim/truth.parquet"]
    assert run.sound_shards("sim") == [f"results/corpora/sim/sound/{shard}.parquet" for shard in (0, 1)]
    assert "shards" not in run.simulation_options("sim") and run.reading_options("sim") == run.simulation_options("sim")


def test_a_real_corpus_without_sound_asks_for_nothing_that_is_made_here(make):
    run = make()
    assert not run.has_audio("real") and run.without_audio("real") == "corpora.real.audio is none"
    assert run.audio_of("real") == run.made_here("real") == run.truth_of("real") == run.sound_shards("real") == []
    assert run.reading_options("real")["audio"] == "none"


def test_a_large_corpus_is_audited_in_few_jobs(make):
    assert make().audit_shards("real") == 64 and make().audit_shards("sim") == 2


def test_a_root_is_given_by_entry_name_or_reader_in_this_order(make, monkeypatch, tmp_path):
    monkeypatch.setenv("CREMAD_ROOT", "/by/reader")
    assert make().root_of("face") == make().root_of("cremad") == "/by/reader", "also where no entry has the reader"
    monkeypatch.setenv("FACE_ROOT", "/by/name")
    assert make().root_of("face") == "/by/name"
    assert make(corpora__face__root="below").root_of("face") == str(tmp_path / "below")


def test_a_missing_root_names_the_remedy(make):
    with pytest.raises(UserError, match=r"corpora.real.root is missing.*variable REAL_ROOT \(or TABLE_ROOT\)"):
        make().root_of("real")


def test_two_corpora_that_would_be_the_same_files_are_refused(make, monkeypatch):
    monkeypatch.setenv("TABLE_ROOT", "/tables")
    twin = {
        "reader": "table",
        "classes": ["sad", "happy"],
        "shards": 3,
        "audio": "none",
        "utterances": {"file": "u.csv"},
    }
    run = make(corpora__twin=twin)
    with pytest.raises(UserError, match=r"TABLE_ROOT is the root of the corpora real and twin.*REAL_ROOT, TWIN_ROOT"):
        run.root_of("real")
    assert make(corpora__twin=twin | {"utterances": {"file": "other.csv"}}).root_of("real") == "/tables"
    monkeypatch.setenv("TWIN_ROOT", "/twin")
    assert run.root_of("real") == "/tables"


def test_optional_sound_counts_if_it_is_there(make, monkeypatch):
    seen = []

    class Sound:
        def enough(self, share):
            seen.append(share)
            return share > 0.1

    monkeypatch.setattr("scaling_ambiguity.run.corpora.look_for_sound", lambda reader, root, entry: Sound())
    changes = {"corpora__face__audio": "optional", "corpora__face__root": "/faces"}
    assert not make(**changes).has_audio("face")
    run = make(**changes, corpora__face__max_reject_share=0.2)
    assert run.has_audio("face") and run.reading_options("face")["audio"] == "required"
    assert run.screening_options("face") == {"max_reject_share": 0.2} and seen[-1] == 0.2


def test_factors_and_pins_are_read_where_there_are_any(make, tmp_path):
    assert make().factors_of("sim") == [] and make().pins_of("face") == []
    factors = {"table": "details.csv"}
    assert make(corpora__sim__factors=factors).factors_of("sim") == ["resources/corpora/sim/details.csv"]
    run = make(corpora__real__factors=factors, corpora__real__root=str(tmp_path))
    assert run.factors_of("real") == []
    (tmp_path / "details.csv").touch()
    assert run.factors_of("real") == [f"{tmp_path}/details.csv"]
    (tmp_path / "checkout/workflow/resources").mkdir(parents=True)
    (tmp_path / "checkout/workflow/resources/cremad.tsv.gz").touch()
    assert make().pins_of("face") == ["checkout/workflow/resources/cremad.tsv.gz"]


@pytest.mark.parametrize(("protocol", "folds"), [("speakers", [0, 1, 2]), ("published", [0]), ("named", [0, 1])])
def test_folds_are_those_of_the_scheme(make, protocol, folds):
    assert make().folds(protocol) == folds


def test_level_votes_are_the_most_that_a_selected_protocol_sets_aside(make):
    assert make().level_votes() == 4
    assert make(run__protocols=["speakers", "named"]).level_votes() == 5
    assert make(run__protocols=["published"]).level_votes() == 3


def test_a_balanced_split_is_made_of_level_votes_alone(make):
    assert make().balanced_of("sim", "speakers") == ["results/balanced/sim/speakers.parquet"]
    assert make().balanced_of("sim", "published") == []
    assert make(statistics__balanced={"by": "none"}).balanced_of("sim", "speakers") == []


def test_what_of_a_protocol_and_an_augmentation_reaches_whom(make):
    run = make()
    assert run.objective("published") == {"head": "faithful", "loss": "jsd", "entropy_weight": 0.1}
    assert run.augmentations_of("speakers") == ["none"] and run.augmentations_of("published") == ["none", "dime"]
    assert run.making_options("dime") == {"method": "balanced", "ratio": 0.5}
    assert run.augmenting_modules("dime") == ["augmentation.fold", "augmentation.arms.balanced"]
    assert run.augmenting_modules("paper") == ["augmentation.published"]
