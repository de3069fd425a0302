# Sound -> outputs of a frozen audio encoder, computed once for annotation, fine-tuning and small peers.
# Which jobs read them is said by `encodings` of an ALM's entry, never by what else a run selects.


rule encode_audio:
    """Run the frozen audio encoder of an ALM over one shard of a corpus; a killed job continues from its pieces."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=audio_of,
        checkpoint=lambda wildcards: checkpoint_of(wildcards.alm),
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
                if key in ("checkpoint", "revision", "trust_remote_code")
            }
        ),
        shards=lambda wildcards: config["corpora"][wildcards.corpus]["shards"],
        state="resources/state/encode_audio/{corpus}/{alm}/{shard}",
        script=f"{SCRIPTS}/encode_audio.py",
        code=code("encode_audio.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q}"
        " --shard {wildcards.shard} --shards {params.shards} --state {params.state} --output {output} > {log} 2>&1"
