# Trainings on the label distributions: one job per condition, group of folds and group of seeds.


for (fold_group, having), group in itertools.product(run.fold_groups().items(), run.seed_groups()):
    trainings = expand("fold-{fold}/seed-{seed}", fold=fold_group, seed=group)  # all seeds of a fold, then the next
    group_name = "_".join(map(str, group))
    fold_name = "_".join(map(str, fold_group))

    rule:
        """Train a model of any kind on one kind of label, its folds and seeds in groups; resumes after a kill."""
        name:
            f"finetune_seeds_{group_name}" + ("" if fold_group == EACH_FOLD else f"_folds_{fold_name}")
        input:
            utterances=rules.screen_corpus.output.utterances,
            audio=by_wildcards(run.audio_of),
            labels=rules.pool_votes.output[0],
            splits=rules.split_corpus.output[0],
            checkpoint=by_wildcards(run.training_checkpoint),
            prompts=by_wildcards(run.training_prompts),
            augmented=by_wildcards(run.augmented_items, folds=folds_of(fold_group)),
            encodings=by_wildcards(run.encodings_of_corpus),
            features=by_wildcards(run.features_of, into=flat),
            augmented_features=by_wildcards(
                run.augmented_features, condition=condition, folds=folds_of(fold_group), into=flat
            ),
            gpu_check=before_start(run.training_check),
        output:
            predictions=[f"results/predictions/{files.CONDITION}/{training}.parquet" for training in trainings],
            runs=directory([f"results/finetuned/{files.CONDITION}/{training}" for training in trainings]),
        log:
            "logs/finetune/{corpus}-{protocol}-{model}-{labels}-{augmentation}-" f"{fold_name}-{group_name}.log",
        benchmark:
            "logs/finetune/{corpus}-{protocol}-{model}-{labels}-{augmentation}-" f"{fold_name}-{group_name}.tsv"
        wildcard_constraints:
            protocol="|".join(having),
        conda:
            "../../envs/torch.yaml"
        threads: run.training_processes()
        resources:
            mem_mb=lambda wildcards, attempt: attempt * run.training_memory(wildcards.model),
            runtime=600,
            gpu=by_wildcards(run.training_gpus),
            slurm_partition=by_wildcards(run.training_gpus, into=partition),
            gpu_model=by_wildcards(run.training_gpus, into=gpu_type),
            slurm_extra=signal_before_limit(),
        params:
            job=training_job(fold_group, group),
            script=f"{SCRIPTS}/finetune.py",
            code=lambda wildcards: code("finetune.py", run.training_module(wildcards.model)),
        # exec: a shell in between would be killed by the signal that asks the training to save its state, ending the job.
        shell:
            "exec python {params.script:q} --job {params.job:q} > {log} 2>&1"


rule export_adapter:
    """Every fine-tuned adapter of the run as a folder that peft loads, with card, curve and checksums."""
    input:
        runs=run.all_trainings(),
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
