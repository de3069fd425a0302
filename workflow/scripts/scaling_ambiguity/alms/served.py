"""Engine `openai` with its own server: started when the first answer is requested, stopped with the job."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.engines.openai import Engine
from scaling_ambiguity.alms.http.dialects import inferred_server
from scaling_ambiguity.alms.http.faults import EngineStopped, ServerUnavailable
from scaling_ambiguity.alms.http.settings import Settings, read_settings
from scaling_ambiguity.alms.loading import folder_revision
from scaling_ambiguity.alms.processes import adopt_orphans, end_descendants
from scaling_ambiguity.alms.questions import Answer, Question
from scaling_ambiguity.alms.serving import HOST, MARK, last_words, read_recipe
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json
from scaling_ambiguity.progress import announce

PROGRAM = Path(__file__).resolve().parents[2] / "serve_alm.py"
ADDRESS = "address.json"
_NOT_YET = f"http://{HOST}:1/v1"
_STEP_S, _GRACE_S = 0.1, 60.0


class Served(Engine):
    """An engine whose server runs in the job; no server is started where every answer is already stored.

    Must be closed; if the job is killed, the server's watchdog (`keeper`) notices.
    """

    def __init__(self, settings: Settings, alm: dict[str, Any], log: Path) -> None:
        super().__init__(settings)
        self._alm, self._log = alm, log
        self._recipe = read_recipe(alm)
        self._keeper: subprocess.Popen | None = None
        self._folder: tempfile.TemporaryDirectory | None = None

    def stream(
        self,
        questions: Sequence[Question],
        uniform: Callable[..., float],
        go_on: Callable[[], bool] = lambda: True,
        proven: Question | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        """Yield answers as they arrive; see :meth:`Engine.stream`."""
        self.start()
        try:
            yield from super().stream(questions, uniform, go_on, proven)
        except ServerUnavailable as stopped:
            raise self._explained(stopped) from None

    def _explained(self, stopped: EngineStopped) -> EngineStopped:
        if self._keeper is not None and self._keeper.poll() is not None:
            stopped.message += f" The server ended; its last output ({self._log}):\n{last_words(self._log)}"
        return stopped

    def start(self) -> None:
        """Start the server if none runs, and wait until it answers.

        Raises:
            UserError: It did not start; the message holds the end of its log.
        """
        if self._keeper is not None and self._keeper.poll() is None:
            return
        self.close()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        adopt_orphans()
        self._folder = tempfile.TemporaryDirectory(prefix="serve_alm-")
        address = Path(self._folder.name) / ADDRESS
        command = [sys.executable, str(PROGRAM), "--alm", json.dumps(self._alm), "--address", str(address)]
        with self._log.open("a", encoding="utf-8") as log:
            self._keeper = subprocess.Popen(
                [*command, "--owner", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        print(f"starting the model's server; its output goes to {self._log}", flush=True)
        limit = time.monotonic() + self._recipe.start_timeout_s + _GRACE_S
        while not address.exists():
            if self._keeper.poll() is not None or time.monotonic() > limit:
                self.close()
                raise UserError(
                    f"the model's server did not come up. Every answer received is kept. Its last output "
                    f"({self._log}):\n{last_words(self._log)}"
                )
            time.sleep(_STEP_S)
        base_url = read_json(address)["base_url"]
        announce(f"serve_alm: {base_url} answers")
        print(f"the model's server answers at {base_url}", flush=True)
        self.connect(base_url)

    def close(self) -> None:
        """Stop the server, if one runs, and wait until it and all that it started have ended."""
        if self._keeper is not None:
            self._keeper.terminate()
            if self._keeper.wait() < 0 and self._folder is not None:  # killed: its children now belong to this process
                end_descendants(self._recipe.stop_timeout_s, f"{MARK}={Path(self._folder.name) / ADDRESS}")
            self._keeper = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def open_served(alm: dict[str, Any], log: str | Path) -> Served:
    """Open an ``alms`` entry with ``serve``; nothing is started yet.

    ``model`` is the checkpoint if the entry does not say otherwise, ``revision`` the SHA-256 of a checkpoint folder.

    Raises:
        UserError: The entry cannot be used.
    """
    alm = dict(alm)
    checkpoint = alm.get("checkpoint")
    if checkpoint:
        alm.setdefault("model", checkpoint)
        if "revision" not in alm and Path(checkpoint).is_dir():
            alm["revision"] = folder_revision(checkpoint)
    settings = {
        name: value for name, value in alm.items() if name not in ("serve", "checkpoint", "trained_on", "training")
    }
    settings.setdefault("server", inferred_server(alm))
    return Served(read_settings(settings | {"base_url": _NOT_YET}), alm, Path(log))
