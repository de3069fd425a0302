# Which files a run has: its corpora and their stages, annotators, labels, conditions and estimates. Functions only.


def classes(corpus):
    """Class set of a corpus, joined by commas, in its order."""
    return ",".join(config["corpora"][corpus]["classes"])


def is_simulated(corpus):
    """Whether the truth behind the votes of a corpus is known."""
    return config["corpora"][corpus]["reader"] == "demo"


def root_of(corpus):
    """Folder of a real corpus: its entry's `root`, the environment variable <NAME>_ROOT, or <READER>_ROOT."""
    entry = config["corpora"].get(corpus, {"reader": corpus})
    own, common = f"{corpus.upper()}_ROOT", f"{entry['reader'].upper()}_ROOT"
    root = entry.get("root") or os.environ.get(own) or os.environ.get(common)
    if not root:
        stop(
            f"corpora.{corpus}.root is missing: the folder of the corpus. Set it in the configuration, "
            f"or the environment variable {own}{'' if own == common else f' (or {common})'}."
        )
    if not entry.get("root") and not os.environ.get(own) and (twins := same_files(corpus)):
        stop(
            f"{common} is the root of the corpora {corpus} and {', '.join(twins)}, which would be the same files. "
            f"Set corpora.*.root, or the environment variables {', '.join(f'{name.upper()}_ROOT' for name in [corpus, *twins])}."
        )
    return os.path.join(START, os.path.expanduser(root))


def same_files(corpus):
    """Other corpora of the reader `table` that name the same files as a corpus and have no root of their own."""

    def files(name):
        return {
            key: value for key, value in config["corpora"][name].items() if key not in ("shards", "release", "license")
        }

    others = [name for name in config["corpora"] if name != corpus and not config["corpora"][name].get("root")]
    others = [name for name in others if not os.environ.get(f"{name.upper()}_ROOT")]
    shared = corpus in config["corpora"] and config["corpora"][corpus]["reader"] == "table"
    return [name for name in others if files(name) == files(corpus)] if shared else []


def first_of(reader):
    """The first corpus that a reader reads; one of its name where there is none."""
    return next((name for name, entry in config["corpora"].items() if entry["reader"] == reader), reader)


def corpus_root(corpus):
    """Folder that the paths of a corpus are relative to: made here, or given in config or environment."""
    return f"resources/corpora/{corpus}" if is_simulated(corpus) else root_of(corpus)


SOUND_AT_HAND = {}  # corpus -> how much of its sound its reader finds


def sound_at_hand(corpus):
    """How much of a corpus' sound is on disk, as its reader finds it; looked for once."""
    if corpus not in SOUND_AT_HAND:
        entry = config["corpora"][corpus]
        SOUND_AT_HAND[corpus] = look_for_sound(entry["reader"], corpus_root(corpus), entry)
    return SOUND_AT_HAND[corpus]


def has_audio(corpus):
    """Whether a corpus brings sound. Where it is optional, nearly all of it has to be there, as its reader finds it."""
    entry = config["corpora"][corpus]
    audio = entry.get("audio", "required")
    if audio == "optional" and not is_simulated(corpus):
        return sound_at_hand(corpus).enough(entry.get("max_reject_share", LARGEST_REJECT_SHARE))
    return audio != "none"


def without_audio(corpus):
    """Why a corpus has no sound in this run."""
    none = config["corpora"][corpus].get("audio") == "none"
    return f"corpora.{corpus}.audio is none" if none else str(sound_at_hand(corpus))


def reading_options(corpus):
    """The entry of a corpus as it is read: whether its sound is used is decided here, and nowhere else."""
    entry = {key: value for key, value in config["corpora"][corpus].items() if key != "shards"}
    return entry | {"audio": "required" if has_audio(corpus) else "none"} if "audio" in entry else entry


def notes_on_reading():
    """What was left out of the corpora of this run as they were read, and what looked like a slip; lines for the terminal."""
    from scaling_ambiguity.corpora.audit_report import reading_notes

    lines = []
    for corpus in dict.fromkeys([*RUN["corpora"], *replayed_corpora()]):
        folder = Path("results/corpora", corpus)
        if (folder / "audit.json").exists():
            lines += reading_notes(json.loads((folder / "audit.json").read_text()), folder / "rejects.parquet")
    return lines


