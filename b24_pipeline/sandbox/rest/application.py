"""`app.info`, `feature.get` and the scopes of the credential (docs/bitrix24-rest.md, section 6.8)."""

from __future__ import annotations

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.php import Params, either_case
from b24_pipeline.sandbox.rest_error import RestError


def _app_info(portal: PortalState, _params: Params) -> RestAnswer:
    """A webhook sees what older server source says; the documentation says ACCESS_DENIED [seen]."""
    if portal.caller.is_app:
        return RestAnswer(portal.application.info(portal.caller))
    return RestAnswer({"SCOPE": list(portal.caller.scope), "LICENSE": "ru_basic"})


def _feature(portal: PortalState, params: Params) -> RestAnswer:
    features = {"rest_offline_extended": portal.config.offline_extended, "rest_auth_connector": False}
    code = str(either_case(params, "code") or "").lower()
    if code not in features:
        raise RestError("ERROR_ARGUMENT", f"Unknown feature {code!r}")
    return RestAnswer({"value": "Y" if features[code] else "N"})


def _scope(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer(list(portal.caller.scope))


METHODS: dict[str, Method] = {"app.info": _app_info, "feature.get": _feature, "scope": _scope}
