"""Archive a run: tables, products, answers of models, code, lock and metadata. The same contents, the same bytes."""

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.reporting.archive.container import write_container
from scaling_ambiguity.reporting.archive.crate import CRATE, crate
from scaling_ambiguity.reporting.archive.opening import ABOUT, FORMAT, PRODUCTS, START
from scaling_ambiguity.reporting.archive.packing import members, readme, sums, without_utterances
from scaling_ambiguity.reporting.archive.sources import CODE, code_version, source_files


def main(arguments: argparse.Namespace) -> None:
    """Gather the files, describe them, write the archive and print its own sum."""
    made = members(arguments.start, START) | members(arguments.products, PRODUCTS)
    files: dict[str, bytes | Path] = dict(made) if arguments.open else without_utterances(made)
    files |= {f"answers/{name.partition('results/answers/')[2]}": path for name, path in answers(arguments).items()}
    files |= {CODE + name: arguments.base / name for name in source_files(arguments.base)}
    version = code_version(arguments.base)
    description = {"format": FORMAT, "code": version, "left_out": arguments.left_out, "config": arguments.config}
    files[ABOUT] = as_json(description)
    files["README.md"] = readme(description).encode()
    lock = (arguments.base / "requirements.txt").read_text(encoding="utf-8").splitlines()
    described = {
        "name": f"{arguments.config['paper']['title']} (run {arguments.config['run']['name']})",
        "description": f"Tables, figures, numbers, paper and code of a run. Left out: {'; '.join(arguments.left_out)}.",
        "snakemake": next(line.partition("==")[2].split()[0] for line in lock if line.startswith("snakemake==")),
        "version": version,
    }
    citation = yaml.safe_load((arguments.base / "CITATION.cff").read_text(encoding="utf-8"))
    files[CRATE] = as_json(crate(sums(files), described, citation, arguments.licences))
    write_container(files, arguments.output)
    print(f"{len(files)} files, sha256 {file_sha256(arguments.output)}: {arguments.output}")
    print("\n".join(f"left out: {line}" for line in arguments.left_out))
    changed = [name for name in made if files[name] != made[name]]
    print(
        "".join(f"left out: columns of {name} that name an utterance, a speaker or a rater\n" for name in changed),
        end="",
    )


def answers(arguments: argparse.Namespace) -> dict[str, Path]:
    """Return the files of the published answers by their paths."""
    return members(arguments.answers, "")


def as_json(value: Any) -> bytes:
    """Return a JSON file with sorted keys."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="the checkout")
    parser.add_argument("--config", type=json_value, required=True, help="the configuration to archive, JSON")
    parser.add_argument("--licences", type=json_value, required=True, help="licence of each corpus, JSON")
    parser.add_argument("--left-out", type=json_value, required=True, help="lines on what is left out, JSON")
    parser.add_argument("--open", action="store_true", help="single utterances of all corpora may be published")
    parser.add_argument("--start", type=Path, nargs="+", required=True, help="what a redraw starts from")
    parser.add_argument("--products", type=Path, nargs="+", required=True, help="what a redraw makes again")
    parser.add_argument("--answers", type=Path, nargs="*", default=[], help="folders of published answers")
    parser.add_argument("--output", type=Path, required=True, help="a .zip")
    run(main, parser)
