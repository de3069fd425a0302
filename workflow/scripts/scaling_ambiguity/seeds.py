"""Randomness by name: the same parts always give the same stream.

Streams are derived by hashing their purpose (seed, utterance, draw ...), never from a position in a shard or a batch,
so that a result does not depend on how the work was divided.
"""

import hashlib

import numpy as np


def derive_seed(*parts: object) -> int:
    """Return a 64-bit seed in [0, 2**64) hashed (SHA-256) from the text of ``parts``."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def generator(*parts: object) -> np.random.Generator:
    """Return a counter-based (Philox) generator for ``parts``; see :func:`derive_seed`."""
    return np.random.Generator(np.random.Philox(derive_seed(*parts)))


def uniform(*parts: object) -> float:
    """Return one number in [0, 1), a pure function of ``parts`` (53 bits of their hash)."""
    return (derive_seed(*parts) >> 11) / float(1 << 53)
