# Sound and text -> outputs of frozen encoders, computed once: the audio tokens that an ALM reads, for annotation and
# fine-tuning (`encodings` of its entry), and one vector per item, for small models (`encoders`).


rule encode_audio:
    """Run the frozen audio encoder of an ALM over one shard of a corpus; a killed job continues from its pieces."""
    input:
        utterances=rules.screen_corpus.output.utterances,
        audio=by_wildcards(run.audio_of),
        checkpoint=by_wildcards(run.tower_input),
        gpu_check=before_start(run.gpu_check_of),
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
        mem_mb=lambda wildcards, attempt: attempt * run.alm_memory(wildcards.alm),
        runtime=240,
        gpu=by_wildcards(run.alm_gpus),
        slurm_partition=by_wildcards(run.alm_gpus, into=partition),
        gpu_model=by_wildcards(run.alm_gpus, into=gpu_type),
    params:
        root=by_wildcards(run.corpus_root),
        alm=by_wildcards(run.tower_entry, into=canonical),
        shards=by_wildcards(run.shards),
        state="resources/state/encode_audio/{corpus}/{alm}/{shard}",
        script=f"{SCRIPTS}/encode_audio.py",
        code=code("encode_audio.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q}"
        " --shard {wildcards.shard} --shards {params.shards} --state {params.state} --output {output} > {log} 2>&1"


rule encode_items:
    """One vector per utterance of a shard by a frozen encoder; a killed job continues from its blocks."""
    input:
        utterances=rules.screen_corpus.output.utterances,
        audio=by_wildcards(run.sound_for),
        checkpoint=by_wildcards(run.encoder_checkpoint),
        gpu_check=before_start(run.encoder_check),
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
        mem_mb=lambda wildcards, attempt: attempt * run.encoder_memory(wildcards.encoder),
        runtime=240,
        gpu=by_wildcards(run.encoder_gpus),
        slurm_partition=by_wildcards(run.encoder_gpus, into=partition),
        gpu_model=by_wildcards(run.encoder_gpus, into=gpu_type),
    params:
        root=by_wildcards(run.corpus_root),
        encoder=by_wildcards(run.encoder_entry, into=canonical),
        shards=by_wildcards(run.shards),
        state="resources/state/encode_items/{corpus}/{encoder}/{shard}",
        script=f"{SCRIPTS}/encode_items.py",
        code=lambda wildcards: code("encode_items.py", run.encoder_module(wildcards.encoder)),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q} --encoder {params.encoder:q}"
        " --shard {wildcards.shard} --shards {params.shards} --state {params.state} --output {output} > {log} 2>&1"


rule encode_augmented_items:
    """The same for the augmented items of a condition and fold."""
    input:
        augmented="results/augmented/{corpus}/{protocol}/{labels}/{augmentation}/fold-{fold}",
        checkpoint=by_wildcards(run.encoder_checkpoint),
        gpu_check=before_start(run.encoder_check),
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
        mem_mb=lambda wildcards, attempt: attempt * run.encoder_memory(wildcards.encoder),
        runtime=240,
        gpu=by_wildcards(run.encoder_gpus),
        slurm_partition=by_wildcards(run.encoder_gpus, into=partition),
        gpu_model=by_wildcards(run.encoder_gpus, into=gpu_type),
    params:
        encoder=by_wildcards(run.encoder_entry, into=canonical),
        state="resources/state/encode_items/{corpus}/{protocol}/{labels}/{augmentation}/fold-{fold}/{encoder}",
        script=f"{SCRIPTS}/encode_items.py",
        code=lambda wildcards: code("encode_items.py", run.encoder_module(wildcards.encoder)),
    shell:
        "python {params.script:q} --augmented {input.augmented} --encoder {params.encoder:q} --state {params.state}"
        " --output {output} > {log} 2>&1"
