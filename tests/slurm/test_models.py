"""Trainings that are asked to stop, teams of processes on one node, and a server of a job's own, on a real Slurm."""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from checkout import REPOSITORY, TINY, Checkout
from submission import Submission, jobs_in

STEPS = 240
RUN = "runs/tiny"
HUMAN = "results/labels/demo/fair/human.parquet"
WEIGHTS = "adapter_model.safetensors"
LIBRARY = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
PROGRAM = Path(sys.executable).with_name("transformers")

pytestmark = pytest.mark.slow


def predictions(fold: int) -> str:
    return f"results/predictions/demo/fair/tiny/human/none/fold-{fold}/seed-0.parquet"


def trained(place: Checkout, fold: int) -> Path:
    return place.root / RUN / f"results/finetuned/demo/fair/tiny/human/none/fold-{fold}/seed-0"


def outcome(place: Checkout, fold: int) -> list[bytes]:
    """Return the adapter and the predictions of a training."""
    weights = next(trained(place, fold).rglob(WEIGHTS))
    return [weights.read_bytes(), (place.root / RUN / predictions(fold)).read_bytes()]


def configured(place: Checkout, changes: dict) -> tuple[str, ...]:
    (place.root / "changes.yaml").write_text(yaml.safe_dump(changes))
    return (*TINY, "changes.yaml")


