"""`crm.activity.*` (docs/bitrix24-rest-more.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.classic import conditions, ordering, unordered
from b24_pipeline.sandbox.rest.paging import page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.records.listing import fields_of, record_of, records
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.page import Cells, Derived, Page
from b24_pipeline.sandbox.rows.selection import selected

_ON_DEMAND = ("COMMUNICATIONS", "FILES", "BINDINGS")


def _list(portal: PortalState, params: Params) -> RestAnswer:
    """Without an order by START_TIME; texts, links and files as a classic list has them."""
    entity = records(portal, "activity")
    given = {str(key).upper(): value for key, value in as_dict(either_case(params, "filter")).items()}
    order = ordering(entity.table.columns, as_dict(either_case(params, "order"))) or [("START_TIME", True)]
    rows = entity.table.matching(conditions(entity.table.columns, given))
    if "BINDINGS" in given:
        rows = _linked(portal, given["BINDINGS"], rows)
    rows = unordered(portal, entity.table.ordered(rows, order), order)
    select = tuple(str(name).upper() for name in as_list(either_case(params, "select")))
    return page(params, rows, lambda shown: _page(portal, shown, select))


def _linked(portal: PortalState, wanted: Any, rows: Rows) -> Rows:
    """Activities with any of these links, once for each of the links that they have."""
    found = []
    for pair in as_list(wanted):
        given = {key.upper(): value for key, value in as_dict(pair).items()}
        owner = given.get("OWNER_ID")
        linked = portal.activity_links.rows_of(
            php_int(given.get("OWNER_TYPE_ID", 0)), None if owner is None else php_int(owner)
        )
        found.append(np.intersect1d(rows, linked, assume_unique=True))
    return np.sort(np.concatenate(found)) if found else rows


def _page(portal: PortalState, rows: Rows, select: tuple[str, ...]) -> Page:
    entity = records(portal, "activity")
    names = selected(select, tuple(entity.listed_fields()))
    fields: list[tuple[str, Cells]] = [(name, entity.table.columns[name]) for name in names]
    makers: dict[str, Callable[[Rows], list[Any]]] = {
        "COMMUNICATIONS": _Communications(portal),
        "FILES": _no_files,
    }
    if portal.quirks.activity_bindings_in_select:
        makers["BINDINGS"] = _Bindings(portal)
    fields += [(name, Derived(makers[name])) for name in _ON_DEMAND if name in select and name in makers]
    return Page(fields, rows)


class _Communications:
    """Whom an activity was with: a stand-in for what the CRM finds out at every reading."""

    def __init__(self, portal: PortalState) -> None:
        self._portal = portal

    def __call__(self, rows: Rows) -> list[Any]:
        columns = records(self._portal, "activity").table.columns
        pairs = zip(columns["OWNER_TYPE_ID"].typed(rows), columns["OWNER_ID"].typed(rows), strict=True)
        return [
            [{"TYPE": "PHONE", "VALUE": "", "ENTITY_TYPE_ID": str(kind), "ENTITY_ID": str(number)}]
            for kind, number in pairs
        ]


class _Bindings:
    """The links, where the portal tells them in the list."""

    def __init__(self, portal: PortalState) -> None:
        self._portal = portal

    def __call__(self, rows: Rows) -> list[Any]:
        ids = records(self._portal, "activity").table.ids[rows].tolist()
        return [
            [{"OWNER_TYPE_ID": str(kind), "OWNER_ID": str(number)} for kind, number in links]
            for links in map(self._portal.activity_links.of, ids)
        ]


def _no_files(rows: Rows) -> list[Any]:
    return [[] for _ in rows]


def _bindings(portal: PortalState, params: Params) -> RestAnswer:
    """All links of one activity: a bare array of numbers."""
    try:
        links = portal.activity_links.of(php_int(params.get("activityId", 0)))
    except LookupError:
        raise RestError("NOT_FOUND", "Activity not found") from None
    return RestAnswer([{"entityTypeId": kind, "entityId": number} for kind, number in links], rows=len(links))


METHODS: dict[str, Method] = {
    "crm.activity.list": _list,
    "crm.activity.get": partial(record_of, "activity"),
    "crm.activity.fields": partial(fields_of, "activity"),
    "crm.activity.binding.list": _bindings,
}
