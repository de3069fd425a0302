"""Make the report: a page with the answer to open first, beside it Snakemake's report on the finished paper."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, read_json
from scaling_ambiguity.reporting.pages import Front, Notebook, front_page

FIRST = "fig_worth"  # Figure 1 of the paper; without it, the first figure of the run
SIMULATED = (
    "Corpus, raters and audio-language model of this run are simulated by construction: nothing here is evidence about "
    "real models."
)


def snakemake_report(arguments: argparse.Namespace, folder: Path) -> Path:
    """Run `snakemake --report` in a separate process, unpack it below ``folder`` and return its folder."""
    configuration = json.loads(json.dumps(arguments.config))
    # The report is made in the folder of the run, regardless of where the run was started.
    configuration["run"]["directory"] = str(Path.cwd())
    # Snakemake names the folder inside the archive after the archive.
    archive = folder / "report.zip"
    configfile = folder / "config.yaml"
    configfile.write_text(yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(arguments.snakefile.resolve()), "--nolock"]
    command += ["--report", str(archive), arguments.target, "--configfile", str(configfile)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0 or not archive.exists():
        raise UserError(f"snakemake could not make the report:\n{result.stdout}\n{result.stderr}")
    with zipfile.ZipFile(archive) as source:
        source.extractall(folder)
    return folder / "report"


def front_of(arguments: argparse.Namespace) -> Front:
    """Return what the report opens on."""
    drawings = {path.stem: path for path in arguments.figures if path.suffix == ".svg"}
    first = FIRST if FIRST in drawings else next(iter(drawings), None)
    paper = arguments.config["paper"]
    return Front(
        title=paper["title"],
        subtitle=paper.get("subtitle", ""),
        notes=[SIMULATED] if arguments.simulated else [],
        figure=drawings.get(first),
        caption=arguments.captions.get(first, ""),
        papers=arguments.papers,
        tables=[path for path in arguments.tables if path.suffix == ".csv"],
        captions=arguments.captions,
    )


def main(arguments: argparse.Namespace) -> None:
    """Put the front page in the place of Snakemake's, which it links to."""
    front = front_of(arguments)
    executed = [path for path in arguments.notebooks if path.suffix == ".ipynb"]
    notebooks = [Notebook.read(path, path.with_name(f"{path.stem}.verdict.json")) for path in executed]
    pages = [path for path in arguments.notebooks if path.suffix == ".html"]
    with tempfile.TemporaryDirectory() as name, atomic_path(arguments.output) as output:
        report = snakemake_report(arguments, Path(name))
        (report / "report.html").rename(report / "workflow.html")
        text = front_page(front, read_json(arguments.numbers), notebooks)
        (report / "report.html").write_text(text, encoding="utf-8")
        (report / "files").mkdir()
        figures = [front.figure] if front.figure else []
        for path in [*front.papers, *front.tables, *figures, *pages, arguments.numbers]:
            shutil.copyfile(path, report / "files" / path.name)
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
            for path in sorted(report.rglob("*")):
                target.write(path, Path("report") / path.relative_to(report))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snakefile", type=Path, required=True)
    parser.add_argument("--config", type=json_value, required=True, help="the whole configuration of the run")
    parser.add_argument("--captions", type=json_value, required=True, help="captions of figures and tables, JSON")
    parser.add_argument("--simulated", action="store_true", help="the corpus of the headline is simulated")
    parser.add_argument("--papers", type=Path, nargs="+", required=True, help="PDFs, the paper first")
    parser.add_argument("--numbers", type=Path, required=True, help="numbers.json")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="SVGs; other files are ignored")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="CSVs; other files are ignored")
    parser.add_argument("--notebooks", type=Path, nargs="+", required=True, help="executed, as .ipynb and .html")
    parser.add_argument("--target", required=True, help="the file whose provenance is reported")
    parser.add_argument("--output", type=Path, required=True, help="a .zip")
    run(main, parser)
