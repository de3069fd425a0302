"""Every rule says what it reads, writes, logs and needs, and bears its script's name."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.api import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings, SnakemakeApi, StorageSettings

from scaling_ambiguity.reporting.chapters import ESTIMATES
from scaling_ambiguity.run import files

REPOSITORY = Path(__file__).resolve().parents[2]
TARGETS = {
    "all",
    "figures",
    "tables",
    "notebooks",
    "statistics",
    "sound",
    "exports",
    "plan",
    "leaderboard",
    "explorer",
    "archive",
    "score_submission",
}
VERBS = {
    "synthesise",
    "plan",
    "read",
    "split",
    "deal",
    "assign",
    "train",
    "annotate",
    "encode",
    "gather",
    "list",
    "balance",
    "pool",
    "align",
    "trace",
    "judge",
}
VERBS |= {"replay", "score", "value", "fetch", "audit", "screen", "agree", "test", "validate", "export", "report"}
VERBS |= {"estimate", "extract", "augment", "finetune", "evaluate", "fig", "tab", "write", "execute", "check", "build"}
VERBS |= {"index", "unpack"}


@pytest.fixture(scope="module")
def rules(checkout):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout.root)
        with SnakemakeApi(OutputSettings(quiet=None)) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(),
                storage_settings=StorageSettings(),
                snakefile=checkout.root / "Snakefile",
            )
            workflow.dag(dag_settings=DAGSettings())
            internal = workflow._workflow
            yield {rule.name: rule for rule in internal.rules}


def work(rules):
    return [rule for name, rule in rules.items() if name not in TARGETS]


def test_every_rule_is_complete(rules):
    for rule in work(rules):
        assert rule.docstring, rule.name
        assert rule.output and rule.log and rule.benchmark and rule.conda_env, rule.name
        assert {"mem_mb", "runtime", "_cores"} <= set(rule.resources), rule.name
        assert {"script", "code"} <= set(rule.params.keys()), rule.name
        # a shell in between would not survive the signal that Slurm is asked for
        start = "exec python" if "slurm_extra" in rule.resources else "python"
        assert rule.shellcmd and rule.shellcmd.startswith(f"{start} {{params.script:q}}"), rule.name
        assert "> {log} 2>&1" in rule.shellcmd, rule.name


def test_rules_are_verb_noun_and_match_their_script_and_log(rules):
    for rule in work(rules):
        name = "finetune" if rule.name.startswith("finetune_seeds_") else rule.name
        assert name.split("_")[0] in VERBS, name
        named = rule.params.get("name")  # one program makes all figures or all tables of estimates
        program = {"fig": "draw_figure", "tab": "write_table"}[name[:3]] if named else name
        program = program.replace("augmented_", "")  # the same program reads another table
        program = program.replace("export_judged_", "export_")  # and writes one file more
        assert str(rule.params.script).endswith(f"/{program}.py"), name
        assert named in (None, name)
        assert str(rule.log[0]).startswith(f"logs/{name}"), name
        assert str(rule.benchmark).startswith(f"logs/{name}"), name


def test_nothing_is_written_outside_the_folders_of_a_run(rules):
    for rule in work(rules):
        for path in [*rule.output, *rule.log, rule.benchmark]:
            assert str(path).startswith(("results/", "resources/", "logs/", "paper/")), (rule.name, path)
            assert not str(path).startswith("resources/answers"), "bought answers belong to no rule"


def test_what_a_run_lists_is_made_by_a_rule(rules):
    """A pattern that the library fills in has the shape of an output."""
    outputs = [str(path) for rule in rules.values() for path in rule.output]
    patterns = {name: value for name, value in vars(files).items() if name.isupper() and value.startswith("results/")}
    assert len(patterns) > 15
    for name, pattern in patterns.items():
        shape = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern))
        assert any(re.fullmatch(shape, output) for output in outputs), name


# One process for all scripts: what they import takes longer than their help.
HELP = """
import contextlib, io, json, runpy, sys
texts = {}
for script in sys.argv[1:]:
    sys.argv, printed = [script, "--help"], io.StringIO()
    sys.path.insert(0, str(script.rpartition("/")[0]))
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        runpy.run_path(script, run_name="__main__")
    texts[script] = printed.getvalue()
print(json.dumps(texts))
"""


def helps(scripts):
    """Return for each script the words of its help."""
    command = [sys.executable, "-c", HELP, *map(str, scripts)]
    printed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {Path(script).name: {word.strip("[],") for word in text.split()} for script, text in printed.items()}


@pytest.mark.ci
def test_all_inputs_of_a_script_are_flags_it_knows(rules):
    """Each flag in a rule's command exists in its script's parser."""
    names = {rule.name: Path(str(rule.params.script)).name for rule in work(rules)}
    helped = helps([REPOSITORY / "workflow" / "scripts" / name for name in sorted(set(names.values()))])
    for rule in work(rules):
        known = helped[names[rule.name]]
        flags = {word for word in rule.shellcmd.replace('"', " ").split() if word.startswith("--")}
        for estimates in ESTIMATES.values():
            if estimates.work and estimates.work.program == rule.name:  # the rest of its command is made
                flags |= {f"--{name}" for name in (*estimates.by, *estimates.work.reads)}
        assert flags <= known, f"{rule.name}: {flags - known}"
