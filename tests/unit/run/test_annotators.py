"""Who can annotate which corpus, and what its jobs read."""

import pytest

from scaling_ambiguity.errors import UserError


def test_a_corpus_without_sound_is_annotated_by_those_that_hear_nothing(make):
    run = make(run__annotators=["both", "words", "faces", "given"])
    assert run.annotators_of("sim") == ["both", "words", "faces", "given"]
    assert run.annotators_of("real") == ["words", "faces", "given"]


def test_wildcards_name_the_annotators_of_a_rule(make):
    run = make()
    assert run.annotators_by("asking") == "both|sound|words|fitted|served|stored"
    assert (run.annotators_by("replay"), run.annotators_by("table")) == ("faces", "given")
    assert run.annotators_by("no engine") == "no_annotator"


def test_votes_that_are_replayed_belong_to_another_corpus(make):
    run = make(run__annotators=["both", "faces"])
    assert run.replayed_corpora() == ["face"] and make().replayed_corpora() == []
    assert run.replayed_votes("faces") == "results/corpora/face/votes.parquet"
    assert run.model_votes("given") == "votes.csv"


def test_encoder_outputs_are_read_by_whom_hears(make):
    run, all_shards = make(), [f"results/encodings/sim/made/{shard}" for shard in (0, 1)]
    assert run.encodings_of_shard("sim", "both", "1") == all_shards[1:]
    assert run.encodings_of_shard("sim", "sound", "1") == all_shards, "the sound of another may be of any shard"
    assert run.encodings_of_shard("sim", "words", "1") == run.encodings_of_shard("sim", "served", "1") == []
    assert make(alms__made__encodings="own").encodings_of_shard("sim", "both", "1") == []


def test_what_an_annotator_is_given(make):
    run = make()
    assert run.turns_of("sim", "words") == ["results/corpora/sim/turns.parquet"] and run.turns_of("sim", "both") == []
    assert run.synonyms_of("words") == ["checkout/workflow/prompts/synonyms.yaml"] and run.synonyms_of("both") == []
    assert run.prompts_of("both") == "checkout/workflow/prompts/focus.yaml"
    assert run.listening_of("sim", "both") == [f"results/proxies/sim/{n}/votes.parquet" for n in ("sound", "words")]
    assert run.checkpoint_behind("both") == ["resources/models/made"]


def test_published_answers_are_found_or_missed(make, tmp_path):
    run = make(run__directory="below")
    assert run.store_of("both") == "resources/answers/both" and run.published_of("both") == []
    assert run.store_of("stored") == run.opened_alm("stored")["store"] == str(tmp_path / "answers")
    with pytest.raises(UserError, match=r"answers: no published answers; correct alms.<name>.store of stored"):
        run.published_of("stored")
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers/a.jsonl").touch()
    assert run.published_of("stored") == [str(tmp_path / "answers/a.jsonl")]


@pytest.mark.parametrize(
    ("annotator", "change", "reason"),
    [
        ("both", {}, ""),
        ("fitted", {}, ""),
        ("both", {"mode": "verbalised"}, "stated"),
        ("both", {"design": "beam"}, "searched"),
        ("both", {"reasoning": True}, "reasoned"),
        ("served", {}, "server"),
        ("stored", {}, "published"),
        ("stored", {"mode": "readout"}, ""),
        ("faces", {}, "replayed"),
        ("given", {}, "table"),
    ],
)
def test_a_read_out_is_made_where_there_is_a_distribution(make, annotator, change, reason):
    run = make(**{f"annotators__{annotator}__{key}": value for key, value in change.items()})
    assert run.no_read_out(annotator) == reason
    read = [] if reason else [f"results/proxies/sim/{annotator}/read_out/{shard}.parquet" for shard in (0, 1)]
    assert run.read_outs_of("sim", annotator) == read


def test_read_outs_are_kept_among_the_answers_that_are_drawn_from_them(make):
    assert make().read_out_store("fitted") == "resources/answers/fitted"
    assert make().read_out_store("both") == "resources/read_outs/both"


def test_labels_need_the_votes_of_their_annotator(make):
    assert make().proxies_of("sim", "combined-both-equal") == ["results/proxies/sim/both/votes.parquet"]
    assert make().proxies_of("sim", "human") == []
    with pytest.raises(UserError, match="labels 'synthetic' are unknown"):
        make().annotator_of("synthetic")


def test_what_a_job_loads_by_name(make):
    assert make().asking_modules("both") == ["alms.engines.transformers"]
    assert make().asking_modules("served") == ["alms.engines.openai", "alms.served"]
    assert make().votes_per_utterance("faces") == 6 and make().annotator_gpus("fitted") == 1


def test_shards_and_corpora_of_an_annotator(make):
    run = make(run__corpora=["sim", "real"])
    assert run.annotated_shards("sim", "both") == [f"results/proxies/sim/both/shards/{s}.parquet" for s in (0, 1)]
    assert run.all_votes("both") == ["results/proxies/sim/both/votes.parquet"], "`real` has no sound"
