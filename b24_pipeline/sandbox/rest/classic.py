"""`crm.lead|deal|contact|company.*` (docs/bitrix24-rest.md, section 6.2)."""

from __future__ import annotations

from collections.abc import Container
from functools import partial
from typing import Any

import numpy as np

from b24_pipeline.sandbox.crm.contact_links import OWNERS
from b24_pipeline.sandbox.crm.editing import wanted_id
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.user_fields import UserField
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer, whole_list
from b24_pipeline.sandbox.rest.paging import page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest_error import RestError, invalid_id, not_found
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.comparison import FilterCondition, cell_test, parse_condition
from b24_pipeline.sandbox.rows.selection import selected


def conditions(known: Container[str], given: Params) -> list[FilterCondition]:
    """The conditions of a filter; unknown fields are silently dropped, so it widens [seen]."""
    parsed = (parse_condition(key.upper(), value) for key, value in given.items())
    return [condition for condition in parsed if condition.field in known]


def ordering(known: Container[str], given: Params) -> list[tuple[str, bool]]:
    """(field, ascending) pairs; unknown fields are dropped."""
    pairs = [(str(name).upper(), str(way).upper() != "DESC") for name, way in given.items()]
    return [pair for pair in pairs if pair[0] in known]


def unordered(portal: PortalState, rows: Rows, order: list[tuple[str, bool]]) -> Rows:
    """Without `order` there is no stable one: on request every answer begins elsewhere."""
    if order or not portal.config.unstable_order or not len(rows):
        return rows
    return np.roll(rows, int(portal.clock.now() * 1000) % len(rows))


def classic_list(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    """A page of rows with their names in capitals; unknown fields of filter, order and select are dropped."""
    entity = portal.entities[entity_type]
    fields = tuple(entity.listed_fields())
    order = ordering(fields, as_dict(either_case(params, "order")))
    rows = entity.table.matching(conditions(fields, as_dict(either_case(params, "filter"))))
    rows = unordered(portal, entity.table.ordered(rows, order), order)
    names = selected(tuple(map(str, as_list(either_case(params, "select")))), fields)
    return page(params, rows, lambda shown: entity.table.page(shown, names))


def _get(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    entity = portal.entities[entity_type]
    row = _existing(entity, params)
    return RestAnswer(entity.table.page(np.array([row]), entity.listed_fields()).row(0), rows=1)


def _existing(entity: CrmEntity, params: Params) -> int:
    identifier = wanted_id(either_case(params, "id"))
    if identifier is None:
        raise invalid_id()
    row = entity.table.row_of(identifier)
    if row is None:
        raise not_found()
    return row


def _fields(entity_type: str, portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer(portal.entities[entity_type].described())


def _user_fields(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    given = {key.upper(): value for key, value in as_dict(either_case(params, "filter")).items()}
    labelled = bool(given.pop("LANG", None))
    fields = portal.entities[entity_type].user_fields
    tests = [parse_condition(key, value) for key, value in given.items()]
    rows = [user_field.rendered(labelled=labelled) for user_field in fields if _fulfils(user_field, tests)]
    return whole_list(rows)


def _fulfils(user_field: UserField, tests: list[FilterCondition]) -> bool:
    row = user_field.rendered(labelled=True)
    return all(cell_test(test.operation, test.value)(row[test.field]) for test in tests if test.field in row)


def _add(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    fields = as_dict(either_case(params, "fields"))
    if entity_type in {"lead", "deal", "company"} and not fields:
        raise RestError("", "Parameter 'fields' must be array.")
    return RestAnswer(portal.editor.add(entity_type, fields, portal.caller.user_id))


def _update(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    _existing(portal.entities[entity_type], params)
    fields: dict[str, Any] = as_dict(either_case(params, "fields"))
    identifier = wanted_id(either_case(params, "id")) or 0
    portal.editor.update(entity_type, identifier, fields, portal.caller.user_id)
    return RestAnswer(True)


def _delete(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    _existing(portal.entities[entity_type], params)
    portal.editor.delete(entity_type, wanted_id(either_case(params, "id")) or 0)
    return RestAnswer(True)


def _contact_items(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    row = _existing(portal.entities[entity_type], params)
    identifier = int(portal.entities[entity_type].table.ids[row])
    found = portal.contact_links.items(entity_type, identifier)
    return RestAnswer(found, rows=len(found))


_ACTIONS = {
    "list": classic_list,
    "get": _get,
    "fields": _fields,
    "userfield.list": _user_fields,
    "add": _add,
    "update": _update,
    "delete": _delete,
}
METHODS: dict[str, Method] = {
    f"crm.{entity_type}.{action}": partial(function, entity_type)
    for entity_type in ("lead", "deal", "contact", "company")
    for action, function in _ACTIONS.items()
}
METHODS.update(
    {f"crm.{entity_type}.contact.items.get": partial(_contact_items, entity_type) for entity_type in OWNERS}
)
