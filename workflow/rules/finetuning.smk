# LoRA, or a small peer, on the label distributions: one job a condition, group of folds and group of seeds.


CONDITION = "{corpus}/{protocol}/{model}/{labels}/{augmentation}"

for (fold_group, having), group in itertools.product(fold_groups().items(), seed_groups()):
    trainings = expand("fold-{fold}/seed-{seed}", fold=fold_group, seed=group)  # all seeds of a fold, then the next
    group_name = "_".join(map(str, group))
    fold_name = "_".join(map(str, fold_group))

    rule:
        """Fine-tune an ALM with LoRA, or a small peer, on one kind of label, its folds and seeds in groups; resumes after a kill."""
        name:
            f"finetune_seeds_{group_name}" + ("" if fold_name == "{fold}" else f"_folds_{fold_name}")
        input:
            utterances="results/corpora/{corpus}/utterances.parquet",
            audio=audio_of,
            labels="results/labels/{corpus}/{protocol}/{labels}.parquet",
            splits="results/splits/{corpus}/{protocol}.parquet",
            checkpoint=lambda wildcards: checkpoint_of(encoder_of(wildcards.model)),
            prompts=f"{PROMPTS}/focus.yaml",
            augmented=augmented_of(fold_group),
            encodings=encodings_of_corpus,
            gpu_check=lambda wildcards: [] if wildcards.model in config["peers"] else gpu_check_of(wildcards.model),
        output:
            predictions=[f"results/predictions/{CONDITION}/{training}.parquet" for training in trainings],
            runs=directory([f"results/finetuned/{CONDITION}/{training}" for training in trainings]),
        log:
            "logs/finetune/{corpus}-{protocol}-{model}-{labels}-{augmentation}-" f"{fold_name}-{group_name}.log",
        benchmark:
            "logs/finetune/{corpus}-{protocol}-{model}-{labels}-{augmentation}-" f"{fold_name}-{group_name}.tsv"
        wildcard_constraints:
            protocol="|".join(having),
        conda:
            "../../envs/torch.yaml"
        threads: training_processes()
        resources:
            mem_mb=lambda wildcards, attempt: attempt
            * model_memory(
                encoder_of(wildcards.model),
                model_entry(wildcards.model),
                copies=training_processes(),
                beside=6000 * training_processes(),
            ),
            runtime=600,
            gpu=lambda wildcards: model_entry(wildcards.model)["gpus"] * training_processes(),
            slurm_partition=lambda wildcards: gpu_resources(model_entry(wildcards.model)["gpus"])["partition"],
            gpu_model=lambda wildcards: gpu_resources(model_entry(wildcards.model)["gpus"])["model"],
            slurm_extra=signal_before_limit(),
        params:
            augmented=lambda wildcards, input: f"--augmented {input.augmented}" if input.augmented else "",
            online=online_argument,
            folds=",".join(map(str, fold_group)),
            seeds=",".join(map(str, group)),
            root=lambda wildcards: corpus_root(wildcards.corpus),
            alm=lambda wildcards: canonical(model_entry(wildcards.model)),
            options=canonical(
                {
                    key: value
                    for key, value in config["finetuning"].items()
                    if key not in ("models", "seeds", "seeds_per_job", "folds_per_job")
                }
            ),
            protocol=lambda wildcards: training_protocol(wildcards.protocol),
            encodings=named_encodings,
            encoded=lambda wildcards: "--encoded resources/encoded" if wildcards.model in config["peers"] else "",
            classes=lambda wildcards: classes(wildcards.corpus),
            state=lambda wildcards: f"resources/state/finetune/{CONDITION}".format(**wildcards),
            seed=SEED,
            script=f"{SCRIPTS}/finetune.py",
            code=code("finetune.py"),
        # exec: a shell in between would die of the signal that asks the training to save its state, and end the job.
        shell:
            "exec python {params.script:q} --corpus {wildcards.corpus} --protocol {wildcards.protocol}"
            " --model {wildcards.model} --labels {wildcards.labels} --augmentation {wildcards.augmentation}"
            " --folds {params.folds} --seeds {params.seeds} --alm {params.alm:q} --options {params.options:q}"
            " --protocol-options {params.protocol:q} --prompts {input.prompts:q} --utterances {input.utterances}"
            " --root {params.root:q} --labels-table {input.labels} --splits {input.splits} {params.augmented}"
            " {params.encodings} {params.online} {params.encoded}"
            " --classes {params.classes} --seed {params.seed} --state {params.state}"
            " --predictions {output.predictions} --runs {output.runs} > {log} 2>&1"


rule export_adapter:
    """Every fine-tuned adapter of the run as a folder that peft loads, with card, curve and checksums."""
    input:
        runs=runs_of(RUN["protocols"]),
    output:
        directory("results/adapters"),
    log:
        "logs/export_adapter.log",
    benchmark:
        "logs/export_adapter.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        script=f"{SCRIPTS}/export_adapter.py",
        code=code("export_adapter.py"),
    shell:
        "python {params.script:q} --runs {input.runs} --below results/finetuned --output {output} > {log} 2>&1"
