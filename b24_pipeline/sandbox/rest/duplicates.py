"""`crm.duplicate.findbycomm` (docs/bitrix24-rest.md, section 6.6)."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.php import Params, as_list, either_case
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.multifields import Multifield, phone_number
from b24_pipeline.sandbox.rows.table import Table

_MOST_VALUES = 20
_ENOUGH_HITS = 20
_TYPES = ("LEAD", "CONTACT", "COMPANY")


def _find(portal: PortalState, params: Params) -> RestAnswer:
    kind = str(params.get("type", "")).upper()
    if kind not in {"PHONE", "EMAIL"}:
        raise RestError("", "Communication type is not defined or invalid.")
    values = [str(value) for value in as_list(params.get("values"))][:_MOST_VALUES]
    asked = str(either_case(params, "entity_type") or "").upper()
    found: dict[str, Any] = {}
    for name in (asked,) if asked in _TYPES else _TYPES:
        ids = _ids(portal.entities[name.lower()].table, kind, values)
        if ids:
            found[name] = ids
        if len(ids) >= _ENOUGH_HITS:
            break
    return RestAnswer(found or [], rows=sum(map(len, found.values())))


def _ids(table: Table, kind: str, values: list[str]) -> list[int]:
    column = table.columns[kind]
    if not isinstance(column, Multifield):
        raise TypeError(f"{kind} is not a multifield")
    owners = {row for value in values for row in _owners(column, kind, value)}
    ids = (int(table.ids[row]) for row in sorted(owners))
    return [identifier for identifier in ids if table.row_of(identifier) is not None]


def _owners(column: Multifield, kind: str, value: str) -> list[int]:
    if kind == "PHONE":
        number = phone_number(value)
        return column.owners(number, lambda text: phone_number(text) == number)
    digits = "".join(symbol for symbol in value.partition("@")[0] if symbol.isdecimal())
    wanted = value.casefold()
    return [
        row
        for row in column.owners_by_tail(int(digits or 0), lambda text: text.casefold() == wanted)
        if any(entry["VALUE"].casefold() == wanted for entry in column.values(row))
    ]


METHODS: dict[str, Method] = {"crm.duplicate.findbycomm": _find}