def needs_sound(annotator):
    """Whether an annotator hears: votes that are given need no sound, nor does a model that is given the text alone."""
    entry = config["annotators"][annotator]
    return config["alms"][entry["alm"]]["engine"] not in GIVEN and entry.get("modality") != "text"


def annotators_of(corpus):
    """Selected annotators that can annotate a corpus."""
    return [name for name in RUN["annotators"] if not needs_sound(name) or has_audio(corpus)]


def stages(corpus):
    """The only place that decides which stages exist for a corpus."""
    found = {"votes"}
    if annotators_of(corpus):
        found.add("annotation")
    if has_audio(corpus) and config["finetuning"]["models"]:
        found.add("training")
    if submissions_about(corpus):
        found.add("testtime")
    return found


def left_out():
    """One line a corpus on what this run leaves out, and why."""
    lines = []
    for corpus in RUN["corpora"]:
        deaf = [name for name in RUN["annotators"] if name not in annotators_of(corpus)]
        silent = [f"annotation by {', '.join(deaf)}"] if deaf else []
        silent += ["training"] if config["finetuning"]["models"] and not has_audio(corpus) else []
        if silent:
            lines.append(f"{corpus}: {without_audio(corpus)}; left out: {', '.join(silent)}")
        if not config["finetuning"]["models"]:
            lines.append(f"{corpus}: finetuning.models is empty; left out: training")
    return lines


def corpora_with(stage):
    """Selected corpora that have a stage."""
    return [corpus for corpus in RUN["corpora"] if stage in stages(corpus)]


def audio_of(wildcards):
    """The folder of sound files of a corpus that this workflow makes itself."""
    return f"{corpus_root(wildcards.corpus)}/audio" if is_simulated(wildcards.corpus) else []


def made_here(wildcards):
    """The raw tables of a corpus that this workflow makes itself; the files of a real one are its own."""
    names = ("utterances.csv", "votes.csv") if is_simulated(wildcards.corpus) else ()
    return [f"{corpus_root(wildcards.corpus)}/{name}" for name in names]


def pins_of(wildcards):
    """The pinned list of a corpus' published files, with their hashes, where the project ships one."""
    name = f"{config['corpora'][wildcards.corpus]['reader']}.tsv.gz"
    return f"{PINS}/{name}" if Path(workflow.basedir, "workflow", "resources", name).exists() else []


def audit_shards(corpus):
    """Jobs of the audio audit of a corpus: a file takes milliseconds, so 64 are enough for the largest."""
    return min(config["corpora"][corpus]["shards"], 64)


def sound_shards(wildcards):
    """The tables of the audio audit of a corpus, one a shard; none where a corpus has no sound."""
    if not has_audio(wildcards.corpus):
        return []
    shards = range(audit_shards(wildcards.corpus))
    return [f"results/corpora/{wildcards.corpus}/sound/{shard}.parquet" for shard in shards]


def is_cross_fitted(alm):
    """Whether an ALM is trained here on the votes of a corpus, one member per fold."""
    return "corpus" in config["alms"][alm].get("trained_on", {})


def members(alm):
    """The checkpoints of a cross-fitted ALM, one per fold of the protocol it is trained under."""
    entry = config["alms"][alm]
    return [f"{entry['checkpoint']}/fold-{fold}" for fold in folds(entry["trained_on"]["protocol"])]


def checkpoint_of(alm):
    """The checkpoint of an ALM as an input, where a rule of this workflow makes it; of a cross-fitted one all members."""
    entry = config["alms"][alm]
    if is_cross_fitted(alm):
        return members(alm)
    return entry["checkpoint"] if "trained_on" in entry else []


def tower_checkpoint(alm):
    """The checkpoint that an ALM's audio encoder is opened from; members of a cross-fitted one share that of the untrained."""
    folder = config["alms"][alm]["checkpoint"]
    return f"{folder}/untrained" if is_cross_fitted(alm) else folder


def tower_input(alm):
    """The same as an input, where this workflow makes it; it has the shapes of all members, before any is trained."""
    return tower_checkpoint(alm) if "trained_on" in config["alms"][alm] else []


def entry_with_members(alm):
    """Registry entry of an ALM, with the checkpoints of its members where it is cross-fitted."""
    return config["alms"][alm] | ({"members": members(alm)} if is_cross_fitted(alm) else {})


def training_of(alm, key):
    """What a cross-fitted ALM is trained on: its `corpus` or `protocol`."""
    return config["alms"][alm]["trained_on"][key]


