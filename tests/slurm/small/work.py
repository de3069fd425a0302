"""Work of one second a step that keeps its state, so that it resumes, and writes its output through the library.

It keeps the state after every step, or, as a training does, when it is asked to stop.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(os.environ["SA_TEST_LIBRARY"])))

from scaling_ambiguity.io import atomic_path
from scaling_ambiguity.training.interrupts import listening


def work(part: str, steps: int, keep: str, output: Path) -> None:
    """Do what is left of the steps, then write the output."""
    state = Path("state") / part
    state.parent.mkdir(exist_ok=True)
    done = int(state.read_text()) if state.exists() else 0
    with Path("attempts.txt").open("a") as attempts:
        attempts.write(f"{part} {done} {os.environ.get('CUDA_VISIBLE_DEVICES', '-')}\n")
    with listening() as interrupts, interrupts.safe_points_only():
        for step in range(done, steps):
            time.sleep(1)
            if keep == "steps" or interrupts.asked:
                with atomic_path(state) as path:
                    path.write_text(str(step + 1))
            if interrupts.asked:
                interrupts.stop()
    with atomic_path(output) as path:
        path.write_text("".join(f"part {part}, line {line}\n" for line in range(20000)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--keep", choices=("steps", "asked"), default="steps", help="when the state is kept")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    work(arguments.part, arguments.steps, arguments.keep, arguments.output)
