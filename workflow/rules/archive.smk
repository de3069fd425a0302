# The archive of a run, and the way back: with `--config source=ARCHIVE` its tables come from there, by no other rule.
from scaling_ambiguity.reporting.archive.sources import sources_sha256
from scaling_ambiguity.reporting.chapters import shown
from scaling_ambiguity.run import archiving

DRAWING = [
    *shown(FIGURES, run.stages_of_run()),
    *shown(TABLES, run.stages_of_run()),
    "write_numbers",
    "index_notebooks",
    "check_verdicts",
    "build_paper",
    *(["write_leaderboard"] if run.statistics_of("predictors") else []),
]


rule build_archive:
    """Archive tables, products, answers of local models, code, lock and metadata; licensed content stays out."""
    input:
        start=lambda wildcards: archived_parts()[0],
        products=lambda wildcards: archived_parts()[1],
        answers=lambda wildcards: expand(rules.export_answers.output, annotator=archiving.archived_answers(run)),
    output:
        "results/archive.zip",
    log:
        "logs/build_archive.log",
    benchmark:
        "logs/build_archive.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        base=BASE,
        config=lambda wildcards: canonical(archiving.archived_config(run)),
        licences=lambda wildcards: canonical(archiving.licences(run)),
        left_out=lambda wildcards: canonical(archiving.left_out(run)),
        open=lambda wildcards: "" if archiving.closed_corpora(run) else "--open",
        # the sources are part of the archive, and no inputs
        sources=lambda wildcards: sources_sha256(BASE),
        script=f"{SCRIPTS}/build_archive.py",
        code=code("build_archive.py"),
    shell:
        "python {params.script:q} --base {params.base:q} --config {params.config:q} --licences {params.licences:q}"
        " --left-out {params.left_out:q} {params.open} --start {input.start} --products {input.products}"
        " --answers {input.answers} --output {output} > {log} 2>&1 && cat {log}"


if config.get("source"):
    from scaling_ambiguity.reporting.archive.opening import start_files

    START_FILES = or_stop(start_files)(config["source"])
    ITEMS = [folder for folder in run.shown_items() if f"{folder}/items.parquet" in START_FILES]
    SHOWN = [path for path in START_FILES if path.endswith(".html")]
    REST = [path for path in START_FILES if path not in SHOWN and os.path.dirname(path) not in ITEMS]

    rule unpack_archive:
        """Lay out the tables of an archive, every byte of which is verified first."""
        input:
            config["source"],
        output:
            REST,
            [directory(folder) for folder in ITEMS],
            [report(path, caption="../report/notebook.rst", category="Notebooks") for path in SHOWN],
        log:
            "logs/unpack_archive.log",
        benchmark:
            "logs/unpack_archive.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            script=f"{SCRIPTS}/unpack_archive.py",
            code=code("unpack_archive.py"),
        shell:
            "python {params.script:q} --archive {input:q} > {log} 2>&1"

    # What is archived as drawn is not drawn again.
    workflow.ruleorder("unpack_archive", *DRAWING)
