"""The id of a request: its answer has it in a header, and each of its lines in the log."""

from __future__ import annotations

import re
import secrets

from starlette.types import Scope

HEADER = b"x-request-id"
_HARMLESS = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""What cannot forge a line, a field or a header: UUIDs, the ids of traces, and what proxies make."""


def id_of(scope: Scope) -> str:
    """The id that a proxy has given the request, if it is one, short and harmless; else a new one."""
    given: list[bytes] = [value for name, value in scope["headers"] if name == HEADER]
    if len(given) == 1 and _HARMLESS.fullmatch(given[0]):
        return given[0].decode("ascii")
    return secrets.token_hex(8)
