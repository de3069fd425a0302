"""Dry runs: README's commands, the typed targets, clear refusals, and who may read what."""

import json
import re

import pytest
import yaml
from checkout import REPOSITORY, TINY

README = (REPOSITORY / "README.md").read_text()
DOCS = "\n".join(path.read_text() for path in sorted((REPOSITORY / "docs").glob("*.md")))


def commands(text):
    """Return the arguments of all commands to snakemake that a page shows."""
    return set(re.findall(r"^(?:\$ )?snakemake (.+?)(?:\s+#.*)?$", text, flags=re.MULTILINE))


COMMANDS = sorted(commands(README))
FURTHER = [pytest.param(command, marks=pytest.mark.slow) for command in sorted(commands(DOCS) - commands(README))]


@pytest.mark.ci
@pytest.mark.parametrize("arguments", [*COMMANDS, *FURTHER])
def test_every_snakemake_command_in_readme_and_docs_can_be_planned(checkout, arguments, monkeypatch, tmp_path):
    monkeypatch.setenv("CREMAD_ROOT", str(tmp_path))
    words = arguments.split()
    if "--profile" in words:
        words += ["--executor", "dryrun"]
    checkout.snakemake(*words, "-n") if "--list-target-rules" not in words else checkout.snakemake(*words)


def test_the_readme_shows_the_three_commands():
    assert "make all" in README and "make test" in README
    assert any(command.startswith("--profile slurm all") for command in COMMANDS)


def test_typed_targets_have_a_line_of_explanation(checkout):
    listed = checkout.snakemake("--list-target-rules")
    lines = [line for line in listed.splitlines() if re.match(r"^[a-z_]+( \(|$)", line)]
    assert len(lines) > 10
    assert all(re.match(r"^[a-z_]+ \(.{15,}\)$", line) for line in lines), lines


def closure(jobs, target_pattern):
    """Files that the jobs whose output matches may read, directly or through others."""
    inputs = {output: job["input"] for job in jobs for output in job["output"]}
    waiting = [name for name in inputs if re.search(target_pattern, name)]
    assert waiting, f"no output matches {target_pattern}"
    found = set()
    while waiting:
        for name in inputs.get(waiting.pop(), set()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


@pytest.fixture(scope="module")
def jobs(checkout):
    return checkout.jobs("all")


@pytest.mark.parametrize("target", [r"^results/proxies/", r"^results/predictions/", r"^resources/models/"])
def test_nothing_that_trains_or_annotates_reads_truth_levels_or_statistics(jobs, target):
    found = closure(jobs, target)
    assert found
    for name in found:
        assert "truth" not in name and "/levels/" not in name and "roles" not in name, name
        assert not name.startswith("results/statistics"), name


def test_the_truth_is_read_by_evaluation_and_validation_alone(jobs):
    readers = {job["rule"] for job in jobs if any("truth.parquet" in name for name in job["input"])}
    assert readers == {"estimate_exchange_rate", "estimate_exchange_by_level", "evaluate_models"}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seeed=3", "seeed = 3 is not a known key. Did you mean 'seed'"),
        ("seed=-1", "seed = -1 is not accepted; expected a number of at least 0"),
        ("run={corpora: [iemocap]}", "run.corpora = 'iemocap' is not a known corpus"),
    ],
)
def test_a_wrong_configuration_stops_with_one_message(checkout, override, words):
    output = checkout.snakemake("-n", "all", "--config", override, check=False)
    assert words in output
    assert "Traceback" not in output and 'File "' not in output


def test_a_folder_refuses_a_second_run(checkout, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "run-name.txt").write_text("other\n")
    output = checkout.snakemake(
        "-n", "all", "--snakefile", str(checkout.root / "Snakefile"), "--directory", str(tmp_path), check=False
    )
    assert "holds the run 'other'" in output and "run.directory" in output


