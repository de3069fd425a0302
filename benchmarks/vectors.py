"""Reading vectors of frozen encoders at random, in batches, beside the habits of the field; one thread, CPU seconds.

265,000 x 768 in float16 (0.41 GB) in 512 shards, as a corpus of the size of MSP-Podcast has them; a training reads
every row once per epoch in batches of 128. Compared with one file per utterance (20,000 of them, scaled up) and with
the whole array in main memory, which is the floor.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))

from scaling_ambiguity.encoders.store import ARRAY, IDS, META, Vectors  # noqa: E402
from scaling_ambiguity.io import write_json  # noqa: E402
from scaling_ambiguity.tables.vector_ids import VECTOR_IDS  # noqa: E402


def write(folder: Path, rows: int, width: int, shards: int, rng: np.random.Generator) -> list[Path]:
    """Write shards of random vectors; return their folders."""
    folders = []
    for shard, names in enumerate(np.array_split(np.arange(rows), shards)):
        place = folder / str(shard)
        place.mkdir(parents=True)
        np.save(place / ARRAY, rng.standard_normal((len(names), width), dtype=np.float32).astype(np.float16))
        ids = pd.DataFrame({"row": range(len(names)), "utterance": [f"u{name}" for name in names]})
        empty = pd.Series([None] * len(names), dtype="str")
        VECTOR_IDS.write(ids.assign(sha256=empty, reason=empty), place / IDS)
        write_json({"encoder": {"kind": "random", "checkpoint": "none"}, "width": width}, place / META)
        folders.append(place)
    return folders


def timed(batches: list[np.ndarray], read) -> tuple[float, float]:
    """Return wall and CPU seconds of reading every batch."""
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        read(batch)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=265_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--shards", type=int, default=512)
    parser.add_argument("--files", type=int, default=20_000, help="of the comparison with one file per utterance")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as place:
        folders = write(Path(place, "shards"), arguments.rows, arguments.width, arguments.shards, rng)
        start = time.process_time()
        vectors = Vectors(folders)
        opening = time.process_time() - start
        order = rng.permutation(arguments.rows)
        batches = [order[start : start + 128] for start in range(0, arguments.rows, 128)]
        memory = vectors.take(np.arange(arguments.rows)).astype(np.float16)
        files = Path(place, "files")
        files.mkdir()
        for row in range(min(arguments.files, arguments.rows)):
            np.save(files / f"{row}.npy", memory[row])
        few = rng.permutation(min(arguments.files, arguments.rows))
        few_batches = [few[start : start + 128] for start in range(0, len(few), 128)]
        found = {
            "memory-mapped shards": timed(batches, vectors.take),
            "whole array in memory": timed(batches, lambda rows: memory[rows].astype(np.float32)),
        }
        scale = arguments.rows / len(few)
        one_by_one = timed(few_batches, lambda rows: np.stack([np.load(files / f"{row}.npy") for row in rows]))
        found["one file per utterance (scaled up)"] = tuple(scale * seconds for seconds in one_by_one)
    print(f"{arguments.rows} x {arguments.width} in batches of 128")
    print(f"opening {arguments.shards} shards {opening:.1f} CPU-s")
    floor = found["whole array in memory"][1]
    for name, (wall, cpu) in found.items():
        print(f"{name:36s} {wall:7.2f} s wall {cpu:7.2f} CPU-s {cpu / floor:7.1f} x the floor")


if __name__ == "__main__":
    main()
