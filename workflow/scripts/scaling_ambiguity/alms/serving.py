"""A server of a model: how it is started, and a watchdog that stops the server when no job uses it.

Three processes ensure that nothing of a job is left over. The *owner* (the job) starts the *keeper*, the keeper a
*guard*, the guard the server. Each watches the process below it and notices when the one above it ends, by
kill -9 too, and each adopts every orphan below it. So any two of the three may be killed at once.
"""

import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.processes import (
    adopt_orphans,
    descendants,
    die_with_parent,
    end_descendants,
    listens,
    started,
)
from scaling_ambiguity.errors import UserError

HOST = "127.0.0.1"
START_TIMEOUT_S, STOP_TIMEOUT_S = 1800.0, 20.0
_KEYS = {"command", "health", "start_timeout_s", "stop_timeout_s"}
_STEP_S, _TOLD_EVERY_S = 0.25, 15.0
_PORTS_TRIED = 3
_LONGER_S = 5.0
MARK = "SA_SERVED_AT"
_TAIL = 2000


@dataclass(frozen=True)
class Recipe:
    """How the server of an ``alms`` entry is started.

    Attributes:
        words: The command, cut into words; ``{port}``, ``{host}``, ``{checkpoint}``, ``{model}``, ``{revision}`` are
            filled in, word by word, and no shell is involved.
        values: What is filled in besides the port.
        health: Path that answers with status 200 as soon as the model can be queried.
        start_timeout_s: Seconds until then.
        stop_timeout_s: Seconds from SIGTERM to SIGKILL.
    """

    words: tuple[str, ...]
    values: dict[str, str]
    health: str = "/health"
    start_timeout_s: float = START_TIMEOUT_S
    stop_timeout_s: float = STOP_TIMEOUT_S

    def command(self, port: int) -> list[str]:
        """Return the command for a port."""
        return [word.format(port=port, **self.values) for word in self.words]


def read_recipe(alm: dict[str, Any]) -> Recipe:
    """Return how the server of an ``alms`` entry is started, from its ``serve``.

    Raises:
        UserError: ``serve`` lacks a command, has an unknown key, names a placeholder that the entry does not fill, has
            no ``{port}``, or would show a key to everyone who lists processes.
    """
    serve = alm.get("serve")
    if not isinstance(serve, dict) or not serve.get("command") or set(serve) - _KEYS:
        raise UserError(f"alms entry: `serve` needs `command` and knows {sorted(_KEYS)}.")
    try:
        words = tuple(shlex.split(serve["command"]))
        named = {field for word in words for _, field, _, _ in string.Formatter().parse(word) if field is not None}
    except ValueError as error:
        raise UserError(f"alms entry: `serve.command` cannot be cut into words ({error}).") from None
    values = {"host": HOST} | {key: str(alm[key]) for key in ("checkpoint", "model", "revision") if alm.get(key)}
    values.setdefault("model", values.get("checkpoint", ""))
    unknown = sorted(named - {"port", *values})
    if unknown or "port" not in named:
        raise UserError(
            f"alms entry: `serve.command` has to hold {{port}}, and may hold {sorted(values)}; it holds "
            f"{sorted(named)}. Double the braces of anything that is not a placeholder."
        )
    if any(word.split("=")[0] in ("--api-key", "--api_key") for word in words):
        raise UserError(
            "alms entry: `serve.command` gives a key, which every user of the machine could read in the list of "
            "processes. Leave it out; vLLM takes it from the environment variable VLLM_API_KEY."
        )
    options = {key: value for key, value in serve.items() if key != "command"}
    return Recipe(words, values, **options)


