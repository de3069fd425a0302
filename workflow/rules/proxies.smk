# Audio -> synthetic votes. Answers are bought once: they live in resources/answers/, which no
# rule owns, and the tables here are projections of it.


rule train_tiny_alm:
    """Train a small real Qwen2-Audio from scratch, on a foreign simulated world."""
    input:
        prompts=f"{PROMPTS}/focus.yaml",
    output:
        checkpoint=directory("resources/models/{alm}"),
        scores="results/models/{alm}/heldout.json",
    log:
        "logs/train_tiny_alm/{alm}.log",
    benchmark:
        "logs/train_tiny_alm/{alm}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        options=lambda wildcards: canonical(config["alms"][wildcards.alm]),
        seed=SEED,
        script=f"{SCRIPTS}/train_tiny_alm.py",
        code=code("train_tiny_alm.py"),
    shell:
        "python {params.script:q} --name {wildcards.alm} --options {params.options:q}"
        " --prompts {input.prompts:q} --seed {params.seed} --output {output.checkpoint}"
        " --scores {output.scores} > {log} 2>&1"


rule annotate_shard:
    """Ask an ALM for its votes on one shard of a corpus; answers already bought are not asked again."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=audio_of,
        checkpoint=lambda wildcards: checkpoint_of(config["annotators"][wildcards.annotator]["alm"]),
        prompts=lambda wildcards: f"{PROMPTS}/{config['annotators'][wildcards.annotator]['prompts']}.yaml",
        synonyms=synonyms_of,
    output:
        "results/proxies/{corpus}/{annotator}/shards/{shard}.parquet",
    log:
        "logs/annotate_shard/{corpus}-{annotator}-{shard}.log",
    benchmark:
        "logs/annotate_shard/{corpus}-{annotator}-{shard}.tsv"
    wildcard_constraints:
        annotator=annotators_by("asking"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=lambda wildcards: alm_of(wildcards)["gpus"],
        slurm_partition=lambda wildcards: gpu_resources(alm_of(wildcards)["gpus"])["partition"],
        gpu_model=lambda wildcards: gpu_resources(alm_of(wildcards)["gpus"])["model"],
    params:
        root=lambda wildcards: corpus_root(wildcards.corpus),
        alm=lambda wildcards: canonical(alm_of(wildcards)),
        options=lambda wildcards: canonical(config["annotators"][wildcards.annotator]),
        classes=lambda wildcards: classes(wildcards.corpus),
        shards=lambda wildcards: config["corpora"][wildcards.corpus]["shards"],
        store=lambda wildcards: f"resources/answers/{wildcards.annotator}",
        synonyms=lambda wildcards: " ".join(f"--synonyms {quote(path)}" for path in synonyms_of(wildcards)),
        seed=SEED,
        script=f"{SCRIPTS}/annotate_shard.py",
        code=lambda wildcards: code("annotate_shard.py", f"alms.engines.{alm_of(wildcards)['engine']}"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.synonyms} --classes {params.classes} --shard {wildcards.shard} --shards {params.shards}"
        " --seed {params.seed} --store {params.store} --output {output} > {log} 2>&1"


rule gather_votes:
    """Join the shards into one table of synthetic votes, with a count of every parse status."""
    input:
        shards=lambda wildcards: expand(
            "results/proxies/{corpus}/{annotator}/shards/{shard}.parquet",
            shard=range(config["corpora"][wildcards.corpus]["shards"]),
            corpus=wildcards.corpus,
            annotator=wildcards.annotator,
        ),
    output:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        status="results/proxies/{corpus}/{annotator}/status.csv",
    log:
        "logs/gather_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/gather_votes/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=annotators_by("asking"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        script=f"{SCRIPTS}/gather_votes.py",
        code=code("gather_votes.py"),
    shell:
        "python {params.script:q} --shards {input.shards} --votes {output.votes}"
        " --status {output.status} > {log} 2>&1"


rule replay_votes:
    """Take the votes of another corpus entry, e.g. on the face alone, as the answers of an annotator."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        votes=lambda wildcards: f"results/corpora/{alm_of(wildcards)['corpus']}/votes.parquet",
    output:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        status="results/proxies/{corpus}/{annotator}/status.csv",
    log:
        "logs/replay_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/replay_votes/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=annotators_by("replay"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        draws=lambda wildcards: config["annotators"][wildcards.annotator]["votes"],
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/replay_votes.py",
        code=code("replay_votes.py"),
    shell:
        "python {params.script:q} --votes {input.votes} --utterances {input.utterances}"
        " --annotator {wildcards.annotator} --draws {params.draws} --classes {params.classes}"
        " --seed {params.seed} --output {output.votes} --status {output.status} > {log} 2>&1"


rule list_alms:
    """The registry of audio-language models: what each is, whether this machine can ask it, what votes would cost."""
    input:
        registry=f"{PINS}/alms.yaml",
    output:
        "results/alms.csv",
    log:
        "logs/list_alms.log",
    benchmark:
        "logs/list_alms.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        today=date.today().isoformat(),
        script=f"{SCRIPTS}/list_alms.py",
        code=code("list_alms.py"),
    shell:
        "python {params.script:q} --registry {input.registry:q} --today {params.today} --output {output}"
        " > {log} 2>&1 && cat {log}"
