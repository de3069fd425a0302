"""How the paper describes the augmentation of a run, for any name."""

from typing import Any

from scaling_ambiguity.reporting.text import count, percent

BINS = {"levels": "bin of class and ambiguity", "codebook": "group of similar distributions", "class": "class"}


def augmentations(config: dict[str, Any]) -> list[str]:
    """Return the augmentations of the headline protocol, first the one described in the text; not ``none``."""
    protocol = config["protocols"][config["paper"]["headline"]["protocol"]]
    return [name for name in protocol.get("augmentation", config["run"]["augmentation"]) if name != "none"]


def augmentation_words(entry: dict[str, Any]) -> str:
    """Return a description of an entry of ``augmentations``, as the end of a sentence after "here"."""
    ratio, share = (percent(entry.get(key, 0.3)) for key in ("ratio", "share"))
    lifted = f"every {BINS[entry.get('bins', 'levels')]} is brought to at least {ratio} of the largest"
    voices = "of any speakers" if entry.get("partners") == "any" else "of one speaker"
    order = "at once" if entry.get("mixing") == "overlay" else "one after the other"
    words = {
        "published": lambda: (
            f"it is used as published: every class is brought to at least {ratio} of the largest, with "
            f"{count(entry['neighbours'])} neighbours in a space of acoustic and textual features"
        ),
        "balanced": lambda: (
            f"it is used in a repaired form: {lifted} as far as its items allow, by two recordings {voices} {order} "
            "whose mixed distribution lies there, and elsewhere by changes of a recording that keep its label"
        ),
        "oversample": lambda: f"nothing is mixed: {lifted} by repeating items as they are",
        "mixup": lambda: (
            f"nothing is balanced: the spectra and labels of random pairs are mixed, {share} as many as there are items"
        ),
        "specaugment": lambda: (
            f"nothing is mixed: bands and stretches are taken out of the spectra of {share} as many items as there are"
        ),
    }[entry["method"]]()
    if "online" in entry:
        probability = percent(entry["online"]["probability"])
        words += (
            f"; in training a recording is moreover moved in pitch or speed with a probability of {probability}, anew "
            "each time it is drawn"
        )
    return words
