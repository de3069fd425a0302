# The statistical validation, for reviewers: executed notebooks and their verdicts.

SHOWN_SUBMISSIONS = submissions_about(HEADLINE["corpus"])  # what the notebook on strategies looks into
NOTEBOOK_NAMES = ["votes_and_agreement", "alignment", "exchange_rate", "validity"]
NOTEBOOK_NAMES += ["strategies"] if SHOWN_SUBMISSIONS else []
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
        audits=expand("results/corpora/{corpus}/audit.json", corpus=RUN["corpora"]),
        levels=expand("results/levels/{corpus}/{protocol}.parquet", corpus=RUN["corpora"], protocol=RUN["protocols"]),
        verdicts=statistics_of("verdicts"),
        submissions=expand(
            "results/testtime/{submission}/{file}",
            submission=SHOWN_SUBMISSIONS,
            file=["submission/manifest.json", "submission/candidates.jsonl.gz", "scores.parquet", "strategies.csv"],
        ),
        raw=[
            f"{corpus_root(corpus)}/{name}.csv"
            for corpus in RUN["corpora"]
            if is_simulated(corpus)
            for name in ("utterances", "votes")
        ],
        predictions=[
            path
            for corpus in corpora_with("training")
            for protocol in RUN["protocols"]
            for path in predictions_of(corpus, protocol)
        ],
    output:
        ipynb="results/notebooks/{notebook}.ipynb",
        html=report("results/notebooks/{notebook}.html", caption="../report/notebook.rst", category="Notebooks"),
        verdict="results/notebooks/{notebook}.verdict.json",
    log:
        "logs/execute_notebook/{notebook}.log",
    benchmark:
        "logs/execute_notebook/{notebook}.tsv"
    conda:
        "../../envs/notebook.yaml"
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
            }
            | ({"submissions": SHOWN_SUBMISSIONS, "synonyms": f"{PROMPTS}/synonyms.yaml"} if SHOWN_SUBMISSIONS else {})
        ),
        script=f"{SCRIPTS}/execute_notebook.py",
        code=code(
            "execute_notebook.py",
            "reporting.review",
            "inference.crossed",
            "metrics.divergences",
            "labels.levels",
            *(["testtime.submission", "testtime.oracle"] if SHOWN_SUBMISSIONS else []),
        ),
    shell:
        "python {params.script:q} --notebook {input.notebook:q} --parameters {params.parameters:q}"
        " --ipynb {output.ipynb} --html {output.html} --verdict {output.verdict} > {log} 2>&1"


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
