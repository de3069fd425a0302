# DiME-Aug: balance the training part of every fold by mixing its items. Test items never enter.


rule extract_features:
    """Measure the audio and text features among which DiME-Aug looks for neighbours."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=audio_of,
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
        root=lambda wildcards: corpus_root(wildcards.corpus),
        script=f"{SCRIPTS}/extract_features.py",
        code=code("extract_features.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q}"
        " --output {output} > {log} 2>&1"


rule augment_dime:
    """Mix training items of rare classes, sound and distribution with one weight; parents are recorded."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=audio_of,
        labels="results/labels/{corpus}/{protocol}/{labels}.parquet",
        splits="results/splits/{corpus}/{protocol}.parquet",
        features="results/features/{corpus}.parquet",
    output:
        directory("results/augmented/{corpus}/{protocol}/{labels}/{augmentation}/fold-{fold}"),
    log:
        "logs/augment_dime/{corpus}-{protocol}-{labels}-{augmentation}-{fold}.log",
    benchmark:
        "logs/augment_dime/{corpus}-{protocol}-{labels}-{augmentation}-{fold}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        root=lambda wildcards: corpus_root(wildcards.corpus),
        options=lambda wildcards: canonical(config["augmentations"][wildcards.augmentation]),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/augment_dime.py",
        code=code("augment_dime.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q}"
        " --labels-table {input.labels} --splits {input.splits} --features {input.features} --fold {wildcards.fold}"
        " --options {params.options:q} --classes {params.classes} --seed {params.seed} --output {output} > {log} 2>&1"
