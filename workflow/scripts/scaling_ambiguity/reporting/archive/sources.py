"""The sources of a checkout: what git tracks, or, in a folder without git, all but products and caches."""

import hashlib
import subprocess
from pathlib import Path

CODE = "code/"  # where they are in an archive
# What a folder without git holds beside the sources: products, caches and hidden files.
NOT_SOURCES = {"results", "resources", "runs", "logs", "site"}
PRODUCTS_OF_PAPER = {"figures", "tables", "numbers.tex", "numbers.json"}


def source_files(base: Path) -> list[str]:
    """Return the source files of a checkout relative to ``base``, sorted: what git tracks, else what looks like it."""
    listed = _git(base, "ls-files", "-z", "--cached")
    names = sorted(name for name in (listed or "").split("\0") if name and (base / name).is_file())
    if "Snakefile" in names:
        return names
    files = (path for path in base.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path.relative_to(base).as_posix() for path in files if _is_source(path.relative_to(base)))


def code_version(base: Path) -> str | None:
    """Return the commit of a checkout, with ``+changes`` if tracked files differ from it; None without git."""
    commit = _git(base, "rev-parse", "HEAD")
    if not commit or _git(base, "ls-files", "Snakefile").strip() != "Snakefile":
        return None
    changed = _git(base, "status", "--porcelain", "--untracked-files=no")
    return commit.strip() + ("+changes" if changed and changed.strip() else "")


def _git(base: Path, *arguments: str) -> str:
    """Return what git prints in ``base``; empty where it fails or is missing."""
    try:
        result = subprocess.run(["git", "-C", str(base), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return result.stdout if result.returncode == 0 else ""


def _is_source(path: Path) -> bool:
    parts = path.parts
    hidden = any(part.startswith(".") for part in parts if part not in (".ci", ".gitignore", ".pre-commit-config.yaml"))
    made = parts[0] == "paper" and (parts[1] in PRODUCTS_OF_PAPER or path.suffix == ".pdf")
    return not (hidden or made or parts[0] in NOT_SOURCES or "__pycache__" in parts or path.suffix == ".pyc")


def sources_sha256(base: str | Path) -> str:
    """Return one SHA-256 of the names and contents of all source files."""
    base, whole = Path(base), hashlib.sha256()
    for name in source_files(base):
        content = hashlib.sha256((base / name).read_bytes()).hexdigest()
        whole.update(f"{content}  {name}\n".encode())
    return whole.hexdigest()