def kind_name(model):
    """Name of the kind of a model that is trained: an ALM gets an adapter, a small peer is a perceptron unless it says."""
    return config["peers"][model].get("kind", PERCEPTRON) if model in config["peers"] else LORA


def kind_of(model):
    """What the workflow has to know of a model's kind."""
    return KINDS[kind_name(model)]


def encoders_of(model):
    """The frozen encoders whose vectors a model is trained on."""
    return [config["peers"][model][key] for key in kind_of(model).features]


def tower_of(encoder):
    """The ALM whose audio tower an encoder is, or None."""
    return config["encoders"][encoder].get("alm")


def encoder_entry(encoder):
    """How an encoder is opened; the tower of an ALM is opened as that ALM is."""
    entry = config["encoders"][encoder]
    opened = config["alms"][tower_of(encoder)] if tower_of(encoder) else entry
    kept = ("checkpoint", "revision", "trust_remote_code", "layers")
    return {"kind": entry["kind"]} | {key: opened[key] for key in kept if key in opened}


def encoder_gpus(encoder):
    """GPUs that a job of an encoder asks for."""
    alm = tower_of(encoder)
    return config["alms"][alm]["gpus"] if alm else config["encoders"][encoder].get("gpus", 0)


def encoder_memory(encoder):
    """Memory in MB for jobs that open an encoder."""
    return model_memory(tower_of(encoder)) if tower_of(encoder) else 8000


def encoder_needs(encoder):
    """What has to be there before an encoder is opened: the checkpoint of an ALM that is trained here, a look at a GPU."""
    alm = tower_of(encoder)
    trained = [checkpoint_of(alm)] if alm and "trained_on" in config["alms"][alm] else []
    return trained + (gpu_check_of(alm) if alm else [])


def encoding_code(encoder):
    """Hash of the code that encodes items, the module of the encoder's kind included."""
    return code("encode_items.py", ENCODER_KINDS[config["encoders"][encoder]["kind"]].module)


def sound_for(wildcards):
    """The sound of a corpus, where an encoder hears it."""
    return audio_of(wildcards) if ENCODER_KINDS[config["encoders"][wildcards.encoder]["kind"]].reads == SOUND else []


def features_of(wildcards):
    """Folders of the vectors of a corpus, by encoder of a model."""
    shards = range(config["corpora"][wildcards.corpus]["shards"])
    return {
        encoder: [f"results/encoded/{wildcards.corpus}/{encoder}/{shard}" for shard in shards]
        for encoder in encoders_of(wildcards.model)
    }


def augmented_features_of(folds):
    """Function that gives the folders of the vectors of augmented items, one a fold, by encoder of a model."""
    below = "results/encoded_items/{corpus}/{protocol}/{labels}/{augmentation}/fold-"

    def features(wildcards):
        folders = [f"{below}{fold}".format(**wildcards) for fold in folds]
        augmented = wildcards.augmentation != "none"
        return {name: [f"{f}/{name}" for f in folders] for name in encoders_of(wildcards.model) if augmented}

    return features


def flat(features):
    """Input function: the folders of a function that gives them by encoder."""
    return lambda wildcards: [folder for folders in features(wildcards).values() for folder in folders]


def shares_encodings(alm):
    """Whether the encoder outputs of an ALM are kept on disk for every job that hears with it."""
    return config["alms"][alm].get("encodings", "own") == "shared"


def encodings_of_shard(wildcards):
    """The encoder outputs that an annotator reads for one shard; none where it hears nothing or they are not shared."""
    annotator = config["annotators"][wildcards.annotator]
    if not shares_encodings(annotator["alm"]) or annotator["modality"] == "text":
        return []
    shards = [wildcards.shard]
    if annotator.get("sound") == "another":  # which may be of any shard
        shards = range(config["corpora"][wildcards.corpus]["shards"])
    return [f"results/encodings/{wildcards.corpus}/{annotator['alm']}/{shard}" for shard in shards]


def encodings_of_corpus(wildcards):
    """The audio tokens that a training of an ALM reads, of every shard; none where its base is quantised: another encoder."""
    alm = wildcards.model
    if not kind_of(alm).language_model or not shares_encodings(alm) or config["finetuning"].get("quantised"):
        return []
    shards = range(config["corpora"][wildcards.corpus]["shards"])
    return [f"results/encodings/{wildcards.corpus}/{alm}/{shard}" for shard in shards]


