"""Structured logs on stderr, with secrets masked and control characters taken out.

A line holds names, counts and times; never a row, never an answer's body. Where a machine reads, each carries the id of
the run that wrote it: of a command, or of a run of Dagster.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, is_dataclass
from typing import Any
from uuid import uuid4

import stamina.instrumentation
import structlog
from structlog.typing import EventDict, WrappedLogger

from b24_pipeline.clean_text import on_its_lines, on_one_line
from b24_pipeline.masks import MASK, masked

_SECRET_KEYS = re.compile(
    r"(?i)(token|secret|password|authorization|^auth$|^code$|auth_id|refresh_id|webhook_url|_key$|_keys$)"
)
_OF_SEVERAL_LINES = frozenset({"exception", "stack"})


def _mask(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {
            on_one_line(masked(str(key))): MASK if _SECRET_KEYS.search(str(key)) else _mask(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask(item) for item in value]
    return on_one_line(masked(value if isinstance(value, str) else _shown(value)))


def _shown(value: Any) -> str:
    """An object as text, the fields of a dataclass by their names."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if is_dataclass(value) and not isinstance(value, type):
        return str(_mask({field.name: getattr(value, field.name) for field in fields(value)}))
    return str(value)


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor that masks every value of a line, and cleans it; a traceback keeps its lines."""
    masked_event: EventDict = _mask(dict(event))
    for name in _OF_SEVERAL_LINES & event.keys():
        masked_event[name] = on_its_lines(masked(str(event[name])))
    return masked_event


def set_up_logs(*, verbose: bool = False, as_json: bool = False, run: str | None = None) -> None:
    """Plain lines on a terminal, JSON where a machine reads; warnings and worse unless verbose.

    A line of JSON carries the id of its run, whichever thread writes it: `run`, or a new one.
    """
    level = logging.DEBUG if verbose else logging.WARNING
    of_run = [_naming(run or str(uuid4()))] if as_json else []
    renderer = structlog.processors.JSONRenderer() if as_json else _plain_lines()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *of_run,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # before the mask: a message may hold a URL
            mask_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when a line is written
        cache_logger_on_first_use=False,
    )
    if not verbose:
        stamina.instrumentation.set_on_retry_hooks([])
    # httpx writes whole URLs at INFO, and ours hold secrets
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def logs_of_run(run: str) -> Iterator[None]:
    """Lines of the block are JSON and carry this id; afterwards logs are as they were."""
    before = structlog.get_config()
    set_up_logs(as_json=True, run=run)
    try:
        yield
    finally:
        structlog.configure(**before)


def lines_carry(**known: str) -> AbstractContextManager[None]:
    """Lines that the block writes, also in threads that it waits for, carry these fields."""
    return structlog.contextvars.bound_contextvars(**known)


def _naming(run: str) -> Any:
    """A processor that gives each line the id. Threads have contexts of their own, so it is no context variable."""

    def named(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["run"] = run
        return event

    return named


def _plain_lines() -> Any:
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)


def logger(name: str) -> Any:
    """A logger bound to the name of what is logging; it follows what `set_up_logs` says later."""
    return structlog.get_logger(of=name)


def access_logger(name: str) -> Any:
    """A logger whose INFO lines are written too: the access log of a service has a line a request."""
    talkative = structlog.make_filtering_bound_logger(logging.INFO)
    return structlog.wrap_logger(None, wrapper_class=talkative, of=name)
