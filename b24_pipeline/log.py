"""Structured logs on stderr, with secrets masked.

A line holds names, counts and times; never a row, never an answer's body.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import stamina.instrumentation
import structlog
from structlog.typing import EventDict, WrappedLogger

MASK = "***"
_SECRET_KEYS = re.compile(r"(?i)(token|secret|password|authorization|^auth$|^code$|webhook_url|_key$|_keys$)")
_SECRET_TEXT = re.compile(
    r"(?i)(/rest/(?:api/)?\d+/)[^/\s\"'?]+"
    r"|((?:auth|access_token|refresh_token|application_token|client_secret|code|password)=)[^&\s\"']+"
    r"|(://[^:/\s]+:)[^@/\s]+(?=@)"
)


def masked(text: str) -> str:
    """The text without webhook secrets, tokens and passwords."""
    return _SECRET_TEXT.sub(lambda found: (found[1] or found[2] or found[3]) + MASK, text)


def _mask(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: MASK if _SECRET_KEYS.search(str(key)) else _mask(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(item) for item in value]
    return value


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor that masks every value of a line."""
    masked_event: EventDict = _mask(dict(event))
    return masked_event


def set_up_logs(*, verbose: bool = False, as_json: bool = False) -> None:
    """Plain lines on a terminal, JSON where a machine reads; warnings and worse unless verbose."""
    level = logging.DEBUG if verbose else logging.WARNING
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
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


def logger(name: str) -> Any:
    """A logger bound to the name of what is logging."""
    return structlog.get_logger().bind(of=name)
