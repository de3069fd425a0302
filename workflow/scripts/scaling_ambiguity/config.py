"""The configuration of a run: read as people write it, checked before any work starts."""

import difflib
import unicodedata
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.latex import unprintable

# readers of corpora whose conversations are known in order: the modules of corpora/dialogues
DIALOGUE_READERS = ("iemocap",)
# section and key of what configurations of before may still set
GONE = {("protocols", "reference"), ("poolings", "fit"), ("statistics", "cluster"), ("peers", "peer")}
GIVEN = ("replay", "table")  # engines, and modes of the same name, whose votes are given and not asked for
SPEAKER_SCHEMES = ("speaker", "session", "groups")  # schemes of splits in whose folds every speaker is tested once
SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "config.schema.yaml"


def checked_config(config: dict[str, Any], schema_file: Path = SCHEMA) -> dict[str, Any]:
    """Return ``config`` with command-line strings coerced, or raise one UserError.

    Args:
        config: The merged configuration; values set by ``--config`` may be strings of YAML.
        schema_file: JSON schema, draft 2020-12.

    Raises:
        UserError: The first fault, with its key path, its value and what would be accepted.
    """
    # the parser in C, where there is one, takes a tenth of the time
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema = yaml.load(schema_file.read_text(encoding="utf-8"), Loader=loader)
    config = coerce(config, schema, schema)
    _refuse_odd_keys(config)
    faults = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda fault: [str(p) for p in fault.path])
    if faults:
        raise UserError(_explain(faults[0]))
    config = config | {"alms": {name: _without_gpus(entry) | entry for name, entry in config["alms"].items()}}
    beams = {name: entry for name, entry in config["annotators"].items() if entry.get("design") == "beam"}
    searched = {name: {"temperatures": [0]} | entry for name, entry in beams.items()}
    config = config | {"annotators": config["annotators"] | searched}
    if "testtime" in config:  # YAML reads a bare yes and no as true and false
        submissions = {name: dict(entry) for name, entry in config["testtime"].items()}
        for entry in submissions.values():
            entry["has_seen_votes"] = {True: "yes", False: "no"}.get(entry["has_seen_votes"], entry["has_seen_votes"])
        config = config | {"testtime": submissions}
    _check_references(config)
    _check_submissions(config)
    return config | {"paper": _composed_paper(config["paper"])}


