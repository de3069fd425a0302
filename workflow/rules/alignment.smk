# Human and synthetic votes -> label tables, alignment, saturation and the exchange rate.


rule pool_votes:
    """Turn votes into one label distribution per utterance: human, synthetic, combined or a control."""
    input:
        votes=rules.screen_corpus.output.votes,
        utterances=rules.screen_corpus.output.utterances,
        splits=rules.split_corpus.output[0],
        proxies=by_wildcards(run.proxies_of),
    output:
        "results/labels/{corpus}/{protocol}/{labels}.parquet",
    log:
        "logs/pool_votes/{corpus}-{protocol}-{labels}.log",
    benchmark:
        "logs/pool_votes/{corpus}-{protocol}-{labels}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        proxies=lambda wildcards, input: (
            f"--proxies {input.proxies} --annotator {run.annotator_of(wildcards.labels)}" if input.proxies else ""
        ),
        classes=by_wildcards(run.classes),
        seed=SEED,
        script=f"{SCRIPTS}/pool_votes.py",
        code=code("pool_votes.py"),
    shell:
        "python {params.script:q} --votes {input.votes} --splits {input.splits} {params.proxies}"
        " --utterances {input.utterances} --labels {wildcards.labels}"
        " --classes {params.classes} --seed {params.seed} --output {output} > {log} 2>&1"


# What a study may read besides votes and utterances, by the argument of its program.
STUDY_FILES = {
    "roles": rules.deal_roles.output[0],
    "proxies": files.PROXIES,
    "levels": rules.assign_levels.output.levels,
    "thresholds": rules.assign_levels.output.thresholds,
    "splits": rules.split_corpus.output[0],
    "truth": by_wildcards(run.truth_of),
    "validity": VALIDITY,
}


for kind, estimates in ESTIMATES.items():
    if not estimates.work:
        continue
    study, wildcards_of_log = estimates.work, "-".join(f"{{{name}}}" for name in estimates.by)

    rule:
        """Estimates of one kind."""
        name:
            study.program
        input:
            **{name: STUDY_FILES[name] for name in study.reads},
            votes=rules.screen_corpus.output.votes,
            utterances=rules.screen_corpus.output.utterances,
        output:
            estimates.with_wildcards(kind),
        log:
            f"logs/{study.program}/{wildcards_of_log}.log",
        benchmark:
            f"logs/{study.program}/{wildcards_of_log}.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=memory(2000, study.memory),
            runtime=30,
        params:
            names=lambda wildcards: " ".join(f"--{name} {value}" for name, value in wildcards.items()),
            files=lambda wildcards, input, reads=study.reads: " ".join(
                f"--{name} {quote(str(input[name]))}" for name in reads if input[name]
            ),
            options=canonical(run.study_options(*study.options)),
            classes=by_wildcards(run.classes),
            seed=SEED,
            script=f"{SCRIPTS}/{study.program}.py",
            code=code(f"{study.program}.py"),
        shell:
            "python {params.script:q} {params.names} --votes {input.votes} --utterances {input.utterances} {params.files}"
            " --classes {params.classes} --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"

    workflow.get_rule(study.program).docstring = study.line


rule report_bias:
    """Report how an ALM deviates from people: over-used labels, groups, use of inputs, variance components."""
    input:
        votes=rules.screen_corpus.output.votes,
        utterances=rules.screen_corpus.output.utterances,
        roles=rules.deal_roles.output[0],
        proxies=files.PROXIES,
        levels=rules.assign_levels.output.levels,
        factors=by_wildcards(run.factors_of),
        listening=by_wildcards(run.listening_of),
    output:
        "results/statistics/bias-{corpus}-{annotator}-{protocol}.parquet",
    log:
        "logs/report_bias/{corpus}-{annotator}-{protocol}.log",
    benchmark:
        "logs/report_bias/{corpus}-{annotator}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 300),
        runtime=20,
    params:
        factors=named_factors,
        listening=named_listening,
        options=canonical(run.statistics_options("adjust")),
        classes=by_wildcards(run.classes),
        seed=SEED,
        script=f"{SCRIPTS}/report_bias.py",
        code=code("report_bias.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --protocol {wildcards.protocol} --votes {input.votes} --proxies {input.proxies} --roles {input.roles}"
        " --levels {input.levels} --utterances {input.utterances} {params.factors} {params.listening}"
        " --classes {params.classes} --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule estimate_exchange_rate:
    """Estimate how many human votes the ALM's votes are worth; simulated corpora add proxies of known worth."""
    input:
        votes=rules.screen_corpus.output.votes,
        utterances=rules.screen_corpus.output.utterances,
        roles=rules.deal_roles.output[0],
        proxies=files.PROXIES,
        read_out=by_wildcards(run.read_outs_of),
        truth=by_wildcards(run.truth_of),
        validity=VALIDITY,
        recovery=RECOVERY,
    output:
        "results/statistics/exchange-{corpus}-{annotator}.parquet",
    log:
        "logs/estimate_exchange_rate/{corpus}-{annotator}.log",
    benchmark:
        "logs/estimate_exchange_rate/{corpus}-{annotator}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 250),
        runtime=30,
    params:
        truth=flag("truth"),
        read_out=named_read_outs,
        options=canonical(run.statistics_options("smoothing", "exchange")),
        classes=by_wildcards(run.classes),
        seed=SEED,
        script=f"{SCRIPTS}/estimate_exchange_rate.py",
        code=code("estimate_exchange_rate.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --votes {input.votes} --proxies {input.proxies} --roles {input.roles} --utterances {input.utterances}"
        " {params.truth} {params.read_out} --validity {input.validity:q} --recovery {input.recovery:q} --classes {params.classes} --options {params.options:q} --seed {params.seed}"
        " --output {output} > {log} 2>&1"
