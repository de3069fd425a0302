# What the rules share: the checked configuration, the run, names, the identity of code. No rules here.
import atexit
import copy
import functools
import inspect
import itertools
import json
import os
import sys
from datetime import date, datetime
from pathlib import Path
from shlex import quote

LIBRARY = Path(workflow.basedir).resolve() / "workflow" / "scripts"
if str(LIBRARY) not in sys.path:
    sys.path.insert(0, str(LIBRARY))

import yaml
from snakemake.utils import update_config

from scaling_ambiguity.alms.before_work import refusal, this_place
from scaling_ambiguity.alms.registry import load_registry, registered, resolve_all
from scaling_ambiguity.code_identity import code_hash, keep_trees, recall_trees
from scaling_ambiguity.configuration.checked import checked_config
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.designs import designs
from scaling_ambiguity.reporting.chapters import ESTIMATES, FIGURES, TABLES
from scaling_ambiguity.reporting.explorer import OWN as EXPLORER_OWN, PAGE as EXPLORER_PAGE
from scaling_ambiguity.run import files
from scaling_ambiguity.run.results import Run
from scaling_ambiguity.run.submission import DEAF, JUDGES
from scaling_ambiguity.run.training import EACH_FOLD

# Every job finds the python that runs Snakemake, on this machine its stand-in first (fork_jobs.py), and computes in one
# thread: two jobs beat two threads.
stand_in = os.environ.pop("SA_PYTHON", "")
pythons = [stand_in] if workflow.local_exec and os.access(stand_in, os.X_OK) else []
folders = [str(Path(python).parent) for python in [*pythons, sys.executable]]
os.environ.update(PATH=os.pathsep.join([*folders, *os.get_exec_path()]))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def stop(message):
    """End with one message and exit status 1; no traceback helps the user of a wrong configuration."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


# Relative folders start where Snakemake was called. On a cluster a job starts Snakemake once more, in the folder of
# the run: then it is the start that it inherited.
START = os.environ.get("SA_START", "")
FOLDER = config["run"].get("directory") if isinstance(config.get("run"), dict) else None  # not checked yet
if not START or Path(START, str(FOLDER)).resolve() != Path.cwd():
    START = os.getcwd()
    os.environ.update(SA_START=START)
TREES = Path(START, ".snakemake", "code-identity.json")
recall_trees(TREES)
atexit.register(keep_trees, TREES)


def redraw(archive):
    """Take the configuration of an archive, verified before any work; what is given beside it has to agree with it."""
    from scaling_ambiguity.reporting.archive.container import verified_names
    from scaling_ambiguity.reporting.archive.opening import refuse_other_settings, source_config

    if workflow.is_main_process:
        verified_names(archive)
    archived = source_config(config, archive)
    config.clear()
    config.update(checked_config(archived))
    merged = copy.deepcopy(archived)
    update_config(merged, workflow.config_settings.overwrite_config)
    same = {"source": archived["source"], "run": merged["run"] | {"directory": archived["run"]["directory"]}}
    refuse_other_settings(dict(config), checked_config(resolve_all(merged | same)))


# What each ALM of the configuration is called in the registry; forgotten once it is resolved.
REGISTERED = {} if config.get("source") else registered(config)

try:
    if config.get("source"):
        redraw(Path(START, str(config["source"])).resolve())
    else:
        config.update(checked_config(resolve_all(dict(config))))
except UserError as error:
    stop(error)

RUN = config["run"]


def or_stop(function):
    """The same function, whose UserError ends Snakemake with one message."""

    @functools.wraps(function)
    def call(*arguments, **named):
        try:
            return function(*arguments, **named)
        except UserError as error:
            stop(error)

    return call


class OrStop:
    """An object whose methods end Snakemake with one message where they raise a UserError."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        return or_stop(value) if callable(value) else value


REGISTRY = load_registry() if REGISTERED else {}
# What this run consists of; workflow/scripts/scaling_ambiguity/run explains every method.
run = OrStop(Run(config, START, workflow.basedir, {alm: REGISTRY[name] for alm, name in REGISTERED.items()}))
BASE, SCRIPTS, PROMPTS, PAPER, NOTEBOOKS, PINS = (
    run.base,
    run.scripts,
    run.prompts,
    run.paper,
    run.notebooks,
    run.pins,
)
SEED = config["seed"]
HEADLINE = run.headline
RUN_MARKER = Path("results/run-name.txt")
# A folder with redrawn products is no folder of a run that may go on.
RUN_TITLE = f"{RUN['name']}, redrawn from an archive" if config.get("source") else RUN["name"]


# In a run that is redrawn no rule with wildcards makes anything; it would read sound, ask a model or compute once more.
SOME_NAME, SOME_LABELS, SOME_NUMBER = (
    ("[a-z0-9_]+", "[a-z0-9_]+(-[a-z0-9_]+)*", "[0-9]+") if not config.get("source") else ("(?!)",) * 3
)


wildcard_constraints:
    corpus=SOME_NAME,
    annotator=SOME_NAME,
    alm=SOME_NAME,
    model=SOME_NAME,
    predictor=SOME_NAME,
    protocol=SOME_NAME,
    encoder=SOME_NAME,
    submission=SOME_NAME,
    judge="|".join(JUDGES),
    labels=SOME_LABELS,
    augmentation=SOME_NAME,
    notebook=SOME_NAME,
    cell=SOME_NAME,
    fold=SOME_NUMBER,
    seed=SOME_NUMBER,
    shard=SOME_NUMBER,


