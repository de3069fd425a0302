# Every model against the same held-out human votes.


rule evaluate_models:
    """Score every model on the same held-out human votes, its own labels and the truth, with paired differences."""
    input:
        predictions=lambda wildcards: predictions_of(wildcards.corpus, wildcards.protocol),
        labels=lambda wildcards: [
            f"results/labels/{wildcards.corpus}/{wildcards.protocol}/{labels}.parquet" for labels in label_names()
        ],
        votes="results/corpora/{corpus}/votes.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        levels="results/levels/{corpus}/{protocol}.parquet",
        splits="results/splits/{corpus}/{protocol}.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        balanced=balanced_of,
        factors=factors_of,
        truth=truth_of,
    output:
        "results/statistics/evaluation-{corpus}-{protocol}.parquet",
    log:
        "logs/evaluate_models/{corpus}-{protocol}.log",
    benchmark:
        "logs/evaluate_models/{corpus}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 450),
        runtime=60,
    params:
        truth=lambda wildcards, input: f"--truth {input.truth}" if input.truth else "",
        balanced=lambda wildcards, input: f"--balanced {input.balanced}" if input.balanced else "",
        factors=factors_argument,
        options=statistics_options("smoothing", "adjust"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/evaluate_models.py",
        code=code("evaluate_models.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --protocol {wildcards.protocol}"
        " --predictions {input.predictions} --labels-tables {input.labels} --votes {input.votes}"
        " --roles {input.roles} --levels {input.levels} --splits {input.splits} --utterances {input.utterances}"
        " {params.truth} {params.balanced} {params.factors} --classes {params.classes} --options {params.options:q}"
        " --seed {params.seed} --output {output} > {log} 2>&1"


rule test_hypotheses:
    """Test the three hypotheses about synthetic votes: confirmed, negligible, refuted or undecided, on models or on labels."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        levels="results/levels/{corpus}/{protocol}.parquet",
        splits="results/splits/{corpus}/{protocol}.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        predictions=models_of,
    output:
        statistics="results/statistics/hypotheses-{corpus}-{annotator}-{protocol}.parquet",
        verdicts="results/hypotheses/{corpus}-{annotator}-{protocol}.json",
    log:
        "logs/test_hypotheses/{corpus}-{annotator}-{protocol}.log",
    benchmark:
        "logs/test_hypotheses/{corpus}-{annotator}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 450),
        runtime=30,
    params:
        predictions=lambda wildcards, input: f"--predictions {input.predictions}" if input.predictions else "",
        simulated=lambda wildcards: "--simulated" if is_simulated(wildcards.corpus) else "",
        poolings=",".join(RUN["poolings"]),
        options=statistics_options("smoothing", "exchange"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/test_hypotheses.py",
        code=code("test_hypotheses.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --protocol {wildcards.protocol} --votes {input.votes} --proxies {input.proxies} --roles {input.roles}"
        " --levels {input.levels} --splits {input.splits} --utterances {input.utterances} {params.predictions}"
        " {params.simulated} --poolings {params.poolings} --classes {params.classes} --options {params.options:q}"
        " --seed {params.seed} --output {output.statistics} --verdicts {output.verdicts} > {log} 2>&1"
