"""Submissions to the test-time benchmark that are made of a run's own answers: their pools, and who judges them."""

from typing import Any

from scaling_ambiguity.configuration.asking import GIVEN
from scaling_ambiguity.configuration.faults import require
from scaling_ambiguity.configuration.models import trained_classes
from scaling_ambiguity.errors import UserError

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


def judged_pools(submission: dict[str, Any]) -> list[str]:
    """Return the kinds of pool whose candidates the verifier of a submission is shown."""
    first = next(kind for kind in WRITTEN if kind in submission["pools"])
    return submission["verifier"].get("pools", [first])


def judged_by(submission: dict[str, Any], judge: str) -> str:
    """Return the name of the ALM that is asked as a verifier, or as the control ``judge`` of it."""
    named = submission["verifier"]["alm"]
    return submission["alm"] if "self" in (judge, named) else named


def check_submissions(config: dict[str, Any]) -> None:
    """Refuse submissions of unknown parts, and pools whose annotator does not ask for what the kind of pool holds."""
    submissions = config.get("testtime", {})
    for name, entry in submissions.items():
        path = f"testtime.{name}"
        require(f"{path}.corpus", entry["corpus"], config["corpora"], "corpus")
        require(f"{path}.alm", entry["alm"], config["alms"], "ALM")
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
            require(f"{path}.pools.{kind}", annotator, config["annotators"], "annotator")
            if why := _unfit(kind, config["annotators"][annotator], entry["alm"]):
                raise UserError(f"config: {path}.pools.{kind} = {annotator!r} {why}. Name another annotator, or leave "
                                "the pool out: what needs it is then shown as not available.")  # fmt: skip
        if entry.get("verifier"):
            _check_verifier(f"{path}.verifier", entry["verifier"], entry, config)
    for name in config["run"].get("testtime", []):
        require("run.testtime", name, submissions, "submission")
        corpus = submissions[name]["corpus"]
        require(f"testtime.{name}.corpus", corpus, dict.fromkeys(config["run"]["corpora"]), "selected corpus")
        classes, trained = config["corpora"][corpus]["classes"], trained_classes(config, submissions[name]["alm"])
        if trained is not None and not set(classes) <= set(trained):
            raise UserError(
                f"config: testtime.{name}.alm = {submissions[name]['alm']!r} knows the classes {trained}; corpus "
                f"{corpus} has {classes}. Choose an ALM that is trained on these."
            )


def _check_verifier(path: str, verifier: dict[str, Any], entry: dict[str, Any], config: dict[str, Any]) -> None:
    """Refuse a verifier that cannot be asked in its mode or hear the corpus, and candidates that it cannot be shown."""
    itself = verifier["alm"] in ("self", entry["alm"])
    if not itself:
        require(f"{path}.alm", verifier["alm"], config["alms"], "ALM")
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
