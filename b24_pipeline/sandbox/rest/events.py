"""`event.*` and `events`: binding, unbinding, listing (docs/bitrix24-rest.md, section 7.1)."""

from __future__ import annotations

from functools import wraps
from urllib.parse import urlsplit

from b24_pipeline.sandbox.crm.item_entity import QUOTE
from b24_pipeline.sandbox.events import names
from b24_pipeline.sandbox.events.subscriptions import Subscription
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.php import Params, as_dict, either_case
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.codecs import php_int


def app_only(method: Method) -> Method:
    """Refuses webhook credentials, which have no app (docs/bitrix24-rest.md, section 1)."""

    @wraps(method)
    def refusing(portal: PortalState, params: Params) -> RestAnswer:
        if not portal.caller.is_app:
            description = "Current authorization type is denied for this method"
            raise RestError("WRONG_AUTH_TYPE", description, 403)
        return method(portal, params)

    return refusing


def text(params: Params, name: str) -> str:
    """A parameter as text, empty if it is left out."""
    value = either_case(params, name)
    return value if isinstance(value, str) else "" if value is None else str(value)


def _bind(portal: PortalState, params: Params) -> RestAnswer:
    binding = _binding(portal, params)
    if not binding.offline and not _acceptable(binding.handler):
        return RestAnswer(False)
    _check_rights(portal, binding)
    if not portal.events.subscriptions.bind(binding):
        raise RestError("ERROR_CORE", "Unable to set event handler: Handler already binded")
    return RestAnswer(True)


def _binding(portal: PortalState, params: Params) -> Subscription:
    options = as_dict(either_case(params, "options"))
    offline = _is_offline(params)
    return Subscription(
        id=portal.events.subscriptions.next_id(),
        event=_event(portal, params),
        handler="" if offline else text(params, "handler"),
        auth_type=php_int(either_case(params, "auth_type") or 0),
        offline=offline,
        connector=text(params, "auth_connector") if offline else "",
        min_timeout=float(php_int(options.get("minTimeout", 1))),
    )


def _is_offline(params: Params) -> bool:
    return text(params, "event_type").lower() == "offline"


def _names(portal: PortalState) -> list[str]:
    """Those of every portal, and those named after its smart processes and invoices."""
    numbers = [entity.type_id for entity in portal.items_of() if entity.type != QUOTE]
    return [*names.NAMES, *(event for number in numbers for event in names.of_type(number))]


def _event(portal: PortalState, params: Params) -> str:
    event = text(params, "event").upper()
    if event not in _names(portal):
        raise RestError("ERROR_EVENT_NOT_FOUND", "Event not found")
    return event


def _acceptable(handler: str) -> bool:
    try:
        address = urlsplit(handler)
    except ValueError:
        return False
    return address.scheme in {"http", "https"} and bool(address.hostname)


def _check_rights(portal: PortalState, binding: Subscription) -> None:
    another_user = binding.auth_type not in {0, portal.caller.user_id}
    if not portal.config.admin and (binding.offline or another_user):
        raise RestError("ACCESS_DENIED", "Access denied!", 403)


def _unbind(portal: PortalState, params: Params) -> RestAnswer:
    event, offline, handler = _event(portal, params), _is_offline(params), text(params, "handler")
    auth_type, connector = either_case(params, "auth_type"), text(params, "auth_connector")

    def fits(subscription: Subscription) -> bool:
        if subscription.event != event or subscription.offline != offline:
            return False
        if offline:
            return subscription.connector == connector
        return subscription.handler == handler and (
            auth_type in (None, "") or subscription.auth_type == php_int(auth_type)
        )

    return RestAnswer({"count": portal.events.subscriptions.unbind(fits)})


def _get(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer([binding.rendered() for binding in portal.events.subscriptions.bindings])


def _events(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer(_names(portal))


def _test(portal: PortalState, params: Params) -> RestAnswer:
    portal.events.raise_event(names.TEST, {"QUERY": params})
    return RestAnswer(1)


METHODS: dict[str, Method] = {
    "event.bind": app_only(_bind),
    "event.unbind": app_only(_unbind),
    "event.get": app_only(_get),
    "event.test": app_only(_test),
    "events": app_only(_events),
}
