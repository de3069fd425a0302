"""How ALMs, encoders and peers are opened, and what has to be made before."""

import pytest

from scaling_ambiguity.errors import UserError

FITTED = [f"resources/models/fitted/fold-{fold}" for fold in (0, 1, 2)]


def test_a_cross_fitted_alm_has_a_member_per_fold_and_one_tower(make):
    run = make()
    assert run.is_cross_fitted("fitted") and run.members("fitted") == run.checkpoint_of("fitted") == FITTED
    assert run.alm_entry("fitted")["members"] == FITTED and "members" not in run.alm_entry("made")
    assert run.tower_checkpoint("fitted") == "resources/models/fitted/untrained"
    assert run.tower_input("fitted") == ["resources/models/fitted/untrained"]
    assert run.checked_entry("fitted")["checkpoint"] == "resources/models/fitted/untrained"
    assert run.tower_entry("fitted") == {"checkpoint": "resources/models/fitted/untrained"}
    assert run.member_labels("fitted") == "results/labels/sim/speakers/human.parquet"
    assert run.member_splits("fitted") == "results/splits/sim/speakers.parquet"
    assert run.member_encodings("fitted") == [f"results/encodings/sim/fitted/{shard}" for shard in (0, 1)]
    assert make(protocols__speakers__splits={"scheme": "speaker", "folds": 1}).members("fitted") == FITTED[:1]


def test_an_alm_trained_on_a_simulated_world_has_one_checkpoint(make):
    run = make()
    assert run.checkpoint_of("made") == run.tower_input("made") == ["resources/models/made"]
    assert run.checkpoint_of("served") == run.tower_input("served") == []
    assert "encodings" not in run.making_entry("made") and run.making_entry("made")["training"] == {"steps": 2}


def test_wildcards_name_the_alms_of_a_rule(make):
    assert make().alms_trained_on("utterances") == "made" and make().alms_trained_on("corpus") == "fitted"
    assert make().alms_trained_on("nothing") == "no_alm"


def test_a_gpu_is_checked_where_one_is_used(make, monkeypatch):
    monkeypatch.delenv("SA_CHECK_GPU", raising=False)
    assert make().gpu_check_of("fitted") == ["results/gpu/fitted.json"] and make().gpu_check_of("made") == []
    monkeypatch.setenv("SA_CHECK_GPU", "off")
    assert make().gpu_check_of("fitted") == []


def test_an_encoder_is_opened_as_its_alm_or_by_itself(make):
    run = make(encoders__fitted_tower={"kind": "alm", "alm": "fitted"})
    assert run.encoder_entry("tower") == {"kind": "alm", "checkpoint": "resources/models/made"}
    assert run.encoder_entry("speech") == {
        "kind": "speech", "checkpoint": "owner/speech", "revision": "abc", "layers": "all",
    }  # fmt: skip
    assert run.encoder_checkpoint("tower") == ["resources/models/made"] and run.encoder_checkpoint("speech") == []
    assert [run.encoder_gpus(name) for name in ("tower", "speech", "text", "fitted_tower")] == [0, 2, 0, 1]
    assert run.encoder_check("fitted_tower") == ["results/gpu/fitted.json"] and run.encoder_check("tower") == []
    assert run.encoder_module("text") == "encoders.text"


def test_an_encoder_of_text_needs_no_sound(make):
    assert make().sound_for("sim", "speech") == ["resources/corpora/sim/audio"]
    assert make().sound_for("sim", "text") == make().sound_for("real", "speech") == []


def test_models_have_a_kind_and_encoders(make):
    run = make()
    assert [run.kind_name(name) for name in ("made", "small", "pair")] == ["lora", "perceptron", "amber2"]
    assert run.encoders_of("made") == [] and run.encoders_of("small") == ["tower"]
    assert run.encoders_of("pair") == ["speech", "text"] and "kind" not in run.model_entry("pair")


def test_a_system_that_could_never_learn_is_refused(make):
    make(finetuning__models=["pair"]).refuse_untrainable()
    never = {"kind": "amber2", "speech": "speech", "text": "text", "fusion": "none"}
    with pytest.raises(UserError, match=r"peers\.pair"):
        make(finetuning__models=["pair"], peers__pair=never).refuse_untrainable()


def test_what_a_run_opens_is_fetched(make):
    opened = make(run__annotators=["both", "fitted"], finetuning__models=["small", "pair"]).opened_models()
    assert set(opened) == {
        "alms.made", "alms.fitted", "alms.fitted.encoder", "encoders.tower", "encoders.speech", "encoders.text",
    }  # fmt: skip
    assert opened["alms.fitted.encoder"] == {"checkpoint": "owner/whisper", "revision": "abc"}
