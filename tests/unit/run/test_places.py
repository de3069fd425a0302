"""Where a run is: sources relative to its folder, files of the user's relative to the start."""

from pathlib import Path


def test_sources_are_relative_to_the_folder_of_the_run(make):
    assert (make().base, make().prompt_set("focus")) == ("checkout", "checkout/workflow/prompts/focus.yaml")
    below = make(run__directory="runs/tiny")
    assert below.base == "../../checkout" and below.pins == "../../checkout/workflow/resources"


def test_a_path_of_the_users_begins_where_snakemake_was_called(make, tmp_path):
    below = make(run__directory="runs/tiny")
    assert below.from_start("votes.csv") == "../../votes.csv"
    assert below.from_start(str(tmp_path / "runs/tiny/votes.csv")) == "votes.csv"
    assert below.absolute("~/corpus/") == f"{Path.home()}/corpus/", "a last slash is kept: it is a parameter of jobs"
