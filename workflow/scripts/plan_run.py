"""Print what a run would request from a cluster before it is submitted: jobs, processor hours, GPU hours and memory by
stage, from a dry run, the benchmarks of earlier jobs and, where there are none, the registry of models.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from scaling_ambiguity import cli
from scaling_ambiguity.alms.preflight import memory_need, model_folder
from scaling_ambiguity.alms.registry import REGISTRY, Entry, load_registry
from scaling_ambiguity.configuration.testtime import judged_by, judged_pools
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_parquet, write_csv
from scaling_ambiguity.reporting.chapters import ESTIMATES, FIGURES, TABLES
from scaling_ambiguity.reporting.dry_run import Planned, local_rules, read_dry_run, stages
from scaling_ambiguity.reporting.plan import plan_table, plan_text

REQUESTS = "a read-out over HTTP takes one more request for each beginning of labels of several tokens"


def dry_run(snakefile: Path, config: dict[str, Any], target: str) -> str:
    """Return the output of a dry run of this configuration; nothing is locked."""
    here = json.loads(json.dumps(config))
    here["run"]["directory"] = str(Path.cwd())
    with tempfile.TemporaryDirectory() as folder:
        configfile = Path(folder) / "config.yaml"
        configfile.write_text(yaml.safe_dump(here, sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile.resolve()), "--nolock", "--dry-run"]
        # a profile may name a cluster, which a dry run does not need
        environment = {key: value for key, value in os.environ.items() if key != "SNAKEMAKE_PROFILE"}
        result = subprocess.run(
            [*command, target, "--configfile", str(configfile)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
    if result.returncode:
        raise UserError(f"the dry run failed:\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")
    return result.stdout + result.stderr


def alm_behind(job: Planned, config: dict[str, Any]) -> str | None:
    """Return the ALM that a job opens, by its wildcards."""
    if job.rule == "judge_candidates":
        return judged_by(config["testtime"][job.wildcards["submission"]], job.wildcards["judge"])
    if "annotator" in job.wildcards:
        return config["annotators"][job.wildcards["annotator"]]["alm"]
    name = job.wildcards.get("model") or job.wildcards.get("alm")
    return name if name in config["alms"] else None


def clips(corpus: str, config: dict[str, Any]) -> int | None:
    """Return the number of utterances of a corpus: from its table if present, else from its entry; None: not known."""
    path = Path("results/corpora", corpus, "utterances.parquet")
    if path.is_file():
        return len(read_parquet(path, columns=["utterance"]))
    return config["corpora"][corpus].get("utterances")


def questions(job: Planned, config: dict[str, Any]) -> int | None:
    """Return how many questions a job asks about each clip, at most, stored answers included; None: it asks none."""
    if job.rule == "annotate_shard":
        return int(config["annotators"][job.wildcards["annotator"]]["votes"])
    if job.rule != "judge_candidates":
        return None
    entry, total = config["testtime"][job.wildcards["submission"]], 0
    verifier = entry["verifier"]
    for kind in judged_pools(entry):
        votes = int(config["annotators"][entry["pools"][kind]]["votes"])
        shown = min(votes, verifier.get("candidates", votes))
        number = {"pick": min(shown, verifier.get("orders", shown)), "score": shown}
        total += sum(number[question] for question in verifier.get("asks", ["pick"]))
    return total


def reads_out_over_http(job: Planned, config: dict[str, Any]) -> bool:
    """Return whether the questions of a job are read-outs of a server."""
    if job.rule == "annotate_shard":
        mode = config["annotators"][job.wildcards["annotator"]]["mode"]
    else:
        mode = config["testtime"][job.wildcards["submission"]]["verifier"].get("mode")
    name = alm_behind(job, config)
    return mode == "readout" and name is not None and config["alms"][name]["engine"] == "openai"


def corpus_of(job: Planned, config: dict[str, Any]) -> str:
    """Return the corpus that a job asks a model about."""
    return job.wildcards.get("corpus") or config["testtime"][job.wildcards["submission"]]["corpus"]


def asked_text(jobs: list[Planned], config: dict[str, Any]) -> str:
    """Return how many questions the jobs ask models, by rule; empty without any."""
    counts: Counter[str] = Counter()
    unknown, read_out = set(), False
    for job in jobs:
        each = questions(job, config)
        if each is None:
            continue
        read_out |= reads_out_over_http(job, config)
        corpus = corpus_of(job, config)
        number = clips(corpus, config)
        if number is None:
            unknown.add(corpus)
        else:
            counts[job.rule] += round(each * number / config["corpora"][corpus]["shards"])
    lines = [", ".join(f"{rule} {count:,}" for rule, count in counts.items())] if counts else []
    lines += [REQUESTS] if read_out else []
    lines += [f"corpora whose size is not known yet: {', '.join(sorted(unknown))}"] if unknown else []
    return f"Questions to models, at most: {'; '.join(lines)}." if lines else ""


def main(arguments: argparse.Namespace) -> None:
    """Dry-run, estimate, print, write."""
    config, registry = arguments.config, load_registry(arguments.registry)

    def facts(job: Planned) -> Entry | None:
        return registry.get(arguments.registered.get(alm_behind(job, config), ""))

    def seconds(job: Planned) -> float | None:
        """Return the seconds of a shard: measured seconds per clip x clips of the shard."""
        entry = facts(job) if job.rule in ("annotate_shard", "judge_candidates") else None
        if entry is None or not isinstance(entry.seconds_a_clip, int | float):
            return None
        corpus = corpus_of(job, config)
        count = clips(corpus, config)
        return None if count is None else entry.seconds_a_clip * count / config["corpora"][corpus]["shards"]

    def gpu_memory(job: Planned) -> float | None:
        name = alm_behind(job, config)
        if name is None:
            return None
        alm = config["alms"][name]
        try:
            folder = model_folder(alm)
        except UserError:  # not fetched yet
            folder = None
        return memory_need(folder, facts(job), alm.get("gpus") or 1, served="serve" in alm)

    jobs = read_dry_run(dry_run(arguments.snakefile, config, arguments.target))
    rules = sorted(Path(arguments.snakefile.parent, "workflow", "rules").glob("*.smk"))
    included = arguments.snakefile.read_text(encoding="utf-8")
    rules.sort(key=lambda path: included.find(path.name))  # the order of the data flow
    # rules that are made in a loop over the registry of what the paper shows
    shown = dict.fromkeys(FIGURES, "figures") | dict.fromkeys(TABLES, "tables")
    shown |= {one.work.program: "alignment" for one in ESTIMATES.values() if one.work}
    table = plan_table(jobs, stages(rules) | shown, seconds, gpu_memory, local_rules([arguments.snakefile, *rules]))
    write_csv(table, arguments.output)
    print("\n".join(filter(None, (plan_text(table, jobs), asked_text(jobs, config)))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snakefile", type=Path, required=True)
    parser.add_argument("--config", type=cli.json_value, required=True, help="the whole configuration of the run, JSON")
    parser.add_argument("--registry", type=Path, default=REGISTRY, help="the registry of models, YAML")
    parser.add_argument("--registered", type=cli.json_value, required=True, help="ALM -> entry of the registry, JSON")
    parser.add_argument("--target", required=True, help="the planned target")
    parser.add_argument("--output", type=Path, required=True, help="the plan by rule, CSV")
    cli.run(main, parser)
