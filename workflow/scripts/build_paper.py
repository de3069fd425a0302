"""Build the PDFs of the paper and its supplement from their sources and the figures, tables and numbers of a run."""

import argparse
import shutil
import tempfile
from pathlib import Path

from scaling_ambiguity.cli import name_list, run
from scaling_ambiguity.io import atomic_path
from scaling_ambiguity.reporting.paper import MAIN, SUPPLEMENT, compile_paper, gather
from scaling_ambiguity.reporting.proxy_names import SYNTHETIC


def main(arguments: argparse.Namespace) -> None:
    """Compile in a separate folder, so that nothing is left next to the sources."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gather(
            folder,
            arguments.sources,
            sections={MAIN: arguments.sections, SUPPLEMENT: arguments.supplement_sections},
            figures=arguments.figures,
            tables=arguments.tables,
            votes=arguments.votes,
            numbers=arguments.numbers,
        )
        built = compile_paper(folder)
        for document, output in ((MAIN, arguments.output), (SUPPLEMENT, arguments.supplement)):
            with atomic_path(output) as temporary:
                shutil.copyfile(built[document], temporary)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder of both documents and their sections")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="PDFs; other files are ignored")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="LaTeX; other files are ignored")
    parser.add_argument("--votes", default=SYNTHETIC, help="name of the synthetic votes in captions")
    parser.add_argument("--numbers", type=Path, required=True)
    parser.add_argument("--sections", type=name_list, required=True, help="of the paper, in order")
    parser.add_argument("--supplement-sections", type=name_list, required=True, help="of the supplement, in order")
    parser.add_argument("--output", type=Path, required=True, help="the paper")
    parser.add_argument("--supplement", type=Path, required=True)
    run(main, parser)
