"""The body of an event: a form with PHP's brackets, all of it text (docs/bitrix24-rest.md, section 7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode


def encoded(fields: Mapping[str, Any]) -> bytes:
    """`{"data": {"FIELDS": {"ID": 7}}}` as `data%5BFIELDS%5D%5BID%5D=7`."""
    return urlencode([pair for name, value in fields.items() for pair in _pairs(name, value)]).encode()


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]", inner)
    else:
        yield name, "" if value is None else str(value)
