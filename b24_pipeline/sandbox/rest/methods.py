"""Every method that the portal has, and the scope that it needs."""

from __future__ import annotations

from b24_pipeline.sandbox.clock import utc
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline.sandbox.rest import (
    application,
    classic,
    directories,
    duplicates,
    events,
    items,
    offline_events,
    people,
    stage_history,
)
from b24_pipeline.sandbox.rest.answer import Answer, Method
from b24_pipeline.sandbox.rest.php import Params
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


def _server_time(portal: Portal, _params: Params) -> Answer:
    return Answer(utc(int(portal.clock.now())).isoformat())


def _method_get(portal: Portal, params: Params) -> Answer:
    name = str(params.get("name", "")).lower()
    existing = name in METHODS
    return Answer({"isExisting": existing, "isAvailable": existing and in_scope(portal, name)})


def _methods(_portal: Portal, _params: Params) -> Answer:
    return Answer(sorted([*METHODS, "batch"]))


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
    "server.time": _server_time,
    "method.get": _method_get,
    "methods": _methods,
}


def in_scope(portal: Portal, name: str) -> bool:
    """Whether the credential's scopes cover a method."""
    return name in _ANY_SCOPE or name.partition(".")[0] in portal.caller.scope


def find_method(portal: Portal, name: str) -> Method:
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
