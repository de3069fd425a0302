# Do the intervals cover? Simulated corpora with a known truth; the study at full size is data of the project.

VALIDITY = f"{PINS}/validity.csv"


rule validate_cell:
    """Measure the coverage of nominal intervals over simulated corpora of one design."""
    output:
        "results/validity/cells/{cell}.csv",
    log:
        "logs/validate_cell/{cell}.log",
    benchmark:
        "logs/validate_cell/{cell}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        seed=SEED,
        script=f"{SCRIPTS}/validate_cell.py",
        code=code("validate_cell.py"),
    shell:
        "python {params.script:q} --cell {wildcards.cell} --corpora 2000 --resamples 2000 --seed {params.seed}"
        " --output {output} > {log} 2>&1"


rule validate_statistics:
    """The coverage study at full size, minutes on two cores: which interval holds in which design."""
    input:
        cells=[f"results/validity/cells/{design.name}.csv" for design in designs()],
    output:
        "results/validity/coverage.csv",
    log:
        "logs/validate_statistics.log",
    benchmark:
        "logs/validate_statistics.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/validate_statistics.py",
        code=code("validate_statistics.py"),
    shell:
        "python {params.script:q} --cells {input.cells} --output {output} > {log} 2>&1"


rule tab_validity:
    """Coverage of nominal 95 % intervals by method and design, and in the design of this run."""
    input:
        study=VALIDITY,
        own=own_cell(),
    output:
        table="paper/tables/tab_validity.tex",
        data=report("paper/tables/tab_validity.csv", caption="../report/tab_validity.rst", category="Tables"),
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
        script=f"{SCRIPTS}/tab_validity.py",
        code=code("tab_validity.py"),
    shell:
        "python {params.script:q} --study {input.study:q} --own {input.own} --table {output.table}"
        " --data {output.data} > {log} 2>&1"
