"""Every method that the portal has, and the scope that it needs."""

from __future__ import annotations

from b24_pipeline.sandbox.clock import utc
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest import (
    application,
    classic,
    directories,
    duplicates,
    events,
    items,
    offline_events,
    people,
    placements,
    stage_history,
)
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.php import Params
from b24_pipeline.sandbox.rest.records import (
    activity_list,
    call_statistics,
    catalogue,
    comment_list,
    product_rows,
    requisite_list,
    task_list,
)
from b24_pipeline.sandbox.rest.scopes import scopes_of
from b24_pipeline.sandbox.rest.smart import type_list, user_field_settings
from b24_pipeline.sandbox.rest_error import RestError

_ANY_SCOPE = frozenset(
    {
        "profile",
        "server.time",
        "method.get",
        "methods",
        "batch",
        *application.METHODS,
        *events.METHODS,
        *offline_events.METHODS,
    }
)


def _server_time(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer(utc(int(portal.clock.now())).isoformat())


def _method_get(portal: PortalState, params: Params) -> RestAnswer:
    name = str(params.get("name", "")).lower()
    existing = name in METHODS
    return RestAnswer({"isExisting": existing, "isAvailable": existing and in_scope(portal, name)})


def _methods(_portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer(sorted([*METHODS, "batch"]))


METHODS: dict[str, Method] = {
    **classic.METHODS,
    **items.METHODS,
    **directories.METHODS,
    **stage_history.METHODS,
    **duplicates.METHODS,
    **people.METHODS,
    **application.METHODS,
    **events.METHODS,
    **offline_events.METHODS,
    **placements.METHODS,
    **type_list.METHODS,
    **user_field_settings.METHODS,
    **activity_list.METHODS,
    **call_statistics.METHODS,
    **product_rows.METHODS,
    **catalogue.METHODS,
    **task_list.METHODS,
    **requisite_list.METHODS,
    **comment_list.METHODS,
    "server.time": _server_time,
    "method.get": _method_get,
    "methods": _methods,
}


def in_scope(portal: PortalState, name: str) -> bool:
    """Whether the credential's scopes cover a method."""
    return name in _ANY_SCOPE or bool(scopes_of(name) & set(portal.caller.scope))


def find_method(portal: PortalState, name: str) -> Method:
    """The method of this name (letter case does not matter), or a refusal."""
    method = METHODS.get(name.lower())
    if method is None:
        raise RestError("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
    if not in_scope(portal, name.lower()):
        description = (
            f"The request requires higher privileges than provided by the {portal.caller.credential}"
        )
        raise RestError("insufficient_scope", description, 403)
    return method
