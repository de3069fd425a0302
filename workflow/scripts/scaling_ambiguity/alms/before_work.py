"""Whether the models of a run can be queried, from what is known before any work starts; imports no heavy library.

Nothing is sent to another machine: a server on this machine is probed, everything else is read from files,
the names of environment variables and the registry.
"""

import datetime
import json
import os
import re
import struct
from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scaling_ambiguity.alms.availability import (
    CPU_BYTES,
    MARGIN,
    located,
    look_at_gpus,
    look_at_memory,
    somebody_listens,
    was_fetched,
)
from scaling_ambiguity.alms.http.dialects import needs_audio, reads_labels
from scaling_ambiguity.alms.place_cost import numbers, place_cost
from scaling_ambiguity.alms.registry import Entry
from scaling_ambiguity.alms.serving import program_of, read_recipe
from scaling_ambiguity.errors import UserError

NOT_LOADED = ("talker.", "token2wav.", "code2wav.")  # prefixes of the speech-output tensors of a model that also speaks
_HERE = {"127.0.0.1", "localhost", "::1"}
# Packages that ask for an older numpy than the lock's: they are installed without what they require, and run beside it.
_ALONE = {"mistral_common": ("tiktoken", "pydantic-extra-types", "pycountry")}


@dataclass(frozen=True)
class Place:
    """Where the models are to be queried from.

    Attributes:
        local: Jobs run on this machine; if not, its GPUs, memory and servers are irrelevant.
        gpus: GPUs of this machine.
        memory_gb: Its free memory, GB.
        keys: Names of the environment variables that are set.
        today: The date.
    """

    local: bool
    gpus: int
    memory_gb: float
    keys: Collection[str]
    today: datetime.date


def this_place(local: bool) -> Place:
    """Describe this machine; only the names of environment variables are kept."""
    keys = {name for name, value in os.environ.items() if value}
    gpus = len(look_at_gpus()) if local else 0
    return Place(local, gpus, look_at_memory(), keys, datetime.date.today())


def obstacles(
    alm: dict[str, Any],
    facts: Entry | None,
    place: Place,
    has_answers: bool = False,
    silent: Collection[str] = (),
    reading: Collection[str] = (),
) -> list[str]:
    """Return why an entry of ``alms`` or ``encoders`` cannot be used, with remedies; empty if no obstacle is known.

    Args:
        alm: The entry as the engine gets it.
        facts: What the registry says about it, if the entry names one of its models.
        place: Where it is to be queried from.
        has_answers: Some of its answers are stored: then a retired model is no obstacle, since possibly none is
            missing.
        silent: Annotators that query it with text alone.
        reading: Annotators and verifiers that read the log-probabilities of its labels (mode `readout`).
    """
    reasons = []
    retires = None if facts is None else facts.retires
    if isinstance(retires, datetime.date) and place.today >= retires and not has_answers:
        reasons.append(f"retired on {retires.isoformat()} as announced: choose another model, or stored answers")
    if place.local and alm.get("gpus", 0) > place.gpus:
        reasons.append(
            f"asks for {alm['gpus']} GPU, this machine has {place.gpus}: run it on a machine that has them, or with "
            "`--profile slurm`, or set its `gpus: 0` if a CPU will do"
        )
    if "checkpoint" in alm and "trained_on" not in alm:
        reasons += _against_checkpoint(alm, facts, place)
    if alm.get("engine") == "openai":
        reasons += _against_server(alm, place)
        if silent and needs_audio(alm):
            reasons.append(
                f"refuses text alone, with which {', '.join(silent)} would ask it: leave {', '.join(silent)} out of "
                "the run (run.annotators, `listening`, controls of a verifier), or write `needs_audio: false` if it "
                "does take it"
            )
        if reading and not reads_labels(alm):
            reasons.append(
                f"gives no log-probabilities of labels, as mode `readout` of {', '.join(reading)} needs them: write "
                "`server: vllm` in the alms entry if vLLM serves it, or choose mode `sampled`, or leave "
                f"{', '.join(reading)} out of the run (run.annotators, pools of a submission)"
            )
    return reasons


def _against_server(alm: dict[str, Any], place: Place) -> list[str]:
    reasons = []
    key = alm.get("key_env")
    if key and key not in place.keys:
        reasons.append(f"no key: `export {key}=...` before the run")
    if "serve" in alm:
        try:
            recipe = read_recipe(alm)
        except UserError as error:
            return [*reasons, str(error)]
        if place.local and program_of(recipe) is None:
            reasons.append(f"{recipe.words[0]} is not installed: install it, or give its whole path in `serve.command`")
    elif place.local and urlsplit(alm["base_url"]).hostname in _HERE and not somebody_listens(alm["base_url"]):
        reasons.append(
            f"no server at {alm['base_url']}: start one, correct `base_url`, or let the job start it (`serve`)"
        )
    return reasons


def _against_checkpoint(alm: dict[str, Any], facts: Entry | None, place: Place) -> list[str]:
    name = alm["checkpoint"]
    folder = located(name)
    if not folder.is_dir():
        if folder.is_absolute() or name.count("/") != 1 or folder.parent.is_dir():
            return [f"no such model folder: {name}; fetch the model, or correct `checkpoint`"]
        return _against_fetching(alm, facts, place)
    if not (folder / "config.json").is_file():
        return [f"{name} is no model folder (no config.json): fetch the model again, or correct `checkpoint`"]
    reasons = []
    if missing := missing_weights(folder):
        reasons.append(f"{name} is not whole, {', '.join(missing)} missing: fetch the model again")
    if alm.get("engine") == "transformers":
        reasons += _against_class(_architecture(folder))
    need = MARGIN * CPU_BYTES * parameters(folder) / 1e9 + working_gb(folder, CPU_BYTES)
    if place.local and not place.gpus and need > place.memory_gb:
        reasons.append(
            f"takes {need:.0f} GB of memory without a GPU, free are {place.memory_gb:.0f}: run it on a larger machine"
        )
    return reasons


