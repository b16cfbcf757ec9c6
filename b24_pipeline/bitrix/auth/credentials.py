"""The credential: where a request goes, and how it proves who we are.

A webhook's secret sits in the path of its URL, an application's access token
in the body (docs/bitrix24-rest.md, section 1). Neither may reach a log or message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from b24_pipeline.bitrix.http.address import PortalAddress, parse_address
from b24_pipeline.errors import CredentialRefused, SettingsError, TokenExpired

_WEBHOOK = re.compile(
    r"(?P<origin>https?://[^/?#\s]+)/rest/(?P<user>[0-9]{1,12})/(?P<secret>[A-Za-z0-9]{4,128})"
    r"(?:/|/[A-Za-z0-9._]+/?)?",
    re.ASCII,
)


class TokenSource(Protocol):
    """Where an application's access token comes from; the implementation knows the database, we do not."""

    def access_token(self) -> str:
        """The present access token."""

    def refresh(self, stale: str) -> str:
        """A token other than `stale`: by refreshing, once for all processes, or as another one did."""


class Credential(Protocol):
    """Puts proof on a request, and renews it where that is possible."""

    @property
    def address(self) -> PortalAddress:
        """Where the portal answers."""

    def prepare(self, method: str, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The URL for a method and the body to send; both may hold secrets."""

    def refresh(self, stale: str) -> None:
        """Renew what expired; `stale` is the `auth` that was sent. Raises where nothing can be renewed."""


@dataclass(frozen=True, slots=True)
class AppCredential:
    """An OAuth application in one portal: acts as the user who authorized it."""

    address: PortalAddress
    tokens: TokenSource = field(repr=False)

    @property
    def host(self) -> str:
        return self.address.host

    def prepare(self, method: str, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        # In the body: URLs end in access logs.
        return f"{self.address.origin}/rest/{method}", {**body, "auth": self.tokens.access_token()}

    def refresh(self, stale: str) -> None:
        self.tokens.refresh(stale)


@dataclass(frozen=True, slots=True)
class FreshToken:
    """The access token of a portal that is being connected; too new to be over."""

    token: str = field(repr=False)

    def access_token(self) -> str:
        return self.token

    def refresh(self, stale: str) -> str:
        raise TokenExpired("the portal", "oauth", "EXPIRED_TOKEN", "a new access token is not accepted", 401)


@dataclass(frozen=True, slots=True)
class WebhookCredential:
    """An incoming webhook: acts as the user who made it."""

    address: PortalAddress
    user_id: int
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, url: str, allowed: Iterable[str] = ()) -> WebhookCredential:
        """Read `https://acme.bitrix24.com/rest/1/secret/`, also with a method at its end.

        Raises SettingsError when it is no webhook, AddressRefused for its host.
        """
        match = _WEBHOOK.fullmatch(url.strip())
        if match is None:
            raise SettingsError(
                "this is no webhook address; expected https://<portal>/rest/<user id>/<secret>/ "
                "as the portal shows it for an inbound webhook, with a secret of 4 letters and digits or more"
            ).of_case("no_webhook")
        return cls(parse_address(match["origin"], allowed), int(match["user"]), match["secret"])

    @property
    def host(self) -> str:
        return self.address.host

    @property
    def base_url(self) -> str:
        """Holds the secret: for requests and for the vault only."""
        return f"{self.address.origin}/rest/{self.user_id}/{self.secret}/"

    def prepare(self, method: str, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return f"{self.base_url}{method}", dict(body)

    def refresh(self, stale: str) -> None:
        raise CredentialRefused(
            self.host, "webhook", "EXPIRED_TOKEN", "a webhook cannot be refreshed, only made anew", 401
        )
