"""What a training depends on, as one hash: states and results with the same hash are interchangeable."""

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

from scaling_ambiguity.code_identity import SCRIPTS, code_hash
from scaling_ambiguity.finetuning.execution import Execution
from scaling_ambiguity.finetuning.kinds import Inputs
from scaling_ambiguity.io import file_sha256

# How jobs are cut, not what is trained.
IGNORED_OPTIONS = frozenset({"models", "seeds", "seeds_per_job", "folds_per_job"})


def versions() -> dict[str, str]:
    """Return the versions of python and of the libraries that shape the numbers."""
    packages = ("torch", "transformers", "peft", "accelerate", "numpy", "soundfile", "soxr")
    return {"python": platform.python_version()} | {package: version(package) for package in packages}


def data_fingerprint(inputs: dict[str, Inputs]) -> str:
    """Return the SHA-256 of names, audio, transcripts and targets of every part."""
    digest = hashlib.sha256()
    for part, frozen in sorted(inputs.items()):
        examples = frozen.examples
        digest.update(json.dumps([part, examples.utterances, examples.transcripts, frozen.audio_sha256]).encode())
        if examples.targets is not None:
            digest.update(examples.targets.tobytes())
    return digest.hexdigest()


def training_fingerprint(
    data: str,
    *,
    revision: str,
    prompts: Path,
    classes: list[str],
    options: dict,
    protocol: dict,
    device: str,
    seed: int,
    base_seed: int,
    processes: int = 1,
    online: dict | None = None,
) -> str:
    """Return the SHA-256 of everything that decides the result of one seed, the code included.

    How often the state is saved decides nothing; how a batch is cut and shared decides the last digits.
    """
    execution = vars(Execution.of(options).with_processes(processes, options["batch"]))
    parts = {
        "data": data,
        "revision": revision,
        "prompts": file_sha256(prompts),
        "classes": classes,
        "options": {key: value for key, value in options.items() if key not in IGNORED_OPTIONS}
        | {"execution": {key: value for key, value in execution.items() if key != "state_every"}},
        "protocol": protocol,
        "online": online,
        "device": device,
        "seed": [base_seed, seed],
        "versions": versions(),
        "code": code_hash(SCRIPTS / "finetune.py"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
