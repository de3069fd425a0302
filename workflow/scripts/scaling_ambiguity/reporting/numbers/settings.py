"""Numbers that were chosen, not measured: the configuration as quoted in the text."""

from collections.abc import Callable
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.numbers.augmentation import augmentation_words, augmentations
from scaling_ambiguity.reporting.numbers.finetuning import add_training_switches, add_trainings
from scaling_ambiguity.reporting.numbers.models import main_pooling
from scaling_ambiguity.reporting.numbers.provenance import CONFIGURATION
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.proxy_names import proxy_votes
from scaling_ambiguity.reporting.text import count, joined, percent

NEEDED = (
    "paper",
    "run",
    "corpora",
    "alms",
    "annotators",
    "protocols",
    "augmentations",
    "finetuning",
    "controls",
    "statistics",
)
DESIGNS = {
    "crossed": "are crossed, so that their effects can be told apart",
    "beam": "do not vary: the answers are the best of one beam search",
    "confounded": "change together, as published, so that their effects cannot be told apart",
}
MODES = {
    "sampled": "each call asks for one label",
    "readout": "votes are drawn from the probabilities of the label strings at the place of the answer",
    "verbalised": "each call asks for a distribution over the classes, written as JSON, and a vote is drawn from it",
}
MODALITIES = {"both": "sound and transcript", "audio": "the sound alone", "text": "the transcript alone"}
LEVELS = {
    "agreement": r"their pairwise agreement $\sum_c n_c (n_c - 1) / (n (n - 1))$",
    "entropy": r"the entropy of their distribution, in thirds of its range",
    "pattern": "their pattern: unanimous, with a majority, or without",
    "faithful": "the tertiles of their entropy over the logarithm of the number of labels present",
}
Setting = Callable[..., None]  # key, value, text, path in the configuration, function of ``provenance``


def check_config(config: dict[str, Any]) -> None:
    """Raise a UserError if a section of the configuration that the text quotes was not passed on."""
    absent = [name for name in NEEDED if name not in config]
    if absent:
        raise UserError(f"write_numbers: --config has no {absent[0]!r}; it needs {list(NEEDED)}.")


def add_switches(numbers: Numbers, config: dict[str, Any], *, trained: bool, heldout: bool) -> None:
    r"""Define the conditionals that follow from the configuration and from which stages ran.

    ``simulated``: the workflow made the corpus, and the truth is known. ``cremad``: it is CREMA-D.
    ``replayed``: the proxy's votes are published human votes. ``tabulated``: they were given as a table.
    ``heldoutscores``: the workflow trained the ALM in a simulated world; ``crossfitted``: on the votes of a corpus.
    ``trained``: models were fine-tuned. ``augmented``: also on an augmented training part, ``augmentedagain``: in
    more than one way; ``proxytrained``: on synthetic and combined labels; ``weighted``: on those combined with the
    fitted weight, too; ``controlled``: on labels of all controls.
    ``levelvotes``: votes are set apart to decide the level. ``sampledvotes``: the ALM is asked for labels, one a call.
    """
    headline = config["paper"]["headline"]
    reader = config["corpora"][headline["corpus"]]["reader"]
    numbers.switch("simulated", reader == "demo")
    numbers.switch("cremad", reader == "cremad")
    mode = config["annotators"][headline["annotator"]]["mode"]
    numbers.switch("replayed", mode == "replay")
    numbers.switch("tabulated", mode == "table")
    numbers.switch("sampledvotes", mode == "sampled")
    numbers.switch("levelvotes", config["protocols"][headline["protocol"]]["levels"]["definition"] != "faithful")
    numbers.switch("heldoutscores", heldout)
    alm = config["alms"][config["annotators"][headline["annotator"]]["alm"]]
    numbers.switch("crossfitted", "corpus" in alm.get("trained_on", {}))
    numbers.switch("trained", trained)
    ways = len(augmentations(config))
    numbers.switch("augmented", trained and ways > 0)
    numbers.switch("augmentedagain", trained and ways > 1)
    poolings = config["run"]["poolings"]
    labels = config["run"].get("models", {}).get("labels")  # None: models are trained on all of the run
    proxy = trained and (labels is None or {"synthetic", f"combined-{main_pooling(poolings)}"} <= set(labels))
    numbers.switch("proxytrained", proxy)
    weighted = {"equal", "weighted"} <= set(poolings) and (labels is None or "combined-weighted" in labels)
    numbers.switch("weighted", proxy and weighted)
    controls = {f"control-{name}" for name in config["controls"]}
    numbers.switch("controlled", proxy and bool(controls) and (labels is None or controls <= set(labels)))
    add_training_switches(numbers, config, trained=trained)


