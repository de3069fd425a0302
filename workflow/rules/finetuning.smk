# Trainings on the label distributions: one job per condition, group of folds and group of seeds.


for (fold_group, having), group in itertools.product(fold_groups().items(), seed_groups()):
    trainings = expand("fold-{fold}/seed-{seed}", fold=fold_group, seed=group)  # all seeds of a fold, then the next
    group_name = "_".join(map(str, group))
    fold_name = "_".join(map(str, fold_group))

    rule:
        """Train a model of any kind on one kind of label, its folds and seeds in groups; resumes after a kill."""
        name:
            f"finetune_seeds_{group_name}" + ("" if fold_name == "{fold}" else f"_folds_{fold_name}")
        input:
            utterances="results/corpora/{corpus}/utterances.parquet",
            audio=audio_of,
            labels="results/labels/{corpus}/{protocol}/{labels}.parquet",
            splits="results/splits/{corpus}/{protocol}.parquet",
            checkpoint=lambda wildcards: (
                checkpoint_of(wildcards.model) if kind_of(wildcards.model).language_model else []
            ),
            prompts=lambda wildcards: f"{PROMPTS}/focus.yaml" if kind_of(wildcards.model).prompts else [],
            augmented=augmented_of(fold_group),
            encodings=encodings_of_corpus,
            features=flat(features_of),
            augmented_features=flat(augmented_features_of(fold_group)),
            gpu_check=lambda wildcards: (
                gpu_check_of(wildcards.model) if kind_of(wildcards.model).language_model else []
            ),
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
            mem_mb=lambda wildcards, attempt: attempt * training_memory(wildcards.model),
            runtime=600,
            gpu=lambda wildcards: training_gpus(wildcards.model),
            slurm_partition=lambda wildcards: gpu_resources(training_gpus(wildcards.model))["partition"],
            gpu_model=lambda wildcards: gpu_resources(training_gpus(wildcards.model))["model"],
            slurm_extra=signal_before_limit(),
        params:
            job=training_job(fold_group, group),
            script=f"{SCRIPTS}/finetune.py",
            code=lambda wildcards: code("finetune.py", kind_of(wildcards.model).module),
        # exec: a shell in between would be killed by the signal that asks the training to save its state, ending the job.
        shell:
            "exec python {params.script:q} --job {params.job:q} > {log} 2>&1"


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