def program_of(recipe: Recipe) -> str | None:
    """Return the server's program as the job would find it: next to this python first, then on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return shutil.which(recipe.words[0].format(port=0, **recipe.values), path=path)


def keep(recipe: Recipe, address: Path, owner: int) -> int:
    """Start the server, write its address once it is healthy, stop it when ``owner`` ends or on SIGTERM or SIGINT.

    Args:
        recipe: How it is started. Its output goes where this process prints.
        address: File that is written, atomically: JSON with base_url, port, pid and command.
        owner: Process number.

    Returns:
        Exit status: 0 if it was asked to stop, 1 if the server did not come up or ended by itself.
    """
    stop = _Stop()
    adopt_orphans()
    above, own_pid = started(owner), os.getpid()
    guard = os.fork()
    if guard == 0:
        try:
            os._exit(_guard(recipe, address, own_pid, stop))
        except BaseException as error:  # a forked child must not continue as its parent
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    status = 1
    while started(guard) is not None:
        if stop.asked or above is None or started(owner) != above:
            status = 0
            os.kill(guard, signal.SIGTERM)
            limit = time.monotonic() + recipe.stop_timeout_s + _LONGER_S
            while started(guard) is not None and time.monotonic() < limit:
                time.sleep(_STEP_S)
            break
        time.sleep(_STEP_S)
    end_descendants(0)
    address.unlink(missing_ok=True)
    return status


class _Stop:
    """Whether SIGTERM or SIGINT was received."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, *_: Any) -> None:
        self.asked = True


def _guard(recipe: Recipe, address: Path, keeper: int, stop: _Stop) -> int:
    """Start the server and watch it; see :func:`keep`."""
    adopt_orphans()
    above, status = started(keeper), 1
    try:
        os.environ[MARK] = str(address)
        server, port = _healthy(recipe, lambda: stop.asked or started(keeper) != above)
        if server is not None:
            described = {"base_url": f"http://{HOST}:{port}/v1", "port": port, "pid": server.pid}
            _publish(json.dumps(described | {"command": server.args}), address)
            print(f"serve_alm: {described['base_url']} answers (pid {server.pid})", flush=True)
            while server.poll() is None and not stop.asked and started(keeper) == above:
                time.sleep(_STEP_S)
            if server.returncode is not None:
                print(f"error: the server ended with status {server.returncode}", file=sys.stderr, flush=True)
        status = 0 if stop.asked else 1
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
    finally:
        killed = end_descendants(recipe.stop_timeout_s)
        print(f"serve_alm: stopped{f', {killed} processes had to be killed' if killed else ''}", flush=True)
    return status


def _publish(text: str, path: Path) -> None:
    """Write a file atomically."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _healthy(recipe: Recipe, given_up: Any) -> tuple[subprocess.Popen | None, int]:
    """Return the server once it answers, and its port; None if it is no longer needed.

    Raises:
        UserError: It cannot be started, ends before it answers, or does not answer in time.
    """
    begun = time.monotonic()
    for _ in range(_PORTS_TRIED):
        port = free_port()
        command = recipe.command(port)
        program = program_of(recipe)
        if program is None:
            raise UserError(f"{command[0]}: no such program; install it, or give its whole path in `serve.command`.")
        print(f"serve_alm: {shlex.join(command)}", flush=True)
        server = subprocess.Popen(
            [program, *command[1:]], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent
        )
        last_report = begun
        while server.poll() is None:
            if given_up():
                return None, port
            waited = time.monotonic() - begun
            if answers(port, recipe.health) and listens(port, {server.pid, *descendants(server.pid)}):
                return server, port
            if waited > recipe.start_timeout_s:
                raise UserError(
                    f"{recipe.health}: no answer in {recipe.start_timeout_s:g} s. See the server's output above, "
                    "or raise `serve.start_timeout_s`."
                )
            if time.monotonic() - last_report > _TOLD_EVERY_S:
                last_report = time.monotonic()
                print(f"serve_alm: not ready after {waited:.0f} of {recipe.start_timeout_s:g} s", flush=True)
            time.sleep(_STEP_S)
        if not answers(port, recipe.health) and not _taken(port):
            break
    raise UserError(
        f"{recipe.words[0]}: ended with status {server.returncode} before it answered. See its output above; "
        "correct `serve.command`."
    )


def _taken(port: int) -> bool:
    """Return whether another process has taken the port since it was chosen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """Return a TCP port of this machine on which no process listens, chosen by the system."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def answers(port: int, path: str) -> bool:
    """Return whether a GET of ``path`` at a port of this machine has status 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def last_words(log: Path) -> str:
    """Return the end of a log, for a message."""
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip() or "nothing"
    except OSError:
        return "nothing"
