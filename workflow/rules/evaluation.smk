# Evaluate every model against the same held-out human votes.


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


rule read_predictor:
    """Distributions that somebody computed elsewhere, every line of the table checked."""
    input:
        table=lambda wildcards: from_start(config["predictors"][wildcards.predictor]["table"]),
        utterances="results/corpora/{corpus}/utterances.parquet",
        rejects="results/corpora/{corpus}/rejects.parquet",
    output:
        "results/predictors/{corpus}/{predictor}.parquet",
    log:
        "logs/read_predictor/{corpus}-{predictor}.log",
    benchmark:
        "logs/read_predictor/{corpus}-{predictor}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        classes=lambda wildcards: classes(wildcards.corpus),
        script=f"{SCRIPTS}/read_predictor.py",
        code=code("read_predictor.py"),
    shell:
        "python {params.script:q} --table {input.table:q} --utterances {input.utterances} --rejects {input.rejects}"
        " --classes {params.classes} --output {output} > {log} 2>&1"


rule value_predictors:
    """What annotators, trained models and given tables are worth in human votes: one curve, the same utterances."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        splits="results/splits/{corpus}/{protocol}.parquet",
        annotators=lambda wildcards: [
            path
            for files in valued_files(wildcards)["annotators"].values()
            for path in [files["proxies"], *files["read_out"]]
        ],
        given=lambda wildcards: [*valued_files(wildcards)["given"].values()],
        strategies=lambda wildcards: [*valued_files(wildcards)["strategies"].values()],
        predictions=valued_models,
    output:
        "results/statistics/predictors-{corpus}-{protocol}.parquet",
    log:
        "logs/value_predictors/{corpus}-{protocol}.log",
    benchmark:
        "logs/value_predictors/{corpus}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 250),
        runtime=60,
    params:
        annotators=lambda wildcards: canonical(valued_files(wildcards)["annotators"]),
        given=lambda wildcards: canonical(valued_files(wildcards)["given"]),
        strategies=lambda wildcards, input: (
            f"--strategies {quote(canonical(valued_files(wildcards)['strategies']))}" if input.strategies else ""
        ),
        predictions=lambda wildcards, input: f"--predictions {input.predictions}" if input.predictions else "",
        options=statistics_options("smoothing", "exchange"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/value_predictors.py",
        code=code("value_predictors.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --protocol {wildcards.protocol} --votes {input.votes}"
        " --roles {input.roles} --utterances {input.utterances} --splits {input.splits}"
        " --annotators {params.annotators:q} --given {params.given:q} {params.strategies} {params.predictions} --classes {params.classes}"
        " --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule write_leaderboard:
    """The leaderboard as CSV and parquet."""
    input:
        statistics=needed("predictors"),
    output:
        csv="results/leaderboard.csv",
        parquet="results/leaderboard.parquet",
    log:
        "logs/write_leaderboard.log",
    benchmark:
        "logs/write_leaderboard.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/write_leaderboard.py",
        code=code("write_leaderboard.py"),
    shell:
        "python {params.script:q} --statistics {input.statistics} --csv {output.csv} --parquet {output.parquet}"
        " > {log} 2>&1 && cat {log}"
