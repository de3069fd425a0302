"""Shared code of the thin command-line programs: arguments of structured type and clean errors."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import announce


def json_value(text: str) -> Any:
    """Parse a JSON value, as the rules pass the part of the configuration they use."""
    return json.loads(text)


def name_list(text: str) -> list[str]:
    """Parse comma-separated names, order kept."""
    return [name for name in text.split(",") if name]


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the arguments, run ``main`` and turn a UserError into one message and exit status 1."""
    arguments = parser.parse_args()
    announce(f"{parser.prog.removesuffix('.py')}: started (pid {os.getpid()})")
    try:
        main(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    announce(f"{parser.prog.removesuffix('.py')}: done")
