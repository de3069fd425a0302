# Human and synthetic votes -> label tables, alignment, saturation and the exchange rate.


rule pool_votes:
    """Turn votes into one label distribution per utterance: human, synthetic, combined or a control."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        splits="results/splits/{corpus}/{protocol}.parquet",
        proxies=proxies_of,
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
            f"--proxies {input.proxies} --annotator {annotator_of(wildcards.labels)}" if input.proxies else ""
        ),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/pool_votes.py",
        code=code("pool_votes.py"),
    shell:
        "python {params.script:q} --votes {input.votes} --splits {input.splits} {params.proxies}"
        " --utterances {input.utterances} --labels {wildcards.labels}"
        " --classes {params.classes} --seed {params.seed} --output {output} > {log} 2>&1"


rule align_votes:
    """Score how far an ALM's votes agree with human votes, with floors, ceilings and intervals."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
        levels="results/levels/{corpus}/{protocol}.parquet",
        thresholds="results/levels/{corpus}/{protocol}.csv",
        splits="results/splits/{corpus}/{protocol}.parquet",
        validity=VALIDITY,
    output:
        "results/statistics/alignment-{corpus}-{annotator}-{protocol}.parquet",
    log:
        "logs/align_votes/{corpus}-{annotator}-{protocol}.log",
    benchmark:
        "logs/align_votes/{corpus}-{annotator}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 450),
        runtime=30,
    params:
        options=statistics_options("smoothing", "adjust"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/align_votes.py",
        code=code("align_votes.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --protocol {wildcards.protocol} --votes {input.votes} --proxies {input.proxies} --roles {input.roles}"
        " --levels {input.levels} --thresholds {input.thresholds} --utterances {input.utterances} --splits {input.splits}"
        " --validity {input.validity:q} --classes {params.classes} --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule agree_votes:
    """Agreement of people, with and without the synthetic rater, and whether it may replace one of them."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
    output:
        "results/statistics/agreement-{corpus}-{annotator}.parquet",
    log:
        "logs/agree_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/agree_votes/{corpus}-{annotator}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 300),
        runtime=20,
    params:
        options=statistics_options(),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/agree_votes.py",
        code=code("agree_votes.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --votes {input.votes} --proxies {input.proxies} --utterances {input.utterances}"
        " --classes {params.classes} --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule report_bias:
    """Report how an ALM deviates from people: over-used labels, groups, use of inputs, variance components."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
        levels="results/levels/{corpus}/{protocol}.parquet",
        factors=factors_of,
        listening=listening_of,
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
        factors=factors_argument,
        listening=lambda wildcards, input: (
            f"--listening {named_listening(wildcards, input)}" if input.listening else ""
        ),
        options=statistics_options("adjust"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/report_bias.py",
        code=code("report_bias.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --protocol {wildcards.protocol} --votes {input.votes} --proxies {input.proxies} --roles {input.roles}"
        " --levels {input.levels} --utterances {input.utterances} {params.factors} {params.listening}"
        " --classes {params.classes} --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule trace_shared_votes:
    """Trace the effect of shared votes on results by level, with proxies of known worth; no ALM is needed."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
    output:
        "results/statistics/shared-{corpus}.parquet",
    log:
        "logs/trace_shared_votes/{corpus}.log",
    benchmark:
        "logs/trace_shared_votes/{corpus}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 450),
        runtime=30,
    params:
        options=canonical(
            {key: config["statistics"][key] for key in ("resamples", "level", "interval", "smoothing")}
            | {"level_votes": max(3, level_votes())}
        ),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/trace_shared_votes.py",
        code=code("trace_shared_votes.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --votes {input.votes} --roles {input.roles}"
        " --utterances {input.utterances} --classes {params.classes} --options {params.options:q}"
        " --seed {params.seed} --output {output} > {log} 2>&1"


rule trace_saturation:
    """Trace the divergence to the human votes against the number of synthetic votes."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
    output:
        "results/statistics/saturation-{corpus}-{annotator}.parquet",
    log:
        "logs/trace_saturation/{corpus}-{annotator}.log",
    benchmark:
        "logs/trace_saturation/{corpus}-{annotator}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 900),
        runtime=30,
    params:
        options=statistics_options("deals", "saturation_votes", "exchange"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/trace_saturation.py",
        code=code("trace_saturation.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --votes {input.votes} --proxies {input.proxies} --utterances {input.utterances}"
        " --classes {params.classes} --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule estimate_exchange_rate:
    """Estimate how many human votes the ALM's votes are worth; simulated corpora add proxies of known worth."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
        read_out=read_outs_of,
        truth=truth_of,
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
        truth=lambda wildcards, input: f"--truth {input.truth}" if input.truth else "",
        read_out=named_read_outs,
        options=statistics_options("smoothing", "exchange"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/estimate_exchange_rate.py",
        code=code("estimate_exchange_rate.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --votes {input.votes} --proxies {input.proxies} --roles {input.roles} --utterances {input.utterances}"
        " {params.truth} {params.read_out} --validity {input.validity:q} --recovery {input.recovery:q} --classes {params.classes} --options {params.options:q} --seed {params.seed}"
        " --output {output} > {log} 2>&1"


rule trace_costs:
    """Trace how well human and synthetic votes predict one more human vote, by the number of each."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
    output:
        "results/statistics/costs-{corpus}-{annotator}.parquet",
    log:
        "logs/trace_costs/{corpus}-{annotator}.log",
    benchmark:
        "logs/trace_costs/{corpus}-{annotator}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 450),
        runtime=30,
    params:
        options=statistics_options("smoothing", "adjust", "costs"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/trace_costs.py",
        code=code("trace_costs.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --votes {input.votes} --proxies {input.proxies} --roles {input.roles} --utterances {input.utterances}"
        " --classes {params.classes} --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule estimate_exchange_by_level:
    """Estimate the exchange rate at each level of ambiguity, from disjoint sets of votes."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        roles="results/corpora/{corpus}/roles.parquet",
        proxies="results/proxies/{corpus}/{annotator}/votes.parquet",
        levels="results/levels/{corpus}/{protocol}.parquet",
        truth=truth_of,
        validity=VALIDITY,
    output:
        "results/statistics/exchange_by_level-{corpus}-{annotator}-{protocol}.parquet",
    log:
        "logs/estimate_exchange_by_level/{corpus}-{annotator}-{protocol}.log",
    benchmark:
        "logs/estimate_exchange_by_level/{corpus}-{annotator}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 250),
        runtime=30,
    params:
        truth=lambda wildcards, input: f"--truth {input.truth}" if input.truth else "",
        options=statistics_options("smoothing", "exchange"),
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/estimate_exchange_by_level.py",
        code=code("estimate_exchange_by_level.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --protocol {wildcards.protocol} --levels {input.levels} --votes {input.votes} --proxies {input.proxies} --roles {input.roles} --utterances {input.utterances}"
        " {params.truth} --validity {input.validity:q} --classes {params.classes} --options {params.options:q} --seed {params.seed}"
        " --output {output} > {log} 2>&1"
