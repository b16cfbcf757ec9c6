"""`tasks.task.*` (docs/bitrix24-rest-more.md, section 8): asked in UPPER, answered in camelCase."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.paging import CONTROLLER, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.records.listing import records
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.comparison import cell_test, parse_condition
from b24_pipeline.sandbox.rows.page import Cells, Derived, Page
from b24_pipeline.sandbox.rows.table import Table

_KEY = re.compile(r"^(!|<=|<|>=|>|)([A-Z_]+)$")
_USER_FIELDS = ("UF_CRM_TASK", "UF_TASK_WEBDAV_FILES", "UF_MAIL_MESSAGE")
_CARD = "/company/personal/user/"
_OVERDUE, _DONE = -1, {4, 5, 6}


def _list(portal: PortalState, params: Params) -> RestAnswer:
    """Newest first without an order. Unknown fields and operators of a filter are dropped."""
    table = records(portal, "task").table
    rows = table.alive_rows()
    for key, value in as_dict(either_case(params, "filter")).items():
        rows = _narrowed(portal, rows, str(key), value)
    rows = table.ordered(rows, _ordering(table, as_dict(either_case(params, "order"))))
    names = _selected(portal, [str(name) for name in as_list(either_case(params, "select"))])
    return page(params, rows, lambda shown: {"tasks": _page(portal, shown, names)}, kind=CONTROLLER)


def _get(portal: PortalState, params: Params) -> RestAnswer:
    row = records(portal, "task").table.row_of(php_int(params.get("taskId", 0)))
    if row is None:
        raise RestError("1048582", "Задача не найдена или доступ запрещен")
    names = _selected(portal, [str(name) for name in as_list(either_case(params, "select"))])
    return RestAnswer({"task": _page(portal, np.array([row]), names).objects()[0]}, rows=1)


def _narrowed(portal: PortalState, rows: Rows, key: str, value: Any) -> Rows:
    matched = _KEY.match(key)
    table = records(portal, "task").table
    if matched is None:
        return rows
    prefix, name = matched.groups()
    if name == "STATUS":
        test = parse_condition(key, value)
        fits = cell_test(test.operation, test.value)
        return rows[[fits(sub) for sub in _sub_statuses(portal, rows)]]
    name = "STATUS" if name == "REAL_STATUS" else name
    if name not in table.columns:
        return rows
    return np.intersect1d(rows, table.matching([parse_condition(prefix + name, value)]), assume_unique=True)


def _ordering(table: Table, given: Params) -> list[tuple[str, bool]]:
    for name in given:
        if name not in table.columns:
            raise RestError("0", f"Поле {name} недоступно для сортировки")
    pairs = [(name, str(way).split(",")[0].upper() != "DESC") for name, way in given.items()]
    return pairs or [("ID", False)]


def _selected(portal: PortalState, select: list[str]) -> list[str]:
    """Neither `*` nor no select brings user fields; one of them named brings all."""
    names = records(portal, "task").listed_fields()
    plain = [name for name in names if name not in _USER_FIELDS]
    named = {name for name in select if name in names}
    chosen = (
        plain if not select or "*" in select else [name for name in plain if name in named or name == "ID"]
    )
    return chosen + (list(_USER_FIELDS) if "UF_CRM_TASK" in select else [])


def _page(portal: PortalState, rows: Rows, names: list[str]) -> Page:
    entity = records(portal, "task")
    fields: list[tuple[str, Cells]] = [
        (entity.shown_name(name), entity.table.columns[name]) for name in names
    ]
    if "STATUS" in names:
        fields.append(("subStatus", Derived(lambda shown: list(map(str, _sub_statuses(portal, shown))))))
    if "GROUP_ID" in names:
        fields.append(("group", Derived(_groups(entity.table))))
    for name, key in (("CREATED_BY", "creator"), ("RESPONSIBLE_ID", "responsible")):
        if name in names:
            fields.append((key, Derived(_people(portal, name))))
    return Page(fields, rows)


def _people(portal: PortalState, name: str) -> Callable[[Rows], list[Any]]:
    table = records(portal, "task").table
    users = {user["ID"]: f"{user['NAME']} {user['LAST_NAME']}" for user in portal.users}

    def shown(rows: Rows) -> list[Any]:
        numbers = map(str, _typed(table, name, rows))
        return [{"id": one, "name": users.get(one, ""), "link": f"{_CARD}{one}/"} for one in numbers]

    return shown


def _groups(table: Table) -> Callable[[Rows], list[Any]]:
    """An empty list where there is no group."""

    def shown(rows: Rows) -> list[Any]:
        numbers = _typed(table, "GROUP_ID", rows)
        return [{"id": str(one), "name": "Проект", "opened": False} if one else [] for one in numbers]

    return shown


def _sub_statuses(portal: PortalState, rows: Rows) -> list[int]:
    """The status, or that a task is overdue."""
    table, now = records(portal, "task").table, portal.clock.now()
    pairs = zip(_typed(table, "STATUS", rows), _typed(table, "DEADLINE", rows), strict=True)
    return [_OVERDUE if _is_late(status, deadline, now) else status for status, deadline in pairs]


def _is_late(status: int, deadline: Any, now: float) -> bool:
    return deadline is not None and status not in _DONE and bool(now > deadline.timestamp())


def _typed(table: Table, name: str, rows: Rows) -> list[Any]:
    return table.columns[name].typed(rows)


METHODS: dict[str, Method] = {"tasks.task.list": _list, "tasks.task.get": _get}