def named_encodings(wildcards, input):
    """The same as arguments."""
    return f"--encodings {input.encodings}" if input.encodings else ""


def model_entry(model):
    """Entry of a model that is trained; its kind is a field of the job."""
    entry = entry_with_members(model) if kind_of(model).language_model else config["peers"][model]
    return {key: value for key, value in entry.items() if key != "kind"}


def training_gpus(model):
    """GPUs that a training of a model asks for; small peers are trained on the CPU."""
    return model_entry(model).get("gpus", 0) * training_processes()


def training_memory(model):
    """Memory in MB for a training of a model; a small peer reads its vectors where they lie."""
    processes = training_processes()
    return model_memory(model, copies=processes, beside=6000 * processes) if kind_of(model).language_model else 4000


def objective_of(protocol):
    """What of a protocol reaches training: head, loss and what the loss needs."""
    entry = config["protocols"][protocol]
    return {key: entry[key] for key in ("head", "loss", "entropy_weight", "geometry") if key in entry}


def folds(protocol):
    """Numbers of the folds of a protocol."""
    splits = config["protocols"][protocol]["splits"]
    counts = {"speaker": splits.get("folds"), "session": splits.get("folds"), "groups": len(splits.get("groups", []))}
    return list(range(counts.get(splits["scheme"], 1)))


def level_votes():
    """Votes set aside for levels: the most that a selected protocol asks for."""
    levels = [config["protocols"][protocol]["levels"] for protocol in RUN["protocols"]]
    return max((entry["votes"] for entry in levels if entry["definition"] != "faithful"), default=3)


def trained_annotators():
    """Annotators whose labels models are trained on: those that `run.models` selects, or all of the run."""
    return RUN.get("models", {}).get("annotators", RUN["annotators"])


def models_of(wildcards):
    """Predictions of the models that an annotator's labels trained under a protocol; none where it trained none."""
    trained = "training" in stages(wildcards.corpus) and wildcards.annotator in trained_annotators()
    return predictions_of(wildcards.corpus, wildcards.protocol) if trained else []


def expand_labels(short):
    """Full label names of a short one, e.g. combined-equal for every annotator whose labels are trained on."""
    return expand_names(short, trained_annotators())


def curve_names():
    """Labels from a limited number of votes, which the learning curves are trained on: h1m5 is 1 human, 5 synthetic."""
    return curves(**config["learning_curves"])


def label_names():
    """Every label table that models are trained on, controls and learning curves included."""
    short = ["human", "synthetic"]
    short += [f"combined-{pooling}" for pooling in RUN["poolings"]]
    short += [f"control-{control}" for control in config["controls"]]
    short += curve_names()
    return [name for entry in short for name in expand_labels(entry)]


def augmentations_of(protocol):
    """Augmentations that models are trained with under a protocol: its own choice, or that of the run."""
    return config["protocols"][protocol].get("augmentation", RUN["augmentation"])


def arms(protocol):
    """(labels, augmentation) of every fine-tuning condition of a protocol."""
    augmented = {name for short in RUN["augmented_labels"] for name in expand_labels(short)}
    return [
        (labels, augmentation)
        for augmentation in augmentations_of(protocol)
        for labels in label_names()
        if augmentation == "none" or labels in augmented
    ]


def seed_groups():
    """Seeds that are trained together in one process."""
    size = config["finetuning"]["seeds_per_job"]
    size = len(SEEDS) if size == "all" else size
    return [SEEDS[start : start + size] for start in range(0, len(SEEDS), size)]


def fold_groups():
    """Folds that are trained together in one process -> the protocols that have them; `{fold}`: each by itself."""
    if config["finetuning"]["folds_per_job"] == 1:
        return {("{fold}",): list(config["protocols"])}
    groups = {}
    for protocol in config["protocols"]:
        groups.setdefault(tuple(folds(protocol)), []).append(protocol)
    return groups


def training_processes():
    """Processes that share every batch of a training."""
    return config["finetuning"].get("execution", {}).get("processes", 1)


CONDITION = "{corpus}/{protocol}/{model}/{labels}/{augmentation}"
HOW_JOBS_ARE_CUT = ("models", "seeds", "seeds_per_job", "folds_per_job")


