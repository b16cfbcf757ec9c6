"""The next page is waited for and prepared while the database stores this one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Pages are many small objects without cycles: collecting after each few hundred is half the work
_CALM = (100_000, 50, 100)


def ahead(items: Iterable[T], prepare: Callable[[T], R]) -> Generator[R]:
    """Takes and prepares the items on a thread of its own, one ahead of the caller."""
    iterator = iter(items)

    def one() -> list[R]:
        return [prepare(item) for item in islice(iterator, 1)]

    worker = ThreadPoolExecutor(1, thread_name_prefix="b24-ahead")
    try:
        waiting = worker.submit(one)
        while prepared := waiting.result():
            waiting = worker.submit(one)
            yield prepared.pop()
    finally:
        # whoever stops early closes the client, which ends what is still waited for
        worker.shutdown(wait=False, cancel_futures=True)


@contextmanager
def calm_collector() -> Iterator[None]:
    """Collects garbage seldom while pages come and go."""
    usual = gc.get_threshold()
    gc.set_threshold(*_CALM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
