# Before the queue: what a run will request from a cluster, fetching its models, a check of a GPU node.


localrules:
    plan,
    plan_run,
    fetch_models,


rule plan:
    """What `all` still has to do, before it is submitted: jobs, CPU-hours, GPU-hours and memory by stage."""
    input:
        "results/plan.csv",


rule plan_run:
    """The jobs that `all` would still run, from a dry run, with the resources each requests and took before."""
    input:
        registry=f"{PINS}/alms.yaml",
    output:
        "results/plan.csv",
    log:
        "logs/plan_run.log",
    benchmark:
        "logs/plan_run.tsv"
    conda:
        "../../envs/driver.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        config=lambda wildcards: canonical(config),
        registered=canonical(REGISTERED),
        # A plan describes the present state: it is rebuilt each time it is requested.
        moment=datetime.now().isoformat(),
        snakefile=f"{BASE}/Snakefile",
        script=f"{SCRIPTS}/plan_run.py",
        code=code("plan_run.py"),
    shell:
        "python {params.script:q} --snakefile {params.snakefile:q} --config {params.config:q}"
        " --registry {input.registry:q} --registered {params.registered:q} --target all"
        " --output {output} > {log} 2>&1 && cat {log}"


rule fetch_models:
    """Fetch the models of the run from the hub, where there is internet: pinned commits, every file checked."""
    output:
        "results/fetched.json",
    log:
        "logs/fetch_models.log",
    benchmark:
        "logs/fetch_models.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=600,
    params:
        models=lambda wildcards: canonical(run.opened_models()),
        script=f"{SCRIPTS}/fetch_models.py",
        code=code("fetch_models.py"),
    shell:
        "python {params.script:q} --models {params.models:q} --output {output} > {log} 2>&1"


rule check_gpu:
    """One minute on a GPU node before all other GPU jobs: does torch see the GPU, does the model fit and open?"""
    input:
        registry=f"{PINS}/alms.yaml",
        checkpoint=by_wildcards(run.tower_input),
    output:
        "results/gpu/{alm}.json",
    log:
        "logs/check_gpu/{alm}.log",
    benchmark:
        "logs/check_gpu/{alm}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * run.alm_memory(wildcards.alm),
        runtime=5,
        gpu=by_wildcards(run.alm_gpus),
        slurm_partition=by_wildcards(run.alm_gpus, into=partition),
        gpu_model=by_wildcards(run.alm_gpus, into=gpu_type),
    params:
        alm=by_wildcards(run.checked_entry, into=canonical),
        registered=lambda wildcards: f"--registered {REGISTERED[wildcards.alm]}" if wildcards.alm in REGISTERED else "",
        targets=lambda wildcards: (
            f"--targets {quote(canonical(config['finetuning']['lora']['targets']))}"
            if wildcards.alm in config["finetuning"]["models"]
            else ""
        ),
        script=f"{SCRIPTS}/check_gpu.py",
        code=code("check_gpu.py"),
    shell:
        "python {params.script:q} --name {wildcards.alm} --alm {params.alm:q} --registry {input.registry:q}"
        " {params.registered} {params.targets} --output {output} > {log} 2>&1"
