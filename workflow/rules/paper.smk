# Numbers, the PDF and the report.
ANNOTATED = bool(corpora_with("annotation"))
MODELS = ["results_models"] if corpora_with("training") else []
STRATEGIES = ["results_strategies"] if corpora_with("testtime") else []
SECTIONS = [
    "introduction",
    "method",
    "data",
    "results_votes",
    *STRATEGIES,
    *MODELS,
    "results_hypotheses",
    "limits",
    "validity",
]
HEADLINE_ALM = config["annotators"][HEADLINE["annotator"]]["alm"]
PAPER_SOURCES = [f"{PAPER}/main.tex", f"{PAPER}/refs.bib"] + [f"{PAPER}/sections/{name}.tex" for name in SECTIONS]
NUMBER_MODULES = sorted({name.partition(":")[0] for one in ESTIMATES.values() for name in one.numbers})


rule write_numbers:
    """Every number of the text as a keyed macro, with file, column, n and interval in numbers.json."""
    input:
        statistics=STATISTICS_FILES,
        heldout=(
            f"results/models/{HEADLINE_ALM}/heldout.json"
            if "utterances" in config["alms"][HEADLINE_ALM].get("trained_on", {})
            else []
        ),
        member=f"results/models/{HEADLINE_ALM}/fold-0.json" if is_cross_fitted(HEADLINE_ALM) else [],
        votes=f"results/corpora/{HEADLINE['corpus']}/votes.parquet",
        utterances=f"results/corpora/{HEADLINE['corpus']}/utterances.parquet",
        rejects=f"results/corpora/{HEADLINE['corpus']}/rejects.parquet",
        leakage=expand(
            "results/splits/{corpus}/{protocol}.leakage.csv", corpus=RUN["corpora"], protocol=RUN["protocols"]
        ),
        verdicts=statistics_of("verdicts"),
        status=f"results/proxies/{HEADLINE['corpus']}/{HEADLINE['annotator']}/status.csv" if ANNOTATED else [],
        draws=f"results/proxies/{HEADLINE['corpus']}/{HEADLINE['annotator']}/draws.csv" if ANNOTATED else [],
    output:
        numbers="paper/numbers.tex",
        provenance=report("paper/numbers.json", caption="../report/numbers.rst", category="Numbers"),
    log:
        "logs/write_numbers.log",
    benchmark:
        "logs/write_numbers.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        config=lambda wildcards: canonical(config),
        script=f"{SCRIPTS}/write_numbers.py",
        code=code("write_numbers.py", *NUMBER_MODULES),
    shell:
        "python {params.script:q} --statistics {input.statistics} --heldout {input.heldout}"
        " --member {input.member}"
        " --votes {input.votes} --utterances {input.utterances} --rejects {input.rejects}"
        " --verdicts {input.verdicts} --leakage {input.leakage} --proxies-status {input.status}"
        " --proxies-draws {input.draws} --config {params.config:q} --numbers {output.numbers} --provenance {output.provenance} > {log} 2>&1"


rule build_paper:
    """The paper as PDF, from its sources and the figures, tables and numbers of this run."""
    input:
        sources=PAPER_SOURCES,
        figures=FIGURE_FILES,
        tables=TABLE_FILES,
        numbers="paper/numbers.tex",
        verdicts="results/verdicts.json",
    output:
        report("paper/main.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        "logs/build_paper.log",
    benchmark:
        "logs/build_paper.tsv"
    conda:
        "../../envs/latex.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        sections=",".join(SECTIONS),
        votes=shared_name(PROXIES),
        sources=lambda wildcards, input: os.path.dirname(input.sources[0]),
        script=f"{SCRIPTS}/build_paper.py",
        code=code("build_paper.py"),
    shell:
        "python {params.script:q} --sources {params.sources:q} --figures {input.figures}"
        " --tables {input.tables} --votes {params.votes:q} --numbers {input.numbers} --sections {params.sections}"
        " --output {output} > {log} 2>&1"


localrules:
    build_report,


rule build_report:
    """The report for reviewers: every figure, table and notebook with its caption and the code that made it."""
    input:
        "paper/main.pdf",
        "paper/numbers.json",
        FIGURE_FILES,
        TABLE_FILES,
        NOTEBOOK_FILES,
    output:
        "results/report.zip",
    log:
        "logs/build_report.log",
    benchmark:
        "logs/build_report.tsv"
    conda:
        "../../envs/driver.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        config=lambda wildcards: canonical(config),
        snakefile=f"{BASE}/Snakefile",
        script=f"{SCRIPTS}/build_report.py",
        code=code("build_report.py"),
    shell:
        "python {params.script:q} --snakefile {params.snakefile:q} --config {params.config:q}"
        " --target paper/main.pdf --output {output} > {log} 2>&1"