def training_job(folds, seeds):
    """Function that gives the job of finetune.py as JSON; its fields are those of TrainingJob in the library."""

    def job(wildcards, input, output):
        names = {name: wildcards[name] for name in ("corpus", "protocol", "model", "labels", "augmentation")}
        options = {key: value for key, value in config["finetuning"].items() if key not in HOW_JOBS_ARE_CUT}
        return canonical(
            names
            | {
                "kind": kind_name(wildcards.model),
                "entry": model_entry(wildcards.model),
                "options": options,
                "objective": objective_of(wildcards.protocol),
                "classes": config["corpora"][wildcards.corpus]["classes"],
                "folds": [int(str(fold).format(**wildcards)) for fold in folds],
                "seeds": seeds,
                "base_seed": SEED,
                "online": config["augmentations"][wildcards.augmentation].get("online"),
                "prompts": input.prompts or None,
                "utterances": input.utterances,
                "root": corpus_root(wildcards.corpus),
                "label_table": input.labels,
                "splits": input.splits,
                "augmented": [*input.augmented],
                "encodings": [*input.encodings],
                "encoders": {name: encoder_entry(name) for name in encoders_of(wildcards.model)},
                "features": features_of(wildcards),
                "augmented_features": augmented_features_of(folds)(wildcards),
                "state": f"resources/state/finetune/{CONDITION}".format(**wildcards),
                "predictions": [*output.predictions],
                "runs": [*output.runs],
            }
        )

    return job


def runs_of(protocols):
    """Run folders of every fine-tuned model of the run: adapter, curve, record and card."""
    return [
        str(Path(path.replace("results/predictions/", "results/finetuned/", 1)).with_suffix(""))
        for corpus in corpora_with("training")
        for protocol in protocols
        for path in predictions_of(corpus, protocol)
    ]


def annotator_of(labels):
    """The annotator named in a label name, or None for the human labels."""
    try:
        return Labels.parse(labels).annotator or None
    except UserError as error:
        stop(error)


def annotators_by(engine):
    """Constraint of the wildcard: the annotators in the library whose votes an engine gives, or, `asking`, any other."""
    names = [
        name
        for name, annotator in config["annotators"].items()
        if (found := config["alms"][annotator["alm"]]["engine"]) == engine
        or (engine == "asking" and found not in GIVEN)
    ]
    return "|".join(names) or "no_annotator"


def alms_trained_on(key):
    """Constraint of the wildcard: the ALMs in the library that are trained here, on a `corpus` or on simulated `utterances`."""
    return "|".join(name for name, alm in config["alms"].items() if key in alm.get("trained_on", {})) or "no_alm"


def replayed_corpora():
    """Corpus entries whose votes are the answers of a selected annotator."""
    alms = [config["alms"][config["annotators"][name]["alm"]] for name in RUN["annotators"]]
    return [alm["corpus"] for alm in alms if alm["engine"] == "replay"]


def from_start(path):
    """A file that the user names, relative to the folder of the run."""
    path = os.path.join(START, os.path.expanduser(path))
    return os.path.relpath(path, Path(START, RUN["directory"]).resolve())


def model_votes(alm):
    """File with the votes of an ALM of engine `table`, relative to the folder of the run."""
    return from_start(config["alms"][alm]["votes"])


def refuse_missing_tables():
    """Stop if a table is not there that the configuration names: votes of a selected ALM, a predictor's distributions."""
    alms = dict.fromkeys(config["annotators"][annotator]["alm"] for annotator in RUN["annotators"])
    named = {f"alms.{name}.votes": config["alms"][name].get("votes") for name in alms}
    named |= {f"predictors.{name}.table": entry["table"] for name, entry in config["predictors"].items()}
    for key, path in named.items():
        if path is not None and not Path(from_start(path)).is_file():
            stop(
                f"{key} = {path!r}: no such file in {START}. Correct the path; it is relative to the folder in which "
                "Snakemake is called."
            )


def refuse_untrainable():
    """Stop if a trained model of kind amber2 has parts that could never learn."""
    for model in config["finetuning"]["models"]:
        if kind_name(model) == AMBER2:
            try:
                Amber2Settings.of(model, model_entry(model))
            except UserError as error:
                stop(error)


def synonyms_of(wildcards):
    """The table of synonyms by which an annotator's answers are read: none, or one file."""
    name = config["annotators"][wildcards.annotator].get("synonyms")
    return [f"{PROMPTS}/{name}.yaml"] if name else []


