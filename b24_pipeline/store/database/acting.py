"""Who changes something: triggers of the database note it with each change in `bitrix24_audit`.

A command says it once for its process; the service says it for one request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LONGEST = 200

_request: ContextVar[str | None] = ContextVar("b24_changed_by", default=None)


class _Process:
    name: str | None = None


@contextmanager
def acting(name: str) -> Iterator[None]:
    """All that this thread or task changes meanwhile is by this one; so is what it starts with its context."""
    before = _request.set(name)
    try:
        yield
    finally:
        _request.reset(before)


def act_as(name: str | None) -> None:
    """All that this process changes by sessions of its own from now on is by this one, where nothing else is said."""
    _Process.name = name and name[:LONGEST]


def actor_of_request() -> str | None:
    """Who is acting by `acting`."""
    return _request.get()


def actor_of_process() -> str | None:
    """Who is acting by `act_as`."""
    return _Process.name
