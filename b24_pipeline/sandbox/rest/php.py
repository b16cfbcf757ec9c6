"""PHP's ideas of arrays: bracketed forms in, lists or objects out (docs/bitrix24-rest.md, section 1 and 4)."""

from __future__ import annotations

import email
import email.policy
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

import orjson

Params = dict[str, Any]


def list_or_object(items: dict[str, Any]) -> list[Any] | dict[str, Any]:
    """A JSON list if empty or if the keys are exactly 0..n-1 in order, else an object."""
    if "0" not in items and items:
        return items
    if all(key == str(place) for place, key in enumerate(items)):
        return list(items.values())
    return items


def parse_query(text: str) -> Params:
    """`filter[>ID]=10&select[]=ID` as PHP reads it: brackets nest, `[]` appends."""
    root: Params = {}
    for pair in text.split("&"):
        key, _, value = pair.partition("=")
        if key:
            _put(root, _path(key), _unquoted(value))
    return {key: _listed(value) for key, value in root.items()}


def _unquoted(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text


@lru_cache(maxsize=4096)
def _path(quoted: str) -> tuple[str, ...]:
    key = _unquoted(quoted)
    head, bracket, rest = key.partition("[")
    if not bracket or "]" not in rest:
        return (key,)
    return (head, *rest.rpartition("]")[0].split("]["))


def _put(node: Params, path: tuple[str, ...], value: Any) -> None:
    for place, part in enumerate(path):
        key = part or str(_next_index(node))
        if place == len(path) - 1:
            node[key] = value
            return
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]


def _next_index(node: Params) -> int:
    count = len(node)
    if not count or str(count - 1) in node:
        return count
    return max((int(key) for key in node if key.isdecimal()), default=-1) + 1


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return list_or_object({key: _listed(element) for key, element in value.items()})


def parse_body(content_type: str, body: bytes) -> Params:
    """The parameters of a body; what is neither JSON nor a form has none."""
    if not body:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _json(body)
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    return parse_query(body.decode("utf-8", "replace"))


def _json(body: bytes) -> Params:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(parsed, list):
        return {str(place): value for place, value in enumerate(parsed)}
    return parsed if isinstance(parsed, dict) else {}


def _multipart(content_type: str, body: bytes) -> Params:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    root: Params = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            _put(root, _path(name), content.decode("utf-8", "replace"))
    return {key: _listed(value) for key, value in root.items()}


def as_dict(value: Any) -> Params:
    """An object parameter; an empty PHP array arrives as a list, a list counts from 0."""
    if isinstance(value, list):
        return {str(place): element for place, element in enumerate(value)}
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A list parameter; objects give their values, a single value is a list of one."""
    if isinstance(value, dict):
        return list(value.values())
    if value in (None, ""):
        return []
    return value if isinstance(value, list) else [value]


def either_case(params: Params, name: str) -> Any:
    """`order`, `filter`, `select`, `fields` and `id` may be lower or UPPER case [seen]."""
    return params.get(name, params.get(name.upper()))


def truthy(value: Any) -> bool:
    """PHP's truth: all but nothing, zero and the text 0."""
    return value not in (None, "", "0", 0, False, [], {})
