"""The listening page of a finished run: one job more, whose links lead to the sound where it lies."""

import json
import urllib.parse

import pytest
from checkout import TINY

pytestmark = pytest.mark.ci


def test_a_finished_run_needs_one_job_more_and_the_page_finds_its_sound(tiny_run):
    assert tiny_run.planned("explorer", *TINY) == {"explorer", "build_explorer"}
    tiny_run.snakemake("-c1", "explorer", *TINY)
    page = tiny_run.root / "runs" / "tiny" / "results" / "explorer"
    text = (page / "data" / "demo" / "index.js").read_text()
    index = json.loads(text.partition(", ")[2].removesuffix(");\n"))
    assert len(index["columns"]["id"]) == 96 and index["annotators"][0] == "tiny crossed" and index["silent"] == ""
    groups = {source["group"] for source in index["sources"]}
    assert groups == {"people", "synthetic", "combined", "trained models"}
    for link in index["columns"]["link"]:
        assert (page / urllib.parse.unquote(link)).is_file(), link
