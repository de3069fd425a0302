"""Work of one second a step that keeps its state, so that it resumes, and writes its output through the library."""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(os.environ["SA_TEST_LIBRARY"])))

from scaling_ambiguity.io import atomic_path

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    state = Path("state") / arguments.part
    state.parent.mkdir(exist_ok=True)
    done = int(state.read_text()) if state.exists() else 0
    with Path("attempts.txt").open("a") as attempts:
        attempts.write(f"{arguments.part} {done} {os.environ.get('CUDA_VISIBLE_DEVICES', '-')}\n")
    for step in range(done, arguments.steps):
        time.sleep(1)
        with atomic_path(state) as path:
            path.write_text(str(step + 1))
    with atomic_path(arguments.output) as path:
        path.write_text("".join(f"part {arguments.part}, line {line}\n" for line in range(20000)))