@pytest.mark.ci
def test_workflow_lint_is_clean(checkout):
    assert "good condition" in checkout.snakemake("--lint")


def test_the_profiles_hold_no_key_in_common():
    default = set(yaml.safe_load((REPOSITORY / "profiles/default/config.yaml").read_text()))
    text = (REPOSITORY / "slurm/config.yaml").read_text()
    slurm = set(re.findall(r"^([a-z-]+):", text, flags=re.MULTILINE))
    assert slurm and not default & slurm
    assert not default & {"executor", "cores", "jobs", "default-resources", "set-resources"}


LAID_OVER = {f"cremad_{name}.yaml": ["cremad_voices.yaml"] for name in ("benchmark", "training", "lora")}


@pytest.mark.slow
def test_presets_are_valid(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("CREMAD_ROOT", str(tmp_path))
    presets = {path.name: path for path in (REPOSITORY / "workflow/presets").glob("*.yaml")}
    presets.pop("paper.yaml")  # needs licensed corpora: test_paper_preset.py plans it on files of their formats
    for preset in sorted(presets.values()):
        below = [f"workflow/presets/{name}" for name in LAID_OVER.get(preset.name, [])]
        checkout.snakemake("-n", "all", "--configfile", *below, f"workflow/presets/{preset.name}")


@pytest.mark.ci
def test_the_tiny_preset_plans_the_whole_way(checkout):
    planned = checkout.planned("all", *TINY)
    assert {
        "synthesise_demo",
        "train_tiny_alm",
        "annotate_shard",
        "augment_items",
        "build_paper",
        "build_report",
    } <= planned


@pytest.mark.ci
def test_every_protocol_with_level_votes_is_judged_on_a_balanced_split_too(checkout):
    both = ["--config", "run={protocols: [fair, faithful]}"]
    jobs = [job for job in checkout.jobs("statistics", *both) if job["rule"] == "evaluate_models"]
    found = {next(iter(job["output"])): set(job["input"]) for job in jobs}
    balanced = "results/balanced/demo/{}.parquet"
    assert balanced.format("fair") in found["results/statistics/evaluation-demo-fair.parquet"]
    assert balanced.format("faithful") not in found["results/statistics/evaluation-demo-faithful.parquet"]


@pytest.mark.ci
def test_learning_curves_are_trained_where_they_are_asked_for_alone(checkout, jobs):
    assert not any("curve-" in name for job in jobs for name in job["output"])
    curves = ["--config", "learning_curves={human: [1, all], synthetic: [0, 5]}"]
    jobs = checkout.jobs("fig_cost_surface", *curves)
    trained = {name.split("/")[5] for job in jobs if job["rule"].startswith("finetune_seeds") for name in job["output"]}
    assert {f"curve-tiny_crossed-h{h}m{m}" for h in ("1", "all") for m in (0, 5)} <= trained


@pytest.mark.ci
def test_more_annotators_train_no_more_models_where_these_are_selected(checkout, jobs):
    def trained(found):
        return {name for job in found if job["rule"].startswith("finetune_seeds") for name in job["output"]}

    every = {"annotators": ["tiny_crossed", "tiny_audio", "tiny_text"]}
    chosen = every | {"models": {"annotators": ["tiny_crossed"]}}
    selected = checkout.jobs("all", "--config", f"run={json.dumps(chosen)}")
    assert trained(selected) == trained(jobs) < trained(checkout.jobs("all", "--config", f"run={json.dumps(every)}"))
    tested = [job for job in selected if job["rule"] == "test_hypotheses"]
    on_models = [job for job in tested if any("/predictions/" in name for name in job["input"])]
    assert len(tested) == 3, "the hypotheses about the labels of the others are tested on labels"
    assert len(on_models) == 1 and any("tiny_crossed" in name for name in on_models[0]["output"])
    unselected = json.dumps({"models": {"annotators": ["tiny_text"]}})
    refused = checkout.snakemake("-n", "all", "--config", f"run={unselected}", check=False)
    assert "run.models.annotators = 'tiny_text' is not a known selected annotator" in refused


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["synthetic"], "run.models.labels lacks `human`"),
        (["human", "combined-mine"], "run.models.labels = 'mine' is not a known pooling"),
        (["human", "control-permuted"], "run.models.labels = 'permuted' is not a known control"),
    ],
)
def test_labels_that_the_run_does_not_make_cannot_be_trained_on(checkout, labels, words):
    selected = json.dumps({"models": {"labels": labels}})
    assert words in checkout.snakemake("-n", "all", "--config", f"run={selected}", check=False)


