"""`$result[req_0][49][ID]` in batch commands (docs/bitrix24-rest.md, section 3.5 and 4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from b24_pipeline.sandbox.rows.page import Page

_REFERENCE = re.compile(r"\$(result|error|total|next|time)((?:\[[^\]\s]*\])+)\S*")
_PART = re.compile(r"\[([^\]]*)\]")
Known = Mapping[str, Mapping[str, Any]]
"""`result`, `error`, `total`, `next`, `time` -> command key -> value."""


def resolve(value: Any, known: Known) -> Any:
    """Replace references in a parameter, however deep."""
    if isinstance(value, dict):
        return {key: resolve(element, known) for key, element in value.items()}
    if isinstance(value, list):
        return [resolve(element, known) for element in value]
    if isinstance(value, str) and "$" in value:
        return _resolve_text(value, known)
    return value


def _resolve_text(text: str, known: Known) -> Any:
    whole = _REFERENCE.fullmatch(text)
    if whole:
        return _look_up(whole, known)
    return _REFERENCE.sub(lambda found: _spliced(_look_up(found, known)), text)


def _look_up(found: re.Match[str], known: Known) -> Any:
    """The value at the path, or the deepest that could be reached: there is no error."""
    node: Any = known.get(found.group(1), {})
    parts = _PART.findall(found.group(2))
    for part, following in zip_longest(parts, parts[1:], fillvalue=""):
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, Page) and part.isdecimal() and int(part) < len(node):
            node = node.row(int(part), following)
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            break
    if isinstance(node, Page):
        return node.objects()
    return dict(node) if isinstance(node, Mapping) else node


def _spliced(value: Any) -> str:
    if isinstance(value, list | dict):
        return "Array"
    return "" if value is None else str(value)
