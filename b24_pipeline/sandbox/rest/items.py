"""`crm.item.*` (docs/bitrix24-rest.md, section 6.3; docs/bitrix24-rest-more.md, sections 1.3 and 2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from b24_pipeline.sandbox.crm.contact_links import OWNERS
from b24_pipeline.sandbox.crm.editing import wanted_id
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_entity import CrmItemEntity
from b24_pipeline.sandbox.crm.item_names import item_name, item_names
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.classic import unordered
from b24_pipeline.sandbox.rest.paging import CONTROLLER, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest_error import RestError, invalid_argument, invalid_filter
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.comparison import FilterCondition, parse_condition
from b24_pipeline.sandbox.rows.page import Cells, Constant, Derived, Page
from b24_pipeline.sandbox.rows.selection import is_user_field

_FIRST_SMART_TYPE = 128
_DISABLED = ("isWork", "isWon", "isLose", "hasProducts", "dateCreateShort", "dateModifyShort")
_EXTRA: dict[str, Any] = {"webformId": 0, "xmlId": None, "previousStageId": None, "observers": []}


class _Items:
    """One call's view of an entity: names as this caller wants them."""

    def __init__(self, portal: PortalState, params: Params) -> None:
        type_id = php_int(params.get("entityTypeId"))
        self.entity = _readable(portal, type_id)
        self.type_id = type_id
        self._links = portal.contact_links
        original = str(params.get("useOriginalUfNames", "N")).upper() in {"Y", "1", "TRUE"}
        self.original = original
        self.names = item_names(self.entity, original=original)
        self._nulls = portal.quirks.switched_off_as_null
        self._drops_standard = original and portal.quirks.original_names_drop_standard

    def rows(self, given: Params) -> Rows:
        """Rows of a filter; `logic: OR` nests (docs/bitrix24-rest.md, section 5)."""
        plain = {key: value for key, value in given.items() if not _is_group(key, value)}
        rows = self.entity.table.matching([self._condition(key, value) for key, value in plain.items()])
        for group in (value for key, value in given.items() if _is_group(key, value)):
            rows = np.intersect1d(rows, self._any_of(group), assume_unique=True)
        return rows

    def _any_of(self, group: Params) -> Rows:
        parts = [as_dict(value) for key, value in group.items() if key != "logic"]
        found = [self.rows(part) for part in parts]
        if str(group.get("logic", "AND")).upper() == "OR":
            return np.unique(np.concatenate(found)) if found else np.array([], dtype=np.intp)
        rows = self.entity.table.alive_rows()
        for part in found:
            rows = np.intersect1d(rows, part, assume_unique=True)
        return rows

    def _condition(self, key: str, value: Any) -> FilterCondition:
        parsed = parse_condition(key, value)
        if parsed.field not in self.names:
            raise invalid_filter(parsed.field)
        return FilterCondition(parsed.operation, self.names[parsed.field], parsed.value)

    def ordering(self, given: Params) -> list[tuple[str, bool]]:
        """(field, ascending) pairs; `ID` may be in capitals here [seen]."""
        pairs = []
        for key, way in given.items():
            name = self.names.get("id" if key == "ID" else key)
            if name is None or str(way).upper() not in {"ASC", "DESC"}:
                raise invalid_argument(f"Invalid order: field '{key}' is not allowed in order")
            pairs.append((name, str(way).upper() != "DESC"))
        return pairs

    def selected(self, select: list[Any]) -> dict[str, str]:
        """Item name -> classic name of what to show; nothing or `*` means all."""
        if not select or "*" in select:
            return self.names
        chosen = {name: column for name, column in self.names.items() if name in select or name == "id"}
        if self._drops_standard:
            chosen = {name: column for name, column in chosen.items() if is_user_field(column)}
        masked = {name: column for name, column in self.names.items() if column.startswith("UF_")}
        return chosen | (masked if {"uf*", "UF_*", "ufCrm*"} & set(select) else {})

    def page(self, rows: Rows, select: list[Any]) -> Page:
        """Rows as items; `fm` comes with `*` only, the other extra keys with everything."""
        columns = self.entity.table.columns
        fields: list[tuple[str, Cells]] = [
            (name, columns[column]) for name, column in self.selected(select).items()
        ]
        if not select or "*" in select:
            fields += self._extra()
        elif "contactIds" in select and self.entity.type in OWNERS:
            fields.append(("contactIds", Derived(self._contacts)))
        if "*" in select and not isinstance(self.entity, CrmItemEntity):
            fields.append(("fm", Derived(self._multifields)))
        return Page(fields, rows, "item")

    def _extra(self) -> list[tuple[str, Cells]]:
        if isinstance(self.entity, CrmItemEntity):
            return [("entityTypeId", Constant(self.type_id)), *self._switched_off()]
        constant = _EXTRA | dict.fromkeys(_DISABLED) | {"entityTypeId": self.type_id}
        contacts = [("contactIds", Derived(self._contacts))] if self.entity.type in OWNERS else []
        return [*((name, Constant(value)) for name, value in constant.items()), *contacts]

    def _switched_off(self) -> list[tuple[str, Cells]]:
        if not self._nulls:
            return []
        hidden = sorted(set(self.entity.table.columns) - set(self.entity.listed_fields()))
        plain = (name for name in hidden if not is_user_field(name))
        return [(item_name(name, original=True), Constant(None)) for name in plain]

    def _contacts(self, rows: Rows) -> list[Any]:
        return list(self._links.of_rows(self.entity.type, rows))

    def _multifields(self, rows: Rows) -> list[Any]:
        columns = self.entity.table.columns
        held = [columns[name].typed(rows) for name in ("PHONE", "EMAIL") if name in columns]
        return [
            [_multifield(entry) for entries in row for entry in entries or []]
            for row in zip(*held, strict=True)
        ] or [[]] * len(rows)


