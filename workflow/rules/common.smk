# What the rules share: the checked configuration, names, the identity of code. No rules here.
import json
import os
import sys
from pathlib import Path

LIBRARY = Path(workflow.basedir).resolve() / "workflow" / "scripts"
if str(LIBRARY) not in sys.path:
    sys.path.insert(0, str(LIBRARY))

from scaling_ambiguity.code_identity import code_hash
from scaling_ambiguity.config import checked_config
from scaling_ambiguity.errors import UserError

# Every job finds the python that runs Snakemake, and computes in one thread: two jobs beat two threads.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def stop(message):
    """End with one message and exit status 1; no traceback helps the user of a wrong configuration."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


try:
    config.update(checked_config(dict(config)))
except UserError as error:
    stop(error)

RUN = config["run"]
# Sources are addressed relative to the folder of the run: a checkout that was moved re-runs nothing.
BASE = os.path.relpath(workflow.basedir, Path(RUN["directory"]).resolve())
SCRIPTS, PROMPTS, PAPER, NOTEBOOKS, CAPTION_FOLDER = (
    os.path.normpath(os.path.join(BASE, folder))
    for folder in ("workflow/scripts", "workflow/prompts", "paper", "notebooks", "workflow/report")
)
SEED = config["seed"]
SEEDS = list(range(config["finetuning"]["seeds"]))
RUN_MARKER = Path("results/run-name.txt")


wildcard_constraints:
    corpus="[a-z0-9_]+",
    annotator="[a-z0-9_]+",
    alm="[a-z0-9_]+",
    model="[a-z0-9_]+",
    protocol="[a-z0-9_]+",
    labels="[a-z0-9_]+(-[a-z0-9_]+)*",
    augmentation="[a-z0-9_]+",
    notebook="[a-z0-9_]+",
    fold="[0-9]+",
    seed="[0-9]+",
    shard="[0-9]+",


def refuse_second_run():
    """Stop if this folder holds the results of a run with another name."""
    if RUN_MARKER.exists() and RUN_MARKER.read_text().strip() != RUN["name"]:
        stop(
            f"{Path.cwd()} holds the run {RUN_MARKER.read_text().strip()!r}; this configuration is the run "
            f"{RUN['name']!r}. Set run.directory to another folder, or remove results/ here."
        )


def remember_run():
    """Write the name of the run that this folder belongs to."""
    RUN_MARKER.parent.mkdir(exist_ok=True)
    RUN_MARKER.write_text(f"{RUN['name']}\n")


def canonical(value):
    """Text of a part of the configuration that is the same whatever the order of its keys."""
    return json.dumps(value, sort_keys=True)


def statistics_options(*keys):
    """The settings of the statistics that a rule uses, beside those that every interval uses."""
    keys = ("resamples", "level", "interval", *keys)
    return canonical({key: config["statistics"][key] for key in keys})


def code(script, *modules):
    """Hash of a script, of what it imports from the library, and of the modules it loads by name."""
    return code_hash(LIBRARY / script, tuple(f"scaling_ambiguity.{module}" for module in modules), LIBRARY)


def classes(corpus):
    """Class set of a corpus, joined by commas, in its order."""
    return ",".join(config["corpora"][corpus]["classes"])


def has_audio(corpus):
    """Whether a corpus brings sound, and so can be annotated and trained on."""
    return config["corpora"][corpus]["reader"] in ("demo",)


def is_simulated(corpus):
    """Whether the truth behind the votes of a corpus is known."""
    return config["corpora"][corpus]["reader"] == "demo"


def stages(corpus):
    """The only place that decides which stages exist for a corpus."""
    return {"votes", "annotation", "training"} if has_audio(corpus) else {"votes"}


def corpora_with(stage):
    """Selected corpora that have a stage."""
    return [corpus for corpus in RUN["corpora"] if stage in stages(corpus)]


def corpus_root(corpus):
    """Folder that the paths of a corpus are relative to."""
    return f"resources/corpora/{corpus}"


def audio_of(wildcards):
    """The folder of sound files of a corpus that this workflow makes itself."""
    return f"{corpus_root(wildcards.corpus)}/audio" if has_audio(wildcards.corpus) else []


def checkpoint_of(alm):
    """The checkpoint of an ALM as an input, where a rule of this workflow makes it."""
    entry = config["alms"][alm]
    return entry["checkpoint"] if "trained_on" in entry else []


def folds(protocol):
    """Numbers of the folds of a protocol."""
    splits = config["protocols"][protocol]["splits"]
    return list(range(splits["folds"] if splits["scheme"] == "speaker" else 1))


def level_votes():
    """Votes set aside for levels: the most that a selected protocol asks for."""
    return max(config["protocols"][protocol]["levels"]["votes"] for protocol in RUN["protocols"])


def expand_labels(short):
    """Full label names of a short one, e.g. combined-equal for every selected annotator."""
    kind, _, rest = short.partition("-")
    if kind == "human":
        return ["human"]
    return ["-".join(part for part in (kind, annotator, rest) if part) for annotator in RUN["annotators"]]


def label_names():
    """Every label table that models are trained on, controls included."""
    short = ["human", "synthetic"]
    short += [f"combined-{pooling}" for pooling in RUN["poolings"]]
    short += [f"control-{control}" for control in config["controls"]]
    return [name for entry in short for name in expand_labels(entry)]


def arms():
    """(labels, augmentation) of every fine-tuning condition."""
    augmented = {name for short in RUN["augmented_labels"] for name in expand_labels(short)}
    return [
        (labels, augmentation)
        for augmentation in RUN["augmentation"]
        for labels in label_names()
        if augmentation == "none" or labels in augmented
    ]


def seed_groups():
    """Seeds that are trained together in one process."""
    size = config["finetuning"]["seeds_per_job"]
    size = len(SEEDS) if size == "all" else size
    return [SEEDS[start : start + size] for start in range(0, len(SEEDS), size)]


def annotator_of(labels):
    """The annotator named in a label name, or None for the human labels."""
    parts = labels.split("-")
    return parts[1] if len(parts) > 1 else None


def alm_of(wildcards):
    """Registry entry of the ALM behind an annotator."""
    return config["alms"][config["annotators"][wildcards.annotator]["alm"]]


def proxies_of(wildcards):
    """The synthetic votes a label table needs; none for the human labels."""
    annotator = annotator_of(wildcards.labels)
    return f"results/proxies/{wildcards.corpus}/{annotator}/votes.parquet" if annotator else []


def pooling_of(labels):
    """Options of the pooling named in a label name; the prior of a control is fitted like that of `weighted`."""
    parts = labels.split("-")
    return config["poolings"][parts[2]] if parts[0] == "combined" else {}


def truth_of(wildcards):
    """The truth of a simulated corpus; nothing for a real one."""
    return f"results/corpora/{wildcards.corpus}/truth.parquet" if is_simulated(wildcards.corpus) else []


def predictions_of(corpus, protocol):
    """Predictions of every model, condition, fold and seed of a corpus under a protocol."""
    return [
        f"results/predictions/{corpus}/{protocol}/{model}/{labels}/{augmentation}/fold-{fold}/seed-{seed}.parquet"
        for model in config["finetuning"]["models"]
        for labels, augmentation in arms()
        for fold in folds(protocol)
        for seed in SEEDS
    ]


def augmented_of(wildcards):
    """The augmented items of a condition; none without augmentation."""
    if wildcards.augmentation == "none":
        return []
    return (
        f"results/augmented/{wildcards.corpus}/{wildcards.protocol}/{wildcards.labels}/"
        f"{wildcards.augmentation}/fold-{wildcards.fold}"
    )


def statistics_of(kind):
    """Files of one kind of estimate, for every selected corpus that has that stage."""
    annotated, trained = corpora_with("annotation"), corpora_with("training")
    pairs = [(corpus, annotator) for corpus in annotated for annotator in RUN["annotators"]]
    return {
        "alignment": [
            f"results/statistics/alignment-{corpus}-{annotator}-{protocol}.parquet"
            for corpus, annotator in pairs
            for protocol in RUN["protocols"]
        ],
        "saturation": [f"results/statistics/saturation-{corpus}-{annotator}.parquet" for corpus, annotator in pairs],
        "exchange": [f"results/statistics/exchange-{corpus}-{annotator}.parquet" for corpus, annotator in pairs],
        "evaluation": [
            f"results/statistics/evaluation-{corpus}-{protocol}.parquet"
            for corpus in trained
            for protocol in RUN["protocols"]
        ],
    }[kind]


def figure_files(name):
    """The PDF, the SVG and the data of a figure."""
    return [f"paper/figures/{name}.{ending}" for ending in ("pdf", "svg", "csv")]


def table_files(name):
    """The LaTeX and the data of a table."""
    return [f"paper/tables/{name}.{ending}" for ending in ("tex", "csv")]


HEADLINE = config["paper"]["headline"]
