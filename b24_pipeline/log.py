"""Structured logs on stderr, with secrets masked and control characters taken out.

A line holds names, counts and times; never a row, never an answer's body.
"""

from __future__ import annotations

import logging
import re
import sys
from dataclasses import fields, is_dataclass
from typing import Any

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


def set_up_logs(*, verbose: bool = False, as_json: bool = False) -> None:
    """Plain lines on a terminal, JSON where a machine reads; warnings and worse unless verbose."""
    level = logging.DEBUG if verbose else logging.WARNING
    renderer = structlog.processors.JSONRenderer() if as_json else _plain_lines()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # before the mask: a message may hold a URL
            mask_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    if not verbose:
        stamina.instrumentation.set_on_retry_hooks([])
    # httpx writes whole URLs at INFO, and ours hold secrets
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


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
