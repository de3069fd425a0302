"""What a strategy costs: requests, tokens, floating-point operations and seconds of all that it reads.

What is bought for a pool is paid by every strategy that reads it, whole: a strategy that returns one beam of five has
paid for five. What two parts share is paid once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError

Array: TypeAlias = NDArray[np.float64]
CURRENCIES = ("requests", "flop", "seconds")


@dataclass(frozen=True)
class Usage:
    """What was used on each of U utterances; NaN where it was not recorded.

    Attributes:
        requests: Calls of a model, refused, failed and repeated ones included.
        encoder_rows: Clips encoded.
        prefill_tokens: Tokens of prompt and sound that were computed, cached ones left out.
        decode_tokens: Tokens generated.
        seconds: Process or GPU time, as it was recorded.
    """

    requests: Array
    encoder_rows: Array
    prefill_tokens: Array
    decode_tokens: Array
    seconds: Array

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum."""
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class Size:
    """Size of a model.

    Attributes:
        parameters: Of the language model.
        encoder_flop: Floating-point operations to encode one clip.
    """

    parameters: float
    encoder_flop: float


def strategy_usage(strategy: str, reads: Iterable[str], parts: Mapping[str, Usage]) -> Usage:
    """Return the usage of the union of what a strategy reads.

    Args:
        strategy: Its name, for messages.
        reads: Parts by name, e.g. ``beam`` and ``verifier``; a repeated one counts once.
        parts: What was used, by name.

    Raises:
        UserError: A part whose use was not recorded.
    """
    wanted = list(dict.fromkeys(reads))
    for name in wanted:
        if name not in parts:
            raise UserError(f"strategy {strategy}: no record of what {name} cost. Record it, or leave costs out.")
    total = parts[wanted[0]]
    for name in wanted[1:]:
        total = total + parts[name]
    return total


def flop(usage: Usage, size: Size) -> Array:
    """Return 2 P (prefill + decode tokens) + encoder operations x rows, (U,): floating-point operations."""
    return 2 * size.parameters * (usage.prefill_tokens + usage.decode_tokens) + size.encoder_flop * usage.encoder_rows


def pareto_front(cost: Array, loss: Array) -> NDArray[np.bool_]:
    """Return which of M strategies no other one beats: none is as cheap and as good, and better in one; (M,).

    Equal ones are on the front together; NaN is never on it.
    """
    cheaper, better = cost[None, :] <= cost[:, None], loss[None, :] <= loss[:, None]
    strictly = (cost[None, :] < cost[:, None]) | (loss[None, :] < loss[:, None])
    return ~(cheaper & better & strictly).any(axis=1) & np.isfinite(cost) & np.isfinite(loss)


def affordable(cost: float, costs_of_n: Mapping[int, float]) -> int | None:
    """Return the largest N whose cost is no larger than ``cost``; None if not even the smallest is.

    Args:
        cost: Mean cost of a strategy.
        costs_of_n: N -> mean cost of N samples, in the same currency.
    """
    return max((n for n, price in costs_of_n.items() if price <= cost * (1 + 1e-9)), default=None)


def matched_difference(losses: Array, cost: float, of_n: Mapping[int, tuple[float, Array]]) -> tuple[int | None, Array]:
    """Return the number of samples that a strategy's cost would have bought, and the loss beyond their plain mean.

    Args:
        losses: (U,) of the strategy.
        cost: Its mean cost.
        of_n: N -> (mean cost, losses (U,)) of the mean of N samples.

    Returns:
        N or None, and the differences (U,); NaN without such an N.
    """
    n = affordable(cost, {number: price for number, (price, _) in of_n.items()})
    return n, (np.full_like(losses, np.nan) if n is None else losses - of_n[n][1])
