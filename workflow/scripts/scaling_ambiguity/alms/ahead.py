"""Prepare the next batch in a thread while the model works on this one."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

Batch = TypeVar("Batch")


class Ahead(Generic[Batch]):
    """Batches in their order, each with the result of ``prepare``; at most one batch is prepared ahead.

    An error of ``prepare`` is raised in the place of its batch, after the batches before it.

    Attributes:
        waited: Seconds for which the caller waited for ``prepare`` so far.
    """

    def __init__(self, batches: Iterable[Batch], prepare: Callable[[Batch], Any] | None) -> None:
        """Take batches and the function that prepares one in another thread; None prepares nothing."""
        self._batches = batches
        self._prepare = prepare
        self.waited = 0.0

    def __iter__(self) -> Iterator[tuple[Batch, Any]]:
        if self._prepare is None:
            yield from ((batch, None) for batch in self._batches)
            return
        pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        try:
            before: tuple[Batch, Future] | None = None
            for batch in self._batches:
                coming = (batch, pool.submit(self._prepare, batch))
                if before is not None:
                    yield self._result(before)
                before = coming
            if before is not None:
                yield self._result(before)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _result(self, batch: tuple[Batch, Future]) -> tuple[Batch, Any]:
        started = time.perf_counter()
        prepared = batch[1].result()
        self.waited += time.perf_counter() - started
        return batch[0], prepared