def add_settings(numbers: Numbers, config: dict[str, Any]) -> None:
    """Define ``paper.*`` and ``settings.*``, as far as the switches of ``numbers`` let the text use them."""

    def setting(key: str, value: Any, text: str, path: str, function: str | None = None) -> None:
        numbers.value(key, value, text, file=CONFIGURATION, column=path, function=function)

    headline = config["paper"]["headline"]
    _add_paper(setting, config["paper"])
    _add_analysis(setting, config["statistics"], config["protocols"], headline["protocol"])
    made = numbers.switches["heldoutscores"] or numbers.switches["crossfitted"]
    _add_annotator(setting, config, headline, replayed=numbers.switches["replayed"], made=made)
    if numbers.switches["crossfitted"]:
        name = config["annotators"][headline["annotator"]]["alm"]
        entry, path = config["alms"][name], f"alms.{name}"
        corpus, encoder = entry["trained_on"]["corpus"], entry["encoder"]
        setting("alm.corpus", corpus, escape_latex(plain(corpus)), f"{path}.trained_on.corpus")
        setting("alm.tower", encoder["checkpoint"], escape_latex(encoder["checkpoint"]), f"{path}.encoder.checkpoint")
        setting("alm.tower-layers", encoder["layers"], count(encoder["layers"]), f"{path}.encoder.layers")
    if numbers.switches["trained"]:
        add_trainings(setting, numbers, config)
    if numbers.switches["augmented"]:
        name = augmentations(config)[0]
        path = "run.augmentation, protocols"
        setting("settings.augmentation", name, escape_latex(plain(name)), path, "first augmentation")
        entry = config["augmentations"][name]
        setting("settings.augmentation.way", entry["method"], augmentation_words(entry), f"augmentations.{name}.method")


def _add_paper(setting: Setting, paper: dict[str, Any]) -> None:
    for name in ("title", "subtitle"):
        setting(f"paper.{name}", paper[name], escape_latex(paper[name]), f"paper.{name}")
    authors = [escape_latex(author) for author in paper["authors"]]
    setting("paper.authors", ", ".join(paper["authors"]), joined(authors), "paper.authors", "joined")
    for name in ("corpus", "protocol"):
        chosen = paper["headline"][name]
        setting(f"settings.{name}", chosen, escape_latex(plain(chosen)), f"paper.headline.{name}")


def _add_analysis(setting: Setting, statistics: dict[str, Any], protocols: dict[str, Any], name: str) -> None:
    protocol, path = protocols[name], f"protocols.{name}"
    setting("settings.level", statistics["level"], percent(statistics["level"]), "statistics.level")
    for what in ("resamples", "deals"):
        setting(f"settings.{what}", statistics[what], count(statistics[what]), f"statistics.{what}")
    setting("settings.floor", statistics["smoothing"], f"{statistics['smoothing']:g}", "statistics.smoothing")
    levels = protocol["levels"]
    setting("settings.levels", levels["definition"], LEVELS[levels["definition"]], f"{path}.levels.definition")
    if levels["definition"] != "faithful":
        setting("settings.level-votes", levels["votes"], count(levels["votes"]), f"{path}.levels.votes")
    setting("settings.splits", protocol["splits"]["scheme"], split_words(protocol["splits"]), f"{path}.splits.scheme")


def _add_annotator(
    setting: Setting, config: dict[str, Any], headline: dict[str, str], *, replayed: bool, made: bool
) -> None:
    annotator = config["annotators"][headline["annotator"]]
    alm, path = config["alms"][annotator["alm"]], f"annotators.{headline['annotator']}"
    votes = proxy_votes(config, headline["annotator"])
    setting("settings.proxy", votes, escape_latex(votes), f"{path}.alm", "name of the headline annotator's votes")
    setting("settings.votes", annotator["votes"], count(annotator["votes"]), f"{path}.votes")
    if replayed:
        entries = {"corpus": headline["corpus"], "source": alm["corpus"]}
        setting("settings.source", alm["corpus"], escape_latex(plain(alm["corpus"])), f"alms.{annotator['alm']}.corpus")
        for key, entry in entries.items():
            shown = config["corpora"][entry].get("presentation", "voice")
            name = f"settings.{key}.presentation"
            setting(name, shown, escape_latex(shown), f"corpora.{entry}", "presentation")
        return
    setting("settings.alm", annotator["alm"], escape_latex(plain(annotator["alm"])), f"{path}.alm")
    if annotator["mode"] == "table":
        name = alm["votes"].rpartition("/")[2]
        setting("settings.table", alm["votes"], rf"\texttt{{{escape_latex(name)}}}", f"alms.{annotator['alm']}.votes")
        return
    if not made:  # else this workflow trained it, and its folder says nothing to a reader
        _add_checkpoint(setting, alm, annotator["alm"])
    words = MODES[annotator["mode"]] + (", after an argument in words" if annotator.get("reasoning") else "")
    setting("settings.mode", annotator["mode"], words, f"{path}.mode")
    setting("settings.modality", annotator["modality"], MODALITIES[annotator["modality"]], f"{path}.modality")
    temperatures = annotator["temperatures"]
    setting("settings.temperatures", len(temperatures), count(len(temperatures)), f"{path}.temperatures", "length")
    design = annotator["design"]
    setting("settings.design", design, DESIGNS.get(design, escape_latex(design)), f"{path}.design")


def _add_checkpoint(setting: Setting, alm: dict[str, Any], name: str) -> None:
    """Say what was loaded: a checkpoint, the model of a server, or a folder of kept answers."""
    place = next(one for one in ("checkpoint", "model", "store") if one in alm)
    setting("settings.checkpoint", alm[place], rf"\url{{{alm[place]}}}", f"alms.{name}.{place}")


def split_words(splits: dict[str, Any]) -> str:
    """Return how a corpus is split, as the end of a sentence."""
    scheme = splits["scheme"]
    if scheme in ("speaker", "groups"):
        folds = len(splits["groups"]) if scheme == "groups" else splits["folds"]
        return f"in {count(folds)} folds, no speaker of which occurs in another"
    if scheme == "session":
        return "in one fold a session, which is left out of the training part"
    if scheme == "official":
        return "as the corpus prescribes"
    return f"at random, {percent(splits['test'])} of the utterances for test, speakers on both sides"