def _against_fetching(alm: dict[str, Any], facts: Entry | None, place: Place) -> list[str]:
    """Check a checkpoint of the hub, about which only the registry says anything."""
    reasons = []
    if alm.get("engine") == "transformers" and facts is not None:
        reasons += _against_class(facts.loads_by)
        missing = [package for package in facts.packages if find_spec(package) is None]
        if missing:
            reasons.append(f"not installed: {' and '.join(map(_install, missing))}")
    if facts is not None and facts.gated is True and "HF_TOKEN" not in place.keys:
        reasons.append("gated: accept its licence on the hub and `export HF_TOKEN=...`")
    if os.environ.get("HF_HUB_OFFLINE") in ("1", "true") and not was_fetched(alm["checkpoint"]):
        reasons.append(
            "was not fetched and HF_HUB_OFFLINE is set: fetch it first (`snakemake fetch_models`), "
            "or unset HF_HUB_OFFLINE"
        )
    return reasons


def _install(package: str) -> str:
    """Return the command that installs a package and changes no version of the lock."""
    if package in _ALONE:
        return f"`pip install --no-deps {' '.join((package, *_ALONE[package]))}`"
    return f"`pip install {package}`"


def _against_class(name: str) -> list[str]:
    if has_class(name):
        return []
    return [f"the installed transformers has no class {name}: install another version, or serve the model (`serve`)"]


def has_class(name: str) -> bool:
    """Return whether the installed transformers has a model class, by its source files: importing it takes seconds."""
    spec = find_spec("transformers")
    if spec is None or not re.fullmatch(r"[A-Za-z_]\w*", name):
        return False
    wanted = f"\nclass {name}(".encode()
    folders = [Path(folder) / "models" for folder in spec.submodule_search_locations or []]
    return any(wanted in path.read_bytes() for folder in folders for path in folder.glob("*/modeling_*.py"))


def _architecture(folder: Path) -> str:
    try:
        return (json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or ["none"])[0]
    except (OSError, ValueError, AttributeError):
        return "none (config.json cannot be read)"


def parameters(folder: Path) -> int:
    """Return how many parameters of a model folder would be loaded; 0 if its files are unreadable."""
    return numbers(tensor_shapes(folder))


def tensor_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a model folder's tensors, from the headers of its safetensors files.

    A header is 8 bytes, its length, and JSON: tensor name -> dtype, shape, offsets
    (huggingface.co/docs/safetensors). Parts that no engine opens (speech output) are left out.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for path in map(folder.joinpath, weight_files(folder)):
        try:
            with path.open("rb") as file:
                header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        except (OSError, ValueError, struct.error):
            continue
        for name, tensor in header.items():
            if name != "__metadata__" and not name.startswith(NOT_LOADED):
                shapes[name] = tuple(tensor["shape"])
    return shapes


def weight_files(folder: Path) -> list[str]:
    """Return the names of the files that hold a model's weights, whether they are there or not.

    Those that ``*.safetensors.index.json`` lists, else every safetensors file of the folder.
    """
    names: set[str] = set()
    for path in folder.glob("*.safetensors.index.json"):
        try:
            names |= set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            names.add(path.name)  # unreadable index: completeness of the weights cannot be checked
    return sorted(names or {path.name for path in folder.glob("*.safetensors")})


def missing_weights(folder: Path) -> list[str]:
    """Return the files of a model's weights that are not in its folder."""
    return [name for name in weight_files(folder) if not (folder / name).is_file() or name.endswith(".json")]


def working_gb(folder: Path, size: int) -> float:
    """Return the GB that a model needs in addition to its weights to read one prompt, keys and values included.

    Args:
        folder: The model folder.
        size: Bytes per number.
    """
    return place_cost(tensor_shapes(folder)).working_gb(size)


def against_training(folder: Path, targets: str | list[str]) -> list[str]:
    """Return why a model folder cannot be fine-tuned with ``finetuning.lora.targets``, by the names of its tensors.

    What passes here may still be refused: only the opened model shows which tensors belong to the language model.
    """
    names = {
        name.removesuffix(".weight").rsplit(".", 1)[-1] for name in tensor_shapes(folder) if name.endswith(".weight")
    }
    missing = [target for target in targets if target not in names] if names and targets != "attention" else []
    if not missing:
        return []
    there = ", ".join(sorted(name for name in names if name.endswith("_proj"))) or "none"
    return [f"finetuning.lora.targets: it has no projection {', '.join(missing)}; there are {there}, or `attention`"]


def refusal(against: dict[str, list[str]]) -> str:
    """Return one message for all entries that cannot be queried; empty if there is none.

    Args:
        against: Key of an entry in the configuration -> reasons.
    """
    lines = [f"  {name}: {reason}" for name, reasons in against.items() for reason in reasons]
    if not lines:
        return ""
    return "\n".join(
        ["this run asks models that cannot be used here; nothing was started:", *lines, "  (`snakemake list_alms`)"]
    )
