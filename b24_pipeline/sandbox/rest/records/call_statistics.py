"""`voximplant.statistic.get` (docs/bitrix24-rest-more.md, section 5)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.paging import EXACT, page
from b24_pipeline.sandbox.rest.php import Params, as_dict
from b24_pipeline.sandbox.rest.records.listing import records
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.comparison import FilterCondition, parse_condition
from b24_pipeline.sandbox.rows.table import Table

_KEY = re.compile(r"^(!><|><|>=|<=|!=|!%|!|>|<|=|%|\?|)([A-Z_.]+)$")
_SCATTER = 2_654_435_761
_UNSORTABLE = {"CALL_TYPE"}


def _statistic(portal: PortalState, params: Params) -> RestAnswer:
    """Parameters in capitals alone; what it does not understand it drops, so that the answer widens."""
    quirks = portal.quirks
    if quirks.calls_forbidden:
        raise RestError("ACCESS_DENIED", "Access denied!", 403)
    if not quirks.calls_ignore_lower_case:
        params = {key if key == "start" else key.upper(): value for key, value in params.items()}
    entity = records(portal, "call")
    given = as_dict(params.get("FILTER"))
    if quirks.calls_of_users:
        given = {key: value for key, value in given.items() if not key.endswith("PORTAL_USER_ID")}
        given["PORTAL_USER_ID"] = [str(user) for user in quirks.calls_of_users]
    rows = entity.table.alive_rows()
    for key, value in given.items():
        rows = _narrowed(entity.table, rows, str(key), value)
    rows = _ordered(entity.table, rows, params)
    return page(params, rows, lambda shown: entity.table.page(shown, entity.listed_fields()), kind=EXACT)


def _narrowed(table: Table, rows: Rows, key: str, value: Any) -> Rows:
    """The rows that fulfil a condition too; all of them if its operator or field is not known."""
    matched = _KEY.match(key)
    if matched is None or matched[2] not in table.columns:
        return rows
    prefix, name = matched.groups()
    if prefix in {"><", "!><"}:
        values = list(as_dict(value).values())
        bounds = [FilterCondition("at_least", name, values[0]), FilterCondition("at_most", name, values[1])]
        inside = table.matching(bounds)
        return np.setdiff1d(rows, inside) if prefix == "!><" else np.intersect1d(rows, inside)
    condition = parse_condition(f"%{name}" if prefix == "?" else key, value)
    return np.intersect1d(rows, table.matching([condition]), assume_unique=True)


def _ordered(table: Table, rows: Rows, params: Params) -> Rows:
    """By one field, if both parameters are texts as they should be; else in no order that one could name."""
    field, way = params.get("SORT"), params.get("ORDER")
    known = isinstance(field, str) and field in table.columns and field not in _UNSORTABLE
    if not known or way not in ("ASC", "DESC"):
        return rows[np.argsort(table.ids[rows] * _SCATTER % 2**32, kind="stable")]
    return table.ordered(rows, [(str(field), way == "ASC")])


METHODS: dict[str, Method] = {"voximplant.statistic.get": _statistic}
