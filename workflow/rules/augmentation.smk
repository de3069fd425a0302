# Augmentation: balance the training part of every fold using its own items. Test items are never used.


rule extract_features:
    """Measure the audio and text features in which DiME-Aug searches neighbours."""
    input:
        utterances=rules.screen_corpus.output.utterances,
        audio=by_wildcards(run.audio_of),
    output:
        "results/features/{corpus}.parquet",
    log:
        "logs/extract_features/{corpus}.log",
    benchmark:
        "logs/extract_features/{corpus}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        root=by_wildcards(run.corpus_root),
        script=f"{SCRIPTS}/extract_features.py",
        code=code("extract_features.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q}"
        " --output {output} > {log} 2>&1"


rule augment_items:
    """DiME-Aug as published or repaired, or one of the other arms; parents are recorded."""
    input:
        utterances=rules.screen_corpus.output.utterances,
        audio=by_wildcards(run.audio_of),
        labels=rules.pool_votes.output[0],
        splits=rules.split_corpus.output[0],
        features=rules.extract_features.output[0],
    output:
        directory("results/augmented/{corpus}/{protocol}/{labels}/{augmentation}/fold-{fold}"),
    log:
        "logs/augment_items/{corpus}-{protocol}-{labels}-{augmentation}-{fold}.log",
    benchmark:
        "logs/augment_items/{corpus}-{protocol}-{labels}-{augmentation}-{fold}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        root=by_wildcards(run.corpus_root),
        options=by_wildcards(run.making_options, into=canonical),
        classes=by_wildcards(run.classes),
        seed=SEED,
        script=f"{SCRIPTS}/augment_items.py",
        code=lambda wildcards: code("augment_items.py", *run.augmenting_modules(wildcards.augmentation)),
    shell:
        "python {params.script:q} --name {wildcards.augmentation} --utterances {input.utterances} --root {params.root:q}"
        " --labels-table {input.labels} --splits {input.splits} --features {input.features} --fold {wildcards.fold}"
        " --options {params.options:q} --classes {params.classes} --seed {params.seed} --output {output} > {log} 2>&1"


rule balance_evaluation:
    """Weight and subsample real test items so that every bin counts the same, by level votes alone."""
    input:
        roles=rules.deal_roles.output[0],
        votes=rules.screen_corpus.output.votes,
        levels=rules.assign_levels.output.levels,
        splits=rules.split_corpus.output[0],
    output:
        table="results/balanced/{corpus}/{protocol}.parquet",
        summary="results/balanced/{corpus}/{protocol}-groups.csv",
        sizes="results/balanced/{corpus}/{protocol}-sizes.csv",
    log:
        "logs/balance_evaluation/{corpus}-{protocol}.log",
    benchmark:
        "logs/balance_evaluation/{corpus}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 450),
        runtime=30,
    params:
        classes=by_wildcards(run.classes),
        options=canonical(config["statistics"]["balanced"]),
        seed=SEED,
        script=f"{SCRIPTS}/balance_evaluation.py",
        code=code("balance_evaluation.py"),
    shell:
        "python {params.script:q} --roles {input.roles} --votes {input.votes} --levels {input.levels}"
        " --splits {input.splits} --classes {params.classes} --options {params.options:q} --seed {params.seed}"
        " --output {output.table} --summary {output.summary} --sizes {output.sizes} > {log} 2>&1"