def _readable(portal: PortalState, type_id: int) -> CrmEntity:
    entity = portal.entity_of(type_id)
    if entity is None and type_id >= _FIRST_SMART_TYPE:
        raise RestError("NOT_FOUND", "Смарт-процесс не найден")
    if entity is None:
        raise RestError("ENTITY_TYPE_NOT_SUPPORTED", f"Entity type {type_id} is not supported")
    if type_id in portal.quirks.forbidden_types:
        raise RestError("ACCESS_DENIED", "Доступ запрещен")
    return entity


def _multifield(entry: dict[str, Any]) -> dict[str, Any]:
    kind = {"id": int(entry["ID"]), "typeId": entry["TYPE_ID"]}
    return kind | {"valueType": entry["VALUE_TYPE"], "value": entry["VALUE"]}


def _is_group(key: str, value: Any) -> bool:
    return key.isdecimal() and isinstance(value, dict | list)


def _list(portal: PortalState, params: Params) -> RestAnswer:
    items = _Items(portal, params)
    order = items.ordering(as_dict(either_case(params, "order")))
    rows = items.rows(as_dict(either_case(params, "filter")))
    rows = unordered(portal, items.entity.table.ordered(rows, order), order)
    select = as_list(either_case(params, "select"))
    return page(params, rows, lambda shown: {"items": items.page(shown, select)}, kind=CONTROLLER)


def _get(portal: PortalState, params: Params) -> RestAnswer:
    items = _Items(portal, params)
    row = items.entity.table.row_of(wanted_id(either_case(params, "id")) or 0)
    if row is None:
        raise RestError("NOT_FOUND", "Элемент не найден")
    return RestAnswer({"item": items.page(np.array([row]), ["*"]).row(0)}, rows=1)


def _fields(portal: PortalState, params: Params) -> RestAnswer:
    items = _Items(portal, params)
    if isinstance(items.entity, CrmItemEntity):
        return RestAnswer({"fields": items.entity.described_items(original=items.original)})
    described = items.entity.described()
    named = {name: described[column] | {"upperName": column} for name, column in items.names.items()}
    return RestAnswer({"fields": named})


METHODS: dict[str, Method] = {"crm.item.list": _list, "crm.item.get": _get, "crm.item.fields": _fields}
