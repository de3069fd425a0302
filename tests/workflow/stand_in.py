"""Stand-in for ``python`` in a Snakemake of the tests: a program of the workflow runs in a fork of warm_jobs.py.

Written into a folder of its own as ``python``, with the interpreter and the socket of that process in its first lines
(checkout.py). Anything else than a program of the workflow is run by the interpreter.
"""

import json
import os
import socket
import sys
from pathlib import Path

words = sys.argv[1:]
if not words or Path(words[0]).parent.name != "scripts":
    os.execv(INTERPRETER, [INTERPRETER, *words])  # noqa: F821
request = {"words": words, "folder": str(Path.cwd()), "environment": dict(os.environ)}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(ADDRESS)  # noqa: F821
    socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
    status = connection.recv(1)
sys.exit(status[0] if status else 1)
