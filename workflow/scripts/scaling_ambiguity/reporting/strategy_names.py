"""What strategies at test time are called in the paper, in the order in which they are shown."""

import re

from scaling_ambiguity.testtime.projecting import NOT_AVAILABLE

PUBLISHED = {
    "single": "first answer",
    "cot": "reasoned (CoT)",
    "bon": "best of N (BoN)",
    "w_bon": "weighted BoN",
    "w_bon_sum": "weighted BoN, whole answer",
    "alm_v": "verifier's pick (ALM-V)",
    "w_alm_v": "weighted ALM-V",
}
CONTROLS = {
    "mean": "plain mean",
    "random_pick": "random pick",
    "mean_tempered": "mean, tempered",
    "shrunk": "mean, shrunk to the prior",
    "readout": "read-out",
    "readout_tempered": "read-out, tempered",
    "labels": "label votes",
    "prior": "class prior",
    "human_leave_one_out": "one human vote from the others",
    "oracle_pick": "oracle pick",
    "oracle_hull": "oracle combination",
}
VERIFIERS = {
    "shuffled": "another clip heard",
    "deaf": "no clip heard",
    "self": "by the ALM itself",
    "random": "by chance",
}
FORMS = {"faithful": "as published", "fair": "fair"}


def strategy_name(strategy: str, form: str) -> str:
    """Return the printed name of a strategy in one form, e.g. ``weighted BoN, fair``; of a control its name."""
    name, _, verifier = strategy.partition("-")
    if verifier:
        return f"{PUBLISHED[name]}, {VERIFIERS[verifier]}"
    return CONTROLS.get(name, name) if form == "control" else f"{PUBLISHED[name]}, {FORMS[form]}"


def why_not(method: str) -> str:
    """Return the reason in the ``method`` of a strategy that was not applied, without the remedy."""
    reason = re.sub(r"^(strategy|control) [\w-]+: ", "", method.removeprefix(NOT_AVAILABLE))
    reason = re.sub(r" \(given: [^)]*\)|'", "", reason.partition(";")[0])
    return reason.replace("logprob_answer", "log-probability of the JSON object alone")
