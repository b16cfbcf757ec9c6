"""Waits for the next pages and prepares them on a thread while the database stores the current page."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# A prepared page takes a third of the memory of its answer, so a few of them can wait
PAGES_AHEAD = 6


def prefetch(items: Iterable[T], prepare: Callable[[T], R]) -> Generator[R]:
    """Yields each item as `prepare` returns it, in order; a thread of its own prepares up to PAGES_AHEAD in advance."""
    iterator = iter(items)

    def prepare_next() -> list[R]:
        return [prepare(item) for item in islice(iterator, 1)]

    worker = ThreadPoolExecutor(1, thread_name_prefix="b24-ahead")
    try:
        waiting = deque(worker.submit(prepare_next) for _ in range(PAGES_AHEAD))
        while prepared := waiting.popleft().result():
            waiting.append(worker.submit(prepare_next))
            yield prepared.pop()
    finally:
        # whoever stops early closes the client, which ends what is still waited for
        worker.shutdown(wait=False, cancel_futures=True)
