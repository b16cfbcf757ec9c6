"""Work on the next page while the database stores this one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Pages are many small objects without cycles: collecting after each few hundred is half the work
_CALM = (100_000, 50, 100)


def ahead(items: Iterable[T], prepare: Callable[[T], R]) -> Generator[R]:
    """Prepares each item on a thread of its own, one ahead of the caller; order is kept."""
    with ThreadPoolExecutor(1) as worker:
        waiting: Future[R] | None = None
        for item in items:
            following = worker.submit(prepare, item)
            del item  # what it was made of need not wait with it
            if waiting:
                yield waiting.result()
            waiting = following
        if waiting:
            yield waiting.result()


@contextmanager
def calm_collector() -> Iterator[None]:
    """Collects garbage seldom while pages come and go."""
    usual = gc.get_threshold()
    gc.set_threshold(*_CALM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
