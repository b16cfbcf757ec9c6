"""The one app of the sandbox: what its card says, whether it is installed, what its tokens are worth."""

from __future__ import annotations

import hmac
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from b24_pipeline.sandbox.addresses import SandboxAddresses
from b24_pipeline.sandbox.caller import Caller
from b24_pipeline.sandbox.clock import utc
from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.oauth import refusals
from b24_pipeline.sandbox.oauth.grants import Grants, Pair
from b24_pipeline.sandbox.rest_error import RestError

VERSION = 1
LOCAL = "L"
"""Status of a local app (docs/bitrix24-rest.md, section 2.2)."""


class Application:
    """A local app; installed from the start, as an authorization needs (docs/bitrix24-rest.md, section 2.1).

    `finished` is false while an app with pages has not called `installFinish`: then it is
    bound to events and gets none (docs/bitrix24-rest.md, section 2.4).
    """

    def __init__(self, config: SandboxConfig, addresses: SandboxAddresses) -> None:
        self.config = config
        self.addresses = addresses
        self.grants = Grants(config)
        self.installed = self.finished = True
        self.placements: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()
        self._kinds: dict[str, tuple[str, Callable[[str], Pair]]] = {
            "authorization_code": ("code", self.grants.exchange),
            "refresh_token": ("refresh_token", self.grants.refresh),
        }

    @property
    def outcomes(self) -> dict[str, int]:
        """How often the token endpoint granted (by grant type) and refused (by error)."""
        with self._lock:
            return dict(self._outcomes)

    def token(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of `/oauth/token/`; raises the refusals of docs/bitrix24-rest.md, section 2.3."""
        kind = str(params.get("grant_type") or "")
        try:
            answer = self._granted(kind, params)
        except RestError as error:
            self._count(error.code)
            raise
        self._count(kind)
        return answer

    def _granted(self, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._check_client(params)
        if kind not in self._kinds:
            raise refusals.invalid_request("Unsupported grant_type")
        name, grant = self._kinds[kind]
        return self.described(grant(_required(params, name))) | {"domain": self.addresses.server}

    def _check_client(self, params: Mapping[str, Any]) -> None:
        client_id, secret = _required(params, "client_id"), _required(params, "client_secret")
        if client_id != self.config.client_id:
            raise refusals.wrong_client()
        if not hmac.compare_digest(secret.encode(), self.config.client_secret.encode()):
            raise refusals.invalid_client()
        if not self.installed:
            raise refusals.not_installed()

    def _count(self, outcome: str) -> None:
        with self._lock:
            self._outcomes[outcome] += 1

    def described(self, pair: Pair) -> dict[str, Any]:
        """A pair as token answers and events show it; `domain` is to be added: they mean two hosts by it."""
        return {
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "expires": int(pair.expires),
            "expires_in": max(0, round(pair.expires - time.time())),
            "client_endpoint": self.addresses.client_endpoint,
            "server_endpoint": self.addresses.server_endpoint,
            "member_id": self.config.member_id,
            "user_id": pair.user_id,
            "scope": ",".join(self.config.scope),
            "status": LOCAL,
        }

    def caller(self, access: str) -> Caller:
        """Who calls with this access token; raises invalid_token, expired_token, or that the app is gone."""
        if not self.installed:
            raise RestError("APPLICATION_NOT_FOUND", "Application not found", 401)
        pair = self.grants.holder(access)
        return Caller(pair.user_id, self.config.scope, pair.expires)

    def info(self, caller: Caller) -> dict[str, Any]:
        """`app.info` of the portal and of the authorization server in one (docs/bitrix24-rest.md, section 2.2 and 6.8).

        Both answer at the same path, and here at the same host.
        """
        scope = ",".join(self.config.scope)
        return {
            "ID": VERSION,
            "CODE": self.config.client_id,
            "VERSION": VERSION,
            "STATUS": LOCAL,
            "INSTALLED": self.finished,
            "PAYMENT_EXPIRED": "N",
            "DAYS": None,
            "LANGUAGE_ID": "ru",
            "LICENSE": f"ru_{self.config.license_family}",
            "LICENSE_TYPE": self.config.license_family,
            "LICENSE_FAMILY": self.config.license_family,
            "client_id": self.config.client_id,
            "scope": scope,
            "expires": utc(int(caller.token_expires or 0)).isoformat(),
            "user_id": caller.user_id,
            "install": {
                "installed": self.installed,
                "version": VERSION,
                "status": LOCAL,
                "scope": scope,
                "domain": self.addresses.portal,
                "uri": self.config.redirect_uri,
                "client_endpoint": self.addresses.client_endpoint,
                "member_id": self.config.member_id,
                "member_type": "portal",
            },
        }


def _required(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise refusals.invalid_request(f"Required parameter {name} is missing or empty")
    return value