def refuse_second_run():
    """Stop if this folder holds the results of a run with another name, or results that were computed, not redrawn."""
    if RUN_MARKER.exists() and RUN_MARKER.read_text().strip() != RUN_TITLE:
        stop(
            f"{Path.cwd()} holds the run {RUN_MARKER.read_text().strip()!r}; this configuration is the run "
            f"{RUN_TITLE!r}. Set run.directory to another folder"
            f"{', e.g. --config source=... run=' + quote('{directory: runs/redrawn}') if config.get('source') else ''}, "
            "or remove results/ here."
        )


def refuse_blank_in_interpreter():
    """Stop if jobs are sent to a cluster from an environment that Snakemake's executor cannot name: it does not quote it."""
    if not workflow.local_exec and quote(sys.executable) != sys.executable:
        stop(
            f"{sys.executable}: Snakemake starts jobs of a cluster by this path, and cannot where it holds a blank or a "
            "quotation mark. Link the environment to a plain path and start from there: "
            f"ln -s {quote(str(Path(sys.executable).parents[1]))} ~/sa-venv; ~/sa-venv/bin/snakemake --profile slurm ..."
        )


def refuse_unaskable():
    """Stop before any work if a job of this run asks a model that cannot be asked, as far as that is known here."""
    asked = {}  # ALM -> for each of its annotators, whether answers are stored
    encoding = set()  # encoders
    listening = set()  # ALMs that are assembled behind a published encoder
    silent = {}  # ALM -> its annotators with text alone, and verifiers that hear nothing
    reading = {}  # ALM -> its annotators and verifiers of mode readout
    for job in workflow.dag.needrun_jobs():
        if job.rule.name == "annotate_shard":
            annotator = job.wildcards.annotator
            stored = any(Path("resources/answers", annotator).glob("*"))
            asked.setdefault(run.alm_name(annotator), []).append(stored)
            if not run.needs_sound(annotator):
                silent.setdefault(run.alm_name(annotator), set()).add(annotator)
            if run.annotator_entry(annotator).get("mode") == "readout":
                reading.setdefault(run.alm_name(annotator), set()).add(annotator)
        elif job.rule.name == "judge_candidates":
            names = job.wildcards.submission, job.wildcards.judge
            stored = any(Path(run.judging_store(*names)).glob("*"))
            asked.setdefault(run.judging_alm(*names), []).append(stored)
            if config["testtime"][names[0]]["verifier"]["mode"] == "readout":
                reading.setdefault(run.judging_alm(*names), set()).add(f"testtime.{names[0]}.verifier")
            if job.wildcards.judge == DEAF:
                silent.setdefault(run.judging_alm(*names), set()).add(f"testtime.{names[0]}.verifier.controls.deaf")
        elif job.rule.name == "encode_audio":
            asked.setdefault(job.wildcards.alm, []).append(False)
        elif job.rule.name == "build_alm":
            listening.add(job.wildcards.alm)
        elif job.rule.name in ("encode_items", "encode_augmented_items"):
            encoding.add(job.wildcards.encoder)
        elif job.rule.name.startswith("finetune_seeds_") and run.kind_of(job.wildcards.model).language_model:
            asked.setdefault(job.wildcards.model, []).append(False)
    asked |= {alm: [False] for alm in map(run.tower_of, encoding) if alm and alm not in asked}
    if not asked and not encoding and not listening:
        return
    place = this_place(workflow.local_exec)
    against = {
        f"alms.{alm}": run.against_alm(
            alm, place, all(stored), sorted(silent.get(alm, ())), sorted(reading.get(alm, ()))
        )
        for alm, stored in asked.items()
    }
    against |= {f"encoders.{name}": run.against_encoder(name, place) for name in sorted(encoding)}
    against |= {f"alms.{name}.encoder": run.against_encoder_of(name, place) for name in sorted(listening)}
    if message := refusal(against):
        stop(message)


def remember_run():
    """Write the name of the run that this folder belongs to."""
    RUN_MARKER.parent.mkdir(exist_ok=True)
    RUN_MARKER.write_text(f"{RUN_TITLE}\n")


def remedies(logs):
    """What to do about what Slurm said, by the signs in slurm/remedies.yaml in the logs of a failed run."""
    said = "".join(Path(log).read_text(errors="replace") for log in logs)
    texts = yaml.safe_load(Path(workflow.basedir, "slurm", "remedies.yaml").read_text())
    return [f"remedy: {sign}: {remedy}" for sign, remedy in texts.items() if sign in said]


def canonical(value):
    """Text of a part of the configuration that is the same whatever the order of its keys."""
    return json.dumps(value, sort_keys=True)


def memory(least, factor):
    """Memory in MB for rules that hold votes in every deal: it grows with their tables, and with each attempt.

    The factors, MB of memory a MB of tables, were measured on 60,000 utterances with 30 deals.
    """
    return lambda wildcards, input, attempt: int(attempt * max(least, factor * input.size_mb))


def partition(gpus):
    """Slurm partition of a job by its number of GPUs: SA_PARTITION or SA_GPU_PARTITION; empty is the cluster's own."""
    return os.environ.get("SA_GPU_PARTITION" if gpus else "SA_PARTITION", "")


def gpu_type(gpus):
    """Type of the GPUs of a job (SA_GPU_TYPE), if it requests any."""
    return os.environ.get("SA_GPU_TYPE", "") if gpus else ""


def signal_before_limit():
    """Ask Slurm for SIGTERM this long before a job's time limit (SA_SIGNAL_SECONDS, 0: not), for work that saves its state.

    Slurm may send it half a minute earlier, never later.
    """
    seconds = int(os.environ.get("SA_SIGNAL_SECONDS", 120))
    return f"--signal=TERM@{seconds}" if seconds else ""


def code(script, *modules):
    """Hash of a script, of what it imports from the library, and of the modules it loads by name."""
    return code_hash(LIBRARY / script, tuple(f"scaling_ambiguity.{module}" for module in modules), LIBRARY)
