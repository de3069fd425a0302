"""Write envs/*.yaml from envs/packages.yaml with the versions of requirements.txt.

One source for both ways to install: pip takes the lock, conda the environments made here.
`--check` writes nothing and exits with status 1 if a file is not as it should be.
"""

import argparse
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
PYTHON = "3.11"
# Where conda-forge calls a package by another name than PyPI.
CONDA_NAMES = {"torch": "pytorch", "soundfile": "pysoundfile", "soxr": "soxr-python"}


def locked_versions() -> dict[str, str]:
    """Return {package: version} of requirements.txt, names in lower case."""
    lines = (HERE.parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.split("==", 1) for line in lines if "==" in line and not line.startswith("#"))
    return {name.strip().lower(): version.strip() for name, version in pins}


def environment(entry: dict[str, list[str]], versions: dict[str, str]) -> str:
    """Return the text of one conda environment file."""
    pins = [f"{CONDA_NAMES.get(name, name)}=={versions[name]}" for name in entry["pip"]]
    dependencies = [f"python={PYTHON}", *sorted(pins), *entry.get("conda", [])]
    lines = [
        "# Made by envs/write_envs.py; edit envs/packages.yaml instead.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
    ]
    return "\n".join([*lines, "dependencies:", *(f"  - {item}" for item in dependencies)]) + "\n"


def main() -> None:
    """Write or check every environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    versions = locked_versions()
    packages = yaml.safe_load((HERE / "packages.yaml").read_text(encoding="utf-8"))
    wrong = []
    for name, entry in packages.items():
        path, text = HERE / f"{name}.yaml", environment(entry, versions)
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            wrong.append(path.name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if wrong:
        sys.exit(f"not in step with requirements.txt: {', '.join(wrong)}; run `python envs/write_envs.py`")


if __name__ == "__main__":
    main()
