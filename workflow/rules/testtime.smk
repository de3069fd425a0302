# Score what strategies at test time make of an ALM's answers, from a folder of answers that somebody else generated.

SUBMISSION = run.submission_name()


rule score_submission:
    """Every test-time strategy and control on a folder of answers (`--config submission=FOLDER`), with intervals."""
    input:
        folder=lambda wildcards: run.submission_files(),
        votes=lambda wildcards: run.votes(run.submission_corpus()),
        utterances=lambda wildcards: run.utterances(run.submission_corpus()),
    output:
        scores=f"results/testtime/{SUBMISSION}/scores.parquet",
        csv=f"results/testtime/{SUBMISSION}/strategies.csv",
        left_out=f"results/testtime/{SUBMISSION}/left_out.csv",
        rejects=f"results/testtime/{SUBMISSION}/rejects.parquet",
        predictions=directory(f"results/testtime/{SUBMISSION}/predictions"),
    log:
        f"logs/score_submission/{SUBMISSION}.log",
    benchmark:
        f"logs/score_submission/{SUBMISSION}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 120),
        runtime=60,
    params:
        folder=run.from_start(config.get("submission") or ""),
        corpus=lambda wildcards: run.submission_corpus(),
        classes=lambda wildcards: run.classes(run.submission_corpus()),
        options=canonical(run.statistics_options("smoothing")),
        synonyms=f"{PROMPTS}/synonyms.yaml",
        seed=SEED,
        script=f"{SCRIPTS}/score_submission.py",
        code=code("score_submission.py"),
    shell:
        "python {params.script:q} --submission {params.folder:q} --corpus {params.corpus} --votes {input.votes}"
        " --utterances {input.utterances} --classes {params.classes} --synonyms {params.synonyms:q}"
        " --options {params.options:q} --seed {params.seed} --output {output.scores} --csv {output.csv}"
        " --left-out {output.left_out} --rejects {output.rejects} --predictions {output.predictions}"
        " > {log} 2>&1 && cat {log}"