def turns_of(wildcards):
    """The turns of a corpus' conversations, where an annotator is given context: none, or one file."""
    context = config["annotators"][wildcards.annotator].get("context", 0)
    return [f"results/corpora/{wildcards.corpus}/turns.parquet"] if context else []


def opened_alm(wildcards):
    """Registry entry of the ALM behind an annotator, as its job opens it: a folder of answers is found from the run."""
    entry = entry_with_members(config["annotators"][wildcards.annotator]["alm"])
    return entry | {"store": published_folder(entry)} if "store" in entry else entry


def published_folder(entry):
    """Folder of published answers; a relative one starts where Snakemake was called."""
    return os.path.normpath(os.path.join(START, os.path.expanduser(entry["store"])))


def published_of(wildcards):
    """Files of the published answers that an annotator replays; none where a model is asked."""
    entry = alm_of(wildcards)
    if entry["engine"] != "replay_answers":
        return []
    files = sorted(str(path) for path in Path(published_folder(entry)).glob("*.json*"))
    if not files:
        stop(f"{published_folder(entry)}: no published answers; correct alms.<name>.store of {wildcards.annotator}.")
    return files


def store_of(wildcards):
    """Folder that holds the answers of an annotator: its own store, or the published answers that it replays."""
    entry = alm_of(wildcards)
    return published_folder(entry) if "store" in entry else f"resources/answers/{wildcards.annotator}"


def augmenting_modules(wildcards):
    """What an augmentation loads by name: the published DiME-Aug, or an arm."""
    method = config["augmentations"][wildcards.augmentation]["method"]
    published = method == "published"
    return ["augmentation.published"] if published else ["augmentation.fold", f"augmentation.arms.{method}"]


def making_options(wildcards):
    """What of an augmentation makes new items; its on-line step belongs to the training."""
    entry = config["augmentations"][wildcards.augmentation]
    return canonical({key: value for key, value in entry.items() if key != "online"})


def alm_of(wildcards):
    """Registry entry of the ALM behind an annotator."""
    return config["alms"][config["annotators"][wildcards.annotator]["alm"]]


def server_of(wildcards):
    """Where the server of an annotator that brings its own prints to, as arguments; it runs inside the job.

    A Snakemake service() is not used: all its consumers are one group that has to run at once, and a run with more
    shards than cores is refused.
    """
    name = f"{wildcards.corpus}-{wildcards.annotator}-{wildcards.shard}"
    return f"--server-log logs/serve_alm/{name}.log" if "serve" in alm_of(wildcards) else ""


def asking_modules(wildcards):
    """What annotation loads by name: the engine, and what starts a server where the annotator brings its own."""
    alm = alm_of(wildcards)
    return [f"alms.engines.{alm['engine']}", *(["alms.served"] if "serve" in alm else [])]


def no_read_out(annotator):
    """Why an annotator has no label distribution of its own that could be read, or "": votes are drawn from it."""
    entry = config["annotators"][annotator]
    engine = config["alms"][entry["alm"]]["engine"]
    mode = entry.get("mode", "sampled")
    if engine in ("replay", "table"):
        return "replayed" if engine == "replay" else "table"
    if mode == "verbalised":
        return "stated"  # every answer states another distribution
    if entry.get("design") == "beam":
        return "searched"
    if entry.get("reasoning", False):
        return "reasoned"
    if engine == "replay_answers":
        return "" if mode == "readout" else "published"
    return "" if engine == "transformers" else "server"


def read_outs_of(wildcards):
    """The label distributions of an annotator on a corpus, a table a shard; none where it has none."""
    if no_read_out(wildcards.annotator):
        return []
    shards = range(config["corpora"][wildcards.corpus]["shards"])
    return [f"results/proxies/{wildcards.corpus}/{wildcards.annotator}/read_out/{shard}.parquet" for shard in shards]


def named_read_outs(wildcards, input):
    """The same as arguments, or why there are none."""
    if input.read_out:
        return f"--read-out {input.read_out}"
    return f"--no-read-out {no_read_out(wildcards.annotator)}"


def read_out_store(wildcards):
    """Where read-outs are kept: an annotator that draws its votes from them has them among its answers."""
    own = config["annotators"][wildcards.annotator].get("mode", "sampled") == "readout"
    return f"resources/{'answers' if own else 'read_outs'}/{wildcards.annotator}"


def proxies_of(wildcards):
    """The synthetic votes a label table needs; none for the human labels."""
    annotator = annotator_of(wildcards.labels)
    return f"results/proxies/{wildcards.corpus}/{annotator}/votes.parquet" if annotator else []


