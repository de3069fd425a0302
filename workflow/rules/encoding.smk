# Sound and text -> outputs of frozen encoders, computed once: the audio tokens that an ALM reads, for annotation and
# fine-tuning (`encodings` of its entry), and one vector per item, for small models (`encoders`).


rule encode_audio:
    """Run the frozen audio encoder of an ALM over one shard of a corpus; a killed job continues from its pieces."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=audio_of,
        checkpoint=lambda wildcards: tower_input(wildcards.alm),
        gpu_check=lambda wildcards: gpu_check_of(wildcards.alm),
    output:
        directory("results/encodings/{corpus}/{alm}/{shard}"),
    log:
        "logs/encode_audio/{corpus}-{alm}-{shard}.log",
    benchmark:
        "logs/encode_audio/{corpus}-{alm}-{shard}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * model_memory(wildcards.alm),
        runtime=240,
        gpu=lambda wildcards: config["alms"][wildcards.alm]["gpus"],
        slurm_partition=lambda wildcards: gpu_resources(config["alms"][wildcards.alm]["gpus"])["partition"],
        gpu_model=lambda wildcards: gpu_resources(config["alms"][wildcards.alm]["gpus"])["model"],
    params:
        root=lambda wildcards: corpus_root(wildcards.corpus),
        alm=lambda wildcards: canonical(
            {
                key: value
                for key, value in config["alms"][wildcards.alm].items()
                if key in ("revision", "trust_remote_code")
            }
            | {"checkpoint": tower_checkpoint(wildcards.alm)}
        ),
        shards=lambda wildcards: config["corpora"][wildcards.corpus]["shards"],
        state="resources/state/encode_audio/{corpus}/{alm}/{shard}",
        script=f"{SCRIPTS}/encode_audio.py",
        code=code("encode_audio.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q}"
        " --shard {wildcards.shard} --shards {params.shards} --state {params.state} --output {output} > {log} 2>&1"


rule encode_items:
    """One vector per utterance of a shard by a frozen encoder; a killed job continues from its blocks."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=sound_for,
        needs=lambda wildcards: encoder_needs(wildcards.encoder),
    output:
        directory("results/encoded/{corpus}/{encoder}/{shard}"),
    log:
        "logs/encode_items/{corpus}-{encoder}-{shard}.log",
    benchmark:
        "logs/encode_items/{corpus}-{encoder}-{shard}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * encoder_memory(wildcards.encoder),
        runtime=240,
        gpu=lambda wildcards: encoder_gpus(wildcards.encoder),
        slurm_partition=lambda wildcards: gpu_resources(encoder_gpus(wildcards.encoder))["partition"],
        gpu_model=lambda wildcards: gpu_resources(encoder_gpus(wildcards.encoder))["model"],
    params:
        root=lambda wildcards: corpus_root(wildcards.corpus),
        encoder=lambda wildcards: canonical(encoder_entry(wildcards.encoder)),
        shards=lambda wildcards: config["corpora"][wildcards.corpus]["shards"],
        state="resources/state/encode_items/{corpus}/{encoder}/{shard}",
        script=f"{SCRIPTS}/encode_items.py",
        code=lambda wildcards: encoding_code(wildcards.encoder),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q} --encoder {params.encoder:q}"
        " --shard {wildcards.shard} --shards {params.shards} --state {params.state} --output {output} > {log} 2>&1"


rule encode_augmented_items:
    """The same for the augmented items of a condition and fold."""
    input:
        augmented="results/augmented/{corpus}/{protocol}/{labels}/{augmentation}/fold-{fold}",
        needs=lambda wildcards: encoder_needs(wildcards.encoder),
    output:
        directory("results/encoded_items/{corpus}/{protocol}/{labels}/{augmentation}/fold-{fold}/{encoder}"),
    log:
        "logs/encode_augmented_items/{corpus}-{protocol}-{labels}-{augmentation}-{fold}-{encoder}.log",
    benchmark:
        "logs/encode_augmented_items/{corpus}-{protocol}-{labels}-{augmentation}-{fold}-{encoder}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * encoder_memory(wildcards.encoder),
        runtime=240,
        gpu=lambda wildcards: encoder_gpus(wildcards.encoder),
        slurm_partition=lambda wildcards: gpu_resources(encoder_gpus(wildcards.encoder))["partition"],
        gpu_model=lambda wildcards: gpu_resources(encoder_gpus(wildcards.encoder))["model"],
    params:
        encoder=lambda wildcards: canonical(encoder_entry(wildcards.encoder)),
        state="resources/state/encode_items/{corpus}/{protocol}/{labels}/{augmentation}/fold-{fold}/{encoder}",
        script=f"{SCRIPTS}/encode_items.py",
        code=lambda wildcards: encoding_code(wildcards.encoder),
    shell:
        "python {params.script:q} --augmented {input.augmented} --encoder {params.encoder:q} --state {params.state}"
        " --output {output} > {log} 2>&1"
