# Figures: one rule each, named as in the paper, with the data behind it; their inputs are listed in
# reporting/chapters.py of the library.


STATISTICS_FILES = run.statistics()
SHOWN_CORPORA = run.shown_corpora()
HEADLINE_CLASSES = run.classes(HEADLINE["corpus"])


for figure_name, display in FIGURES.items():
    if not display.shows:
        continue

    rule:
        """A figure of estimates."""
        name:
            figure_name
        input:
            statistics=by_wildcards(run.shown_in, display=display),
            models=run.statistics_of("evaluation") if figure_name == "fig_cost_surface" and run.curve_names() else [],
            style=f"{PAPER}/paper.mplstyle",
        output:
            figure=f"paper/figures/{figure_name}.pdf",
            svg=report(f"paper/figures/{figure_name}.svg", caption="../report/caption.rst", category="Figures"),
            data=f"paper/figures/{figure_name}.csv",
        log:
            f"logs/{figure_name}.log",
        benchmark:
            f"logs/{figure_name}.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            name=figure_name,
            caption=run.caption(display),
            proxies=lambda wildcards: canonical(run.proxy_names()),
            names=lambda wildcards: canonical(run.printed_names()),
            script=f"{SCRIPTS}/draw_figure.py",
            code=code("draw_figure.py", display.module),
        shell:
            "python {params.script:q} --name {params.name} --statistics {input.statistics} {input.models}"
            " --proxies {params.proxies:q} --names {params.names:q} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
            " --data {output.data} > {log} 2>&1"

    workflow.get_rule(figure_name).docstring = display.title


rule fig_simplex:
    """The training labels on the simplex before and after every augmentation of the run."""
    input:
        labels=run.label_table(HEADLINE["corpus"], HEADLINE["protocol"], run.shown_labels()),
        splits=run.split_table(HEADLINE["corpus"], HEADLINE["protocol"]),
        augmented=run.shown_items(),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_simplex.pdf",
        svg=report("paper/figures/fig_simplex.svg", caption="../report/caption.rst", category="Figures"),
        data="paper/figures/fig_simplex.csv",
    log:
        "logs/fig_simplex.log",
    benchmark:
        "logs/fig_simplex.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        caption=FIGURES["fig_simplex"].caption,
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_simplex.py",
        code=code("fig_simplex.py"),
    shell:
        "python {params.script:q} --labels-table {input.labels} --splits {input.splits} --augmented {input.augmented} --fold 0"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_validity:
    """Known truths, and how well the exchange rate and the tests recover them."""
    input:
        recovery=RECOVERY,
        type_one=TYPE_ONE,
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_validity.pdf",
        svg=report("paper/figures/fig_validity.svg", caption="../report/caption.rst", category="Figures"),
        data="paper/figures/fig_validity.csv",
    log:
        "logs/fig_validity.log",
    benchmark:
        "logs/fig_validity.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        caption=FIGURES["fig_validity"].caption,
        script=f"{SCRIPTS}/fig_validity.py",
        code=code("fig_validity.py"),
    shell:
        "python {params.script:q} --recovery {input.recovery:q} --type-one {input.type_one:q} --style {input.style:q}"
        " --figure {output.figure} --svg {output.svg} --data {output.data} > {log} 2>&1"
