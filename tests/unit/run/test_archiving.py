"""What of a run may be archived."""

import pytest

from scaling_ambiguity.run import archiving


def test_corpora_are_open_by_their_reader_or_their_licence(make):
    run = make(run__corpora=["sim", "real", "face"])
    assert archiving.licences(run) == {"sim": "CC0-1.0", "real": "CC0", "face": "ODbL-1.0"}
    assert archiving.closed_corpora(run) == []
    for licence in ("other", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "USC SAIL"):
        assert archiving.closed_corpora(make(run__corpora=["real"], corpora__real__license=licence)) == ["real"]
    assert archiving.closed_corpora(make(run__corpora=["real"], corpora__real__license="ODbL-1.0")) == []
    unstated = {"reader": "iemocap", "classes": ["sad", "happy"], "shards": 1, "audio": "none"}
    assert archiving.closed_corpora(make(run__corpora=["real"], corpora__real=unstated)) == ["real"]


def test_votes_that_are_replayed_are_a_corpus_too(make):
    run = make(run__annotators=["faces"], corpora__face__license="other")
    assert archiving.closed_corpora(run) == ["face"]


def test_of_a_closed_corpus_only_tables_about_all_utterances_are_shared(make):
    whole, single = ["results/statistics/a.parquet", "paper/x.csv"], ["results/corpora/sim/votes.parquet"]
    assert archiving.may_be_shared(make(), whole + single)
    closed = make(corpora__sim__license="other")
    assert archiving.may_be_shared(closed, whole) and not archiving.may_be_shared(closed, whole + single)


def test_answers_of_local_models_about_open_corpora_are_archived(make):
    assert archiving.archived_answers(make()) == ["both", "sound", "words"]
    assert archiving.archived_answers(make(run__annotators=["served"])) == []
    assert "answers of served: from a server" in archiving.left_out(make(run__annotators=["served"]))[1]
    closed = make(corpora__sim__license="other")
    assert archiving.archived_answers(closed) == []
    assert "sim" in archiving.left_out(closed)[1] and len(archiving.left_out(closed)) == 3


def test_the_archived_configuration_names_no_folder_of_this_machine(make, tmp_path):
    run = make(
        run__corpora=["sim", "real"],
        run__directory="runs/x",
        corpora__real__audio="optional",
        corpora__real__root="/home/someone/corpus",
        alms__given__votes="/data/someone/votes.csv",
        predictors={"mine": {"table": "mine.csv"}},
    )
    config = archiving.archived_config(run)
    assert config["corpora"]["real"]["root"] == "real" and config["corpora"]["real"]["audio"] == "none"
    assert config["alms"]["given"]["votes"] == "votes.csv" and config["predictors"]["mine"]["table"] == "mine.csv"
    assert config["run"]["directory"] == "." and "someone" not in str(config) and str(tmp_path) not in str(config)
    assert "root" not in config["corpora"]["sim"]


@pytest.mark.parametrize("key", ["submission", "source"])
def test_it_names_no_folder_given_on_the_command_line(make, key):
    assert not archiving.archived_config(make(**{key: "/somewhere"})).get(key)
