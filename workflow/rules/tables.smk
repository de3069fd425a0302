# The tables of the paper, as LaTeX and CSV. What they share with the figures is in figures.smk.


for table_name, display in TABLES.items():
    if not display.shows:
        continue

    rule:
        """A table of estimates."""
        name:
            table_name
        input:
            statistics=by_wildcards(run.shown_in, display=display),
        output:
            table=f"paper/tables/{table_name}.tex",
            data=report(f"paper/tables/{table_name}.csv", caption="../report/caption.rst", category="Tables"),
        log:
            f"logs/{table_name}.log",
        benchmark:
            f"logs/{table_name}.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            name=table_name,
            caption=run.caption(display),
            proxies=lambda wildcards: canonical(run.proxy_names()),
            names=lambda wildcards: canonical(run.printed_names()),
            classes=f"--classes {HEADLINE_CLASSES}" if display.classes else "",
            script=f"{SCRIPTS}/write_table.py",
            code=code("write_table.py", display.module),
        shell:
            "python {params.script:q} --name {params.name} --statistics {input.statistics} {params.classes}"
            " --proxies {params.proxies:q} --names {params.names:q} --table {output.table} --data {output.data} > {log} 2>&1"

    workflow.get_rule(table_name).docstring = display.title


rule tab_corpus:
    """The corpora: utterances, speakers, votes and what was left out."""
    input:
        utterances=expand(rules.screen_corpus.output.utterances, corpus=SHOWN_CORPORA),
        votes=expand(rules.screen_corpus.output.votes, corpus=SHOWN_CORPORA),
        rejects=expand(rules.screen_corpus.output.rejects, corpus=SHOWN_CORPORA),
    output:
        table="paper/tables/tab_corpus.tex",
        data=report("paper/tables/tab_corpus.csv", caption="../report/caption.rst", category="Tables"),
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
        caption=TABLES["tab_corpus"].caption,
        names=lambda wildcards: canonical(run.printed_names()),
        corpora=",".join(SHOWN_CORPORA),
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/tab_corpus.py",
        code=code("tab_corpus.py"),
    shell:
        "python {params.script:q} --corpora {params.corpora} --utterances {input.utterances}"
        " --votes {input.votes} --rejects {input.rejects} --classes {params.classes}"
        " --names {params.names:q} --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_votes_lost:
    """Utterances and votes found, kept and lost in each corpus, by reason."""
    input:
        audits=expand(rules.screen_corpus.output.audit, corpus=SHOWN_CORPORA),
    output:
        table="paper/tables/tab_votes_lost.tex",
        data=report("paper/tables/tab_votes_lost.csv", caption="../report/caption.rst", category="Tables"),
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
        caption=TABLES["tab_votes_lost"].caption,
        names=lambda wildcards: canonical(run.printed_names()),
        corpora=",".join(SHOWN_CORPORA),
        script=f"{SCRIPTS}/tab_votes_lost.py",
        code=code("tab_votes_lost.py"),
    shell:
        "python {params.script:q} --corpora {params.corpora} --audits {input.audits}"
        " --names {params.names:q} --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_settings:
    """Settings and amounts of the run: what was asked, trained and resampled."""
    input:
        answers=run.answers_of_settings(),
    output:
        table="paper/tables/tab_settings.tex",
        data=report("paper/tables/tab_settings.csv", caption="../report/caption.rst", category="Tables"),
    log:
        "logs/tab_settings.log",
    benchmark:
        "logs/tab_settings.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        caption=TABLES["tab_settings"].caption,
        names=lambda wildcards: canonical(run.printed_names()),
        settings=canonical(run.settings()),
        script=f"{SCRIPTS}/tab_settings.py",
        code=code("tab_settings.py"),
    shell:
        "python {params.script:q} --settings {params.settings:q} --answers {input.answers}"
        " --names {params.names:q} --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_hypotheses:
    """The three hypotheses about synthetic votes, with their verdicts."""
    input:
        verdicts=by_wildcards(run.needed, kinds=["verdicts"]),
    output:
        table="paper/tables/tab_hypotheses.tex",
        data=report("paper/tables/tab_hypotheses.csv", caption="../report/caption.rst", category="Tables"),
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
        caption=TABLES["tab_hypotheses"].caption,
        names=lambda wildcards: canonical(run.printed_names()),
        script=f"{SCRIPTS}/tab_hypotheses.py",
        code=code("tab_hypotheses.py"),
    shell:
        "python {params.script:q} --verdicts {input.verdicts} --names {params.names:q} --table {output.table}"
        " --data {output.data} > {log} 2>&1"


rule tab_augmentation:
    """The training part of the first fold by class and bin, before and after every augmentation."""
    input:
        labels=run.label_table(HEADLINE["corpus"], HEADLINE["protocol"], run.shown_labels()),
        splits=run.split_table(HEADLINE["corpus"], HEADLINE["protocol"]),
        augmented=run.shown_items(),
    output:
        table="paper/tables/tab_augmentation.tex",
        data=report("paper/tables/tab_augmentation.csv", caption="../report/caption.rst", category="Tables"),
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
        caption=TABLES["tab_augmentation"].caption,
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/tab_augmentation.py",
        code=code("tab_augmentation.py"),
    shell:
        "python {params.script:q} --labels-table {input.labels} --splits {input.splits} --augmented {input.augmented}"
        " --fold 0 --classes {params.classes} --table {output.table} --data {output.data} > {log} 2>&1"


rule tab_validity:
    """Coverage of nominal 95 % intervals by method and design, and in the design of this run."""
    input:
        study=VALIDITY,
        own=run.headline_cell(),
    output:
        table="paper/tables/tab_validity.tex",
        data=report("paper/tables/tab_validity.csv", caption="../report/caption.rst", category="Tables"),
    log:
        "logs/tab_validity.log",
    benchmark:
        "logs/tab_validity.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        caption=TABLES["tab_validity"].caption,
        script=f"{SCRIPTS}/tab_validity.py",
        code=code("tab_validity.py"),
    shell:
        "python {params.script:q} --study {input.study:q} --own {input.own} --table {output.table}"
        " --data {output.data} > {log} 2>&1"
