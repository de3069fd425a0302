# Figures: one rule each, named as in the paper, with the data behind it; their inputs are listed in
# reporting/chapters.py of the library.


STATISTICS_FILES = [path for kind in ESTIMATES if kind != "verdicts" for path in statistics_of(kind)]
# The corpora of the run, then those whose votes are replayed as answers.
SHOWN_CORPORA = list(dict.fromkeys([*RUN["corpora"], *replayed_corpora()]))
HEADLINE_LABELS = f"results/labels/{HEADLINE['corpus']}/{HEADLINE['protocol']}"
SIMPLEX_LABELS = next((name for short in RUN["augmented_labels"] for name in expand_labels(short)), "human")
AUGMENTED = [name for name in augmentations_of(HEADLINE["protocol"]) if name != "none"]
PROXIES = proxies_of_run(config)
HEADLINE_CLASSES = classes(HEADLINE["corpus"])
# The figures and tables whose stage exists in this run; the paper includes the sections that use them.
STAGES_OF_RUN = {"votes"} | {stage for stage in ("annotation", "testtime", "training") if corpora_with(stage)}
STAGES_OF_RUN |= {"augmentation"} if AUGMENTED and "training" in STAGES_OF_RUN else set()
FIGURE_FILES = [path for name in shown(FIGURES, STAGES_OF_RUN) for path in figure_files(name)]
TABLE_FILES = [path for name in shown(TABLES, STAGES_OF_RUN) for path in table_files(name)]


for figure_name, display in FIGURES.items():
    if not display.shows:
        continue

    rule:
        """A figure of estimates."""
        name:
            figure_name
        input:
            statistics=needed(*display.shows),
            models=statistics_of("evaluation") if figure_name == "fig_cost_surface" and curve_names() else [],
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
            caption=filled(display.caption, shared_name(PROXIES)),
            proxies=lambda wildcards: canonical(PROXIES),
            script=f"{SCRIPTS}/draw_figure.py",
            code=code("draw_figure.py", display.module),
        shell:
            "python {params.script:q} --name {params.name} --statistics {input.statistics} {input.models}"
            " --proxies {params.proxies:q} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
            " --data {output.data} > {log} 2>&1"

    workflow.get_rule(figure_name).docstring = display.title


rule fig_simplex:
    """The training labels on the simplex before and after every augmentation of the run."""
    input:
        labels=f"{HEADLINE_LABELS}/{SIMPLEX_LABELS}.parquet",
        splits=f"results/splits/{HEADLINE['corpus']}/{HEADLINE['protocol']}.parquet",
        augmented=[
            f"results/augmented/{HEADLINE['corpus']}/{HEADLINE['protocol']}/{SIMPLEX_LABELS}/{name}/fold-0"
            for name in AUGMENTED
        ],
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
