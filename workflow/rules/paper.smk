# Numbers, the PDF and the report.
TRAINED, STRATEGIES = bool(run.corpora_with("training")), bool(run.corpora_with("testtime"))
OPTIONAL = {"strategies": STRATEGIES, "models": TRAINED}  # paragraphs of the paper
SECTIONS = [
    "introduction",
    "method",
    "results",
    *(name for name, there in OPTIONAL.items() if there),
    "related",
    "limits",
]
RESULTS = {"results_strategies": STRATEGIES, "results_models": TRAINED, "results_conflict": run.has_conflict()}
SUPPLEMENT = ["data", "method", "results_votes", *(name for name, there in RESULTS.items() if there)]
SUPPLEMENT += ["results_hypotheses", "validity", "procedures"]
PAPER_SOURCES = [f"{PAPER}/{name}" for name in ("main.tex", "supplement.tex", "refs.bib")]
PAPER_SOURCES += [f"{PAPER}/sections/{name}.tex" for name in SECTIONS]
PAPER_SOURCES += [f"{PAPER}/supplement/{name}.tex" for name in SUPPLEMENT]
NUMBER_MODULES = sorted({name.partition(":")[0] for one in ESTIMATES.values() for name in one.numbers})


rule write_numbers:
    """Every number of the text as a keyed macro, with file, column, n and interval in numbers.json."""
    input:
        statistics=STATISTICS_FILES,
        heldout=run.heldout_scores(),
        member=run.member_scores(),
        votes=expand(rules.screen_corpus.output.votes, **HEADLINE),
        utterances=expand(rules.screen_corpus.output.utterances, **HEADLINE),
        rejects=expand(rules.screen_corpus.output.rejects, **HEADLINE),
        audit=expand(rules.screen_corpus.output.audit, **HEADLINE),
        leakage=expand(rules.report_leakage.output, corpus=RUN["corpora"], protocol=RUN["protocols"]),
        verdicts=run.statistics_of("verdicts"),
        status=run.headline_answers("status"),
        draws=run.headline_answers("draws"),
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
        " --votes {input.votes} --utterances {input.utterances} --rejects {input.rejects} --audit {input.audit}"
        " --verdicts {input.verdicts} --leakage {input.leakage} --proxies-status {input.status}"
        " --proxies-draws {input.draws} --config {params.config:q} --numbers {output.numbers} --provenance {output.provenance} > {log} 2>&1"


rule build_paper:
    """The paper and its supplement as PDFs, from their sources and the figures, tables and numbers of this run."""
    input:
        sources=PAPER_SOURCES,
        figures=run.figure_files(),
        tables=run.table_files(),
        numbers=str(rules.write_numbers.output.numbers),  # as text: an archive may hold it
        verdicts=rules.check_verdicts.output[0],
    output:
        paper=report("paper/main.pdf", caption="../report/paper.rst", category="Paper"),
        supplement=report("paper/supplement.pdf", caption="../report/supplement.rst", category="Paper"),
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
        more=",".join(SUPPLEMENT),
        votes=run.shared_proxy_name(),
        sources=lambda wildcards, input: os.path.dirname(input.sources[0]),
        script=f"{SCRIPTS}/build_paper.py",
        code=code("build_paper.py"),
    shell:
        "python {params.script:q} --sources {params.sources:q} --figures {input.figures}"
        " --tables {input.tables} --votes {params.votes:q} --numbers {input.numbers} --sections {params.sections}"
        " --supplement-sections {params.more} --output {output.paper} --supplement {output.supplement} > {log} 2>&1"


localrules:
    build_report,


rule build_report:
    """The report for reviewers: every figure, table and notebook with its caption and the code that made it."""
    input:
        papers=rules.build_paper.output,
        numbers=str(rules.write_numbers.output.provenance),
        figures=run.figure_files(),
        tables=run.table_files(),
        notebooks=NOTEBOOK_FILES,
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
        captions=lambda wildcards: canonical(run.captions()),
        simulated="--simulated" if run.is_simulated(HEADLINE["corpus"]) else "",
        snakefile=f"{BASE}/Snakefile",
        script=f"{SCRIPTS}/build_report.py",
        code=code("build_report.py"),
    shell:
        "python {params.script:q} --snakefile {params.snakefile:q} --config {params.config:q}"
        " --captions {params.captions:q} {params.simulated} --papers {input.papers} --numbers {input.numbers}"
        " --figures {input.figures} --tables {input.tables} --notebooks {input.notebooks}"
        " --target {input.papers[0]} --output {output} > {log} 2>&1"


rule build_explorer:
    """The listening page: every utterance with its sound, votes, distributions and answers; opens from disk."""
    input:
        files=run.explored_files(),
        page=[f"{PINS}/explorer/{name}" for name in (EXPLORER_PAGE, *EXPLORER_OWN)],
    output:
        page="results/explorer/index.html",
        data=directory("results/explorer/data"),
        lib=directory("results/explorer/lib"),
    log:
        "logs/build_explorer.log",
    benchmark:
        "logs/build_explorer.tsv"
    conda:
        "../../envs/explorer.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 100),
        runtime=60,
    params:
        corpora=lambda wildcards: canonical({corpus: run.explored(corpus) for corpus in RUN["corpora"]}),
        template=lambda wildcards, input: os.path.dirname(input.page[0]),
        title=config["paper"]["title"],
        of_run=RUN["name"],
        level=config["statistics"]["level"],
        script=f"{SCRIPTS}/build_explorer.py",
        code=code("build_explorer.py"),
    shell:
        "python {params.script:q} --corpora {params.corpora:q} --template {params.template:q} --title {params.title:q}"
        " --name {params.of_run:q} --level {params.level} --page {output.page} --data {output.data} --lib {output.lib}"
        " > {log} 2>&1"