@pytest.mark.slow
def test_folds_and_seeds_are_cut_into_jobs_as_asked(checkout):
    """Whichever way, the same trainings are made; a protocol with fewer folds has jobs with fewer."""
    protocols = "run={protocols: [fair, faithful], augmentation: [none]}"
    made = {}
    for folds_, seeds, expected in (("all", "all", {4, 2}), ("1", "all", {2}), ("all", "1", {2, 1}), ("1", "1", {1})):
        cut = f"finetuning={{folds_per_job: {folds_}, seeds_per_job: {seeds}}}"
        jobs = checkout.jobs("statistics", "--config", protocols, cut)
        trained = [
            {name for name in job["output"] if name.endswith(".parquet")}
            for job in jobs
            if job["rule"].startswith("finetune_seeds")
        ]
        assert {len(names) for names in trained} == expected
        made[folds_, seeds] = set().union(*trained)
    assert len(made["1", "1"]) == 7 * (2 + 1) * 2 and all(names == made["1", "1"] for names in made.values())


def encoding(jobs):
    """Kinds of jobs that read encoder outputs, annotators among them by name."""
    reading = [job for job in jobs if any(name.startswith("results/encodings/") for name in job["input"])]
    trained = {"finetune" for job in reading if job["rule"].startswith("finetune_seeds")}
    return trained | {name.split("/")[3] for job in reading for name in job["output"] if "/proxies/" in name}


@pytest.mark.ci
def test_who_hears_reads_the_encoder_outputs_where_they_are_shared(checkout):
    two = "corpora={demo: {shards: 2}}"
    jobs = checkout.jobs("all", "--config", two)
    encoded = [job for job in jobs if job["rule"] == "encode_audio"]
    made = sorted(name for job in encoded for name in job["output"])
    assert made == [f"results/encodings/demo/tiny/{shard}" for shard in (0, 1)]
    # by its input a checkpoint that is trained anew re-encodes
    assert all("resources/models/tiny" in job["input"] for job in encoded)
    assert encoding(jobs) == {"tiny_crossed", "tiny_audio", "finetune"}, "tiny_text hears nothing"
    trained = [job for job in jobs if job["rule"].startswith("finetune_seeds")]
    assert all({f"results/encodings/demo/tiny/{shard}" for shard in (0, 1)} <= set(job["input"]) for job in trained)
    own = checkout.jobs("all", "--config", two, "alms={tiny: {encodings: own}}")
    assert not encoding(own) and "encode_audio" not in {job["rule"] for job in own}
    assert len(own) == len(jobs) - len(encoded)


def test_another_encoder_than_the_shared_one_reads_none(checkout, tmp_path):
    (tmp_path / "more.yaml").write_text(
        "finetuning: {models: [tiny, tiny_mlp], quantised: 4bit}\nrun: {annotators: [tiny_text]}\n"
        "paper: {headline: {annotator: tiny_text}}\n"
    )
    jobs = checkout.jobs("all", "--configfile", str(tmp_path / "more.yaml"))
    assert "encode_audio" not in {job["rule"] for job in jobs} and not encoding(jobs)


