# Audio -> synthetic votes. Answers are paid for once: they are stored in resources/answers/, which no
# rule owns, and the tables here are projections of it.


rule train_tiny_alm:
    """Train a small real Qwen2-Audio from scratch, on a foreign simulated world."""
    input:
        prompts=f"{PROMPTS}/focus.yaml",
        writing=written_prompts,
    output:
        checkpoint=directory("resources/models/{alm}"),
        scores="results/models/{alm}/heldout.json",
    log:
        "logs/train_tiny_alm/{alm}.log",
    benchmark:
        "logs/train_tiny_alm/{alm}.tsv"
    wildcard_constraints:
        alm=alms_trained_on("utterances"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        options=lambda wildcards: canonical(
            {key: value for key, value in config["alms"][wildcards.alm].items() if key != "encodings"}
        ),
        seed=SEED,
        writing=lambda wildcards, input: f"--writing {quote(str(input.writing))}" if input.writing else "",
        script=f"{SCRIPTS}/train_tiny_alm.py",
        code=code("train_tiny_alm.py"),
    shell:
        "python {params.script:q} --name {wildcards.alm} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.writing} --seed {params.seed} --output {output.checkpoint}"
        " --scores {output.scores} > {log} 2>&1"


rule build_alm:
    """Assemble a small Qwen2-Audio behind the first layers of a published Whisper encoder; all but these is untrained."""
    input:
        utterances=lambda wildcards: f"results/corpora/{training_of(wildcards.alm, 'corpus')}/utterances.parquet",
        prompts=f"{PROMPTS}/focus.yaml",
    output:
        directory("resources/models/{alm}/untrained"),
    log:
        "logs/build_alm/{alm}.log",
    benchmark:
        "logs/build_alm/{alm}.tsv"
    wildcard_constraints:
        alm=alms_trained_on("corpus"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        encoder=lambda wildcards: canonical(config["alms"][wildcards.alm]["encoder"]),
        classes=lambda wildcards: classes(training_of(wildcards.alm, "corpus")),
        seed=SEED,
        script=f"{SCRIPTS}/build_alm.py",
        code=code("build_alm.py"),
    shell:
        "python {params.script:q} --encoder {params.encoder:q} --utterances {input.utterances}"
        " --prompts {input.prompts:q} --classes {params.classes} --seed {params.seed} --output {output} > {log} 2>&1"


rule train_alm:
    """Train one member of a cross-fitted ALM on the human votes about the training speakers of a fold."""
    input:
        untrained="resources/models/{alm}/untrained",
        utterances=lambda wildcards: f"results/corpora/{training_of(wildcards.alm, 'corpus')}/utterances.parquet",
        labels=lambda wildcards: "results/labels/{corpus}/{protocol}/human.parquet".format(
            **config["alms"][wildcards.alm]["trained_on"]
        ),
        splits=lambda wildcards: "results/splits/{corpus}/{protocol}.parquet".format(
            **config["alms"][wildcards.alm]["trained_on"]
        ),
        encodings=lambda wildcards: [
            f"results/encodings/{training_of(wildcards.alm, 'corpus')}/{wildcards.alm}/{shard}"
            for shard in range(config["corpora"][training_of(wildcards.alm, "corpus")]["shards"])
        ],
        prompts=f"{PROMPTS}/focus.yaml",
    output:
        checkpoint=directory("resources/models/{alm}/fold-{fold}"),
        scores="results/models/{alm}/fold-{fold}.json",
    log:
        "logs/train_alm/{alm}-{fold}.log",
    benchmark:
        "logs/train_alm/{alm}-{fold}.tsv"
    wildcard_constraints:
        alm=alms_trained_on("corpus"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        training=lambda wildcards: canonical(config["alms"][wildcards.alm]["training"]),
        root=lambda wildcards: corpus_root(training_of(wildcards.alm, "corpus")),
        classes=lambda wildcards: classes(training_of(wildcards.alm, "corpus")),
        seed=SEED,
        script=f"{SCRIPTS}/train_alm.py",
        code=code("train_alm.py"),
    shell:
        "python {params.script:q} --untrained {input.untrained} --training {params.training:q}"
        " --utterances {input.utterances} --root {params.root:q} --labels {input.labels} --splits {input.splits}"
        " --fold {wildcards.fold} --encodings {input.encodings} --prompts {input.prompts:q} --classes {params.classes}"
        " --seed {params.seed} --output {output.checkpoint} --scores {output.scores} > {log} 2>&1"


rule annotate_shard:
    """Query an ALM for its votes on one shard of a corpus; stored answers are not requested again."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=audio_of,
        checkpoint=lambda wildcards: checkpoint_of(config["annotators"][wildcards.annotator]["alm"]),
        prompts=lambda wildcards: f"{PROMPTS}/{config['annotators'][wildcards.annotator]['prompts']}.yaml",
        synonyms=synonyms_of,
        turns=turns_of,
        published=published_of,
        encodings=encodings_of_shard,
        gpu_check=lambda wildcards: gpu_check_of(config["annotators"][wildcards.annotator]["alm"]),
    output:
        "results/proxies/{corpus}/{annotator}/shards/{shard}.parquet",
    log:
        "logs/annotate_shard/{corpus}-{annotator}-{shard}.log",
    benchmark:
        "logs/annotate_shard/{corpus}-{annotator}-{shard}.tsv"
    wildcard_constraints:
        annotator=annotators_by("asking"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * model_memory(config["annotators"][wildcards.annotator]["alm"]),
        runtime=240,
        gpu=lambda wildcards: alm_of(wildcards)["gpus"],
        slurm_partition=lambda wildcards: gpu_resources(alm_of(wildcards)["gpus"])["partition"],
        gpu_model=lambda wildcards: gpu_resources(alm_of(wildcards)["gpus"])["model"],
    params:
        root=lambda wildcards: corpus_root(wildcards.corpus),
        alm=lambda wildcards: canonical(opened_alm(wildcards)),
        options=lambda wildcards: canonical(config["annotators"][wildcards.annotator]),
        classes=lambda wildcards: classes(wildcards.corpus),
        shards=lambda wildcards: config["corpora"][wildcards.corpus]["shards"],
        store=lambda wildcards: f"resources/answers/{wildcards.annotator}",
        server=server_of,
        encodings=named_encodings,
        synonyms=lambda wildcards: " ".join(f"--synonyms {quote(path)}" for path in synonyms_of(wildcards)),
        turns=lambda wildcards: " ".join(f"--turns {path}" for path in turns_of(wildcards)),
        seed=SEED,
        script=f"{SCRIPTS}/annotate_shard.py",
        code=lambda wildcards: code("annotate_shard.py", *asking_modules(wildcards)),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.synonyms} {params.turns} --classes {params.classes} --shard {wildcards.shard} --shards {params.shards}"
        " --seed {params.seed} --store {params.store} {params.server} {params.encodings} --output {output} > {log} 2>&1"


rule read_out_shard:
    """Read the label distributions that the votes of a local ALM are drawn from: the limit of infinitely many votes."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        votes="results/proxies/{corpus}/{annotator}/shards/{shard}.parquet",
        audio=audio_of,
        checkpoint=lambda wildcards: checkpoint_of(config["annotators"][wildcards.annotator]["alm"]),
        prompts=lambda wildcards: f"{PROMPTS}/{config['annotators'][wildcards.annotator]['prompts']}.yaml",
        turns=turns_of,
        published=published_of,
        encodings=encodings_of_shard,
        gpu_check=lambda wildcards: gpu_check_of(config["annotators"][wildcards.annotator]["alm"]),
    output:
        "results/proxies/{corpus}/{annotator}/read_out/{shard}.parquet",
    log:
        "logs/read_out_shard/{corpus}-{annotator}-{shard}.log",
    benchmark:
        "logs/read_out_shard/{corpus}-{annotator}-{shard}.tsv"
    wildcard_constraints:
        annotator=annotators_by("asking"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * model_memory(config["annotators"][wildcards.annotator]["alm"]),
        runtime=240,
        gpu=lambda wildcards: alm_of(wildcards)["gpus"],
        slurm_partition=lambda wildcards: gpu_resources(alm_of(wildcards)["gpus"])["partition"],
        gpu_model=lambda wildcards: gpu_resources(alm_of(wildcards)["gpus"])["model"],
    params:
        root=lambda wildcards: corpus_root(wildcards.corpus),
        alm=lambda wildcards: canonical(opened_alm(wildcards)),
        options=lambda wildcards: canonical(config["annotators"][wildcards.annotator]),
        classes=lambda wildcards: classes(wildcards.corpus),
        shards=lambda wildcards: config["corpora"][wildcards.corpus]["shards"],
        store=read_out_store,
        encodings=named_encodings,
        turns=lambda wildcards: " ".join(f"--turns {path}" for path in turns_of(wildcards)),
        seed=SEED,
        script=f"{SCRIPTS}/read_out_shard.py",
        code=lambda wildcards: code("read_out_shard.py", *asking_modules(wildcards)),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.turns} --classes {params.classes} --shard {wildcards.shard} --shards {params.shards}"
        " --seed {params.seed} --store {params.store} {params.encodings} --output {output} > {log} 2>&1"


rule gather_votes:
    """Join the shards into one table of synthetic votes, with a count of every parse status."""
    input:
        shards=lambda wildcards: expand(
            "results/proxies/{corpus}/{annotator}/shards/{shard}.parquet",
            shard=range(config["corpora"][wildcards.corpus]["shards"]),
            corpus=wildcards.corpus,
            annotator=wildcards.annotator,
        ),
    output:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        status="results/proxies/{corpus}/{annotator}/status.csv",
        draws="results/proxies/{corpus}/{annotator}/draws.csv",
    log:
        "logs/gather_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/gather_votes/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=annotators_by("asking"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        script=f"{SCRIPTS}/gather_votes.py",
        code=code("gather_votes.py"),
    shell:
        "python {params.script:q} --shards {input.shards} --votes {output.votes}"
        " --status {output.status} --draws-table {output.draws} > {log} 2>&1"


rule gather_candidates:
    """Every stored answer of an annotator with its distribution, cost and status; made on request, queries no model."""
    input:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        utterances="results/corpora/{corpus}/utterances.parquet",
        audio=audio_of,
        prompts=lambda wildcards: f"{PROMPTS}/{config['annotators'][wildcards.annotator]['prompts']}.yaml",
        synonyms=synonyms_of,
        turns=turns_of,
    output:
        "results/proxies/{corpus}/{annotator}/candidates.parquet",
    log:
        "logs/gather_candidates/{corpus}-{annotator}.log",
    benchmark:
        "logs/gather_candidates/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=annotators_by("asking"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        root=lambda wildcards: corpus_root(wildcards.corpus),
        alm=lambda wildcards: canonical(opened_alm(wildcards)),
        options=lambda wildcards: canonical(config["annotators"][wildcards.annotator]),
        classes=lambda wildcards: classes(wildcards.corpus),
        store=store_of,
        synonyms=lambda wildcards: " ".join(f"--synonyms {quote(path)}" for path in synonyms_of(wildcards)),
        turns=lambda wildcards: " ".join(f"--turns {path}" for path in turns_of(wildcards)),
        seed=SEED,
        script=f"{SCRIPTS}/gather_candidates.py",
        code=code("gather_candidates.py"),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator} --votes {input.votes}"
        " --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.synonyms} {params.turns} --classes {params.classes}"
        " --seed {params.seed} --store {params.store:q} --output {output} > {log} 2>&1"


rule replay_votes:
    """Use the votes of another corpus entry, e.g. on the face alone, as the answers of an annotator."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        votes=lambda wildcards: f"results/corpora/{alm_of(wildcards)['corpus']}/votes.parquet",
    output:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        status="results/proxies/{corpus}/{annotator}/status.csv",
        draws="results/proxies/{corpus}/{annotator}/draws.csv",
    log:
        "logs/replay_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/replay_votes/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=annotators_by("replay"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        draws=lambda wildcards: config["annotators"][wildcards.annotator]["votes"],
        classes=lambda wildcards: classes(wildcards.corpus),
        seed=SEED,
        script=f"{SCRIPTS}/replay_votes.py",
        code=code("replay_votes.py"),
    shell:
        "python {params.script:q} --votes {input.votes} --utterances {input.utterances}"
        " --annotator {wildcards.annotator} --draws {params.draws} --classes {params.classes}"
        " --seed {params.seed} --output {output.votes} --status {output.status}"
        " --draws-table {output.draws} > {log} 2>&1"


rule read_model_votes:
    """Use the votes of a model that are given as a table as the answers of an annotator."""
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        table=lambda wildcards: model_votes(config["annotators"][wildcards.annotator]["alm"]),
    output:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        rejects="results/proxies/{corpus}/{annotator}/rejects.csv",
        status="results/proxies/{corpus}/{annotator}/status.csv",
        draws="results/proxies/{corpus}/{annotator}/draws.csv",
    log:
        "logs/read_model_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/read_model_votes/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=annotators_by("table"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        draws=lambda wildcards: config["annotators"][wildcards.annotator]["votes"],
        columns=lambda wildcards: canonical(alm_of(wildcards).get("columns", {})),
        merge=lambda wildcards: canonical(config["corpora"][wildcards.corpus].get("class_policy", {}).get("merge", {})),
        classes=lambda wildcards: classes(wildcards.corpus),
        script=f"{SCRIPTS}/read_model_votes.py",
        code=code("read_model_votes.py"),
    shell:
        "python {params.script:q} --table {input.table:q} --columns {params.columns:q} --merge {params.merge:q}"
        " --utterances {input.utterances} --annotator {wildcards.annotator} --draws {params.draws}"
        " --classes {params.classes} --output {output.votes} --rejects {output.rejects} --status {output.status}"
        " --draws-table {output.draws} > {log} 2>&1"


rule read_turns:
    """Read the conversations of a corpus, for annotators that receive the preceding turns."""
    output:
        "results/corpora/{corpus}/turns.parquet",
    log:
        "logs/read_turns/{corpus}.log",
    benchmark:
        "logs/read_turns/{corpus}.tsv"
    conda:
        "../../envs/audio.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        reader=lambda wildcards: config["corpora"][wildcards.corpus]["reader"],
        root=lambda wildcards: corpus_root(wildcards.corpus),
        script=f"{SCRIPTS}/read_turns.py",
        code=lambda wildcards: code(
            "read_turns.py", f"corpora.dialogues.{config['corpora'][wildcards.corpus]['reader']}"
        ),
    shell:
        "python {params.script:q} --reader {params.reader} --name {wildcards.corpus} --root {params.root:q}"
        " --output {output} > {log} 2>&1"


rule export_answers:
    """Publish the answers of an annotator, with their manifest: engine `replay_answers` reads the folder."""
    input:
        votes=lambda wildcards: expand(
            "results/proxies/{corpus}/{annotator}/votes.parquet",
            corpus=[corpus for corpus in RUN["corpora"] if wildcards.annotator in annotators_of(corpus)],
            annotator=wildcards.annotator,
        ),
    output:
        directory("results/answers/{annotator}"),
    log:
        "logs/export_answers/{annotator}.log",
    benchmark:
        "logs/export_answers/{annotator}.tsv"
    wildcard_constraints:
        annotator=annotators_by("asking"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        store=lambda wildcards: store_of(wildcards),
        options=lambda wildcards: canonical(config["annotators"][wildcards.annotator]),
        seed=SEED,
        script=f"{SCRIPTS}/export_answers.py",
        code=code("export_answers.py"),
    shell:
        "python {params.script:q} --store {params.store:q} --annotator {wildcards.annotator}"
        " --options {params.options:q} --seed {params.seed} --output {output} > {log} 2>&1"


rule list_alms:
    """The registry of audio-language models: what each is, whether this machine can use it, what votes would cost."""
    input:
        registry=f"{PINS}/alms.yaml",
    output:
        "results/alms.csv",
    log:
        "logs/list_alms.log",
    benchmark:
        "logs/list_alms.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        today=date.today().isoformat(),
        script=f"{SCRIPTS}/list_alms.py",
        code=code("list_alms.py"),
    shell:
        "python {params.script:q} --registry {input.registry:q} --today {params.today} --output {output}"
        " > {log} 2>&1 && cat {log}"
