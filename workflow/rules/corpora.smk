# Raw audio and votes -> the tables of a corpus, its splits and the roles of its votes.


rule synthesise_demo:
    """Simulate a corpus with a known truth: espeak-ng voices and a pool of raters."""
    output:
        audio=directory("resources/corpora/{corpus}/audio"),
        utterances="resources/corpora/{corpus}/utterances.csv",
        votes="resources/corpora/{corpus}/votes.csv",
        details="resources/corpora/{corpus}/details.csv",
        truth="results/corpora/{corpus}/truth.parquet",
    log:
        "logs/synthesise_demo/{corpus}.log",
    benchmark:
        "logs/synthesise_demo/{corpus}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        root=by_wildcards(run.corpus_root),
        options=by_wildcards(run.simulation_options, into=canonical),
        seed=SEED,
        script=f"{SCRIPTS}/synthesise_demo.py",
        code=code("synthesise_demo.py"),
    shell:
        "python {params.script:q} --name {wildcards.corpus} --options {params.options:q}"
        " --seed {params.seed} --root {params.root} --truth {output.truth} > {log} 2>&1"


rule read_corpus:
    """Read a corpus from disk into the tables of this project; rejects are kept with reasons."""
    input:
        made=by_wildcards(run.made_here),
        audio=by_wildcards(run.audio_of),
    output:
        utterances="results/corpora/{corpus}/found/utterances.parquet",
        votes="results/corpora/{corpus}/found/votes.parquet",
        rejects="results/corpora/{corpus}/found/rejects.parquet",
        audit="results/corpora/{corpus}/found/audit.json",
    log:
        "logs/read_corpus/{corpus}.log",
    benchmark:
        "logs/read_corpus/{corpus}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        reader=by_wildcards(run.reader),
        root=by_wildcards(run.corpus_root),
        options=by_wildcards(run.reading_options, into=canonical),
        proxy=lambda wildcards: "--proxy" if wildcards.corpus in run.replayed_corpora() else "",
        script=f"{SCRIPTS}/read_corpus.py",
        code=lambda wildcards: code("read_corpus.py", f"corpora.readers.{run.reader(wildcards.corpus)}"),
    shell:
        "python {params.script:q} --reader {params.reader} --name {wildcards.corpus} --root {params.root:q}"
        " --options {params.options:q} {params.proxy} --utterances {output.utterances} --votes {output.votes}"
        " --rejects {output.rejects} --audit {output.audit} > {log} 2>&1"


