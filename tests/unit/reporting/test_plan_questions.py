"""How many questions a run asks of models, before it asks them."""

import runpy

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.reporting.dry_run import Planned


def test_questions_are_counted_by_rule(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked_text = runpy.run_path(str(SCRIPTS / "plan_run.py"))["asked_text"]
    verifier = {"alm": "self", "asks": ["pick", "score"], "candidates": 3, "orders": 2}
    config = {
        "corpora": {"demo": {"utterances": 100, "shards": 2}, "real": {"shards": 1}},
        "alms": {"here": {"engine": "transformers"}, "served": {"engine": "openai"}},
        "annotators": {
            "five": {"votes": 5, "mode": "readout", "alm": "here"},
            "beams": {"votes": 4, "mode": "verbalised", "alm": "here"},
            "read": {"votes": 5, "mode": "readout", "alm": "served"},
        },
        "testtime": {"own": {"corpus": "demo", "alm": "here", "pools": {"beam": "beams"}, "verifier": verifier}},
    }
    shard = Planned("annotate_shard", wildcards={"corpus": "demo", "annotator": "five", "shard": "0"})
    judged = Planned("judge_candidates", wildcards={"submission": "own", "judge": "deaf", "shard": "0"})
    jobs = [shard, shard, judged, Planned("gather_votes")]
    assert asked_text(jobs, config) == "Questions to models, at most: annotate_shard 500, judge_candidates 250."
    unknown = Planned("annotate_shard", wildcards={"corpus": "real", "annotator": "five", "shard": "0"})
    assert asked_text([unknown], config).endswith("corpora whose size is not known yet: real.")
    assert asked_text([], config) == ""
    served = Planned("annotate_shard", wildcards={"corpus": "demo", "annotator": "read", "shard": "0"})
    assert "annotate_shard 250; a read-out over HTTP takes one more request for each" in asked_text([served], config)
