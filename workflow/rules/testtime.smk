# What strategies at test time make of an ALM's answers: those of this run's annotators, or a folder of somebody else's.


rule judge_candidates:
    """Ask a verifier about the written candidates of one shard of a corpus; stored answers are not requested again."""
    input:
        candidates=by_wildcards(run.judged_candidates, into=lambda tables: list(tables.values())),
        utterances=by_wildcards(run.corpus_of_submission, into=run.utterances),
        audio=by_wildcards(run.corpus_of_submission, into=run.audio_of),
        checkpoint=by_wildcards(run.judging_alm, into=run.checkpoint_of),
        prompts=by_wildcards(run.judging_prompts),
        encodings=by_wildcards(run.judging_encodings),
        gpu_check=by_wildcards(run.judging_alm, into=lambda alm: [ancient(path) for path in run.gpu_check_of(alm)]),
    output:
        "results/testtime/{submission}/judgements/{judge}/{shard}.parquet",
    log:
        "logs/judge_candidates/{submission}-{judge}-{shard}.log",
    benchmark:
        "logs/judge_candidates/{submission}-{judge}-{shard}.tsv"
    wildcard_constraints:
        submission=run.submissions_by(judged=True),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * run.alm_memory(run.judging_alm(wildcards.submission, wildcards.judge)),
        runtime=240,
        gpu=by_wildcards(run.judging_alm, into=run.alm_gpus),
        slurm_partition=by_wildcards(run.judging_alm, into=lambda alm: partition(run.alm_gpus(alm))),
        gpu_model=by_wildcards(run.judging_alm, into=lambda alm: gpu_type(run.alm_gpus(alm))),
    params:
        corpus=by_wildcards(run.corpus_of_submission),
        candidates=by_wildcards(run.judged_candidates, into=canonical),
        root=by_wildcards(run.corpus_of_submission, into=run.corpus_root),
        alm=by_wildcards(run.judging_alm, into=lambda alm: canonical(run.alm_entry(alm))),
        options=by_wildcards(run.judging_options, into=canonical),
        classes=by_wildcards(run.corpus_of_submission, into=run.classes),
        shards=by_wildcards(run.corpus_of_submission, into=run.shards),
        store=by_wildcards(run.judging_store),
        server=named_server,
        encodings=flag("encodings"),
        seed=SEED,
        script=f"{SCRIPTS}/judge_candidates.py",
        code=lambda wildcards: code(
            "judge_candidates.py", *run.engine_modules(run.judging_alm(wildcards.submission, wildcards.judge))
        ),
    shell:
        "python {params.script:q} --submission {wildcards.submission} --judge {wildcards.judge} --corpus {params.corpus}"
        " --candidates {params.candidates:q} --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q}"
        " --options {params.options:q} --prompts {input.prompts:q} --classes {params.classes} --shard {wildcards.shard}"
        " --shards {params.shards} --seed {params.seed} --store {params.store} {params.server} {params.encodings}"
        " --output {output} > {log} 2>&1"


rule export_submission:
    """The stored answers of an ALM's annotators as a submission to the test-time benchmark; queries no model."""
    input:
        candidates=by_wildcards(run.pools_of, into=lambda pools: [pool["candidates"] for pool in pools.values()]),
        prompts=by_wildcards(run.pools_of, into=lambda pools: [pool["prompts"] for pool in pools.values()]),
        judgements=by_wildcards(run.judgements_of),
        votes=by_wildcards(run.corpus_of_submission, into=run.votes),
        utterances=by_wildcards(run.corpus_of_submission, into=run.utterances),
    output:
        manifest="results/testtime/{submission}/submission/manifest.json",
        candidates="results/testtime/{submission}/submission/candidates.jsonl.gz",
    log:
        "logs/export_submission/{submission}.log",
    benchmark:
        "logs/export_submission/{submission}.tsv"
    wildcard_constraints:
        submission=run.submissions_by(judged=False),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 60),
        runtime=30,
    params:
        entry=lambda wildcards: canonical(config["testtime"][wildcards.submission]),
        pools=by_wildcards(run.pools_of, into=canonical),
        judged=flag("judgements"),
        classes=by_wildcards(run.corpus_of_submission, into=run.classes),
        folder=lambda wildcards, output: os.path.dirname(output.manifest),
        script=f"{SCRIPTS}/export_submission.py",
        code=code("export_submission.py"),
    shell:
        "python {params.script:q} --entry {params.entry:q} --pools {params.pools:q} {params.judged}"
        " --votes {input.votes} --utterances {input.utterances} --classes {params.classes} --output {params.folder}"
        " > {log} 2>&1"