rule split_corpus:
    """Split a corpus into training, validation and test parts."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
    output:
        "results/splits/{corpus}/{protocol}.parquet",
    log:
        "logs/split_corpus/{corpus}-{protocol}.log",
    benchmark:
        "logs/split_corpus/{corpus}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        options=by_wildcards(run.splits_of, into=canonical),
        seed=SEED,
        script=f"{SCRIPTS}/split_corpus.py",
        code=code("split_corpus.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --options {params.options:q}"
        " --seed {params.seed} --output {output} > {log} 2>&1"


rule report_leakage:
    """Report what the parts of a split share: byte-identical sound, speakers, transcripts; with counts and examples."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        splits=rules.split_corpus.output[0],
        hashes=by_wildcards(run.pins_of),
    output:
        report(
            "results/splits/{corpus}/{protocol}.leakage.csv",
            caption="../report/report_leakage.rst",
            category="Tables",
        ),
    log:
        "logs/report_leakage/{corpus}-{protocol}.log",
    benchmark:
        "logs/report_leakage/{corpus}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        options=by_wildcards(run.splits_of, into=canonical),
        script=f"{SCRIPTS}/report_leakage.py",
        code=code("report_leakage.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --splits {input.splits}"
        " --options {params.options:q} --hashes {input.hashes:q} --output {output} > {log} 2>&1"


rule deal_roles:
    """Deal the human votes of every utterance at random into disjoint level, conditioning and reference votes."""
    input:
        votes="results/corpora/{corpus}/votes.parquet",
    output:
        "results/corpora/{corpus}/roles.parquet",
    log:
        "logs/deal_roles/{corpus}.log",
    benchmark:
        "logs/deal_roles/{corpus}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        level_votes=run.level_votes(),
        deals=config["statistics"]["deals"],
        seed=SEED,
        script=f"{SCRIPTS}/deal_roles.py",
        code=code("deal_roles.py"),
    shell:
        "python {params.script:q} --votes {input.votes} --level-votes {params.level_votes}"
        " --deals {params.deals} --seed {params.seed} --output {output} > {log} 2>&1"


rule assign_levels:
    """Assign every utterance its ambiguity level in every deal, with thresholds, counts and reliability."""
    input:
        roles=rules.deal_roles.output[0],
        votes="results/corpora/{corpus}/votes.parquet",
        splits=rules.split_corpus.output[0],
    output:
        levels="results/levels/{corpus}/{protocol}.parquet",
        thresholds="results/levels/{corpus}/{protocol}.csv",
    log:
        "logs/assign_levels/{corpus}-{protocol}.log",
    benchmark:
        "logs/assign_levels/{corpus}-{protocol}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        options=by_wildcards(run.levels_of, into=canonical),
        script=f"{SCRIPTS}/assign_levels.py",
        code=code("assign_levels.py"),
    shell:
        "python {params.script:q} --roles {input.roles} --votes {input.votes} --splits {input.splits}"
        " --options {params.options:q} --output {output.levels} --thresholds {output.thresholds} > {log} 2>&1"


rule fetch_cremad:
    """Fetch CREMA-D, votes and sound (606 MB, open licence), into its root; verified, resumable, polite."""
    input:
        pins=f"{PINS}/cremad.tsv.gz",
    output:
        "resources/fetched/cremad.json",
    log:
        "logs/fetch_cremad.log",
    benchmark:
        "logs/fetch_cremad.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=600,
    params:
        root=lambda wildcards: run.root_of(run.first_of("cremad")),
        script=f"{SCRIPTS}/fetch_cremad.py",
        code=code("fetch_cremad.py"),
    shell:
        "python {params.script:q} --root {params.root:q} --pins {input.pins:q} --receipt {output} > {log} 2>&1"


rule audit_audio:
    """Decode one shard of a corpus in full: duration, loudness, clipping, hash; resample files that are not 16 kHz mono."""
    input:
        utterances=rules.read_corpus.output.utterances,
        audio=by_wildcards(run.audio_of),
    output:
        "results/corpora/{corpus}/sound/{shard}.parquet",
    log:
        "logs/audit_audio/{corpus}-{shard}.log",
    benchmark:
        "logs/audit_audio/{corpus}-{shard}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        root=by_wildcards(run.corpus_root),
        shards=by_wildcards(run.audit_shards),
        cache=lambda wildcards: f"resources/audio/{wildcards.corpus}",
        script=f"{SCRIPTS}/audit_audio.py",
        code=code("audit_audio.py"),
    shell:
        "python {params.script:q} --utterances {input.utterances} --root {params.root:q} --shard {wildcards.shard}"
        " --shards {params.shards} --cache {params.cache} --output {output} > {log} 2>&1"


rule screen_corpus:
    """Leave out truncated, silent or invalid sounds found by the full decode; add the measurements to the utterances."""
    input:
        found=rules.read_corpus.output,
        shards=by_wildcards(run.sound_shards),
        hashes=by_wildcards(run.pins_of),
    output:
        utterances="results/corpora/{corpus}/utterances.parquet",
        votes="results/corpora/{corpus}/votes.parquet",
        rejects="results/corpora/{corpus}/rejects.parquet",
        audit="results/corpora/{corpus}/audit.json",
    log:
        "logs/screen_corpus/{corpus}.log",
    benchmark:
        "logs/screen_corpus/{corpus}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        found=lambda wildcards: f"results/corpora/{wildcards.corpus}/found",
        options=by_wildcards(run.screening_options, into=canonical),
        cache=lambda wildcards: f"resources/audio/{wildcards.corpus}",
        script=f"{SCRIPTS}/screen_corpus.py",
        code=code("screen_corpus.py"),
    shell:
        "python {params.script:q} --name {wildcards.corpus} --options {params.options:q} --found {params.found}"
        " --shards {input.shards} --hashes {input.hashes:q} --cache {params.cache} --utterances {output.utterances} --votes {output.votes}"
        " --rejects {output.rejects} --audit {output.audit} > {log} 2>&1"


rule export_corpus:
    """Export votes and label distributions, ids only, as a folder that Hugging Face datasets loads, with a card."""
    input:
        votes=rules.screen_corpus.output.votes,
        labels=lambda wildcards: run.label_table(wildcards.corpus, HEADLINE["protocol"], "human"),
    output:
        directory("results/export/{corpus}"),
    log:
        "logs/export_corpus/{corpus}.log",
    benchmark:
        "logs/export_corpus/{corpus}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        options=by_wildcards(run.corpus_entry, into=canonical),
        script=f"{SCRIPTS}/export_corpus.py",
        code=code("export_corpus.py"),
    shell:
        "python {params.script:q} --name {wildcards.corpus} --options {params.options:q} --votes {input.votes}"
        " --labels {input.labels} --output {output} > {log} 2>&1"
