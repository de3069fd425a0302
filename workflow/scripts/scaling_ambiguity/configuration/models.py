"""Models that are trained, and what they read: encoders, peers, ALMs of a run's own training."""

from typing import Any

from scaling_ambiguity.configuration.faults import require
from scaling_ambiguity.errors import UserError

SPEAKER_SCHEMES = ("speaker", "session", "groups")  # schemes of splits in whose folds every speaker is tested once


def check_models(config: dict[str, Any]) -> None:
    """Refuse models that cannot be opened or trained, or that do not know the classes of the run.

    Raises:
        UserError: The first of them.
    """
    _check_encoders(config)
    _check_trained(config)
    _check_trained_alms(config)
    _check_classes(config)


def _check_encoders(config: dict[str, Any]) -> None:
    """Refuse encoders of ALMs that are not opened here."""
    alms = config["alms"]
    for name, encoder in config.get("encoders", {}).items():
        if encoder["kind"] != "alm":
            continue
        if "alm" not in encoder:
            raise UserError(f"config: encoders.{name} lacks `alm`, the ALM whose audio tower it is.")
        require(f"encoders.{name}.alm", encoder["alm"], alms, "ALM")
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


def _check_trained(config: dict[str, Any]) -> None:
    """Refuse peers without an encoder, and models that cannot be trained."""
    alms, peers = config["alms"], config.get("peers", {})
    for name, peer in peers.items():
        for key in ("encoder", "speech", "text"):
            if key in peer:
                _check_encoder_of(f"peers.{name}.{key}", peer[key], config)
        if name in alms:
            raise UserError(f"config: peers.{name} has the name of an ALM; rename one.")
    for name in config["finetuning"]["models"]:
        require("finetuning.models", name, alms | peers, "ALM or peer")
        engine = "transformers" if name in peers else alms[name]["engine"]
        if engine != "transformers":
            raise UserError(
                f"config: finetuning.models = {name!r} is not accepted; expected an ALM of engine transformers, "
                f"not {engine}, or a peer."
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
        require(f"alms.{name}.trained_on.corpus", trained_on["corpus"], config["corpora"], "corpus")
        classes = config["corpora"][trained_on["corpus"]]["classes"]
        if several := [label for label in classes if not (label.isalpha() or label.isdigit())]:
            raise UserError(
                f"config: corpora.{trained_on['corpus']}.classes: {several[0]!r} is not one word, which alms.{name} "
                "would have to learn as one token; rename it, with `class_policy.merge` from the corpus' own label."
            )
        require(f"alms.{name}.trained_on.protocol", trained_on["protocol"], config["protocols"], "protocol")
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
    require(path, name, encoders, "encoder")
    key, reads_text = path.rpartition(".")[2], encoders[name]["kind"] == "text"
    if (key == "speech" and reads_text) or (key == "text" and not reads_text):
        raise UserError(
            f"config: {path} = {name!r} is of kind {encoders[name]['kind']}; expected an encoder of "
            f"{'kind text' if key == 'text' else 'sound: kind speech, statistics or alm'}."
        )


def _check_classes(config: dict[str, Any]) -> None:
    """Refuse classes of a corpus that an ALM trained here does not know."""
    used = {config["annotators"][name]["alm"] for name in config["run"]["annotators"]}
    peers = config.get("peers", {})
    used |= {name for name in config["finetuning"]["models"] if name not in peers}
    for alm in sorted(used):
        trained = trained_classes(config, alm)
        for corpus in config["run"]["corpora"]:
            classes = config["corpora"][corpus]["classes"]
            if trained is not None and not set(classes) <= set(trained):
                raise UserError(
                    f"config: corpora.{corpus}.classes = {classes} does not match "
                    f"alms.{alm}.trained_on.classes = {trained}; expected classes out of {trained}."
                )


def trained_classes(config: dict[str, Any], alm: str) -> list[str] | None:
    """Return the classes of an ALM that is trained here; None for any other."""
    trained_on = config["alms"][alm].get("trained_on", {})
    return config["corpora"][trained_on["corpus"]]["classes"] if "corpus" in trained_on else trained_on.get("classes")
