# The tables of the paper, as LaTeX and CSV. What they share with the figures, and the list TABLES, is in figures.smk.


rule tab_corpus:
    """The corpora: utterances, speakers, votes and what was left out."""
    input:
        utterances=expand("results/corpora/{corpus}/utterances.parquet", corpus=SHOWN_CORPORA),
        votes=expand("results/corpora/{corpus}/votes.parquet", corpus=SHOWN_CORPORA),
        rejects=expand("results/corpora/{corpus}/rejects.parquet", corpus=SHOWN_CORPORA),
    output:
        table="paper/tables/tab_corpus.tex",
        data=report("paper/tables/tab_corpus.csv", caption="../report/tab_corpus.rst", category="Tables"),
    log:
        "logs/tab_corpus.log",
    benchmark:
        "logs/tab_corpus.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        corpora=",".join(SHOWN_CORPORA),
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/tab_corpus.py",
        code=code("tab_corpus.py"),
    shell:
        "python {params.script:q} --corpora {params.corpora} --utterances {input.utterances}"
        " --votes {input.votes} --rejects {input.rejects} --classes {params.classes}"
        " --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_votes_lost:
    """Utterances and votes found, kept and lost in each corpus, by reason."""
    input:
        audits=expand("results/corpora/{corpus}/audit.json", corpus=SHOWN_CORPORA),
    output:
        table="paper/tables/tab_votes_lost.tex",
        data=report("paper/tables/tab_votes_lost.csv", caption="../report/tab_votes_lost.rst", category="Tables"),
    log:
        "logs/tab_votes_lost.log",
    benchmark:
        "logs/tab_votes_lost.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        corpora=",".join(SHOWN_CORPORA),
        script=f"{SCRIPTS}/tab_votes_lost.py",
        code=code("tab_votes_lost.py"),
    shell:
        "python {params.script:q} --corpora {params.corpora} --audits {input.audits}"
        " --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_alignment:
    """Alignment of synthetic with human votes, with floors, ceilings and intervals."""
    input:
        statistics=needed("alignment"),
    output:
        table="paper/tables/tab_alignment.tex",
        data=report("paper/tables/tab_alignment.csv", caption="../report/tab_alignment.rst", category="Tables"),
    log:
        "logs/tab_alignment.log",
    benchmark:
        "logs/tab_alignment.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/tab_alignment.py",
        code=code("tab_alignment.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics} --classes {params.classes}"
        " --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_bias:
    """Where the ALM departs from people: labels, groups, what it hears, what its votes vary with."""
    input:
        statistics=needed("bias"),
    output:
        table="paper/tables/tab_bias.tex",
        data=report("paper/tables/tab_bias.csv", caption="../report/tab_bias.rst", category="Tables"),
    log:
        "logs/tab_bias.log",
    benchmark:
        "logs/tab_bias.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/tab_bias.py",
        code=code("tab_bias.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_saturation:
    """The divergence by the number of synthetic votes, its limit, and what was published for it."""
    input:
        statistics=needed("saturation"),
    output:
        table="paper/tables/tab_saturation.tex",
        data=report("paper/tables/tab_saturation.csv", caption="../report/tab_saturation.rst", category="Tables"),
    log:
        "logs/tab_saturation.log",
    benchmark:
        "logs/tab_saturation.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/tab_saturation.py",
        code=code("tab_saturation.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_exchange:
    """What synthetic votes are worth in human votes: pooled, weighted, calibrated, and beside human votes."""
    input:
        statistics=needed("exchange"),
        by_level=needed("exchange_by_level"),
    output:
        table="paper/tables/tab_exchange.tex",
        data=report("paper/tables/tab_exchange.csv", caption="../report/tab_exchange.rst", category="Tables"),
    log:
        "logs/tab_exchange.log",
    benchmark:
        "logs/tab_exchange.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/tab_exchange.py",
        code=code("tab_exchange.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics} {input.by_level}"
        " --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_agreement:
    """Agreement of people, with and without the synthetic rater; the alternative annotator test."""
    input:
        statistics=needed("agreement"),
    output:
        table="paper/tables/tab_agreement.tex",
        data=report("paper/tables/tab_agreement.csv", caption="../report/tab_agreement.rst", category="Tables"),
    log:
        "logs/tab_agreement.log",
    benchmark:
        "logs/tab_agreement.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/tab_agreement.py",
        code=code("tab_agreement.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics} --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_hypotheses:
    """The three hypotheses about synthetic votes, with their verdicts."""
    input:
        verdicts=needed("verdicts"),
    output:
        table="paper/tables/tab_hypotheses.tex",
        data=report("paper/tables/tab_hypotheses.csv", caption="../report/tab_hypotheses.rst", category="Tables"),
    log:
        "logs/tab_hypotheses.log",
    benchmark:
        "logs/tab_hypotheses.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/tab_hypotheses.py",
        code=code("tab_hypotheses.py"),
    shell:
        "python {params.script:q} --verdicts {input.verdicts} --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_results:
    """Fine-tuned models against the same held-out human votes."""
    input:
        statistics=needed("evaluation"),
    output:
        table="paper/tables/tab_results.tex",
        data=report("paper/tables/tab_results.csv", caption="../report/tab_results.rst", category="Tables"),
    log:
        "logs/tab_results.log",
    benchmark:
        "logs/tab_results.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/tab_results.py",
        code=code("tab_results.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics} --classes {params.classes}"
        " --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_strata:
    """Fine-tuned models on a balanced split of the test utterances, by class and by the corpus' factors."""
    input:
        statistics=needed("evaluation"),
    output:
        table="paper/tables/tab_strata.tex",
        data=report("paper/tables/tab_strata.csv", caption="../report/tab_strata.rst", category="Tables"),
    log:
        "logs/tab_strata.log",
    benchmark:
        "logs/tab_strata.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/tab_strata.py",
        code=code("tab_strata.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics} --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_augmentation:
    """The training part of the first fold by class and bin, before and after every augmentation."""
    input:
        labels=f"{HEADLINE_LABELS}/{SIMPLEX_LABELS}.parquet",
        splits=f"results/splits/{HEADLINE['corpus']}/{HEADLINE['protocol']}.parquet",
        augmented=[
            f"results/augmented/{HEADLINE['corpus']}/{HEADLINE['protocol']}/{SIMPLEX_LABELS}/{name}/fold-0"
            for name in AUGMENTED
        ],
    output:
        table="paper/tables/tab_augmentation.tex",
        data=report("paper/tables/tab_augmentation.csv", caption="../report/tab_augmentation.rst", category="Tables"),
    log:
        "logs/tab_augmentation.log",
    benchmark:
        "logs/tab_augmentation.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/tab_augmentation.py",
        code=code("tab_augmentation.py"),
    shell:
        "python {params.script:q} --labels-table {input.labels} --splits {input.splits} --augmented {input.augmented}"
        " --fold 0 --classes {params.classes} --table {output.table} --data {output.data} > {log} 2>&1"
