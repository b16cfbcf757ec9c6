"""Bodies as PHP's `http_build_query` writes them: `data[FIELDS][ID]=4127&auth[domain]=...`.

They come from anybody, so everything is bounded before it is looked at, each
byte is looked at a fixed number of times, and what an honest sender never
writes is refused instead of guessed at.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from b24_pipeline.errors import MalformedEvent

MOST_BYTES = 64 * 1024
MOST_FIELDS = 200
MOST_LEVELS = 5
LONGEST_NAME = 250
LONGEST_QUOTED = LONGEST_NAME * 4 * 3  # each character four bytes, each byte three

Form: TypeAlias = "dict[str, str | Form]"

_NAME = re.compile(r"(?P<first>[^\[\]]+)(?P<rest>(?:\[[^\[\]]*\])*)")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def parse_form(body: bytes) -> Form:
    """The fields of a body, nested by their brackets; `a[]` counts up from 0. Raises MalformedEvent."""
    if len(body) > MOST_BYTES:
        raise MalformedEvent(f"the body is longer than {MOST_BYTES} bytes")
    if body.count(b"&") >= MOST_FIELDS:
        raise MalformedEvent(f"the body has more than {MOST_FIELDS} fields")
    if _BAD_ESCAPE.search(body):
        raise MalformedEvent("a percent sign begins no escape")
    form: Form = {}
    for part in _text(body).split("&"):
        if part:
            name, _, value = part.partition("=")
            _put(form, _path(name), _unquoted(value) if "%" in value or "+" in value else value)
    return form


def _unquoted(quoted: str) -> str:
    return _text(unquote_to_bytes(quoted.replace("+", " ")))


def _text(raw: bytes) -> str:
    if b"\0" in raw:
        raise MalformedEvent("a NUL character")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedEvent("a text that is not UTF-8") from None


# all events have the same names
@lru_cache(maxsize=512)
def _path(quoted: str) -> tuple[tuple[str, ...], str]:
    """`auth%5Bmember_id%5D` -> (auth,), member_id: the groups, and the name in the innermost."""
    if len(quoted) > LONGEST_QUOTED:
        raise MalformedEvent(f"a field's name is longer than {LONGEST_NAME} characters")
    name = _unquoted(quoted)
    if len(name) > LONGEST_NAME:
        raise MalformedEvent(f"a field's name is longer than {LONGEST_NAME} characters")
    found = _NAME.fullmatch(name)
    if found is None:
        raise MalformedEvent("a field's name has brackets that do not fit")
    path = [found["first"], *(found["rest"][1:-1].split("][") if found["rest"] else ())]
    if len(path) > MOST_LEVELS:
        raise MalformedEvent(f"fields are nested deeper than {MOST_LEVELS} levels")
    return tuple(path[:-1]), path[-1]


def _put(form: Form, path: tuple[tuple[str, ...], str], value: str) -> None:
    level = form
    groups, last = path
    for group in groups:
        inner = level.setdefault(group or str(len(level)), {})
        if isinstance(inner, str):
            raise MalformedEvent("a field is a value and a group of fields at once")
        level = inner
    name = last or str(len(level))
    if name in level:
        raise MalformedEvent("a field comes twice")
    level[name] = value