def processes_with(word: str) -> list[str]:
    """Return the processes of this machine whose command or environment has ``word``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        found += [entry.name] if word.encode() in told and int(entry.name) != os.getpid() else []
    return found


def is_training(place: Checkout, fold: int) -> bool:
    log = place.root / RUN / f"logs/finetune/demo-fair-tiny-human-none-{fold}-0.log"
    return log.is_file() and "finetune: memory" in log.read_text()


def test_a_training_that_is_asked_to_stop_goes_on_in_the_same_job(healed, tmp_path, fault):
    """The end is that of a training nobody disturbed, to the last bit."""
    place = Checkout.make(tmp_path / "run")
    words = configured(place, {"finetuning": {"steps": STEPS, "evaluate_every": STEPS // 2}})
    place.snakemake("-c2", HUMAN, "resources/models/tiny", *words)
    run = Submission(healed, place.root, words, (predictions(0),)).start()
    run.wait_for(lambda: is_training(place, 0), 200, "the training")
    job = healed.running("finetune")
    # To the steps of the job and not to its script, as Slurm does before a time limit (--signal).
    healed.call("scancel", "--signal=TERM", job["id"])
    run.wait_for(lambda: healed.job(job["id"])["JobState"] == "PENDING", 90, "the job in the queue again")
    assert run.finish(500) == 0, run.text()[-4000:]
    seconds = run.seconds()
    resumed, restarts = went_on(healed, place, run, "--signal=TERM@120")
    assert restarts == 1 and 0 < resumed < STEPS
    same_as_undisturbed(place, words)
    fault(
        "a training asked to stop, as before its time limit",
        f"state saved at step {resumed} of {STEPS}, the same job went on, the bytes of one undisturbed",
        seconds,
    )


def test_a_training_that_needs_more_than_its_limit_goes_on_in_the_same_job(healed, tmp_path, fault):
    """The limit is real: Slurm asks half a minute before it, and would end the job."""
    steps = 20 * STEPS
    place = Checkout.make(tmp_path / "run")
    words = configured(place, {"finetuning": {"steps": steps, "evaluate_every": steps}})
    place.snakemake("-c2", HUMAN, "resources/models/tiny", *words)
    limit = ("--set-resources", "finetune_seeds_0:runtime=2")
    run = Submission(healed, place.root, (*words, *limit), (predictions(0),)).start({"SA_SIGNAL_SECONDS": "30"})
    assert run.finish(1500) == 0, run.text()[-4000:]
    seconds = run.seconds()
    resumed, restarts = went_on(healed, place, run, "--signal=TERM@30")
    assert restarts >= 1 and 0 < resumed < steps
    same_as_undisturbed(place, words)
    fault(
        "a training that needs more than its limit, asked 30 s before it",
        f"state saved {restarts} times, the same job went on, the bytes of one undisturbed",
        seconds,
    )


def went_on(cluster, place: Checkout, run: Submission, signal: str) -> tuple[int, int]:
    """Return the step at which the last start took up the training, and how often Slurm started its one job again."""
    asked, numbers = jobs_in(run.text())
    (key,) = [key for key, entry in asked.items() if entry["rule"] == "finetune_seeds_0"]
    assert run.text().count("has been submitted with SLURM jobid") == len(numbers), "no retry of Snakemake was spent"
    assert asked[key]["resources"]["slurm_extra"] == signal
    told = json.loads((trained(place, 0) / "run.json").read_text())
    return told["resumed_from"], int(cluster.job(numbers[key])["Restarts"])


def same_as_undisturbed(place: Checkout, words: tuple[str, ...]) -> None:
    """Train again, here and in one go, and compare."""
    disturbed = outcome(place, 0)
    place.snakemake("-c1", predictions(0), "--forcerun", "finetune_seeds_0", *words)
    assert json.loads((trained(place, 0) / "run.json").read_text())["resumed_from"] == 0
    assert outcome(place, 0) == disturbed


def test_two_teams_of_processes_on_one_node(one_node, tmp_path, fault):
    """They meet through files of their own: at once on one node, and none hears of the other."""
    place = Checkout.make(tmp_path / "run")
    changes = {"finetuning": {"steps": 60, "evaluate_every": 60, "execution": {"processes": 2}}}
    words = configured(place, changes)
    place.snakemake("-c2", HUMAN, "resources/models/tiny", *words)
    small = ("--set-resources", "finetune_seeds_0:mem_mb=3000")  # of a node of 9000 MB; the model is tiny
    run = Submission(one_node, place.root, (*words, *small), (predictions(0), predictions(1))).start()
    run.wait_for(
        lambda: (
            all(is_training(place, fold) for fold in (0, 1))
            and sum("finetune" in job["comment"] and job["state"] == "RUNNING" for job in one_node.queue()) == 2
        ),
        240,
        "two trainings at once",
    )
    assert run.finish(400) == 0, run.text()[-4000:]
    seconds = run.seconds()
    for fold in (0, 1):
        assert json.loads((trained(place, fold) / "run.json").read_text())["processes"] == 2
    asked, numbers = jobs_in(run.text())
    trainings = [key for key, entry in asked.items() if entry["rule"] == "finetune_seeds_0"]
    assert [one_node.job(numbers[key])["NumCPUs"] for key in trainings] == ["2", "2"]
    together = [outcome(place, fold) for fold in (0, 1)]
    assert together[0] != together[1]
    place.snakemake("-c2", predictions(1), "--forcerun", "finetune_seeds_0", *words)
    assert outcome(place, 1) == together[1], "as alone on this machine"
    assert not processes_with(str(place.root))
    fault("none: two trainings of two processes at once on one node", "finished, the bytes of one alone", seconds)


def test_an_annotator_with_a_server_of_its_own(healed, tmp_path, fault):
    """The server lives inside the job and ends with it."""
    pytest.importorskip("fastapi", reason="the server needs transformers[serving]")
    small = yaml.safe_load((REPOSITORY / TINY[1]).read_text())["alms"]["tiny"]
    alm = {key: LIBRARY["alms"]["tiny"][key] | small.get(key, {}) for key in ("trained_on", "training")}
    alm |= {"engine": "openai", "gpus": 0, "checkpoint": "resources/models/asked", "max_tokens": 3, "concurrency": 2}
    alm["serve"] = {
        "command": f"{PROGRAM} serve {{checkpoint}} --device cpu --host {{host}} --port {{port}}",
        "start_timeout_s": 240,
    }
    annotator = {key: value for key, value in LIBRARY["annotators"]["tiny_crossed"].items() if key != "listening"}
    votes = "results/proxies/demo/asking/votes.parquet"
    place = Checkout.make(tmp_path / "run")
    words = configured(
        place,
        {
            "alms": {"asked": alm},
            "annotators": {"asking": annotator | {"alm": "asked", "votes": 2, "temperatures": [0.8]}},
            "run": {"annotators": ["asking"]},
            "paper": {"headline": {"annotator": "asking"}},
        },
    )
    run = Submission(healed, place.root, words, (votes,)).start()
    assert run.finish(580) == 0, run.text()[-4000:]
    table = pd.read_parquet(place.root / RUN / votes)
    assert len(table) and set(table["status"]) <= {"ok", "invalid", "refused"} and table["response"].notna().all()
    asked, numbers = jobs_in(run.text())
    shards = [healed.job(numbers[key]) for key, entry in asked.items() if entry["rule"] == "annotate_shard"]
    logs = sorted((place.root / RUN / "logs/serve_alm").iterdir())
    assert len(logs) == len(shards) == LIBRARY["corpora"]["demo"]["shards"]
    assert all("answers (pid" in log.read_text() and "serve_alm: stopped" in log.read_text() for log in logs)
    assert {job["JobState"] for job in shards} == {"COMPLETED"}
    assert not processes_with(str(place.root)), "nothing of a server is left on the nodes"
    fault("none: an annotator with a server inside its job", f"{len(logs)} servers, none left", run.seconds())
