"""What models are trained on, in which jobs, and what their predictions are called."""

import pytest

from scaling_ambiguity.training.job import CONDITION, TrainingJob

ADDED_BY_THE_RULE = {
    "utterances", "label_table", "splits", "augmented", "encodings", "predictions", "runs",
}  # fmt: skip


def test_stages_are_those_that_a_corpus_allows(make):
    run = make(run__corpora=["sim", "real"], run__annotators=["both", "words"])
    assert run.stages("sim") == {"votes", "annotation", "training"}
    assert run.stages("real") == {"votes", "annotation"}
    assert run.corpora_with("training") == ["sim"]
    assert run.left_out() == ["real: corpora.real.audio is none; left out: annotation by both, training"]


def test_a_run_without_models_says_so(make):
    run = make(finetuning__models=[])
    assert run.stages("sim") == {"votes", "annotation"}
    assert run.left_out() == ["sim: finetuning.models is empty; left out: training"]


def test_labels_are_expanded_for_the_annotators_that_train(make):
    run = make(run__annotators=["both", "words"], learning_curves={"human": [1, "all"], "synthetic": [5]})
    assert run.expand_labels("combined-equal") == ["combined-both-equal", "combined-words-equal"]
    chosen = make(
        run__annotators=["both", "words"],
        run__models={"annotators": ["words"]},
        learning_curves={"human": [1, "all"], "synthetic": [5]},
    )
    assert chosen.label_names() == [
        "human", "synthetic-words", "combined-words-equal", "control-words-echo", "curve-words-h1m5",
        "curve-words-hallm5",
    ]  # fmt: skip
    assert len(run.label_names()) == 1 + 2 * 5 and run.curve_names() == ["curve-h1m5", "curve-hallm5"]


def test_arms_are_augmented_where_the_run_selects_it(make):
    labels = ["human", "synthetic-both", "combined-both-equal", "control-both-echo"]
    assert make().arms("speakers") == [(name, "none") for name in labels]
    augmented = [("human", "dime"), ("combined-both-equal", "dime")]
    assert make().arms("published") == [(name, "none") for name in labels] + augmented
    assert make(run__augmentation=["dime"]).arms("speakers") == augmented


def test_models_are_trained_on_the_labels_that_the_run_selects(make):
    run = make(
        run__models={"labels": ["control-echo", "human"]},
        learning_curves={"human": [1], "synthetic": [5]},
        run__augmentation=["none", "dime"],
    )
    assert run.arms("speakers")[:3] == [(n, "none") for n in ("human", "control-both-echo", "curve-both-h1m5")]
    assert run.arms("speakers")[3:] == [("human", "dime")], "combined labels are not trained with augmentation either"
    assert "synthetic-both" in run.label_names(), "tables of labels are made and tested all the same"


def test_predictions_are_those_of_every_model_arm_fold_and_seed(make):
    predictions = make().predictions("sim", "speakers")
    assert len(predictions) == len(set(predictions)) == 2 * 4 * 3 * 2
    assert predictions[0] == "results/predictions/sim/speakers/made/human/none/fold-0/seed-0.parquet"
    assert predictions[-1] == "results/predictions/sim/speakers/small/control-both-echo/none/fold-2/seed-1.parquet"
    assert make().all_predictions() == predictions
    assert make().all_trainings()[0] == "results/finetuned/sim/speakers/made/human/none/fold-0/seed-0"


def test_the_models_of_a_run_are_named_where_those_of_another_selection_may_be_left(make):
    trained = make(run__models={"labels": ["human"]}).trained("sim", "speakers")
    assert trained == {"arms": [["made", "human", "none"], ["small", "human", "none"]], "seeds": [0, 1]}
    assert make(run__corpora=["real"]).trained("real", "speakers")["arms"] == [], "no sound, no models"