def factors_of(wildcards):
    """The table of factors that a bias is looked for in, of corpora that have one."""
    entry = config["corpora"][wildcards.corpus].get("factors")
    path = f"{corpus_root(wildcards.corpus)}/{entry['table']}" if entry else ""
    return path if entry and (is_simulated(wildcards.corpus) or Path(path).is_file()) else []


def factors_argument(wildcards, input):
    """The factors of a corpus as an argument, with the table that was found; nothing where there is none."""
    if not input.factors:
        return ""
    entry = config["corpora"][wildcards.corpus]["factors"] | {"table": str(input.factors)}
    return f"--factors {quote(canonical(entry))}"


def balanced_of(wildcards):
    """The balanced evaluation split, of a protocol whose levels have votes of their own."""
    own = config["protocols"][wildcards.protocol]["levels"]["definition"] != "faithful"
    wanted = own and config["statistics"]["balanced"].get("by", "bin") != "none"
    return f"results/balanced/{wildcards.corpus}/{wildcards.protocol}.parquet" if wanted else []


def listening_of(wildcards):
    """Votes of the same ALM given one part of the input alone."""
    names = config["annotators"][wildcards.annotator].get("listening", {})
    return [f"results/proxies/{wildcards.corpus}/{name}/votes.parquet" for name in names.values()]


def named_listening(wildcards, input):
    """The same as arguments, e.g. audio=FILE."""
    names = config["annotators"][wildcards.annotator].get("listening", {})
    return " ".join(f"{modality}={path}" for modality, path in zip(names, input.listening))


def given_predictors(corpus):
    """Predictors of a corpus that are given as tables: those that name it, or no corpus if it is that of the headline."""
    headline = config["paper"]["headline"]["corpus"]
    return [name for name, entry in config["predictors"].items() if entry.get("corpus", headline) == corpus]


def valued_files(wildcards):
    """What `value_predictors` values: files of every annotator and given predictor, by name."""
    corpus = wildcards.corpus
    annotators = {}
    selected = annotators_of(corpus)
    compared = [other for name in selected for other in config["annotators"][name].get("listening", {}).values()]
    for name in dict.fromkeys(selected + compared):
        below = f"results/proxies/{corpus}/{name}"
        shards = [] if no_read_out(name) else range(config["corpora"][corpus]["shards"])
        read_out = [f"{below}/read_out/{shard}.parquet" for shard in shards]
        annotators[name] = {"proxies": f"{below}/votes.parquet", "read_out": read_out}
    given = {name: f"results/predictors/{corpus}/{name}.parquet" for name in given_predictors(corpus)}
    strategies = {name: f"results/testtime/{name}/predictions" for name in submissions_about(corpus)}
    return {"annotators": annotators, "given": given, "strategies": strategies}


def valued_models(wildcards):
    """Predictions of the trained models of a corpus under a protocol; none where none is trained."""
    return predictions_of(wildcards.corpus, wildcards.protocol) if "training" in stages(wildcards.corpus) else []


def truth_of(wildcards):
    """The truth of a simulated corpus; nothing for a real one."""
    return f"results/corpora/{wildcards.corpus}/truth.parquet" if is_simulated(wildcards.corpus) else []


def predictions_of(corpus, protocol):
    """Predictions of every model, condition, fold and seed of a corpus under a protocol."""
    return [
        f"results/predictions/{corpus}/{protocol}/{model}/{labels}/{augmentation}/fold-{fold}/seed-{seed}.parquet"
        for model in config["finetuning"]["models"]
        for labels, augmentation in arms(protocol)
        for fold in folds(protocol)
        for seed in SEEDS
    ]


def augmented_of(folds):
    """The augmented items of a condition, one folder a fold; none without augmentation."""
    pattern = "results/augmented/{corpus}/{protocol}/{labels}/{augmentation}/fold-"
    return lambda wildcards: (
        [] if wildcards.augmentation == "none" else [f"{pattern}{fold}".format(**wildcards) for fold in folds]
    )


def statistics_of(kind):
    """Files of one kind of estimate, for every selected corpus that has its stage."""
    estimates = ESTIMATES[kind]
    corpora = RUN["corpora"] if estimates.stage == "votes" else corpora_with(estimates.stage)
    return list(
        dict.fromkeys(
            estimates.path(kind, corpus=corpus, annotator=annotator, protocol=protocol)
            for corpus in corpora
            for annotator in (annotators_of(corpus) if "annotator" in estimates.by else [""])
            for protocol in RUN["protocols"]
        )
    )