def test_a_given_predictor_is_read_and_valued_and_a_missing_table_is_named(checkout, tmp_path):
    table = tmp_path / "mine.csv"
    words = ["leaderboard", *TINY, "--config", f"predictors={{mine: {{table: {table}}}}}"]
    printed = checkout.snakemake("-n", *words, check=False)
    assert f"predictors.mine.table = '{table}': no such file" in printed, printed[-2000:]
    table.write_text("utterance,p_neutral\n")
    jobs = checkout.jobs(*words)
    read = [job for job in jobs if job["rule"] == "read_predictor"]
    assert [job["output"] for job in read] == [{"results/predictors/demo/mine.parquet"}]
    assert any(
        "results/predictors/demo/mine.parquet" in job["input"] for job in jobs if job["rule"] == "value_predictors"
    )
    taken = checkout.snakemake("-n", "leaderboard", "--config", f"predictors={{tiny: {{table: {table}}}}}", check=False)
    assert "predictors.tiny has the name of an annotator, ALM or peer" in taken


def test_small_models_read_the_vectors_of_their_encoders_alone(checkout, tmp_path):
    """Every shard and, of an augmented fold, its items; a text encoder needs no sound, statistics no checkpoint."""
    (tmp_path / "peer.yaml").write_text(
        "corpora: {demo: {shards: 2}}\n"
        "encoders: {words: {kind: text, checkpoint: owner/words}}\n"
        "peers: {words_mlp: {encoder: words}}\n"
        "finetuning: {models: [tiny_mlp, statistics_mlp, words_mlp]}\n"
    )
    jobs = checkout.jobs("statistics", "--configfile", str(tmp_path / "peer.yaml"))
    assert "finetune" not in encoding(jobs)
    encoded = [job for job in jobs if job["rule"] == "encode_items"]
    names = {"tiny_tower", "statistics", "words"}
    assert {name for job in encoded for name in job["output"]} == {
        f"results/encoded/demo/{name}/{shard}" for name in names for shard in (0, 1)
    }
    for job in encoded:
        name = next(iter(job["output"])).split("/")[3]
        assert ("resources/models/tiny" in job["input"]) == (name == "tiny_tower")
        assert any("audio" in path for path in job["input"]) == (name != "words"), job["input"]
    for job in jobs:
        if job["rule"].startswith("finetune_seeds"):
            _, _, corpus, protocol, model, labels, augmentation, *_ = next(iter(job["output"])).split("/")
            encoder = {"tiny_mlp": "tiny_tower", "statistics_mlp": "statistics", "words_mlp": "words"}[model]
            of_corpus = {f"results/encoded/{corpus}/{encoder}/{shard}" for shard in (0, 1)}
            items = f"results/encoded_items/{corpus}/{protocol}/{labels}/{augmentation}"
            of_items = {f"{items}/fold-{fold}/{encoder}" for fold in (0, 1) if augmentation != "none"}
            assert {path for path in job["input"] if "/encoded" in path} == of_corpus | of_items
            assert "resources/models/tiny" not in job["input"], "the encoder is opened before, not in the training"


def test_a_protocol_may_train_with_augmentations_of_its_own(checkout):
    own = "{protocols: [fair, faithful]}"
    words = ["--config", f"run={own}", "protocols={faithful: {augmentation: [none, dime_faithful]}}"]
    jobs = checkout.jobs("statistics", *words)
    trained = [name.split("/") for job in jobs if job["rule"].startswith("finetune") for name in job["output"]]
    found = {(name[3], name[6]) for name in trained if name[1] == "predictions"}
    assert found == {("fair", "none"), ("fair", "dime"), ("faithful", "none"), ("faithful", "dime_faithful")}


