"""How the paper describes the trainings of a run: the model, the data and the loss."""

from collections.abc import Callable
from typing import Any

from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.numbers.models import main_pooling
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.text import count, joined
from scaling_ambiguity.reporting.words import several
from scaling_ambiguity.training.kinds import AMBER2

VARIANCE_FROM = 5  # seeds from which the variation between trainings is estimated
TWO = "between the label distribution and the predicted one"
LOSSES = {
    "nll": f"the cross-entropy {TWO}",
    "soft_ce": f"the cross-entropy {TWO}",
    "kl": f"the Kullback-Leibler divergence {TWO}",
    "jsd": f"the Jensen-Shannon divergence {TWO}",
    "dirichlet": "evidential, of a Dirichlet distribution that is predicted",
    "emd": f"the earth mover's distance {TWO}",
}
HEADS = {
    "labels": "predicts by its normalised probabilities of the label strings",
    "faithful": "predicts by an attention head on its hidden states",
}
POOLINGS = {
    "equal": r"by concatenation (\emph{equal})",
    "weighted": r"with the fitted weight (\emph{weighted})",
    "calibrated": r"with a fitted matrix of weights (\emph{calibrated})",
    "dirichlet": r"as the mean of a posterior in which all draws are one vote (\emph{dirichlet})",
    "dawid_skene": r"by the posterior of one class per utterance (\emph{dawid\_skene})",
}
POOLED = {
    "equal": "pooled as equals",
    "weighted": "pooled with a fitted weight",
    "calibrated": "pooled with a fitted matrix of weights",
    "dirichlet": "pooled by the mean of a posterior in which all draws are one vote",
    "dawid_skene": "pooled by the posterior of one class per utterance",
}
CONTROLS = {
    "prior": r"the prior alone (\emph{human + prior})",
    "echo": r"their own majority repeated (\emph{human + echo})",
    "shuffled": r"the synthetic votes of another utterance (\emph{human + shuffled})",
    "permuted": r"nothing, the human votes being those of another utterance (\emph{permuted human})",
}


def adapted_models(config: dict[str, Any]) -> list[str]:
    """Return the ALMs that are fine-tuned, without small peers."""
    return [name for name in config["finetuning"]["models"] if name not in config.get("peers", {})]


def add_training_switches(numbers: Numbers, config: dict[str, Any], *, trained: bool) -> None:
    r"""Define the conditionals of a text about trainings.

    ``adapters``: ALMs are fine-tuned. ``peers``: small models are trained, ``students`` of kind amber2 among them.
    ``sametrained``: the one ALM that is fine-tuned is the annotator. ``seedvariance``: enough seeds to estimate the
    variation between trainings.
    """
    adapted = adapted_models(config)
    annotator = config["annotators"][config["paper"]["headline"]["annotator"]]
    numbers.switch("adapters", trained and bool(adapted))
    numbers.switch("peers", trained and len(adapted) < len(config["finetuning"]["models"]))
    kinds = [config.get("peers", {}).get(name, {}).get("kind") for name in config["finetuning"]["models"]]
    numbers.switch("students", trained and AMBER2 in kinds)
    numbers.switch("sametrained", trained and adapted == [annotator["alm"]])
    numbers.switch("seedvariance", trained and config["finetuning"]["seeds"] >= VARIANCE_FROM)


def add_trainings(setting: Callable[..., None], numbers: Numbers, config: dict[str, Any]) -> None:
    """Define ``settings.*`` about trainings, as far as the switches of ``numbers`` let the text use them."""
    finetuning, name = config["finetuning"], config["paper"]["headline"]["protocol"]
    protocol = config["protocols"][name]
    seeds = finetuning["seeds"]
    setting("settings.seeds", seeds, several(seeds, seeds, "seed"), "finetuning.seeds")
    setting("settings.steps", finetuning["steps"], count(finetuning["steps"]), "finetuning.steps")
    setting("settings.loss", protocol["loss"], loss_words(protocol), f"protocols.{name}.loss")
    used = config["run"]["poolings"]
    words = joined([POOLINGS[pooling] for pooling in used])
    setting("settings.poolings", ", ".join(used), words, "run.poolings", "joined")
    pooling = main_pooling(used)
    setting("settings.pooled", pooling, POOLED[pooling], f"run.poolings.{used.index(pooling)}")
    if numbers.switches["adapters"]:
        rank = finetuning["lora"]["r"]
        setting("settings.rank", rank, count(rank), "finetuning.lora.r")
        setting("settings.head", protocol["head"], HEADS[protocol["head"]], f"protocols.{name}.head")
        given = numbers.switches["replayed"] or numbers.switches["tabulated"]
        if given or not numbers.switches["sametrained"]:  # otherwise the annotator is named
            adapted = adapted_models(config)
            words, function = joined([escape_latex(plain(m)) for m in adapted]), "models that are no peers"
            setting("settings.model", ", ".join(adapted), words, "finetuning.models", function)
    if numbers.switches["controlled"]:
        kinds = config["controls"]
        setting("settings.controls", ", ".join(kinds), joined([CONTROLS[kind] for kind in kinds]), "controls", "joined")


def loss_words(protocol: dict[str, Any]) -> str:
    """Return a description of the training loss, to follow "the loss is"."""
    words, weight = LOSSES[protocol["loss"]], protocol.get("entropy_weight")
    return f"{words}, plus {weight:g} times the entropy of the prediction" if weight else words
