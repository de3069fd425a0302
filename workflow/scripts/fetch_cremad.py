"""Fetch CREMA-D, its votes and its sound, over HTTP; existing files are kept, partial ones are resumed.

Every file is verified by its SHA-256 in the pinned list (workflow/resources/cremad.tsv.gz). The corpus is open:
database under the Open Database License 1.0, contents under the Database Contents License 1.0.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.fetching import fetch_all
from scaling_ambiguity.corpora.pinned_files import read_pins
from scaling_ambiguity.io import write_json

PARTS = ("all", "votes", "audio")


def main(arguments: argparse.Namespace) -> None:
    """Fetch, verify, report what is present."""
    pins = read_pins(arguments.pins)
    sound = pins["path"].str.startswith("AudioWAV/")
    pins = {"all": pins, "votes": pins[~sound], "audio": pins[sound]}[arguments.part]
    print(f"{len(pins)} files, {pins['bytes'].sum() / 1e6:.1f} MB, licence {', '.join(pins['licence'].unique())}")
    result = fetch_all(pins, arguments.root, base_url=arguments.base_url)
    print(
        f"{arguments.root}: all {result['files']} files are there and verified, {result['fetched']} of them fetched now"
    )
    if arguments.receipt:
        write_json({"part": arguments.part, "files": result["files"], "bytes": result["bytes"]}, arguments.receipt)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--pins", type=Path, required=True, help="pinned list of its files, TSV or gzipped TSV")
    parser.add_argument("--part", choices=PARTS, default="all", help="what to fetch (votes: 4 MB, audio: 606 MB)")
    parser.add_argument("--base-url", help="a mirror with the same paths, instead of github.com")
    parser.add_argument("--receipt", type=Path, help="JSON to write when all is there")
    cli.run(main, parser)
