"""Says of a YAML file that does not fit where it is wrong: the line, and the model, column or source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

Path: TypeAlias = Sequence[str | int]

_NOUNS = {"models": "model", "columns": "column", "sources": "source", "tables": "table"}
_SPELLINGS = {"data_tests": "tests"}
"""Keys that have another name in older files."""


def wrong(message: str, *below: str) -> PydanticCustomError:
    """An error for a validator to raise. `below`: the keys that lead to what is wrong, from what is validated."""
    return PydanticCustomError("of_ours", "{message}", {"message": message, "below": below})


def problem(error: ValidationError, text: str) -> str:
    """The first problem of a file with this text."""
    first = error.errors(include_url=False, include_input=False)[0]
    below: Path = first.get("ctx", {}).get("below", ())
    line, names = _place(yaml.compose(text, Loader=yaml.SafeLoader), [*first["loc"], *below])
    where = f"line {line}: {', '.join(names)}" if names else f"line {line}"
    return f"{where}: {_said(first)}"


def _said(first: ErrorDetails) -> str:
    key = str(first["loc"][-1]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return f"{key} is not supported"
    if first["type"] == "model_type":
        return "expected a mapping such as `models:`" if not key else f"{key}: expected a mapping"
    if first["type"] in ("of_ours", "value_error"):
        return first["msg"].removeprefix("Value error, ")
    return f"{key}: not supported: {first['msg']}"


def _place(node: yaml.Node | None, path: Path) -> tuple[int, list[str]]:
    """The line of the last part of a path that is there, and the names of the things on the way to it."""
    line, names, noun = 1, [], None
    for part in path:
        found = _step(node, part)
        if found is None:
            break
        at, node = found
        line = at.start_mark.line + 1
        if noun and isinstance(part, int) and (name := _named(node)):
            names.append(f"{noun} {name}")
        noun = _NOUNS.get(str(part))
    return line, names


def _step(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """What shows the place of a part, and the part itself."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part], node.value[part]
    if isinstance(node, yaml.MappingNode):
        keys: Mapping[str, tuple[yaml.Node, yaml.Node]] = {
            key.value: (key, value) for key, value in node.value
        }
        return keys.get(str(part)) or keys.get(_SPELLINGS.get(str(part), ""))
    return None


def _named(node: yaml.Node) -> str | None:
    found = _step(node, "name")
    return str(found[1].value) if found else None
