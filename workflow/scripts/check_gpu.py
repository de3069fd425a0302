"""Check on a GPU node, in a minute and before any other GPU job, whether a model can run there: torch sees the
GPU and it computes in bfloat16, its memory suffices, the weights are readable, temporary files can be written.
"""

import argparse
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.alms.preflight import gpu_faults, look_at_torch, memory_need, model_faults, scratch_faults
from scaling_ambiguity.alms.registry import REGISTRY, load_registry
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.projections import untrainable
from scaling_ambiguity.io import write_json


def main(arguments: argparse.Namespace) -> None:
    """Check, and stop with all faults at once."""
    alm = arguments.alm
    facts = load_registry(arguments.registry)[arguments.registered] if arguments.registered else None
    folder, faults = model_faults(alm, facts)
    need = memory_need(folder, facts, alm["gpus"], served="serve" in alm)
    version, gpus = look_at_torch()
    scratch = Path(tempfile.gettempdir())
    faults = [*gpu_faults(version, gpus, alm["gpus"], need), *faults, *scratch_faults(scratch)]
    if arguments.targets and folder is not None and (reason := untrainable(folder, arguments.targets)):
        faults.append(reason)
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise UserError(f"alms.{arguments.name} cannot work on {platform.node()}; no other job was started:\n{lines}")
    report = {"node": platform.node(), "torch": version, "gpus": [asdict(gpu) for gpu in gpus]}
    write_json(
        report | {"needed_gb": need, "folder": folder and str(folder), "scratch": str(scratch)}, arguments.output
    )
    names = ", ".join(gpu.name for gpu in gpus) or "no GPU"
    print(f"alms.{arguments.name}: {names} on {platform.node()}, torch {version}: fit for work")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="entry in `alms`")
    parser.add_argument("--alm", type=cli.json_value, required=True, help="the entry, JSON")
    parser.add_argument("--registry", type=Path, default=REGISTRY, help="the registry, YAML")
    parser.add_argument("--registered", default="", help="entry of the registry that it names, if any")
    parser.add_argument(
        "--targets", type=cli.json_value, help="`finetuning.lora.targets`, JSON, if the model is to be trained"
    )
    parser.add_argument("--output", type=Path, required=True, help="the results, JSON")
    cli.run(main, parser)
