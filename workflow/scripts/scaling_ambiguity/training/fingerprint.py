"""Everything a training depends on, as one hash: states and results with the same hash are interchangeable."""

import hashlib
import json
import platform
from importlib.metadata import version

from scaling_ambiguity.code_identity import SCRIPTS, code_hash
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.kinds import KINDS
from scaling_ambiguity.training.trainee import Inputs, Trainee


def versions() -> dict[str, str]:
    """Return the versions of python and of the libraries that affect the numbers."""
    packages = ("torch", "transformers", "peft", "accelerate", "numpy", "soundfile", "soxr")
    return {"python": platform.python_version()} | {package: version(package) for package in packages}


def training_code(kind: str) -> str:
    """Return the hash of the code that trains models of a kind."""
    return code_hash(SCRIPTS / "finetune.py", (f"scaling_ambiguity.{KINDS[kind].module}",))


def data_fingerprint(inputs: dict[str, Inputs]) -> str:
    """Return the SHA-256 of names, audio, transcripts and targets of every part."""
    digest = hashlib.sha256()
    for part, frozen in sorted(inputs.items()):
        examples = frozen.examples
        digest.update(json.dumps([part, examples.utterances, examples.transcripts, frozen.audio_sha256]).encode())
        if examples.targets is not None:
            digest.update(examples.targets.tobytes())
    return digest.hexdigest()


def training_fingerprint(job: TrainingJob, trainee: Trainee, data: str, seed: int, processes: int = 1) -> str:
    """Return the SHA-256 of everything that determines the result of one seed, the code included.

    The frequency of saving the state has no effect; the division of a batch affects the last digits.

    Args:
        job: The job.
        trainee: Its model.
        data: Output of :func:`data_fingerprint`.
        seed: Number of the training.
        processes: Processes that share every batch.
    """
    options = job.options.with_processes(processes).model_dump(exclude={"execution": {"state_every"}})
    parts = {
        "data": data,
        "revision": trainee.revision,
        "prompts": file_sha256(job.prompts) if job.prompts else None,
        "classes": job.classes,
        "options": options,
        "objective": job.objective,
        "online": job.online.model_dump() if job.online else None,
        "device": trainee.device.type,
        "seed": [job.base_seed, seed],
        "versions": versions(),
        "code": training_code(job.kind),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
