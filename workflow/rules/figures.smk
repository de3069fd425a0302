# Figures and tables: one rule each, named as in the paper. Each figure comes with the data behind it.


STATISTICS_FILES = [
    path
    for kind in (
        *("alignment", "agreement", "bias", "saturation", "shared"),
        *("exchange", "exchange_by_level", "costs", "hypotheses", "evaluation"),
    )
    for path in statistics_of(kind)
]


# The corpora of the run, then those whose votes are replayed as answers.
SHOWN_CORPORA = list(dict.fromkeys([*RUN["corpora"], *replayed_corpora()]))
HEADLINE_LABELS = f"results/labels/{HEADLINE['corpus']}/{HEADLINE['protocol']}"
SIMPLEX_LABELS = next((name for short in RUN["augmented_labels"] for name in expand_labels(short)), "human")
AUGMENTED = [name for name in augmentations_of(HEADLINE["protocol"]) if name != "none"]
HEADLINE_CLASSES = classes(HEADLINE["corpus"])
# The figures and tables whose stage exists in this run; the paper includes the sections that use them.
FIGURES = ["fig_shared_votes", "fig_validity"]
if corpora_with("annotation"):
    FIGURES += [
        "fig_saturation",
        "fig_exchange_rate",
        "fig_exchange_by_level",
        "fig_cost_surface",
        "fig_alignment_by_level",
        "fig_confusion",
        "fig_bias",
    ]
TABLES = ["tab_corpus", "tab_votes_lost", "tab_validity"] + (
    ["tab_agreement", "tab_alignment", "tab_bias", "tab_saturation", "tab_exchange", "tab_hypotheses"]
    if corpora_with("annotation")
    else []
)
if corpora_with("training"):
    FIGURES += ["fig_models_by_level"] + (["fig_simplex"] if AUGMENTED else [])
    TABLES += ["tab_results", "tab_strata"] + (["tab_augmentation"] if AUGMENTED else [])
FIGURE_FILES = [path for name in FIGURES for path in figure_files(name)]
TABLE_FILES = [path for name in TABLES for path in table_files(name)]


rule fig_saturation:
    """Divergence to the human votes against the number of synthetic votes."""
    input:
        statistics=needed("saturation"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_saturation.pdf",
        svg=report("paper/figures/fig_saturation.svg", caption="../report/fig_saturation.rst", category="Figures"),
        data="paper/figures/fig_saturation.csv",
    log:
        "logs/fig_saturation.log",
    benchmark:
        "logs/fig_saturation.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_saturation.py",
        code=code("fig_saturation.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_exchange_rate:
    """The headline: how many human votes the ALM's votes are worth."""
    input:
        statistics=needed("exchange"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_exchange_rate.pdf",
        svg=report("paper/figures/fig_exchange_rate.svg", caption="../report/fig_exchange_rate.rst", category="Figures"),
        data="paper/figures/fig_exchange_rate.csv",
    log:
        "logs/fig_exchange_rate.log",
    benchmark:
        "logs/fig_exchange_rate.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_exchange_rate.py",
        code=code("fig_exchange_rate.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_exchange_by_level:
    """The exchange rate at each level of ambiguity, votes that decide it kept apart."""
    input:
        statistics=needed("exchange_by_level"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_exchange_by_level.pdf",
        svg=report(
            "paper/figures/fig_exchange_by_level.svg",
            caption="../report/fig_exchange_by_level.rst",
            category="Figures",
        ),
        data="paper/figures/fig_exchange_by_level.csv",
    log:
        "logs/fig_exchange_by_level.log",
    benchmark:
        "logs/fig_exchange_by_level.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_exchange_by_level.py",
        code=code("fig_exchange_by_level.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_cost_surface:
    """What human and synthetic votes buy: a score by the number of each, of labels and, if trained, of models."""
    input:
        statistics=needed("costs"),
        models=statistics_of("evaluation") if curve_names() else [],
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_cost_surface.pdf",
        svg=report("paper/figures/fig_cost_surface.svg", caption="../report/fig_cost_surface.rst", category="Figures"),
        data="paper/figures/fig_cost_surface.csv",
    log:
        "logs/fig_cost_surface.log",
    benchmark:
        "logs/fig_cost_surface.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_cost_surface.py",
        code=code("fig_cost_surface.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics} {input.models}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_confusion:
    """What people and the ALM call an utterance of each class (Dawid and Skene)."""
    input:
        statistics=needed("agreement"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_confusion.pdf",
        svg=report(
            "paper/figures/fig_confusion.svg",
            caption="../report/fig_confusion.rst",
            category="Figures",
        ),
        data="paper/figures/fig_confusion.csv",
    log:
        "logs/fig_confusion.log",
    benchmark:
        "logs/fig_confusion.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_confusion.py",
        code=code("fig_confusion.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_bias:
    """Where the ALM departs from people, group by group, and whether it listens."""
    input:
        statistics=needed("bias"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_bias.pdf",
        svg=report(
            "paper/figures/fig_bias.svg",
            caption="../report/fig_bias.rst",
            category="Figures",
        ),
        data="paper/figures/fig_bias.csv",
    log:
        "logs/fig_bias.log",
    benchmark:
        "logs/fig_bias.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_bias.py",
        code=code("fig_bias.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_shared_votes:
    """What shared votes do to a result by level: proxies of known worth, with and without votes set apart."""
    input:
        statistics=needed("shared"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_shared_votes.pdf",
        svg=report(
            "paper/figures/fig_shared_votes.svg",
            caption="../report/fig_shared_votes.rst",
            category="Figures",
        ),
        data="paper/figures/fig_shared_votes.csv",
    log:
        "logs/fig_shared_votes.log",
    benchmark:
        "logs/fig_shared_votes.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_shared_votes.py",
        code=code("fig_shared_votes.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_alignment_by_level:
    """Agreement of the ALM's votes with human votes, by ambiguity level, beside floors and ceilings."""
    input:
        statistics=needed("alignment"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_alignment_by_level.pdf",
        svg=report(
            "paper/figures/fig_alignment_by_level.svg",
            caption="../report/fig_alignment_by_level.rst",
            category="Figures",
        ),
        data="paper/figures/fig_alignment_by_level.csv",
    log:
        "logs/fig_alignment_by_level.log",
    benchmark:
        "logs/fig_alignment_by_level.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_alignment_by_level.py",
        code=code("fig_alignment_by_level.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


rule fig_models_by_level:
    """Fine-tuned models on human, synthetic, combined and control labels, by ambiguity level."""
    input:
        statistics=needed("evaluation"),
        style=f"{PAPER}/paper.mplstyle",
    output:
        figure="paper/figures/fig_models_by_level.pdf",
        svg=report(
            "paper/figures/fig_models_by_level.svg", caption="../report/fig_models_by_level.rst", category="Figures"
        ),
        data="paper/figures/fig_models_by_level.csv",
    log:
        "logs/fig_models_by_level.log",
    benchmark:
        "logs/fig_models_by_level.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_models_by_level.py",
        code=code("fig_models_by_level.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics}"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"


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
        svg=report("paper/figures/fig_simplex.svg", caption="../report/fig_simplex.rst", category="Figures"),
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
        classes=HEADLINE_CLASSES,
        script=f"{SCRIPTS}/fig_simplex.py",
        code=code("fig_simplex.py"),
    shell:
        "python {params.script:q} --labels-table {input.labels} --splits {input.splits} --augmented {input.augmented} --fold 0"
        " --classes {params.classes} --style {input.style:q} --figure {output.figure} --svg {output.svg}"
        " --data {output.data} > {log} 2>&1"