def coerce(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Parse, as YAML, every string that stands where ``schema`` wants something else."""
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target | {key: item for key, item in schema.items() if key != "$ref"}
    if isinstance(value, str) and schema.get("type", "string") != "string":
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            return value
    if isinstance(value, str) and "anyOf" in schema and value.isdecimal():
        return int(value)
    if isinstance(value, dict):
        properties, other = schema.get("properties", {}), schema.get("additionalProperties")
        other = other if isinstance(other, dict) else {}
        named = {str(key) if type(key) is int else key: item for key, item in value.items()}
        return {key: coerce(item, properties.get(key, other), root) for key, item in named.items()}
    if isinstance(value, list):
        return [coerce(item, schema.get("items", {}), root) for item in value]
    return value


def _refuse_odd_keys(value: Any, path: tuple = ()) -> None:
    """Raise UserError at a key that is no text, as YAML makes of a bare ``no``, ``on``, ``null`` or ``1.0``."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise UserError(
                    f"config: {_path(path)} has the key {key!r} (for {item!r}); expected text. YAML reads a bare no "
                    "or off as false, yes or on as true, null or ~ as nothing: write the key in quotes."
                )
            _refuse_odd_keys(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _refuse_odd_keys(item, (*path, place))


def _path(parts: Any) -> str:
    return ".".join(str(part) for part in parts) or "the configuration"


def _suggest(name: str, accepted: list[str]) -> str:
    close = difflib.get_close_matches(str(name), accepted, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _explain(fault: ValidationError) -> str:
    where = _path(fault.absolute_path)
    if fault.validator == "additionalProperties" and isinstance(fault.instance, dict):
        accepted = list(fault.schema.get("properties", {}))
        unknown = next(key for key in fault.instance if key not in accepted)
        value, path = fault.instance[unknown], [*fault.absolute_path, unknown]
        accepts = f"Accepted here: {', '.join(accepted)}." if accepted else "No key is accepted here."
        if (path[0], unknown) in GONE:
            accepts = "It had but one value and is no key any more: remove the line."
            return f"config: {_path(path)} = {value!r} is not a known key. {accepts}"
        return f"config: {_path(path)} = {value!r} is not a known key.{_suggest(unknown, accepted)} {accepts}"
    if fault.validator == "required":
        missing = next(key for key in fault.validator_value if key not in fault.instance)
        return f"config: {_path([*fault.absolute_path, missing])} is missing. {_describe(fault.schema, missing)}"
    wanted = {
        "type": lambda: f"a value of type {fault.validator_value}",
        "enum": lambda: f"one of {', '.join(map(str, fault.validator_value))}",
        "const": lambda: repr(fault.validator_value),
        "pattern": lambda: f"text that matches {fault.validator_value}",
        "minimum": lambda: f"a number of at least {fault.validator_value}",
        "maximum": lambda: f"a number of at most {fault.validator_value}",
        "exclusiveMinimum": lambda: f"a number above {fault.validator_value}",
        "exclusiveMaximum": lambda: f"a number below {fault.validator_value}",
        "minItems": lambda: f"a list of at least {fault.validator_value} entries",
        "maxItems": lambda: f"a list of at most {fault.validator_value} entries",
        "uniqueItems": lambda: "a list without repetition",
    }.get(fault.validator, lambda: fault.message)()
    meaning = fault.schema.get("description", "") if isinstance(fault.schema, dict) else ""
    hint = ""
    if fault.validator == "enum" and isinstance(fault.instance, str):
        hint = _suggest(fault.instance, [str(item) for item in fault.validator_value])
    return f"config: {where} = {fault.instance!r} is not accepted; expected {wanted}.{hint} {meaning}".strip()


def _describe(schema: dict[str, Any], key: str) -> str:
    return schema.get("properties", {}).get(key, {}).get("description", "") or "Add it; config.yaml shows an example."


def _known(path: str, name: str, library: dict[str, Any], kind: str) -> None:
    if name not in library:
        accepted = sorted(library)
        raise UserError(
            f"config: {path} = {name!r} is not a known {kind}."
            f"{_suggest(name, accepted)} Accepted: {', '.join(accepted)}."
        )


def _check_references(config: dict[str, Any]) -> None:
    run = config["run"]
    for key, library, kind in (
        ("corpora", "corpora", "corpus"),
        ("annotators", "annotators", "annotator"),
        ("poolings", "poolings", "pooling"),
        ("protocols", "protocols", "protocol"),
        ("augmentation", "augmentations", "augmentation"),
    ):
        for name in run[key]:
            _known(f"run.{key}", name, config[library], kind)
    for protocol, entry in config["protocols"].items():
        for name in entry.get("augmentation", []):
            _known(f"protocols.{protocol}.augmentation", name, config["augmentations"], "augmentation")
    for name, entry in config["augmentations"].items():
        if "online" in entry and entry["online"]["speed"][0] > entry["online"]["speed"][1]:
            raise UserError(
                f"config: augmentations.{name}.online.speed = {entry['online']['speed']} is not accepted; expected "
                "least, then largest factor."
            )
    for name, annotator in config["annotators"].items():
        _known(f"annotators.{name}.alm", annotator["alm"], config["alms"], "ALM")
        engine, mode = config["alms"][annotator["alm"]]["engine"], annotator["mode"]
        if (engine in GIVEN or mode in GIVEN) and engine != mode:
            raise UserError(
                f"config: annotators.{name}.mode = {mode!r} is not accepted with an ALM of engine {engine}; expected "
                f"{engine if engine in GIVEN else 'sampled, readout or verbalised'}."
            )
        _check_listening(config, name)
    _check_elicitation(config)
    for name, alm in config["alms"].items():
        if alm.get("encodings") == "shared" and alm["engine"] != "transformers":
            raise UserError(
                f"config: alms.{name}.encodings = 'shared' is not accepted with engine {alm['engine']}; expected "
                "`own`: only engine transformers opens a model's audio encoder."
            )
        if alm["engine"] == "replay":
            _known(f"alms.{name}.corpus", alm["corpus"], config["corpora"], "corpus")
    _check_models(config)
    _check_conflict(config)
    _check_trained_alms(config)
    _check_predictors(config)
    _check_labels("run.augmented_labels", run["augmented_labels"], config)
    _check_labels("run.models.labels", run.get("models", {}).get("labels", ["human"]), config)
    trained = run.get("models", {}).get("annotators", run["annotators"])
    for name in trained:
        _known("run.models.annotators", name, dict.fromkeys(run["annotators"]), "selected annotator")
    _known(
        "paper.headline.annotator",
        config["paper"]["headline"]["annotator"],
        dict.fromkeys(trained),
        "trained annotator",
    )
    for key, selected in (("corpus", "corpora"), ("annotator", "annotators"), ("protocol", "protocols")):
        _known(
            f"paper.headline.{key}", config["paper"]["headline"][key], dict.fromkeys(run[selected]), f"selected {key}"
        )
    _check_classes(config)


def _check_labels(key: str, names: list[str], config: dict[str, Any]) -> None:
    """Refuse short names of labels that the run does not make, and a selection of trained labels without human ones."""
    for name in names:
        if name.startswith("combined-"):
            _known(key, name.removeprefix("combined-"), dict.fromkeys(config["run"]["poolings"]), "pooling")
        elif name.startswith("control-"):
            _known(key, name.removeprefix("control-"), dict.fromkeys(config["controls"]), "control")
    if key == "run.models.labels" and "human" not in names:
        raise UserError(
            f"config: {key} lacks `human`: models trained on human votes are what every other is compared with."
        )


def presentation_of(corpus: dict[str, Any]) -> str:
    """Return what the raters of a corpus were shown, given its entry; "" if that does not state it."""
    return str(corpus.get("presentation", "voice" if corpus["reader"] == "cremad" else ""))


def _without_gpus(alm: dict[str, Any]) -> dict[str, Any]:
    return {"gpus": 0} if alm["engine"] == "table" else {}


def _composed_paper(paper: dict[str, Any]) -> dict[str, Any]:
    """Return title, subtitle and authors with composed characters (NFC), all of which the paper's fonts have."""
    texts = {f"paper.{key}": paper[key] for key in ("title", "subtitle")}
    texts |= {f"paper.authors.{place}": author for place, author in enumerate(paper["authors"])}
    for key, text in texts.items():
        if lacking := unprintable(text):
            raise UserError(
                f"config: {key} = {text!r} cannot be printed: the paper's fonts have no {', '.join(lacking)}. Write it "
                "in Latin letters, with any of their accents."
            )
    composed = {key: unicodedata.normalize("NFC", paper[key]) for key in ("title", "subtitle")}
    return paper | composed | {"authors": [unicodedata.normalize("NFC", author) for author in paper["authors"]]}


def _check_listening(config: dict[str, Any], name: str) -> None:
    """Refuse a comparison with another ALM, or with an annotator that is not given what the comparison is named by."""
    annotator = config["annotators"][name]
    for part, alone in annotator.get("listening", {}).items():
        _known(f"annotators.{name}.listening.{part}", alone, config["annotators"], "annotator")
        other = config["annotators"][alone]
        key = "modality" if part in ("audio", "text") else "sound"
        if (other["alm"], other.get(key)) != (annotator["alm"], part):
            raise UserError(
                f"config: annotators.{name}.listening.{part} = {alone!r} asks ALM {other['alm']!r} with {key} "
                f"{other.get(key)!r}; expected {annotator['alm']!r} with {part!r}."
            )


def _check_elicitation(config: dict[str, Any]) -> None:
    for name, annotator in config["annotators"].items():
        for place, band in enumerate(annotator.get("temperatures", [])):
            if isinstance(band, list) and band[0] >= band[1]:
                raise UserError(
                    f"config: annotators.{name}.temperatures.{place} = {band} is not accepted; expected a band: "
                    "lowest, then highest temperature."
                )
    for name in config["run"]["annotators"]:
        context = config["annotators"][name].get("context", 0)
        for corpus in config["run"]["corpora"] if context else ():
            reader = config["corpora"][corpus]["reader"]
            if reader not in DIALOGUE_READERS:
                raise UserError(
                    f"config: annotators.{name}.context = {context}, but corpus {corpus!r} (reader {reader!r}) has no "
                    f"conversations in known order; set context: 0 there, or select corpora of reader "
                    f"{', '.join(DIALOGUE_READERS)}."
                )


# kind of pool of a submission -> mode of its annotator, whether it reasons first, and its design: a beam search or not
POOLS = {
    "greedy": ("verbalised", False, False),
    "beam": ("verbalised", False, True),
    "sampled": ("verbalised", False, False),
    "reasoned": ("verbalised", True, False),
    "labels": ("sampled", False, False),
    "readout": ("readout", False, False),
}
WRITTEN = ("beam", "sampled")  # pools that strategies with a verifier read; the first that is there is used
GREEDY = 0.01  # largest temperature at which one answer counts as the most likely one


def _check_submissions(config: dict[str, Any]) -> None:
    """Refuse submissions of unknown parts, and pools whose annotator does not ask for what the kind of pool holds."""
    submissions = config.get("testtime", {})
    for name, entry in submissions.items():
        path = f"testtime.{name}"
        _known(f"{path}.corpus", entry["corpus"], config["corpora"], "corpus")
        _known(f"{path}.alm", entry["alm"], config["alms"], "ALM")
        engine = config["alms"][entry["alm"]]["engine"]
        if engine in GIVEN:
            raise UserError(
                f"config: {path}.alm = {entry['alm']!r} is of engine {engine}, whose votes are given: there are no "
                "answers to combine. Choose an ALM that is asked."
            )
        for kind, annotator in entry["pools"].items():
            if engine == "openai" and kind == "beam":
                raise UserError(
                    f"config: {path}.pools.{kind} = {annotator!r} cannot be asked for over HTTP "
                    f"(alms.{entry['alm']}.engine openai). Leave the pool out: what needs it is then shown as not "
                    "available."
                )
            _known(f"{path}.pools.{kind}", annotator, config["annotators"], "annotator")
            if why := _unfit(kind, config["annotators"][annotator], entry["alm"]):
                raise UserError(f"config: {path}.pools.{kind} = {annotator!r} {why}. Name another annotator, or leave "
                                "the pool out: what needs it is then shown as not available.")  # fmt: skip
        if entry.get("verifier"):
            _check_verifier(f"{path}.verifier", entry["verifier"], entry, config)
    for name in config["run"].get("testtime", []):
        _known("run.testtime", name, submissions, "submission")
        corpus = submissions[name]["corpus"]
        _known(f"testtime.{name}.corpus", corpus, dict.fromkeys(config["run"]["corpora"]), "selected corpus")
        classes, trained = config["corpora"][corpus]["classes"], _trained_classes(config, submissions[name]["alm"])
        if trained is not None and not set(classes) <= set(trained):
            raise UserError(
                f"config: testtime.{name}.alm = {submissions[name]['alm']!r} knows the classes {trained}; corpus "
                f"{corpus} has {classes}. Choose an ALM that is trained on these."
            )


def judged_pools(submission: dict[str, Any]) -> list[str]:
    """Return the kinds of pool whose candidates the verifier of a submission is shown."""
    first = next(kind for kind in WRITTEN if kind in submission["pools"])
    return submission["verifier"].get("pools", [first])


def judged_by(submission: dict[str, Any], judge: str) -> str:
    """Return the name of the ALM that is asked as a verifier, or as the control ``judge`` of it."""
    named = submission["verifier"]["alm"]
    return submission["alm"] if "self" in (judge, named) else named


def _check_verifier(path: str, verifier: dict[str, Any], entry: dict[str, Any], config: dict[str, Any]) -> None:
    """Refuse a verifier that cannot be asked in its mode or hear the corpus, and candidates that it cannot be shown."""
    itself = verifier["alm"] in ("self", entry["alm"])
    if not itself:
        _known(f"{path}.alm", verifier["alm"], config["alms"], "ALM")
    controls = verifier.get("controls", [])
    if itself and "self" in controls:
        raise UserError(
            f"config: {path}.controls has 'self', and the verifier is the ALM that wrote the candidates itself. Leave "
            "the control out, or name another ALM as the verifier."
        )
    asked = {entry["alm"] if itself else verifier["alm"], *([entry["alm"]] if "self" in controls else [])}
    for name in sorted(asked):
        engine = config["alms"][name]["engine"]
        if engine not in ("transformers", "openai"):
            raise UserError(
                f"config: {path}.alm = {name!r} is of engine {engine}, which answers no new question. Choose an ALM of "
                "engine transformers or openai, or set verifier: null."
            )
    for kind in verifier.get("pools", []):
        if kind not in entry["pools"]:
            raise UserError(
                f"config: {path}.pools has {kind!r}, which is no pool of this submission. Add it to its pools, or "
                "leave it out."
            )
    if not set(WRITTEN) & set(entry["pools"]):
        raise UserError(
            f"config: {path}: there is nothing to judge: pools has no written candidates of kind "
            f"{' or '.join(WRITTEN)}. Add such a pool, or set verifier: null."
        )
    corpus = config["corpora"][entry["corpus"]]
    if corpus.get("audio") == "none":
        raise UserError(
            f"config: {path} cannot hear corpus {entry['corpus']!r}, which has audio: none. Choose a corpus with "
            "sound, or set verifier: null."
        )


def _unfit(kind: str, annotator: dict[str, Any], alm: str) -> str:
    """Return why an annotator's answers are no pool of this kind, or ""."""
    mode, reasoning, beam = POOLS[kind]
    wanted = {
        "alm": (annotator["alm"], alm),
        "mode": (annotator["mode"], mode),
        "reasoning": (annotator.get("reasoning", False), reasoning),
        "sound": (annotator.get("sound", "own"), "own"),
    }
    for key, (has, expected) in wanted.items():
        if has != expected:
            return f"has {key}: {str(has).lower()}; a pool of kind {kind} needs {str(expected).lower()}"
    if (annotator["design"] == "beam") != beam:
        return f"has design: {annotator['design']}; a pool of kind {kind} {'needs a' if beam else 'is no'} beam search"
    hottest = max(value[1] if isinstance(value, list) else value for value in annotator["temperatures"])
    if kind == "greedy" and (annotator["votes"] > 1 or hottest > GREEDY):
        return f"draws {annotator['votes']} answers at up to {hottest:g}; a greedy pool has one, at most at {GREEDY:g}"
    return ""


def _check_predictors(config: dict[str, Any]) -> None:
    """Refuse given predictors of a corpus that is not selected, and names that something else has."""
    taken = config["annotators"] | config["alms"] | config.get("peers", {})
    for name, entry in config.get("predictors", {}).items():
        if name in taken:
            raise UserError(f"config: predictors.{name} has the name of an annotator, ALM or peer; rename it.")
        if "corpus" in entry:
            _known(f"predictors.{name}.corpus", entry["corpus"], dict.fromkeys(config["run"]["corpora"]), "corpus")


def _check_models(config: dict[str, Any]) -> None:
    """Refuse encoders of ALMs that are not opened here, peers without an encoder, and models that cannot be trained."""
    alms, peers, encoders = config["alms"], config.get("peers", {}), config.get("encoders", {})
    for name, encoder in encoders.items():
        if encoder["kind"] != "alm":
            continue
        if "alm" not in encoder:
            raise UserError(f"config: encoders.{name} lacks `alm`, the ALM whose audio tower it is.")
        _known(f"encoders.{name}.alm", encoder["alm"], alms, "ALM")
        if "corpus" in alms[encoder["alm"]].get("trained_on", {}):
            raise UserError(
                f"config: encoders.{name}.alm = {encoder['alm']!r} is cross-fitted: its audio tower is that of "
                f"{alms[encoder['alm']]['encoder']['checkpoint']}; use kind `speech` with that checkpoint."
            )
        if alms[encoder["alm"]]["engine"] != "transformers":
            raise UserError(
                f"config: encoders.{name}.alm = {encoder['alm']!r} is not accepted; expected an ALM of engine "
                "transformers, whose encoder can be opened."
            )
    for name, peer in peers.items():
        for key in ("encoder", "speech", "text"):
            if key in peer:
                _check_encoder_of(f"peers.{name}.{key}", peer[key], config)
        if name in alms:
            raise UserError(f"config: peers.{name} has the name of an ALM; rename one.")
    for name in config["finetuning"]["models"]:
        _known("finetuning.models", name, alms | peers, "ALM or peer")
        engine = "transformers" if name in peers else alms[name]["engine"]
        if engine != "transformers":
            raise UserError(
                f"config: finetuning.models = {name!r} is not accepted; expected an ALM of engine transformers, "
                f"not {engine}, or a peer."
            )


def _check_conflict(config: dict[str, Any]) -> None:
    """Refuse a conflict of presentations that cannot be measured, or whose models are not there to be compared."""
    entry, path = config["statistics"].get("conflict"), "statistics.conflict"
    if entry is None:
        return
    _known(f"{path}.corpus", entry["corpus"], dict.fromkeys(config["run"]["corpora"]), "selected corpus")
    _known(f"{path}.other", entry["other"], config["corpora"], "corpus")
    _known(f"{path}.model", entry["model"], dict.fromkeys(config["finetuning"]["models"]), "trained model")
    judged, other = (config["corpora"][entry[key]] for key in ("corpus", "other"))
    where = f"config: {path}.other = {entry['other']!r} is not accepted"
    shown = presentation_of(judged)
    if shown == presentation_of(other):
        raise UserError(
            f"{where}: its presentation is that of {entry['corpus']!r}, {shown or 'not stated'}; expected an entry of "
            "`corpora` with another `presentation` of the same utterances."
        )
    if set(judged["classes"]) != set(other["classes"]):
        raise UserError(
            f"{where}: its classes are {other['classes']}, those of {entry['corpus']!r} {judged['classes']}; expected "
            "the same ones."
        )
    if "conflict" in judged.get("factors", {}).get("columns", []):
        raise UserError(
            f"config: corpora.{entry['corpus']}.factors.columns has a factor 'conflict', the name of the strata of "
            f"{path}; rename the column, or remove {path}."
        )


def _check_trained_alms(config: dict[str, Any]) -> None:
    """Refuse ALMs trained here that lack what they are made of, and cross-fitted ones used outside their folds."""
    run = config["run"]
    for name, alm in config["alms"].items():
        if "trained_on" not in alm:
            continue
        place, trained_on = f"resources/models/{name}", alm["trained_on"]
        if alm.get("checkpoint") != place:
            raise UserError(f"config: alms.{name}.checkpoint = {alm.get('checkpoint')!r}; it is made as {place!r}.")
        if "training" not in alm:
            raise UserError(f"config: alms.{name} lacks `training`: steps, batch and learning_rate.")
        if "corpus" not in trained_on:
            continue
        if "family" in alm["training"]:
            raise UserError(
                f"config: alms.{name}.training.family is not accepted with trained_on.corpus: such a model is a "
                "Qwen2-Audio behind the layers of `encoder`. Leave it out."
            )
        _known(f"alms.{name}.trained_on.corpus", trained_on["corpus"], config["corpora"], "corpus")
        classes = config["corpora"][trained_on["corpus"]]["classes"]
        if several := [label for label in classes if not (label.isalpha() or label.isdigit())]:
            raise UserError(
                f"config: corpora.{trained_on['corpus']}.classes: {several[0]!r} is not one word, which alms.{name} "
                "would have to learn as one token; rename it, with `class_policy.merge` from the corpus' own label."
            )
        _known(f"alms.{name}.trained_on.protocol", trained_on["protocol"], config["protocols"], "protocol")
        scheme = config["protocols"][trained_on["protocol"]]["splits"]["scheme"]
        if scheme not in SPEAKER_SCHEMES:
            raise UserError(
                f"config: alms.{name}.trained_on.protocol = {trained_on['protocol']!r} splits by {scheme}: a model "
                f"could judge speakers it was trained on. Expected a protocol of scheme {', '.join(SPEAKER_SCHEMES)}."
            )
        if "encoder" not in alm or alm.get("encodings") != "shared":
            raise UserError(
                f"config: alms.{name} is trained on votes: it needs `encoder`, the Whisper model whose first layers "
                "are its audio tower, and `encodings: shared`."
            )
        used = (
            {"corpus": run["corpora"], "protocol": run["protocols"]} if name in config["finetuning"]["models"] else {}
        )
        for key, selected in used.items():
            if other := [entry for entry in selected if entry != trained_on[key]]:
                raise UserError(
                    f"config: finetuning.models = {name!r} is cross-fitted on {key} {trained_on[key]!r}, and the run "
                    f"selects {', '.join(other)} too: fine-tune it in a run of that {key} alone."
                )


def _check_encoder_of(path: str, name: str, config: dict[str, Any]) -> None:
    """Refuse an encoder of a peer that is not declared, or reads sound where text is needed."""
    encoders = config["encoders"]
    if name in config["alms"] and name not in encoders:
        raise UserError(
            f"config: {path} = {name!r} is an ALM; declare its tower as an encoder, "
            f"`encoders: {{{name}_tower: {{kind: alm, alm: {name}}}}}`, and name that."
        )
    _known(path, name, encoders, "encoder")
    key, reads_text = path.rpartition(".")[2], encoders[name]["kind"] == "text"
    if (key == "speech" and reads_text) or (key == "text" and not reads_text):
        raise UserError(
            f"config: {path} = {name!r} is of kind {encoders[name]['kind']}; expected an encoder of "
            f"{'kind text' if key == 'text' else 'sound: kind speech, statistics or alm'}."
        )


def _check_level_votes(config: dict[str, Any]) -> None:
    """Three levels of agreement need three values of it: three votes, or four votes for one of two classes."""
    for protocol in config["run"]["protocols"]:
        levels = config["protocols"][protocol]["levels"]
        for corpus in config["run"]["corpora"] if levels["definition"] == "agreement" else ():
            classes = len(config["corpora"][corpus]["classes"])
            least = 4 if classes == 2 else 3
            if levels["votes"] < least:
                raise UserError(
                    f"config: protocols.{protocol}.levels.votes = {levels['votes']} is not accepted with the {classes} "
                    f"classes of corpus {corpus}: their agreement has too few values for three levels; expected "
                    f"{least} or more."
                )


def _check_classes(config: dict[str, Any]) -> None:
    _check_level_votes(config)
    for name, corpus in config["corpora"].items():
        low, high = corpus["votes"] if corpus["reader"] == "demo" else (1, 1)
        if low > high:
            raise UserError(
                f"config: corpora.{name}.votes = {[low, high]} is not accepted; expected smallest, then largest."
            )
    used = {config["annotators"][name]["alm"] for name in config["run"]["annotators"]}
    peers = config.get("peers", {})
    used |= {name for name in config["finetuning"]["models"] if name not in peers}
    for alm in sorted(used):
        trained = _trained_classes(config, alm)
        for corpus in config["run"]["corpora"]:
            classes = config["corpora"][corpus]["classes"]
            if trained is not None and not set(classes) <= set(trained):
                raise UserError(
                    f"config: corpora.{corpus}.classes = {classes} does not match "
                    f"alms.{alm}.trained_on.classes = {trained}; expected classes out of {trained}."
                )


def _trained_classes(config: dict[str, Any], alm: str) -> list[str] | None:
    """Return the classes of an ALM that is trained here; None for any other."""
    trained_on = config["alms"][alm].get("trained_on", {})
    return config["corpora"][trained_on["corpus"]]["classes"] if "corpus" in trained_on else trained_on.get("classes")
