"""Ask Snakemake for its report on the finished paper, with the configuration of this run."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path


def main(arguments: argparse.Namespace) -> None:
    """Run `snakemake --report` in a separate process; the running workflow keeps its lock."""
    with tempfile.TemporaryDirectory() as folder, atomic_path(arguments.output) as output:
        configuration = json.loads(json.dumps(arguments.config))
        # The report is made in the folder of the run, regardless of where the run was started.
        configuration["run"]["directory"] = str(Path.cwd())
        # Snakemake names the folder inside the archive after the archive.
        archive = Path(folder) / arguments.output.name
        configfile = Path(folder) / "config.yaml"
        configfile.write_text(yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(arguments.snakefile.resolve()), "--nolock"]
        command += ["--report", str(archive), arguments.target, "--configfile", str(configfile)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0 or not archive.exists():
            raise UserError(f"snakemake could not make the report:\n{result.stdout}\n{result.stderr}")
        shutil.copyfile(archive, output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snakefile", type=Path, required=True)
    parser.add_argument("--config", type=json_value, required=True, help="the whole configuration of the run")
    parser.add_argument("--target", required=True, help="the file whose provenance is reported")
    parser.add_argument("--output", type=Path, required=True, help="a .zip")
    run(main, parser)