def test_a_run_of_small_peers_is_looked_at_before_it_starts(checkout, tmp_path):
    """A peer is no ALM, but may listen with one: what speaks against its encoders is said before anything starts."""
    entry = "{engine: transformers, checkpoint: /no/such/model, gpus: 4}"
    (tmp_path / "peer.yaml").write_text(
        f"alms: {{gone: {entry}}}\n"
        "encoders: {gone_tower: {kind: alm, alm: gone}, absent: {kind: speech, checkpoint: /no/encoder}}\n"
        "peers: {gone_mlp: {encoder: gone_tower}, absent_mlp: {encoder: absent}}\n"
        "finetuning: {models: [gone_mlp, absent_mlp]}\n"
    )
    printed = checkout.snakemake("-c1", "statistics", *TINY, str(tmp_path / "peer.yaml"), check=False)
    assert "alms.gone: no such model folder: /no/such/model" in printed, printed[-2000:]
    assert "encoders.absent: no such model folder: /no/encoder" in printed, printed[-2000:]
    assert "KeyError" not in printed


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("augment_items", {"utterances", "audio", "labels", "splits", "features"}),
        ("balance_evaluation", {"roles", "votes", "levels", "splits"}),
    ],
)
def test_nothing_that_augments_or_balances_sees_what_it_is_judged_by(rule, allowed):
    text = (REPOSITORY / "workflow/rules/augmentation.smk").read_text()
    block = re.search(rf"^rule {rule}:.*?^    input:\n(.*?)^    \w+:", text, flags=re.MULTILINE | re.DOTALL)
    assert block, rule
    assert set(re.findall(r"^        (\w+)=", block.group(1), flags=re.MULTILINE)) == allowed


