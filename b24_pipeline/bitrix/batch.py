"""Up to fifty commands in one request (docs/bitrix24-rest.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from b24_pipeline.errors import UsageError

MAX_COMMANDS = 50


class Reference(str):
    """A value that the portal takes from an earlier command of the batch: `$result[key][49][ID]`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One method call inside a batch."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> str:
        """The command as `method?query`, its values URL-encoded once, as a JSON body wants it."""
        query = "&".join(filter(None, (_parameter(str(key), value) for key, value in self.params.items())))
        return f"{self.method}?{query}" if query else self.method

    @property
    def chained(self) -> bool:
        """Whether the command takes a value from another command's result."""
        return any(isinstance(value, Reference) for _, value in _flat(self.params))


def batch_body(commands: Mapping[str, Command], *, halt: bool) -> dict[str, Any]:
    """The body of a batch request; raises UsageError beyond fifty commands."""
    if len(commands) > MAX_COMMANDS:
        raise UsageError(f"a batch holds {MAX_COMMANDS} commands, not {len(commands)}")
    return {"halt": int(halt), "cmd": {key: command.encode() for key, command in commands.items()}}


def _parameter(name: str, value: Any) -> str:
    if isinstance(value, list) and all(type(item) is str for item in value):
        return _names(name, tuple(value))
    return _encoded(name, value)


@lru_cache(maxsize=64)
def _names(name: str, value: tuple[str, ...]) -> str:
    """Fifty pages of a batch select the same fields."""
    return _encoded(name, value)


def _encoded(name: str, value: Any) -> str:
    return "&".join(f"{key}={_value(inner)}" for key, inner in _flat(value, quote(name, safe="")))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """PHP's bracket notation of nested parameters: `filter[%3EID]`, `select[0]`."""
    if isinstance(value, Mapping):
        pairs = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        pairs = [(str(key), inner) for key, inner in enumerate(value)]
    else:
        yield name, value
        return
    for key, inner in pairs:
        part = quote(key, safe="")
        yield from _flat(inner, f"{name}[{part}]" if name else part)


def _value(value: Any) -> str:
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, bool):
        # The command is text: a bare true would arrive as the word (trap 31).
        return "Y" if value else "N"
    return "" if value is None else quote(str(value), safe="")
