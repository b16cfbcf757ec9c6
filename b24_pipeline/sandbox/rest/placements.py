"""`placement.*`: where an application shows pages of its own within the portal.

Domain errors come with status 200, as the portal's do; removing the application removes its placements.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.events import app_only, text
from b24_pipeline.sandbox.rest.php import Params
from b24_pipeline.sandbox.rest_error import RestError

CODES = ("CRM_ANALYTICS_MENU", "CRM_ANALYTICS_TOOLBAR", "LEFT_MENU", "DEFAULT")


def _bind(portal: PortalState, params: Params) -> RestAnswer:
    _require_admin(portal)
    code, handler = _code(portal, params), text(params, "handler")
    if not handler:
        raise RestError("ERROR_ARGUMENT", "Argument 'HANDLER' is null or empty", 200)
    address = urlsplit(handler)
    if address.scheme not in ("http", "https"):
        raise RestError("ERROR_UNSUPPORTED_PROTOCOL", "Unsupported protocol", 200)
    if not address.hostname:
        raise RestError("ERROR_WRONG_HANDLER_URL", "Wrong handler URL", 200)
    if any(
        (bound["placement"], bound["handler"]) == (code, handler) for bound in portal.application.placements
    ):
        raise RestError("ERROR_CORE", "Unable to set placement handler: Handler already binded", 200)
    portal.application.placements.append(
        {"placement": code, "handler": handler, "title": text(params, "title"), "userId": "0"}
    )
    return RestAnswer(True)


def _unbind(portal: PortalState, params: Params) -> RestAnswer:
    _require_admin(portal)
    code, handler = _code(portal, params), text(params, "handler")
    kept = [
        bound
        for bound in portal.application.placements
        if bound["placement"] != code or (handler and bound["handler"] != handler)
    ]
    count = len(portal.application.placements) - len(kept)
    portal.application.placements[:] = kept
    return RestAnswer({"count": count})


def _get(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer([dict(bound) for bound in portal.application.placements])


def _list(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer([code for code in CODES if _is_covered(portal, code)])


def _code(portal: PortalState, params: Params) -> str:
    code = text(params, "placement").upper()
    if code not in CODES or not _is_covered(portal, code):
        raise RestError("ERROR_PLACEMENT_NOT_FOUND", "Placement not found", 200)
    return code


def _is_covered(portal: PortalState, code: str) -> bool:
    """A place needs the right to what it belongs to, beside `placement`."""
    return not code.startswith("CRM_") or "crm" in portal.caller.scope


def _require_admin(portal: PortalState) -> None:
    if not portal.config.admin or portal.caller.user_id != portal.config.user_id:
        raise RestError("ACCESS_DENIED", "Access denied!", 403)


METHODS: dict[str, Method] = {
    "placement.bind": app_only(_bind),
    "placement.unbind": app_only(_unbind),
    "placement.get": app_only(_get),
    "placement.list": app_only(_list),
}