def test_a_job_gets_a_gpu_partition_if_and_only_if_it_has_a_gpu(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("SA_PARTITION", "short")
    monkeypatch.setenv("SA_GPU_PARTITION", "a100")
    (tmp_path / "gpu.yaml").write_text("alms: {tiny: {gpus: 1}}\n")
    for extra, expected in (
        ((), set()),
        (
            (str(tmp_path / "gpu.yaml"),),
            {"annotate_shard", "check_gpu", "encode_audio", "finetune_seeds_0", "read_out_shard"},
        ),
    ):
        words = ["-n", "all", "--profile", "slurm", "--executor", "dryrun", *TINY, *extra]
        blocks = checkout.snakemake(*words).split("\nrule ")[1:]
        found = {block.split(":")[0] for block in blocks if "slurm_partition=a100" in block}
        assert found == expected
        assert all("gpu=1" in block for block in blocks if "slurm_partition=a100" in block)
        warned = {block.split(":")[0] for block in blocks if "slurm_extra=--signal=TERM@120" in block}
        assert warned == {"finetune_seeds_0"}, "only work that saves its state is asked to stop before its time limit"


def test_a_submission_is_scored_and_a_missing_one_is_named(checkout, tmp_path):
    folder = tmp_path / "Tiny answers"
    words = ["score_submission", *TINY, "--config", f"submission={folder}"]
    assert "nothing to score: name a folder of answers" in checkout.snakemake("-n", *words[:-2], check=False)
    assert f"submission = '{folder}': no manifest.json" in checkout.snakemake("-n", *words, check=False)
    folder.mkdir()
    (folder / "manifest.json").write_text('{"corpus": "elsewhere"}')
    assert "corpus 'elsewhere' is not in this run (demo)" in checkout.snakemake("-n", *words, check=False)
    (folder / "manifest.json").write_text('{"corpus": "demo"}')
    jobs = checkout.jobs(*words)
    (scored,) = [job for job in jobs if job["rule"] == "score_strategies"]
    assert "results/testtime/tiny_answers/strategies.csv" in scored["output"]
    assert "results/corpora/demo/votes.parquet" in scored["input"]
    assert {job["rule"] for job in jobs} <= {
        "score_submission",
        "score_strategies",
        "export_evaluation",
        "read_corpus",
        "synthesise_demo",
        "screen_corpus",
        "audit_audio",
    }


def test_the_benchmark_is_planned_whole_and_absent_elsewhere(checkout, jobs):
    """Submissions of our own answers, scored by the rule that scores those of others, valued, and in the paper."""
    planned = checkout.jobs("all", "leaderboard", "--configfile", "workflow/presets/benchmark.yaml")
    by_rule = {}
    for job in planned:
        by_rule.setdefault(job["rule"], []).append(job)
    by_rule["export_submission"] += by_rule.pop("export_judged_submission")
    assert len(by_rule["export_submission"]) == len(by_rule["score_strategies"]) == 3
    said = {name for job in by_rule["judge_candidates"] for name in job["output"]}
    judges = {"verifier", "shuffled", "deaf"}
    assert {name.split("/")[4] for name in said} == judges and {name.split("/")[2] for name in said} == {"demo_writer"}
    assert {"tab_strategies", "fig_strategies"} <= by_rule.keys() and "finetune_seeds_0_1" not in by_rule
    (valued,) = by_rule["value_predictors"]
    assert "results/testtime/demo_writer/predictions" in valued["input"]
    exported = next(job for job in by_rule["export_submission"] if any("demo_writer" in name for name in job["output"]))
    pools = {"greedy", "beam", "sampled", "labels", "readout"}
    assert {f"results/proxies/demo/writer_{kind}/candidates.parquet" for kind in pools} <= exported["input"]
    assert said <= exported["input"] and "results/testtime/demo_writer/submission/scores.jsonl.gz" in exported["output"]
    (paper,) = by_rule["build_paper"]
    assert any(name.endswith("paper/supplement/results_strategies.tex") for name in paper["input"])
    notebooks = {name for job in by_rule["execute_notebook"] for name in job["output"]}
    assert "results/notebooks/strategies.html" in notebooks
    elsewhere = {job["rule"] for job in jobs}
    assert not {"export_submission", "score_strategies", "gather_strategies", "tab_strategies"} & elsewhere
    read = {name for job in jobs for name in job["input"]}
    assert not any("results_strategies" in name or "notebooks/strategies" in name for name in read)


def test_a_conflict_of_presentations_reaches_the_evaluation_and_the_paper(checkout, jobs, tmp_path):
    """Votes on the same utterances in another presentation, and the model that others are compared with."""
    (tmp_path / "utterances.csv").write_text("utterance,speaker\nu1,s1\n")
    (tmp_path / "votes.csv").write_text("utterance,rater,label\nu1,r1,happy\n")
    seen = {"reader": "table", "root": str(tmp_path), "utterances": "utterances.csv", "votes": "votes.csv", "shards": 1}
    seen |= {"classes": ["neutral", "happy", "sad", "angry"], "presentation": "face", "audio": "none"}
    factors = {"table": "utterances.csv", "utterance": "utterance", "columns": ["group"]}
    config = {"corpora": {"seen": seen, "demo": {"factors": factors}}}
    config["statistics"] = {"conflict": {"corpus": "demo", "other": "seen", "model": "tiny"}}
    (tmp_path / "conflict.yaml").write_text(yaml.safe_dump(config))
    planned = checkout.jobs("all", "--configfile", str(tmp_path / "conflict.yaml"))
    by_rule = {}
    for job in planned:
        by_rule.setdefault(job["rule"], []).append(job)
    (evaluated,) = by_rule["evaluate_models"]
    assert "results/corpora/seen/votes.parquet" in evaluated["input"]
    (paper,) = by_rule["build_paper"]
    assert any(name.endswith("supplement/results_conflict.tex") for name in paper["input"])
    assert "paper/figures/fig_conflict.pdf" in paper["input"]
    printed = checkout.snakemake("-n", "-p", "fig_conflict", "--configfile", str(tmp_path / "conflict.yaml"))
    assert "--conflict results/corpora/seen/votes.parquet --against tiny " in printed
    assert not any("conflict" in name for job in jobs for name in job["input"] | job["output"])
    refused = checkout.snakemake("-n", "fig_conflict", check=False)
    assert "error: nothing to make: this run has no statistics.conflict" in refused and "Traceback" not in refused