def needed(*kinds):
    """Input function: the files of kinds of estimates; a typed target with nothing to show says why."""

    def files(wildcards):
        for kind in kinds:
            if not statistics_of(kind):
                stop(f"nothing to make: this run has no {kind}. {'; '.join(left_out())}")
        return [path for kind in kinds for path in statistics_of(kind)]

    return files


def figure_files(name):
    """The PDF, the SVG and the data of a figure."""
    return [f"paper/figures/{name}.{ending}" for ending in ("pdf", "svg", "csv")]


def table_files(name):
    """The LaTeX and the data of a table."""
    return [f"paper/tables/{name}.{ending}" for ending in ("tex", "csv")]


HEADLINE = config["paper"]["headline"]


def own_cell():
    """The cell of the coverage study that has the size of the headline corpus, where that is known beforehand."""
    if not is_simulated(HEADLINE["corpus"]):
        return []
    entry = config["corpora"][HEADLINE["corpus"]]
    design = Design(entry["speakers"], entry["raters"], len(entry["classes"]), sum(entry["votes"]) // 2)
    return [f"results/validity/cells/{design.name}.csv"]


# The folder of a submission as a part of file names; without one the rule that scores it has nothing to read.
SUBMISSION = re.sub(r"[^a-z0-9_]+", "_", Path(config.get("submission") or "none").resolve().name.lower())


def submission_folder():
    """The folder of answers that `score_submission` scores; a message if there is none."""
    folder = config.get("submission")
    if not folder:
        stop("nothing to score: name a folder of answers, `--config submission=FOLDER`.")
    if not Path(from_start(folder), "manifest.json").is_file():
        stop(
            f"submission = {folder!r}: no manifest.json in such a folder in {START}. Correct the path; it is relative to "
            "the folder in which Snakemake is called."
        )
    return Path(from_start(folder))


def submission_files(submission):
    """The files of a submission: those that this run writes, or those that are in a folder of somebody else."""
    if submission in config["testtime"]:
        if submission == SUBMISSION and config.get("submission"):
            stop(f"submission: the folder has the name of testtime.{submission}. Rename the folder.")
        below = f"results/testtime/{submission}/submission"
        return [f"{below}/manifest.json", f"{below}/candidates.jsonl.gz"]
    if submission != SUBMISSION:
        stop(f"{submission!r} is no submission of testtime ({', '.join(config['testtime']) or 'there is none'}).")
    names = ("manifest.json", "candidates.jsonl.gz", "scores.jsonl.gz")
    return [str(path) for path in (submission_folder() / name for name in names) if path.is_file()]


def corpus_of_submission(submission):
    """The corpus that a submission is about; of a folder of somebody else, if this run has it."""
    if submission in config["testtime"]:
        return config["testtime"][submission]["corpus"]
    manifest = submission_folder() / "manifest.json"
    try:
        corpus = json.loads(manifest.read_text(encoding="utf-8")).get("corpus")
    except (ValueError, AttributeError) as error:
        stop(f"{manifest}: not readable as a JSON object ({error}). Write it again.")
    if corpus not in RUN["corpora"]:
        stop(
            f"{manifest}: corpus {corpus!r} is not in this run ({', '.join(RUN['corpora'])}). Select it in run.corpora."
        )
    return corpus


def submissions_about(corpus):
    """Selected submissions of this run about a corpus."""
    return [name for name in RUN.get("testtime", []) if config["testtime"][name]["corpus"] == corpus]


def pools_of(submission):
    """Kind -> candidates, entry and prompts of the annotator whose answers are that pool of a submission."""
    entry = config["testtime"][submission]
    return {
        kind: {
            "candidates": f"results/proxies/{entry['corpus']}/{name}/candidates.parquet",
            "annotator": config["annotators"][name],
            "prompts": f"{PROMPTS}/{config['annotators'][name]['prompts']}.yaml",
        }
        for kind, name in entry["pools"].items()
    }


def written_prompts(wildcards):
    """The prompts by which a small ALM also learns to count listeners: none, or one file."""
    name = config["alms"][wildcards.alm]["training"].get("writes")
    return [f"{PROMPTS}/{name}.yaml"] if name else []
