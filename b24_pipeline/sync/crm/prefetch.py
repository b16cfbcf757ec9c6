"""The next pages are waited for and prepared while the database stores this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# A prepared page takes a third of the answer it comes from, and what it told of the list is known
PAGES_AHEAD = 6


def ahead(items: Iterable[T], prepare: Callable[[T], R]) -> Generator[R]:
    """Takes and prepares the items in turn on a thread of its own, a few ahead of the caller."""
    iterator = iter(items)

    def one() -> list[R]:
        return [prepare(item) for item in islice(iterator, 1)]

    worker = ThreadPoolExecutor(1, thread_name_prefix="b24-ahead")
    try:
        waiting = deque(worker.submit(one) for _ in range(PAGES_AHEAD))
        while prepared := waiting.popleft().result():
            waiting.append(worker.submit(one))
            yield prepared.pop()
    finally:
        # whoever stops early closes the client, which ends what is still waited for
        worker.shutdown(wait=False, cancel_futures=True)
