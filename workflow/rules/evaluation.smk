# Evaluate every model against the same held-out human votes.


rule evaluate_models:
    """Score every model on the same held-out human votes, its own labels and the truth, with paired differences."""
    input:
        predictions=by_wildcards(run.predictions),
        labels=by_wildcards(run.label_tables),
        votes=rules.screen_corpus.output.votes,
        roles=rules.deal_roles.output[0],
        levels=rules.assign_levels.output.levels,
        splits=rules.split_corpus.output[0],
        utterances=rules.screen_corpus.output.utterances,
        balanced=by_wildcards(run.balanced_of),
        factors=by_wildcards(run.factors_of),
        conflict=by_wildcards(run.conflict_of),
        truth=by_wildcards(run.truth_of),
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
        truth=flag("truth"),
        balanced=flag("balanced"),
        factors=named_factors,
        conflict=named_conflict,
        options=canonical(run.statistics_options("smoothing", "adjust")),
        classes=by_wildcards(run.classes),
        seed=SEED,
        script=f"{SCRIPTS}/evaluate_models.py",
        code=code("evaluate_models.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --protocol {wildcards.protocol}"
        " --predictions {input.predictions} --labels-tables {input.labels} --votes {input.votes}"
        " --roles {input.roles} --levels {input.levels} --splits {input.splits} --utterances {input.utterances}"
        " {params.truth} {params.balanced} {params.factors} {params.conflict} --classes {params.classes} --options {params.options:q}"
        " --seed {params.seed} --output {output} > {log} 2>&1"


rule test_hypotheses:
    """Test the three hypotheses about synthetic votes: confirmed, negligible, refuted or undecided, on models or on labels."""
    input:
        votes=rules.screen_corpus.output.votes,
        proxies=files.PROXIES,
        roles=rules.deal_roles.output[0],
        levels=rules.assign_levels.output.levels,
        splits=rules.split_corpus.output[0],
        utterances=rules.screen_corpus.output.utterances,
        predictions=by_wildcards(run.models_of),
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
        predictions=flag("predictions"),
        simulated=lambda wildcards: "--simulated" if run.is_simulated(wildcards.corpus) else "",
        poolings=",".join(RUN["poolings"]),
        options=canonical(run.statistics_options("smoothing", "exchange")),
        classes=by_wildcards(run.classes),
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
        table=by_wildcards(run.predictor_table),
        utterances=rules.screen_corpus.output.utterances,
        rejects=rules.screen_corpus.output.rejects,
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
        classes=by_wildcards(run.classes),
        script=f"{SCRIPTS}/read_predictor.py",
        code=code("read_predictor.py"),
    shell:
        "python {params.script:q} --table {input.table:q} --utterances {input.utterances} --rejects {input.rejects}"
        " --classes {params.classes} --output {output} > {log} 2>&1"


rule value_predictors:
    """What annotators, trained models and given tables are worth in human votes: one curve, the same utterances."""
    input:
        votes=rules.screen_corpus.output.votes,
        roles=rules.deal_roles.output[0],
        utterances=rules.screen_corpus.output.utterances,
        splits=rules.split_corpus.output[0],
        annotators=by_wildcards(run.valued_tables),
        given=by_wildcards(run.valued_given, into=lambda tables: [*tables.values()]),
        strategies=by_wildcards(run.valued_strategies, into=lambda folders: [*folders.values()]),
        predictions=by_wildcards(run.predictions_if_trained),
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
        annotators=by_wildcards(run.valued_annotators, into=canonical),
        given=by_wildcards(run.valued_given, into=canonical),
        strategies=by_wildcards(
            run.valued_strategies, into=lambda folders: f"--strategies {quote(canonical(folders))}" if folders else ""
        ),
        predictions=flag("predictions"),
        options=canonical(run.statistics_options("smoothing", "exchange")),
        classes=by_wildcards(run.classes),
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
        statistics=by_wildcards(run.needed, kinds=["predictors"]),
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
