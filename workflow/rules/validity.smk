# Do the intervals cover? Simulated corpora with a known truth; the study at full size is part of the project's data.

VALIDITY, TYPE_ONE, RECOVERY = (f"{PINS}/{name}.csv" for name in ("validity", "type_one", "recovery"))


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
        cells=expand(rules.validate_cell.output, cell=[design.name for design in designs()]),
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


rule validate_tests:
    """Type I error and power of every test at full size, minutes: simulated differences."""
    output:
        "results/validity/type_one.csv",
    log:
        "logs/validate_tests.log",
    benchmark:
        "logs/validate_tests.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        seed=SEED,
        script=f"{SCRIPTS}/validate_tests.py",
        code=code("validate_tests.py"),
    shell:
        "python {params.script:q} --cells g5_h30_c4_n5 g12_h30_c4_n5 g24_h30_c4_n5 g91_h30_c4_n5 --corpora 4000"
        " --resamples 1000 --seed {params.seed} --output {output} > {log} 2>&1"


rule validate_recovery:
    """The exchange rate against known worths at full size, half an hour."""
    output:
        "results/validity/recovery.csv",
    log:
        "logs/validate_recovery.log",
    benchmark:
        "logs/validate_recovery.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        seed=SEED,
        script=f"{SCRIPTS}/validate_recovery.py",
        code=code("validate_recovery.py"),
    shell:
        "python {params.script:q} --speakers 12 24 91 --corpora 240 240 160"
        " --resamples 1000 --seed {params.seed} --output {output} > {log} 2>&1"
