# Audio -> synthetic votes. Answers are paid for once: they are stored in resources/answers/, which no
# rule owns, and the tables here are projections of it.


rule train_tiny_alm:
    """Train a small real Qwen2-Audio from scratch, on a foreign simulated world."""
    input:
        prompts=f"{PROMPTS}/focus.yaml",
        writing=by_wildcards(run.written_prompts),
    output:
        checkpoint=directory("resources/models/{alm}"),
        scores="results/models/{alm}/heldout.json",
    log:
        "logs/train_tiny_alm/{alm}.log",
    benchmark:
        "logs/train_tiny_alm/{alm}.tsv"
    wildcard_constraints:
        alm=run.alms_trained_on("utterances"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        options=by_wildcards(run.making_entry, into=canonical),
        seed=SEED,
        writing=flag("writing"),
        script=f"{SCRIPTS}/train_tiny_alm.py",
        code=code("train_tiny_alm.py"),
    shell:
        "python {params.script:q} --name {wildcards.alm} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.writing} --seed {params.seed} --output {output.checkpoint}"
        " --scores {output.scores} > {log} 2>&1"


rule build_alm:
    """Assemble a small Qwen2-Audio behind the first layers of a published Whisper encoder; all but these is untrained."""
    input:
        utterances=trained_on(run.utterances),
        prompts=f"{PROMPTS}/focus.yaml",
        writing=by_wildcards(run.written_prompts),
    output:
        directory("resources/models/{alm}/untrained"),
    log:
        "logs/build_alm/{alm}.log",
    benchmark:
        "logs/build_alm/{alm}.tsv"
    wildcard_constraints:
        alm=run.alms_trained_on("corpus"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        encoder=lambda wildcards: canonical(config["alms"][wildcards.alm]["encoder"]),
        classes=trained_on(run.classes),
        writing=flag("writing"),
        seed=SEED,
        script=f"{SCRIPTS}/build_alm.py",
        code=code("build_alm.py"),
    shell:
        "python {params.script:q} --encoder {params.encoder:q} --utterances {input.utterances}"
        " --prompts {input.prompts:q} {params.writing} --classes {params.classes} --seed {params.seed} --output {output} > {log} 2>&1"


rule train_alm:
    """Train one member of a cross-fitted ALM on the human votes about the training speakers of a fold."""
    input:
        untrained=rules.build_alm.output[0],
        utterances=trained_on(run.utterances),
        labels=by_wildcards(run.member_labels),
        splits=by_wildcards(run.member_splits),
        encodings=by_wildcards(run.member_encodings),
        prompts=f"{PROMPTS}/focus.yaml",
        writing=by_wildcards(run.written_prompts),
    output:
        checkpoint=directory("resources/models/{alm}/fold-{fold}"),
        scores="results/models/{alm}/fold-{fold}.json",
    log:
        "logs/train_alm/{alm}-{fold}.log",
    benchmark:
        "logs/train_alm/{alm}-{fold}.tsv"
    wildcard_constraints:
        alm=run.alms_trained_on("corpus"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        training=lambda wildcards: canonical(config["alms"][wildcards.alm]["training"]),
        root=trained_on(run.corpus_root),
        classes=trained_on(run.classes),
        writing=flag("writing"),
        seed=SEED,
        script=f"{SCRIPTS}/train_alm.py",
        code=code("train_alm.py"),
    shell:
        "python {params.script:q} --untrained {input.untrained} --training {params.training:q}"
        " --utterances {input.utterances} --root {params.root:q} --labels {input.labels} --splits {input.splits}"
        " --fold {wildcards.fold} --encodings {input.encodings} --prompts {input.prompts:q} {params.writing} --classes {params.classes}"
        " --seed {params.seed} --output {output.checkpoint} --scores {output.scores} > {log} 2>&1"


rule annotate_shard:
    """Query an ALM for its votes on one shard of a corpus; stored answers are not requested again."""
    input:
        utterances=rules.screen_corpus.output.utterances,
        audio=by_wildcards(run.audio_of),
        checkpoint=by_wildcards(run.checkpoint_behind),
        prompts=by_wildcards(run.prompts_of),
        synonyms=by_wildcards(run.synonyms_of),
        turns=by_wildcards(run.turns_of),
        published=by_wildcards(run.published_of),
        encodings=by_wildcards(run.encodings_of_shard),
        gpu_check=before_start(run.gpu_check_behind),
    output:
        "results/proxies/{corpus}/{annotator}/shards/{shard}.parquet",
    log:
        "logs/annotate_shard/{corpus}-{annotator}-{shard}.log",
    benchmark:
        "logs/annotate_shard/{corpus}-{annotator}-{shard}.tsv"
    wildcard_constraints:
        annotator=run.annotators_by("asking"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * run.annotator_memory(wildcards.annotator),
        runtime=240,
        gpu=by_wildcards(run.annotator_gpus),
        slurm_partition=by_wildcards(run.annotator_gpus, into=partition),
        gpu_model=by_wildcards(run.annotator_gpus, into=gpu_type),
    params:
        root=by_wildcards(run.corpus_root),
        alm=by_wildcards(run.opened_alm, into=canonical),
        options=by_wildcards(run.annotator_entry, into=canonical),
        classes=by_wildcards(run.classes),
        shards=by_wildcards(run.shards),
        store=lambda wildcards: f"resources/answers/{wildcards.annotator}",
        server=named_server,
        encodings=flag("encodings"),
        synonyms=by_wildcards(run.synonyms_of, into=repeated("synonyms")),
        turns=by_wildcards(run.turns_of, into=repeated("turns")),
        seed=SEED,
        script=f"{SCRIPTS}/annotate_shard.py",
        code=lambda wildcards: code("annotate_shard.py", *run.asking_modules(wildcards.annotator)),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.synonyms} {params.turns} --classes {params.classes} --shard {wildcards.shard} --shards {params.shards}"
        " --seed {params.seed} --store {params.store} {params.server} {params.encodings} --output {output} > {log} 2>&1"


rule read_out_shard:
    """Read the label distributions that the votes of a local ALM are drawn from: the limit of infinitely many votes."""
    input:
        utterances=rules.screen_corpus.output.utterances,
        votes=rules.annotate_shard.output[0],
        audio=by_wildcards(run.audio_of),
        checkpoint=by_wildcards(run.checkpoint_behind),
        prompts=by_wildcards(run.prompts_of),
        turns=by_wildcards(run.turns_of),
        published=by_wildcards(run.published_of),
        encodings=by_wildcards(run.encodings_of_shard),
        gpu_check=before_start(run.gpu_check_behind),
    output:
        "results/proxies/{corpus}/{annotator}/read_out/{shard}.parquet",
    log:
        "logs/read_out_shard/{corpus}-{annotator}-{shard}.log",
    benchmark:
        "logs/read_out_shard/{corpus}-{annotator}-{shard}.tsv"
    wildcard_constraints:
        annotator=run.annotators_by("asking"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * run.annotator_memory(wildcards.annotator),
        runtime=240,
        gpu=by_wildcards(run.annotator_gpus),
        slurm_partition=by_wildcards(run.annotator_gpus, into=partition),
        gpu_model=by_wildcards(run.annotator_gpus, into=gpu_type),
    params:
        root=by_wildcards(run.corpus_root),
        alm=by_wildcards(run.opened_alm, into=canonical),
        options=by_wildcards(run.annotator_entry, into=canonical),
        classes=by_wildcards(run.classes),
        shards=by_wildcards(run.shards),
        store=by_wildcards(run.read_out_store),
        encodings=flag("encodings"),
        turns=by_wildcards(run.turns_of, into=repeated("turns")),
        seed=SEED,
        script=f"{SCRIPTS}/read_out_shard.py",
        code=lambda wildcards: code("read_out_shard.py", *run.asking_modules(wildcards.annotator)),
    shell:
        "python {params.script:q} --corpus {wildcards.corpus} --annotator {wildcards.annotator}"
        " --utterances {input.utterances} --root {params.root:q} --alm {params.alm:q} --options {params.options:q}"
        " --prompts {input.prompts:q} {params.turns} --classes {params.classes} --shard {wildcards.shard} --shards {params.shards}"
        " --seed {params.seed} --store {params.store} {params.encodings} --output {output} > {log} 2>&1"


rule gather_votes:
    """Join the shards into one table of synthetic votes, with a count of every parse status."""
    input:
        shards=by_wildcards(run.annotated_shards),
    output:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        status="results/proxies/{corpus}/{annotator}/status.csv",
        draws="results/proxies/{corpus}/{annotator}/draws.csv",
    log:
        "logs/gather_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/gather_votes/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=run.annotators_by("asking"),
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
        votes=rules.gather_votes.output.votes,
        utterances=rules.screen_corpus.output.utterances,
        audio=by_wildcards(run.audio_of),
        prompts=by_wildcards(run.prompts_of),
        synonyms=by_wildcards(run.synonyms_of),
        turns=by_wildcards(run.turns_of),
    output:
        "results/proxies/{corpus}/{annotator}/candidates.parquet",
    log:
        "logs/gather_candidates/{corpus}-{annotator}.log",
    benchmark:
        "logs/gather_candidates/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=run.annotators_by("asking"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        root=by_wildcards(run.corpus_root),
        alm=by_wildcards(run.opened_alm, into=canonical),
        options=by_wildcards(run.annotator_entry, into=canonical),
        classes=by_wildcards(run.classes),
        store=by_wildcards(run.store_of),
        synonyms=by_wildcards(run.synonyms_of, into=repeated("synonyms")),
        turns=by_wildcards(run.turns_of, into=repeated("turns")),
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
        utterances=rules.screen_corpus.output.utterances,
        votes=by_wildcards(run.replayed_votes),
    output:
        votes="results/proxies/{corpus}/{annotator}/votes.parquet",
        status="results/proxies/{corpus}/{annotator}/status.csv",
        draws="results/proxies/{corpus}/{annotator}/draws.csv",
    log:
        "logs/replay_votes/{corpus}-{annotator}.log",
    benchmark:
        "logs/replay_votes/{corpus}-{annotator}.tsv"
    wildcard_constraints:
        annotator=run.annotators_by("replay"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        draws=by_wildcards(run.votes_per_utterance),
        classes=by_wildcards(run.classes),
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
        utterances=rules.screen_corpus.output.utterances,
        table=by_wildcards(run.model_votes),
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
        annotator=run.annotators_by("table"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        draws=by_wildcards(run.votes_per_utterance),
        columns=lambda wildcards: canonical(run.alm_of(wildcards.annotator).get("columns", {})),
        merge=by_wildcards(run.merged_classes, into=canonical),
        classes=by_wildcards(run.classes),
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
        reader=by_wildcards(run.reader),
        root=by_wildcards(run.corpus_root),
        script=f"{SCRIPTS}/read_turns.py",
        code=lambda wildcards: code("read_turns.py", f"corpora.dialogues.{run.reader(wildcards.corpus)}"),
    shell:
        "python {params.script:q} --reader {params.reader} --name {wildcards.corpus} --root {params.root:q}"
        " --output {output} > {log} 2>&1"


rule export_answers:
    """Publish the answers of an annotator, with their manifest: engine `replay_answers` reads the folder."""
    input:
        votes=by_wildcards(run.all_votes),
    output:
        directory("results/answers/{annotator}"),
    log:
        "logs/export_answers/{annotator}.log",
    benchmark:
        "logs/export_answers/{annotator}.tsv"
    wildcard_constraints:
        annotator=run.annotators_by("asking"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        store=by_wildcards(run.store_of),
        options=by_wildcards(run.annotator_entry, into=canonical),
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
