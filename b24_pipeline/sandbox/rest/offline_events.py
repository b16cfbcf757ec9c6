"""`event.offline.*`: reading, reserving and clearing the offline queue (docs/bitrix24-rest.md, section 7.5)."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.events.offline import OfflineEvent
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.events import app_only, text
from b24_pipeline.sandbox.rest.paging import PAGE, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case, truthy
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.comparison import cell_test, parse_condition, sort_key

_READ = frozenset({"ID", "TIMESTAMP_X", "EVENT_NAME", "MESSAGE_ID"})
_LISTED = _READ | {"PROCESS_ID", "ERROR"}


def _get(portal: PortalState, params: Params) -> RestAnswer:
    """`clear` is on unless it is turned off: what is read is gone."""
    _check_rights(portal)
    queue, process_id = portal.events.queue, text(params, "process_id")
    if process_id:
        rows = queue.reserved(process_id, errors=truthy(either_case(params, "error")))
        return _answer(process_id, _chosen(rows, params, _READ)[: _limit(params)])
    clears = truthy(params.get("clear", params.get("CLEAR", 1)))
    if not clears and not portal.config.offline_extended:
        raise RestError("ACCESS_DENIED", "License check failed: rest_offline_extended is not available", 403)
    rows = _chosen(queue.waiting(text(params, "auth_connector")), params, _READ)[: _limit(params)]
    if clears:
        queue.drop(rows)
        return _answer(None, rows)
    return _answer(queue.reserve(rows), rows)


def _answer(process_id: str | None, rows: list[OfflineEvent]) -> RestAnswer:
    events = [row.rendered() for row in rows]
    return RestAnswer({"process_id": process_id, "events": events}, rows=len(rows))


def _limit(params: Params) -> int:
    return max(1, php_int(either_case(params, "limit") or PAGE))


def _chosen(rows: list[OfflineEvent], params: Params, fields: frozenset[str]) -> list[OfflineEvent]:
    """Rows that fulfil `filter`, in `order`; TIMESTAMP_X is the default."""
    for key, value in as_dict(either_case(params, "filter")).items():
        test = parse_condition(key.upper(), value)
        if test.field not in fields:
            raise RestError("ERROR_ARGUMENT", f"Unknown filter field {test.field}")
        fits = cell_test(test.operation, test.value)
        rows = [row for row in rows if fits(row.listed()[test.field])]
    order = as_dict(either_case(params, "order")) or {"TIMESTAMP_X": "ASC"}
    for name, way in reversed(order.items()):
        descending = str(way).upper() == "DESC"
        rows = sorted(rows, key=lambda row: _place(row, name.upper()), reverse=descending)
    return rows


def _place(row: OfflineEvent, name: str) -> Any:
    return row.id if name == "ID" else sort_key(row.listed().get(name))


def _clear(portal: PortalState, params: Params) -> RestAnswer:
    _check_rights(portal)
    process_id = _process(params)
    ids = {str(identifier) for identifier in as_list(either_case(params, "id"))}
    messages = {str(message) for message in as_list(either_case(params, "message_id"))}

    def wanted(row: OfflineEvent) -> bool:
        return not (ids or messages) or str(row.id) in ids or row.message_id in messages

    portal.events.queue.clear(process_id, wanted)
    return RestAnswer(True)


def _error(portal: PortalState, params: Params) -> RestAnswer:
    _check_rights(portal)
    messages = {str(message) for message in as_list(either_case(params, "message_id"))}
    portal.events.queue.fail(_process(params), messages)
    return RestAnswer(True)


def _list(portal: PortalState, params: Params) -> RestAnswer:
    _check_rights(portal)
    rows = _chosen(portal.events.queue.rows(), params, _LISTED)
    return page(params, rows, lambda shown: [row.listed() for row in shown])


def _process(params: Params) -> str:
    process_id = text(params, "process_id")
    if not process_id:
        raise RestError("ERROR_ARGUMENT", "The argument PROCESS_ID is required")
    return process_id


def _check_rights(portal: PortalState) -> None:
    if not portal.config.admin:
        raise RestError("ACCESS_DENIED", "Access denied!", 403)


METHODS: dict[str, Method] = {
    "event.offline.get": app_only(_get),
    "event.offline.clear": app_only(_clear),
    "event.offline.error": app_only(_error),
    "event.offline.list": app_only(_list),
}
