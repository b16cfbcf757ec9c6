"""Who may come in: the method that an address asks for and the credential that comes with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from b24_pipeline.sandbox.caller import Caller
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.php import Params
from b24_pipeline.sandbox.rest_error import RestError

_WEBHOOK = re.compile(r"^/rest/(\d+)/([^/]+)/([^/]+?)(?:\.json)?/?$")
_TOKEN = re.compile(r"^/rest/([a-z][^/]*?)(?:\.json)?/?$", re.IGNORECASE)
_BEARER = "bearer "


@dataclass(frozen=True)
class Door:
    """What the path of a request says; an app's door has no user and secret."""

    method: str
    user_id: str = ""
    secret: str = ""


def door(path: str) -> Door | None:
    """The door of a path under `/rest/`, None if there is none."""
    if webhook := _WEBHOOK.match(path):
        user_id, secret, method = webhook.groups()
        return Door(method, user_id, secret)
    token = _TOKEN.match(path)
    return Door(token.group(1)) if token else None


class Entrance:
    """Finds out who calls: checks webhook secrets and access tokens."""

    def __init__(self, portal: PortalState) -> None:
        self._portal = portal

    def admit(self, door: Door, headers: Mapping[bytes, bytes], params: Params) -> Caller:
        """Who calls; takes the token out of the parameters. Raises RestError."""
        if door.user_id:
            return self._webhook(door)
        token = _token(headers, params)
        if not token:
            raise RestError("NO_AUTH_FOUND", "Wrong authorization data", 401)
        return self._portal.application.caller(token)

    def _webhook(self, door: Door) -> Caller:
        config = self._portal.config
        if (door.user_id, door.secret) != (str(config.user_id), config.secret):
            raise RestError("INVALID_CREDENTIALS", "Invalid request credentials", 401)
        return self._portal.owner


def _token(headers: Mapping[bytes, bytes], params: Params) -> str:
    """A bearer token goes before `auth`, that before `access_token` (docs/bitrix24-rest.md, section 1)."""
    given: list[Any] = [params.pop("auth", None), params.pop("access_token", None)]
    bearer = headers.get(b"authorization", b"").decode("latin-1")
    if bearer.lower().startswith(_BEARER):
        return bearer[len(_BEARER) :].strip()
    return next((token for token in given if isinstance(token, str) and token), "")
