# Functions of wildcards, made of the methods of `run`. Functions only.


def by_wildcards(method, into=None, **given):
    """Function of wildcards: a method of the run with the wildcards that its parameters are named by, and given values.

    A given value that is a function gets the wildcards first. `into` is applied to what the method returns.
    """
    parameters = inspect.signature(method).parameters.values()
    names = [one.name for one in parameters if one.name not in given and one.default is one.empty]

    def value(wildcards):
        values = {name: value(wildcards) if callable(value) else value for name, value in given.items()}
        result = method(**{name: wildcards[name] for name in names}, **values)
        return result if into is None else into(result)

    return value


def before_start(method, **given):
    """The same for files that have to be there, but whose age re-runs nothing."""
    return by_wildcards(method, into=lambda paths: [ancient(path) for path in paths], **given)


def trained_on(alm_method):
    """Function of wildcards: a method of the run, of the corpus that a cross-fitted ALM is trained on."""
    return lambda wildcards: alm_method(run.training_of(wildcards.alm, "corpus"))


def flag(name):
    """Function of wildcards and input: the input `name` as an argument of its program; nothing without one."""
    words = f"--{name.replace('_', '-')}"
    return lambda wildcards, input: f"{words} {input[name]}" if input[name] else ""


def repeated(name):
    """Function of paths: each as an argument of its own."""
    return lambda paths: " ".join(f"--{name} {quote(path)}" for path in paths)


def named_server(wildcards):
    """Where the server of an annotator or verifier that brings its own prints to, as arguments; it runs inside the job.

    A Snakemake service() is not used: all its consumers are one group that has to run at once, and a run with more
    shards than cores is refused.
    """
    if "annotator" in wildcards.keys():
        parts, alm = ("corpus", "annotator", "shard"), run.alm_name(wildcards.annotator)
    else:
        parts, alm = ("submission", "judge", "shard"), run.judging_alm(wildcards.submission, wildcards.judge)
    name = "-".join(wildcards[part] for part in parts)
    return f"--server-log logs/serve_alm/{name}.log" if run.brings_server(alm) else ""


def named_read_outs(wildcards, input):
    """The label distributions of an annotator as arguments, or why there are none."""
    reason = run.no_read_out(wildcards.annotator)
    return f"--no-read-out {reason}" if reason else f"--read-out {input.read_out}"


def named_listening(wildcards, input):
    """Votes of the same ALM given one part of the input alone as arguments, e.g. audio=FILE."""
    parts = zip(run.compared_with(wildcards.annotator), input.listening)
    words = " ".join(f"{part}={path}" for part, path in parts)
    return f"--listening {words}" if words else ""


def named_factors(wildcards, input):
    """The factors of a corpus as an argument, with their table; nothing where there is none."""
    if not input.factors:
        return ""
    entry = config["corpora"][wildcards.corpus]["factors"] | {"table": str(input.factors)}
    return f"--factors {quote(canonical(entry))}"


def named_conflict(wildcards, input):
    """The votes in another presentation and the model that others are compared with as arguments; nothing without."""
    if not input.conflict:
        return ""
    return f"--conflict {input.conflict} --against {quote(config['statistics']['conflict']['model'])}"


def condition(wildcards):
    """The condition of a training."""
    return {name: wildcards[name] for name in ("corpus", "protocol", "model", "labels", "augmentation")}


def folds_of(group):
    """Function of wildcards: the folds of a training job by their group; `{fold}` is the wildcard."""
    return lambda wildcards: [int(wildcards.fold)] if group == EACH_FOLD else list(group)


def flat(paths):
    """The paths of a mapping of lists."""
    return [path for some in paths.values() for path in some]


def training_job(group, seeds):
    """Function that gives the job of finetune.py as JSON; its fields are those of TrainingJob in the library."""
    settings = by_wildcards(run.training_job, condition=condition, folds=folds_of(group), seeds=seeds)

    def job(wildcards, input, output):
        tables = {"utterances": input.utterances, "label_table": input.labels, "splits": input.splits}
        folders = {"augmented": [*input.augmented], "encodings": [*input.encodings]}
        made = {"predictions": [*output.predictions], "runs": [*output.runs]}
        return canonical(settings(wildcards) | tables | folders | made)

    return job


def not_archived(paths):
    """Function of wildcards: files that are made from sound, models or single utterances, which a redraw stops at."""

    def value(wildcards):
        if config.get("source"):
            stop(
                f"{paths[0]}: not drawn from an archive. With source, ask for all, figures, tables, notebooks, "
                "statistics or leaderboard; or run the workflow without source."
            )
        return paths

    return value


def outputs_of(name):
    """The files that a rule without wildcards makes."""
    return [str(path) for path in workflow.get_rule(name).output]


@functools.cache
def drawn_from(name):
    """The products of other rules that a rule without wildcards reads."""
    inputs = [item({}) if callable(item) else item for item in workflow.get_rule(name).input]
    paths = [str(path) for item in inputs for path in ([item] if isinstance(item, str) else item)]
    return [path for path in paths if path.startswith(("results/", "paper/figures", "paper/tables", "paper/numbers"))]


@functools.cache
def archived_parts():
    """What a redraw starts from, and what it makes again.

    Where a table that a figure is drawn from may not be shared, the figure itself is what a redraw starts from.
    """
    start, products = [*STATISTICS_FILES, *run.statistics_of("verdicts"), *NOTEBOOK_FILES], []
    start += expand(
        "results/testtime/{submission}/{table}",
        submission=run.submissions(),
        table=["strategies.csv", "every_eval_ever.json"],
    )
    for name in DRAWING:
        if archiving.may_be_shared(run, drawn_from(name)):
            start += drawn_from(name)
            products += outputs_of(name)
        else:
            start += outputs_of(name)
    made = dict.fromkeys(products)
    return [path for path in dict.fromkeys(start) if path not in made], [*made]