use rule export_submission as export_judged_submission with:
    output:
        manifest="results/testtime/{submission}/submission/manifest.json",
        candidates="results/testtime/{submission}/submission/candidates.jsonl.gz",
        scores="results/testtime/{submission}/submission/scores.jsonl.gz",
    log:
        "logs/export_judged_submission/{submission}.log",
    benchmark:
        "logs/export_judged_submission/{submission}.tsv"
    wildcard_constraints:
        submission=run.submissions_by(judged=True),


rule score_strategies:
    """Every test-time strategy and control on a folder of answers, with intervals."""
    input:
        folder=by_wildcards(run.submission_files),
        votes=by_wildcards(run.corpus_of_submission, into=run.votes),
        utterances=by_wildcards(run.corpus_of_submission, into=run.utterances),
    output:
        scores="results/testtime/{submission}/scores.parquet",
        csv="results/testtime/{submission}/strategies.csv",
        left_out="results/testtime/{submission}/left_out.csv",
        rejects="results/testtime/{submission}/rejects.parquet",
        predictions=directory("results/testtime/{submission}/predictions"),
    log:
        "logs/score_strategies/{submission}.log",
    benchmark:
        "logs/score_strategies/{submission}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 120),
        runtime=60,
    params:
        folder=lambda wildcards, input: os.path.dirname(input.folder[0]),
        corpus=by_wildcards(run.corpus_of_submission),
        classes=by_wildcards(run.corpus_of_submission, into=run.classes),
        rerun=lambda wildcards: "--rerun" if wildcards.submission in config["testtime"] else "",
        # what somebody asked for by name is shown on the terminal
        show=lambda wildcards: (
            ""
            if wildcards.submission in config["testtime"]
            else f"&& cat logs/score_strategies/{wildcards.submission}.log"
        ),
        options=canonical(run.statistics_options("smoothing")),
        synonyms=run.prompt_set("synonyms"),
        seed=SEED,
        script=f"{SCRIPTS}/score_strategies.py",
        code=code("score_strategies.py"),
    shell:
        "python {params.script:q} --submission {params.folder:q} --corpus {params.corpus} --votes {input.votes}"
        " --utterances {input.utterances} --classes {params.classes} --synonyms {params.synonyms:q} {params.rerun}"
        " --options {params.options:q} --seed {params.seed} --output {output.scores} --csv {output.csv}"
        " --left-out {output.left_out} --rejects {output.rejects} --predictions {output.predictions}"
        " > {log} 2>&1 {params.show}"


rule export_evaluation:
    """The scores of a submission as a record of Every Eval Ever."""
    input:
        folder=by_wildcards(run.submission_files),
        scores=rules.score_strategies.output.scores,
    output:
        "results/testtime/{submission}/every_eval_ever.json",
    log:
        "logs/export_evaluation/{submission}.log",
    benchmark:
        "logs/export_evaluation/{submission}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        folder=lambda wildcards, input: os.path.dirname(input.folder[0]),
        options=canonical(run.statistics_options("smoothing")),
        script=f"{SCRIPTS}/export_evaluation.py",
        code=code("export_evaluation.py"),
    shell:
        "python {params.script:q} --scores {input.scores} --submission {params.folder:q}"
        " --options {params.options:q} --output {output} > {log} 2>&1"


rule gather_strategies:
    """Scores of strategies of all submissions of the run in one table, p adjusted over ALMs and corpora."""
    input:
        scores=run.all_scores(),
    output:
        statistics="results/statistics/strategies.parquet",
        csv="results/testtime/strategies.csv",
    log:
        "logs/gather_strategies.log",
    benchmark:
        "logs/gather_strategies.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=f"{SCRIPTS}/gather_strategies.py",
        code=code("gather_strategies.py"),
    shell:
        "python {params.script:q} --scores {input.scores} --output {output.statistics} --csv {output.csv} > {log} 2>&1"
