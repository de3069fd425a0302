"""Fine-tuned adapters as folders to publish: peft's files, with card, curve and checksums."""

import json
import shutil
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, file_sha256, read_json, write_text

CONFIG, WEIGHTS, CHECKSUMS = "adapter_config.json", "adapter_model.safetensors", "SHA256SUMS"
PEER = ("peer.json", "peer.safetensors")
BESIDE = ("README.md", "curve.csv", "curve.png", "run.json")


def export_adapters(runs: dict[str, Path], folder: Path) -> None:
    """Copy every run's adapter into ``folder / name``, completely or not at all.

    Each folder opens with ``PeftModel.from_pretrained(base, folder)``, except for a small peer's; its configuration
    names the base model by checkpoint and revision. No audio, transcript or label is in it.

    Args:
        runs: Run folders by the name they get.
        folder: The folder to write to.

    Raises:
        UserError: There is no run, or one lacks a file or holds a damaged one.
    """
    if not runs:
        raise UserError("export_adapter: this run fine-tunes nothing; name a model in `finetuning.models`.")
    with atomic_path(folder) as temporary:
        for name, run in sorted(runs.items()):
            _export(run, temporary / name)


def _export(run: Path, target: Path) -> None:
    peer = (run / "adapter" / PEER[0]).is_file()
    config_name, weights = PEER if peer else (CONFIG, WEIGHTS)
    for name in (config_name, weights):
        if not (run / "adapter" / name).is_file():
            raise UserError(f"{run}/adapter: no {name}. Remove {run} and run again.")
    check_safetensors(run / "adapter" / weights)
    record = read_json(run / "run.json")
    shutil.copytree(run / "adapter", target)
    for name in BESIDE:
        if not (run / name).is_file():
            raise UserError(f"{run}: no {name}. Remove {run} and run again.")
        shutil.copyfile(run / name, target / name)
    card = (target / "README.md").read_text(encoding="utf-8")
    (target / "README.md").write_text(card.replace('base, "adapter"', "base, folder"), encoding="utf-8")
    if not peer:
        _name_base(target / CONFIG, record)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    lines = [f"{file_sha256(path)}  {path.relative_to(target).as_posix()}\n" for path in files]
    write_text("".join(lines), target / CHECKSUMS)


def _name_base(path: Path, record: dict[str, Any]) -> None:
    config = read_json(path)
    config["base_model_name_or_path"] = record["checkpoint"]
    # A folder's revision is a hash of its weights, which peft could not look up.
    config["revision"] = None if Path(record["checkpoint"]).is_dir() else record["model_revision"]
    write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", path)


def check_safetensors(path: Path) -> None:
    """Raise a UserError unless ``path`` is complete: its header parses and its size is the one the header states."""
    data = path.read_bytes()
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not a safetensors file ({error}). Remove its folder and run again.") from error
    if len(data) != 8 + length + end:
        raise UserError(f"{path}: {len(data)} bytes, {8 + length + end} expected. Remove its folder and run again.")
