# What strategies at test time make of an ALM's answers: those of this run's annotators, or a folder of somebody else's.


rule export_submission:
    """The stored answers of an ALM's annotators as a submission to the test-time benchmark; queries no model."""
    input:
        candidates=lambda wildcards: [pool["candidates"] for pool in pools_of(wildcards.submission).values()],
        prompts=lambda wildcards: [pool["prompts"] for pool in pools_of(wildcards.submission).values()],
        votes=lambda wildcards: f"results/corpora/{corpus_of_submission(wildcards.submission)}/votes.parquet",
        utterances=lambda wildcards: f"results/corpora/{corpus_of_submission(wildcards.submission)}/utterances.parquet",
    output:
        manifest="results/testtime/{submission}/submission/manifest.json",
        candidates="results/testtime/{submission}/submission/candidates.jsonl.gz",
    log:
        "logs/export_submission/{submission}.log",
    benchmark:
        "logs/export_submission/{submission}.tsv"
    wildcard_constraints:
        submission="|".join(config["testtime"]) or "no_submission",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 60),
        runtime=30,
    params:
        entry=lambda wildcards: canonical(config["testtime"][wildcards.submission]),
        pools=lambda wildcards: canonical(pools_of(wildcards.submission)),
        classes=lambda wildcards: classes(corpus_of_submission(wildcards.submission)),
        folder=lambda wildcards, output: os.path.dirname(output.manifest),
        script=f"{SCRIPTS}/export_submission.py",
        code=code("export_submission.py"),
    shell:
        "python {params.script:q} --entry {params.entry:q} --pools {params.pools:q} --votes {input.votes}"
        " --utterances {input.utterances} --classes {params.classes} --output {params.folder} > {log} 2>&1"


rule score_strategies:
    """Every test-time strategy and control on a folder of answers, with intervals."""
    input:
        folder=lambda wildcards: submission_files(wildcards.submission),
        votes=lambda wildcards: f"results/corpora/{corpus_of_submission(wildcards.submission)}/votes.parquet",
        utterances=lambda wildcards: f"results/corpora/{corpus_of_submission(wildcards.submission)}/utterances.parquet",
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
        corpus=lambda wildcards: corpus_of_submission(wildcards.submission),
        classes=lambda wildcards: classes(corpus_of_submission(wildcards.submission)),
        rerun=lambda wildcards: "--rerun" if wildcards.submission in config["testtime"] else "",
        # what somebody asked for by name is shown on the terminal
        show=lambda wildcards: (
            ""
            if wildcards.submission in config["testtime"]
            else f"&& cat logs/score_strategies/{wildcards.submission}.log"
        ),
        options=statistics_options("smoothing"),
        synonyms=f"{PROMPTS}/synonyms.yaml",
        seed=SEED,
        script=f"{SCRIPTS}/score_strategies.py",
        code=code("score_strategies.py"),
    shell:
        "python {params.script:q} --submission {params.folder:q} --corpus {params.corpus} --votes {input.votes}"
        " --utterances {input.utterances} --classes {params.classes} --synonyms {params.synonyms:q} {params.rerun}"
        " --options {params.options:q} --seed {params.seed} --output {output.scores} --csv {output.csv}"
        " --left-out {output.left_out} --rejects {output.rejects} --predictions {output.predictions}"
        " > {log} 2>&1 {params.show}"


rule gather_strategies:
    """Scores of strategies of all submissions of the run in one table, p adjusted over ALMs and corpora."""
    input:
        scores=expand("results/testtime/{submission}/scores.parquet", submission=RUN.get("testtime", [])),
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
