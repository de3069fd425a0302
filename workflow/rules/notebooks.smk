# The statistical validation, for reviewers: executed notebooks and their verdicts.

NOTEBOOK_NAMES = ["votes_and_agreement", "alignment", "exchange_rate", "validity"]
SHOWN_SUBMISSIONS = run.submissions_about(HEADLINE["corpus"])  # what the notebook on strategies looks into
NOTEBOOK_NAMES += ["strategies"] if SHOWN_SUBMISSIONS else []
SHOWN_SYSTEMS = run.systems_on(HEADLINE["corpus"])  # what the notebook on AmbER2 compares
NOTEBOOK_NAMES += ["amber2"] if SHOWN_SYSTEMS else []
NOTEBOOK_FILES = expand(
    "results/notebooks/{notebook}.{ending}", notebook=NOTEBOOK_NAMES, ending=["ipynb", "html", "verdict.json"]
)


rule execute_notebook:
    """Execute a notebook on the results; it states verdicts and never fails on them."""
    input:
        notebook=f"{NOTEBOOKS}/{{notebook}}.ipynb",
        statistics=STATISTICS_FILES,
        corpora=expand(
            "results/corpora/{corpus}/{table}.parquet", corpus=RUN["corpora"], table=["utterances", "votes", "rejects"]
        ),
        audits=expand(rules.screen_corpus.output.audit, corpus=RUN["corpora"]),
        levels=expand(rules.assign_levels.output.levels, corpus=RUN["corpora"], protocol=RUN["protocols"]),
        verdicts=run.statistics_of("verdicts"),
        raw=[path for corpus in RUN["corpora"] for path in run.made_here(corpus)],
        predictions=run.all_predictions(),
        submissions=expand(
            "results/testtime/{submission}/{file}",
            submission=SHOWN_SUBMISSIONS,
            file=["submission/manifest.json", "submission/candidates.jsonl.gz", "scores.parquet", "strategies.csv"],
        ),
    output:
        ipynb="results/notebooks/{notebook}.ipynb",
        html=report("results/notebooks/{notebook}.html", caption="../report/notebook.rst", category="Notebooks"),
        verdict="results/notebooks/{notebook}.verdict.json",
    log:
        "logs/execute_notebook/{notebook}.log",
    benchmark:
        "logs/execute_notebook/{notebook}.tsv"
    conda:
        "../../envs/notebook_torch.yaml" if SHOWN_SYSTEMS else "../../envs/notebook.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        parameters=canonical(
            {
                "headline": HEADLINE,
                "classes": config["corpora"][HEADLINE["corpus"]]["classes"],
                "statistics": config["statistics"],
                "seed": SEED,
                "trained": run.trained(HEADLINE["corpus"], HEADLINE["protocol"]),
            }
            | ({"submissions": SHOWN_SUBMISSIONS, "synonyms": run.prompt_set("synonyms")} if SHOWN_SUBMISSIONS else {})
            | ({"systems": SHOWN_SYSTEMS} if SHOWN_SYSTEMS else {})
        ),
        script=f"{SCRIPTS}/execute_notebook.py",
        code=code(
            "execute_notebook.py",
            "reporting.review",
            "inference.crossed",
            "metrics.divergences",
            "labels.levels",
            *(["testtime.submission", "testtime.oracle"] if SHOWN_SUBMISSIONS else []),
            *(["amber2.losses", "training.losses"] if SHOWN_SYSTEMS else []),
        ),
    shell:
        "python {params.script:q} --notebook {input.notebook:q} --parameters {params.parameters:q}"
        " --ipynb {output.ipynb} --html {output.html} --verdict {output.verdict} > {log} 2>&1"


rule index_notebooks:
    """The index of the executed notebooks, with badges of their verdicts, failed ones too."""
    input:
        notebooks=expand("results/notebooks/{notebook}.ipynb", notebook=NOTEBOOK_NAMES),
        verdicts=expand("results/notebooks/{notebook}.verdict.json", notebook=NOTEBOOK_NAMES),
    output:
        "results/notebooks/index.html",
    log:
        "logs/index_notebooks.log",
    benchmark:
        "logs/index_notebooks.tsv"
    conda:
        "../../envs/driver.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        script=f"{SCRIPTS}/index_notebooks.py",
        code=code("index_notebooks.py"),
    shell:
        "python {params.script:q} --notebooks {input.notebooks} --verdicts {input.verdicts} --output {output}"
        " > {log} 2>&1"


rule check_verdicts:
    """Gate the paper: every gating verdict of every notebook has to hold."""
    input:
        verdicts=expand("results/notebooks/{notebook}.verdict.json", notebook=NOTEBOOK_NAMES),
    output:
        "results/verdicts.json",
    log:
        "logs/check_verdicts.log",
    benchmark:
        "logs/check_verdicts.tsv"
    conda:
        "../../envs/driver.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        script=f"{SCRIPTS}/check_verdicts.py",
        code=code("check_verdicts.py"),
    shell:
        "python {params.script:q} --verdicts {input.verdicts} --output {output} > {log} 2>&1"
