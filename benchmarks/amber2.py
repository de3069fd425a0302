"""An epoch of AmbER2 on a corpus of the size of MSP-Podcast, against the matrix products that it cannot avoid.

265,000 x (768 + 768) in float16, batches of 128, heads of 256 units, one thread, CPU seconds. The floor is the time of
the matrix products of as many steps, forward and backward, measured in the same process before and after.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))

from vectors import write  # noqa: E402

from scaling_ambiguity.training.examples import Examples  # noqa: E402
from scaling_ambiguity.training.job import TrainingJob  # noqa: E402
from scaling_ambiguity.training.loop import Training, train_seed  # noqa: E402

WIDTH, HIDDEN, BATCH = 768, 256, 128
CLASSES = ["neutral", "happy", "sad", "angry"]


def products(classes: int) -> list[tuple[int, int, bool]]:
    """Return (inputs, outputs, whether the inputs need a gradient) of every linear layer of a step."""
    heads = [(HIDDEN, HIDDEN, True), (HIDDEN, classes, True)]
    experts = [(WIDTH, HIDDEN, False), (HIDDEN, classes, True)] * 2
    return [(2 * WIDTH, HIDDEN, False), (WIDTH, HIDDEN, False), (WIDTH, HIDDEN, False), *heads, *experts]


def floor(steps: int) -> tuple[float, float]:
    """Return the CPU seconds of the matrix products of ``steps`` steps, and their number of operations per second."""
    layers = [
        (torch.randn(BATCH, inputs), torch.randn(outputs, inputs), torch.randn(BATCH, outputs), needed)
        for inputs, outputs, needed in products(len(CLASSES))
    ]
    start, operations = time.process_time(), 0
    for _ in range(steps):
        for given, weight, gradient, needed in layers:
            given @ weight.T
            gradient.T @ given
            if needed:
                gradient @ weight
            operations += 2 * given.numel() * len(weight) * (3 if needed else 2)
    seconds = time.process_time() - start
    return seconds, operations / seconds


def describe(place: Path, stores: dict[str, list[Path]], steps: int) -> TrainingJob:
    """Return the job of one training on ``stores``."""
    options = {
        "steps": steps, "batch": BATCH, "evaluate_every": steps, "learning_rate": 3e-4, "warmup": 0.1,
        "weight_decay": 0.01, "clip": 1.0, "lora": {"r": 1, "alpha": 1, "dropout": 0, "targets": "attention"},
    }  # fmt: skip
    fields = {
        "corpus": "made", "protocol": "fair", "model": "amber2", "labels": "human", "augmentation": "none",
        "kind": "amber2", "entry": {"speech": "speech", "text": "text", "hidden": [HIDDEN]}, "options": options,
        "objective": {"head": "labels", "loss": "nll"}, "classes": CLASSES, "folds": [0], "seeds": [0],
        "base_seed": 0, "utterances": place, "root": place, "label_table": place, "splits": place,
        "features": stores, "state": place / "state", "predictions": [place / "p"], "runs": [place / "r"],
    }  # fmt: skip
    return TrainingJob.read(fields, "job")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=265_000)
    parser.add_argument("--shards", type=int, default=512)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng, rows, steps = np.random.default_rng(0), arguments.rows, arguments.rows // BATCH
    with tempfile.TemporaryDirectory() as place:
        stores = {name: write(Path(place, name), rows, WIDTH, arguments.shards, rng) for name in ("speech", "text")}
        names = [f"u{row}" for row in range(rows)]
        none: list[None] = [None] * rows
        labels = rng.dirichlet([1.0] * len(CLASSES), rows)
        trainee = describe(Path(place), stores, steps).open_trainee()
        start = time.process_time()
        train = trainee.inputs(Examples(names, [*none], [*none], labels), "train")
        trainee.build(train)
        opening = time.process_time() - start
        validation = trainee.inputs(Examples(names[:BATCH], [*none[:BATCH]], [*none[:BATCH]], labels[:BATCH]), "test")
        short = describe(Path(place), stores, 2).options  # imports and first calls are no part of an epoch
        train_seed(trainee, train, validation, Training(short, 1, Path(place, "first"), "benchmark"))
        before = floor(steps)
        start, clock = time.process_time(), time.perf_counter()
        options = describe(Path(place), stores, steps).options
        train_seed(trainee, train, validation, Training(options, 0, Path(place, "state"), "benchmark"))
        epoch, wall = time.process_time() - start, time.perf_counter() - clock
        after = floor(steps)
        start = time.process_time()
        for step in range(steps):
            train.batch([(step * BATCH + row * 7919) % rows for row in range(BATCH)])
        reading = time.process_time() - start
    least = min(before[0], after[0])
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{rows} x ({WIDTH} + {WIDTH}), {steps} steps of {BATCH}, 1 thread")
    print(f"names, hashes, moments of the training part: {opening:.1f} CPU-s")
    print(f"floor before and after: {before[0]:.1f}, {after[0]:.1f} CPU-s ({before[1] / 1e9:.0f} GFLOP/s)")
    print(f"epoch: {epoch:.1f} CPU-s ({wall:.1f} s wall), {epoch / least:.2f} x the floor; reading {reading:.1f} of it")
    print(f"largest resident size: {resident:.2f} GiB, mapped files included")


if __name__ == "__main__":
    main()