def test_an_annotator_has_models_if_its_labels_train_some(make):
    run = make(run__corpora=["sim", "real"], run__annotators=["both", "words"], run__models={"annotators": ["both"]})
    assert run.models_of("sim", "both", "speakers") == run.predictions("sim", "speakers")
    assert run.models_of("sim", "words", "speakers") == run.models_of("real", "both", "speakers") == []
    some = {"labels": ["human", "synthetic"]}
    assert make(run__models=some).models_of("sim", "both", "speakers") == [], "nothing combined was trained on"


def test_seeds_and_folds_are_grouped_as_asked(make):
    groups = make().fold_groups()
    assert groups == {(0, 1, 2): ["speakers"], (0,): ["published"], (0, 1): ["named"]}
    assert make(finetuning__folds_per_job=1).fold_groups() == {("{fold}",): ["speakers", "published", "named"]}
    assert make().seed_groups() == [[0, 1]]
    assert make(finetuning__seeds=5, finetuning__seeds_per_job=2).seed_groups() == [[0, 1], [2, 3], [4]]


def test_a_training_requests_its_processes(make):
    changes = {"finetuning__execution": {"processes": 3}, "finetuning__models": ["fitted", "small"]}
    run = make(**changes)
    assert run.training_gpus("fitted") == 3 and run.training_gpus("small") == 0
    assert run.training_memory("small") == 4000 and run.training_memory("made") == 3 * 6000
    assert run.training_check("fitted") == ["results/gpu/fitted.json"] and run.training_check("small") == []
    assert len(run.training_checkpoint("fitted")) == 3 and run.training_checkpoint("small") == []
    assert run.training_prompts("fitted") and not run.training_prompts("small")


def test_audio_tokens_are_read_by_alms_whose_base_is_the_encoded_one(make):
    shards = [f"results/encodings/sim/made/{shard}" for shard in (0, 1)]
    assert make().encodings_of_corpus("sim", "made") == shards and make().encodings_of_corpus("sim", "small") == []
    assert make(finetuning__quantised="4bit").encodings_of_corpus("sim", "made") == []


def test_vectors_are_read_by_encoder(make):
    run = make()
    assert run.features_of("sim", "pair") == {
        name: [f"results/encoded/sim/{name}/{shard}" for shard in (0, 1)] for name in ("speech", "text")
    }
    arm = dict(zip(CONDITION, ("sim", "published", "small", "human", "dime"), strict=True))
    items = "results/encoded_items/sim/published/human/dime"
    assert run.augmented_features(arm, [0]) == {"tower": [f"{items}/fold-0/tower"]}
    assert run.augmented_features(arm | {"augmentation": "none"}, [0]) == {}
    made = run.augmented_items("sim", "published", "human", "dime", [0, 1])
    assert made == [f"results/augmented/sim/published/human/dime/fold-{fold}" for fold in (0, 1)]
    assert run.augmented_items("sim", "published", "human", "none", [0, 1]) == []


@pytest.mark.parametrize("model", ["made", "small"])
def test_a_job_is_whole_with_what_its_rule_adds(make, model):
    arm = dict(zip(CONDITION, ("sim", "published", model, "human", "dime"), strict=True))
    run = make()
    job = run.training_job(arm, [0], [0, 1])
    assert set(job) | ADDED_BY_THE_RULE == set(TrainingJob.model_fields)
    assert not set(job) & ADDED_BY_THE_RULE
    assert (job["kind"], job["folds"], job["seeds"], job["base_seed"]) == (run.kind_name(model), [0], [0, 1], 7)
    assert job["online"] == {"probability": 0.3} and job["objective"] == run.objective("published")
    assert job["options"] == {"steps": 5, "lora": {"targets": "attention"}}, "how jobs are cut decides no training"
    assert job["state"] == f"resources/state/finetune/sim/published/{model}/human/dime"


def test_systems_of_amber2_are_those_trained_on_a_corpus_with_sound(make):
    assert make().systems_on("sim") == {}, "neither an ALM nor a perceptron is one"
    run = make(finetuning__models=["made", "pair", "small"], run__corpora=["sim", "real"])
    assert run.systems_on("sim") == {"pair": {"speech": "speech", "text": "text"}}
    assert run.systems_on("real") == {}, "without sound nothing is trained"
