"""The settings of a run and the amounts that follow from them: what was asked, trained and resampled."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.tables.booktabs import tabular
from scaling_ambiguity.reporting.text import count

COLUMNS = ["part", "setting", "value"]
MODES = {
    "sampled": "one label per answer",
    "readout": "label probabilities, read out",
    "verbalised": "a distribution per answer",
    "replay": "votes of people, replayed",
    "table": "votes given as a table",
}
GIVEN = {"both": "voice and words", "audio": "the voice alone", "text": "the words alone"}
SOUNDS = {"another": "with the sound of another clip", "silence": "with silence"}
KINDS = {"lora": "adapters (LoRA) on an ALM", "perceptron": "perceptron", "amber2": "AmbER2"}
LAYERS = {
    "hidden": "hidden units",
    "dropout": "dropout",
    "student": "the student reads",
    "fusion": "fusion",
    "activation": "activation",
    "modality_dropout": "dropout of a modality",
}
OPTIMISER = {
    "learning_rate": "learning rate",
    "warmup": "share of steps with a rising rate",
    "weight_decay": "weight decay",
    "clip": "largest norm of the gradient",
}
STATISTICS = {
    "deals": "random deals of the votes into roles",
    "resamples": "bootstrap resamples",
    "interval": "interval",
    "level": "level",
    "adjust": "adjustment within a family",
    "smoothing": "floor of a predicted probability",
}
NAMES = {"holm": "Holm's method", "bootstrap_t": "bootstrap-t"}
_LINE = 34  # characters; longer values are wrapped

Line = tuple[str, Any]
Cells = tuple[str, str]


def settings_table(settings: Mapping[str, Any], answers: Mapping[str, pd.DataFrame]) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and its rows: part, setting, value.

    Args:
        settings: Of ``run.results.Run.settings``.
        answers: Annotator -> how its answers were parsed (``status.csv``): ``ok`` and ``total`` by prompt.
    """
    parts = [*_asking(settings, answers), *_training(settings)]
    parts.append(("Statistics", [(words, settings["statistics"][key]) for key, words in STATISTICS.items()]))
    rows = [(part, name, _value(value)) for part, lines in parts for name, value in lines if value is not None]
    blocks = []
    for part in dict.fromkeys(row[0] for row in rows):
        lines = [(rf"\quad {escape_latex(name)}", _cell(value)) for one, name, value in rows if one == part]
        blocks.append([(rf"\emph{{{escape_latex(part)}}}", ""), *lines])
    left, right = _columns(blocks)
    body = [[*one, *other] for one, other in zip_longest(left, right, fillvalue=("", ""))]
    return tabular("llll", ["Setting", "Value"] * 2, body), pd.DataFrame(rows, columns=COLUMNS)


def _columns(blocks: list[list[Cells]]) -> tuple[list[Cells], list[Cells]]:
    """Return the blocks in two columns of about one height, an empty line between two blocks."""
    columns = []
    for number in range(len(blocks) + 1):
        left, right = (
            [cells for block in some for cells in [*block, ("", "")]][:-1]
            for some in (blocks[:number], blocks[number:])
        )
        columns.append((left, right))
    return min(columns, key=lambda pair: max(map(len, pair)))


def _asking(settings: Mapping[str, Any], answers: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, list[Line]]]:
    for name, entry in settings["annotators"].items():
        asked = MODES[entry["mode"]] if entry["mode"] in ("replay", "table") else None
        table = answers[name]
        lines: list[Line] = [("mode", asked or MODES[entry["mode"]])]
        if asked is None:
            given = " ".join(filter(None, [GIVEN[entry["modality"]], SOUNDS.get(entry.get("sound", "own"))]))
            lines += [("given", given), ("design", entry["design"]), ("temperatures", entry["temperatures"])]
            lines += [("prompts", entry["prompts"]), ("order of the classes", entry.get("class_order"))]
        lines += [("votes per utterance", entry["votes"]), ("answers", int(table["total"].sum()))]
        lines += [("answers with a vote", int(table["ok"].sum()))]
        yield f"Annotator: {plain(name)}", lines
    for name, training in settings["alms"].items():
        yield (
            f"Training of the ALM: {plain(name)}",
            [
                ("steps", training["steps"]),
                ("lessons per step", training["batch"]),
                ("learning rate", training["learning_rate"]),
                ("share of lessons in silence", training.get("silence")),
                ("also writes", "numbers of listeners" if training.get("writes") else None),
            ],
        )


def _training(settings: Mapping[str, Any]) -> Iterator[tuple[str, list[Line]]]:
    if not settings["models"]:
        return
    common = settings["finetuning"]
    yield (
        "Training of models",
        [
            ("trainings: arms, folds and seeds", settings["trainings"]),
            ("seeds", common["seeds"]),
            ("optimiser", "AdamW"),
            ("steps", common["steps"]),
            ("utterances per step", common["batch"]),
            *((words, common[key]) for key, words in OPTIMISER.items()),
            ("validation", f"every {common['evaluate_every']} steps; the best is kept"),
        ],
    )
    for name, model in settings["models"].items():
        lines: list[Line] = [("kind", KINDS.get(model["kind"], model["kind"]))]
        if model["kind"] == "lora":
            lora = common["lora"]
            lines += [("rank", lora["r"]), ("alpha", lora["alpha"]), ("dropout", lora["dropout"])]
            lines += [("adapted layers", lora["targets"])]
        else:
            lines += [(key, plain(model[key])) for key in ("encoder", "speech", "text") if key in model]
            lines += [(words, model.get(key)) for key, words in LAYERS.items()]
            lines += [(f"loss: {key}".replace("_", " "), part) for key, part in model.get("loss", {}).items()]
        yield f"Model: {plain(name)}", lines


def _value(value: Any) -> str:
    """Return a value as text: lists and maps by commas, a band of two numbers by a dash."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(part)}" for key, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join("--".join(map(_value, one)) if isinstance(one, list) else _value(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else NAMES.get(str(value), str(value).replace("_", "-"))


def _cell(value: str) -> str:
    text = count(int(value)) if value.isdigit() else escape_latex(value)
    return rf"\parbox[t]{{0.26\linewidth}}{{\raggedright {text}\strut}}" if len(value) > _LINE else text
