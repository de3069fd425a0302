# How many human votes is an audio-language model worth?
# Configuration, rules by stage in the order the data walks, and the targets people type.
# `snakemake --list-target-rules` explains the targets; README.md says what they make.
from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/selection.smk"


workdir: os.path.join(START, RUN["directory"])


refuse_second_run()
if not config.get("source"):
    run.refuse_missing_tables()
    run.refuse_untrainable()
    run.refuse_unheard()


include: "workflow/rules/corpora.smk"
include: "workflow/rules/encoding.smk"
include: "workflow/rules/proxies.smk"
include: "workflow/rules/validity.smk"
include: "workflow/rules/alignment.smk"
include: "workflow/rules/augmentation.smk"
include: "workflow/rules/finetuning.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/testtime.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/notebooks.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/archive.smk"


report: "workflow/report/workflow.rst"


onstart:
    refuse_blank_in_interpreter()
    refuse_unaskable()
    remember_run()
    for line in run.left_out():
        print(line, file=sys.stderr)


onsuccess:
    for line in run.notes_on_reading():
        print(line, file=sys.stderr)


onerror:
    for line in [*run.notes_on_reading(), *remedies(log)]:
        print(line, file=sys.stderr)


localrules:
    all,
    figures,
    tables,
    notebooks,
    statistics,
    leaderboard,
    explorer,
    archive,
    score_submission,
    sound,
    exports,
    fetch_cremad,
    list_alms,


rule sound:
    """The full decode of every sound file of the selected corpora: level, clipping, hash, and what is left out."""
    input:
        not_archived(
            [f"results/corpora/{corpus}/utterances.parquet" for corpus in RUN["corpora"] if run.has_audio(corpus)]
        ),


rule exports:
    """Votes, label distributions and scores of strategies for publication: ids only, no sound, no transcripts."""
    input:
        not_archived(expand("results/export/{corpus}", corpus=RUN["corpora"])),
        expand("results/testtime/{submission}/every_eval_ever.json", submission=run.submissions()),


rule all:
    """The whole paper: paper/main.pdf, paper/supplement.pdf, results/report.zip and everything they rest on."""
    default_target: True
    input:
        "paper/main.pdf",
        "paper/supplement.pdf",
        "results/report.zip",


rule figures:
    """Every figure of the paper, as PDF, SVG and the CSV behind it."""
    input:
        run.figure_files(),


rule tables:
    """Every table of the paper, as LaTeX and CSV."""
    input:
        run.table_files(),


rule notebooks:
    """The executed notebooks of the statistical validation, with their verdicts."""
    input:
        NOTEBOOK_FILES,
        rules.index_notebooks.output,
        "results/verdicts.json",


rule statistics:
    """Every table of estimates in results/statistics/."""
    input:
        STATISTICS_FILES,


rule leaderboard:
    """Everything that the run values in human votes, best first: results/leaderboard.csv."""
    input:
        "results/leaderboard.csv",


rule explorer:
    """A listening page: every utterance with its sound, votes, distributions and answers: results/explorer/index.html."""
    input:
        not_archived(["results/explorer/index.html"]),


rule archive:
    """The run to keep or publish, nothing licensed: results/archive.zip, which `--config source=ARCHIVE` redraws."""
    input:
        not_archived(["results/archive.zip"]),


rule score_submission:
    """Every test-time strategy and control on a folder of answers (`--config submission=FOLDER`): results/testtime/."""
    input:
        lambda wildcards: [
            f"results/testtime/{run.submission_folder() and run.submission_name()}/{name}"
            for name in ("strategies.csv", "every_eval_ever.json")
        ],
