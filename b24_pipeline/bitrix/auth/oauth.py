"""The authorization server: links, codes, refresh tokens, and what a token is good for.

This is the only holder of the client secret. It goes to the configured server
and nowhere else, whatever an answer, an event or a browser names as server
(docs/bitrix24-rest.md, section 2). Bitrix24 takes it in the query of a GET, so no
URL of this module reaches a message or a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from b24_pipeline import errors as e
from b24_pipeline.bitrix.http.address import PortalAddress, parse_address, parse_server
from b24_pipeline.bitrix.http.exchange import Received, ask
from b24_pipeline.bitrix.http.refusals import parts_of, refusal
from b24_pipeline.bitrix.http.transport import Timeouts, open_http

# A refresh waits under a row lock, and others wait for it: shorter than their patience (30 s).
TIMEOUTS = Timeouts(connect=5.0, read=15.0, write=5.0, pool=5.0, total=20.0)
MAX_ANSWER_BYTES = 64 * 1024

_TOKEN = "oauth/token"  # noqa: S105  the name of a method
_APP_INFO = "app.info"
_MEMBER = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_ENDPOINT = re.compile(r"(?P<origin>https?://[^/?#\s]+)/rest/?", re.IGNORECASE | re.ASCII)

# Section 2.3; what is not here is told by the table of all methods (`refusals.py`).
_BY_CODE: dict[str, type[e.ApiError]] = {
    "INVALID_GRANT": e.AuthorizationRefused,
    "INVALID_REQUEST": e.ApplicationRefused,
    "INVALID_CLIENT": e.ApplicationRefused,
    "WRONG_CLIENT": e.ApplicationRefused,
    "INVALID_SCOPE": e.ScopeMissing,
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code or a refresh token was exchanged for; times in UTC.

    `address` comes from `client_endpoint`: `domain` names the authorization
    server here. `status`: L local, F free, D demo, T trial, P paid.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    member_id: str
    address: PortalAddress
    user_id: int | None = None
    scope: tuple[str, ...] = ()
    status: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the authorization server knows of an access token of our application."""

    member_id: str
    address: PortalAddress
    user_id: int | None = None
    scope: tuple[str, ...] = ()
    status: str = ""
    installed: bool = True


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """Our application. `allowed`: host patterns beyond the clouds, as for portals.

    `redirect_uri` is sent with the link and the code where it is set. Bitrix24 goes by the address
    on the application's card whatever is sent (docs/bitrix24-rest.md, section 2.1).

    All calls raise what `errors.py` lists under PortalError, with the
    authorization server's host in the place of the portal.
    """

    client_id: str
    client_secret: str = field(repr=False)
    server: PortalAddress
    allowed: tuple[str, ...] = ()
    redirect_uri: str | None = None

    @classmethod
    def of(
        cls,
        client_id: str,
        client_secret: str,
        server: str,
        allowed: Iterable[str] = (),
        redirect_uri: str | None = None,
    ) -> OAuthApp:
        """Makes the application from the settings. Raises AddressRefused for the server's address."""
        patterns = tuple(allowed)
        return cls(client_id, client_secret, parse_server(server, patterns), patterns, redirect_uri)

    def authorize_url(self, address: PortalAddress, state: str) -> str:
        """The portal's page of consent, where the browser is sent; the scopes are those of the application's card."""
        query = {"client_id": self.client_id, "state": state} | self._redirect_query
        return f"{address.origin}/oauth/authorize/?{urlencode(query)}"

    def exchange(self, code: str) -> Tokens:
        """Exchanges a code for tokens; a code lives 30 s and works once. Raises AuthorizationRefused for a dead one."""
        return self._tokens("authorization_code", code, {"code": code} | self._redirect_query)

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchanges a refresh token for a new pair; the old pair is worth nothing then.

        Raises AuthorizationRefused for a token that is used up or over.
        """
        return self._tokens("refresh_token", refresh_token, {"refresh_token": refresh_token})

    def installation(self, access_token: str) -> Installation:
        """Asks the server what an access token is good for.

        Raises TokenExpired for one that is over, and ApplicationRefused for
        one of another application.
        """
        body = self._ask(_APP_INFO, "/rest/app.info/", {"auth": access_token}, (access_token,))
        found = body.get("result", body)
        if not isinstance(found, Mapping) or not isinstance(found.get("install"), Mapping):
            raise self._unreadable(_APP_INFO)
        if found.get("client_id") != self.client_id:
            raise e.ApplicationRefused(
                self.server.host, _APP_INFO, "WRONG_CLIENT", "the token is of another application", 200
            )
        return self._installation(found, found["install"])

    @property
    def _redirect_query(self) -> dict[str, str]:
        return {"redirect_uri": self.redirect_uri} if self.redirect_uri else {}

    def _tokens(self, grant: str, secret: str, parameters: Mapping[str, str]) -> Tokens:
        query = {
            "grant_type": grant,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            **parameters,
        }
        body = self._ask(_TOKEN, "/oauth/token/", query, (self.client_secret, secret))
        access, refresh = body.get("access_token"), body.get("refresh_token")
        if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
            raise self._unreadable(_TOKEN)
        return Tokens(
            access,
            refresh,
            expires_at=expiry(body.get("expires"), body.get("expires_in")),
            member_id=self._member(body, _TOKEN),
            address=self._address(body, _TOKEN),
            user_id=_number(body.get("user_id")),
            scope=_scopes(body.get("scope")),
            status=str(body.get("status") or ""),
        )

    def _installation(self, found: Mapping[str, Any], install: Mapping[str, Any]) -> Installation:
        return Installation(
            member_id=self._member(install, _APP_INFO),
            address=self._address(install, _APP_INFO),
            user_id=_number(found.get("user_id")),
            scope=_scopes(install.get("scope") or found.get("scope")),
            status=str(install.get("status") or ""),
            installed=install.get("installed") is not False,
        )

    def _ask(
        self, method: str, path: str, query: Mapping[str, str], secrets: Iterable[str]
    ) -> Mapping[str, Any]:
        with open_http(self.server, TIMEOUTS, connections=1) as http:
            url = f"{self.server.origin}{path}"
            received = ask(http, self.server.host, method, url, query, MAX_ANSWER_BYTES)
        return self._decoded(received, secrets)

    def _decoded(self, received: Received, secrets: Iterable[str]) -> Mapping[str, Any]:
        host, method, status = self.server.host, received.method, received.status
        if 300 <= status < 400:
            raise e.UnreadableAnswer(host, f"{method}: answered with a redirect, which is not followed")
        body = received.json()
        if isinstance(body, dict) and "error" in body:
            raise _refused(host, method, body, status, secrets)
        if status >= 500:
            raise e.ServerFault(host, method, "", received.described, status)
        if status >= 400 or not isinstance(body, dict):
            raise self._unreadable(method)
        return body

    def _member(self, block: Mapping[str, Any], method: str) -> str:
        member = str(block.get("member_id") or "")
        if not _MEMBER.fullmatch(member):
            raise self._unreadable(method)
        return member

    def _address(self, block: Mapping[str, Any], method: str) -> PortalAddress:
        match = _ENDPOINT.fullmatch(str(block.get("client_endpoint") or ""))
        if match is None:
            raise self._unreadable(method)
        return parse_address(match["origin"], self.allowed)

    def _unreadable(self, method: str) -> e.UnreadableAnswer:
        return e.UnreadableAnswer(
            self.server.host,
            f"{method}: expected an answer as section 2.2 of the documentation has it, got another; "
            "is BITRIX24_OAUTH_URL the authorization server?",
        )


def expiry(at: Any, seconds: Any) -> datetime:
    """When an access token ends, by `expires` (Unix second) or `expires_in`; an hour is the usual.

    For people to see: a token is refreshed when the portal says that it is over.
    """
    moment, left = _number(at), _number(seconds)
    now = datetime.now(UTC)
    if moment is not None and 0 < moment < 2**34:
        return datetime.fromtimestamp(moment, UTC)
    return now + timedelta(seconds=min(max(left if left is not None else 3600, 0), 2**31))


def _refused(
    host: str, method: str, body: Mapping[str, Any], status: int, secrets: Iterable[str]
) -> e.ApiError:
    code, description = parts_of(body)
    kind = _BY_CODE.get(code)
    for secret in filter(None, secrets):  # a server may repeat what it was sent
        code, description = code if kind else code.replace(secret, "***"), description.replace(secret, "***")
    if kind is None:
        return refusal(host, method, {"error": code, "error_description": description}, status)
    return kind(host, method, code, description, status)


def _number(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _scopes(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else re.split(r"[\s,]+", str(value or ""))
    return tuple(str(scope) for scope in listed if scope)
