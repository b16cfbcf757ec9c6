"""Keep the stored status and address of a portal true to what the portal answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from b24_pipeline.bitrix.auth.credentials import AppCredential, Credential, TokenSource
from b24_pipeline.bitrix.auth.oauth import Installation, OAuthApp
from b24_pipeline.bitrix.http.address import PortalAddress, parse_address
from b24_pipeline.errors import (
    AppRemoved,
    OtherPortal,
    PaymentRequired,
    PortalDeleted,
    PortalError,
    PortalMoved,
    TokenExpired,
)
from b24_pipeline.log import logger
from b24_pipeline.store.portals.portal import (
    CONNECTED,
    DISCONNECTED,
    PAUSED,
    Portal,
)
from b24_pipeline.store.portals.portals import Portals

# A closed portal may open again and a subscription be renewed: its tokens stay. That a portal calls a token
# expired is no verdict on its refresh token: only the authorization server refuses that (`store/portals/tokens.py`).
STATUSES: dict[type[PortalError], str] = {
    PortalDeleted: PAUSED,
    PaymentRequired: PAUSED,
    AppRemoved: DISCONNECTED,
}


@dataclass(slots=True)
class StatusKeeper:
    """Keeps the status of a portal with a webhook credential.

    It takes no new address, because nothing proves that it is the same portal's: a person has to decide.
    """

    portals: Portals
    portal: Portal

    def moved(self, error: PortalMoved) -> Credential:
        """Raises the error: a person has to connect the portal under its new address."""
        raise error

    def failed(self, error: PortalError) -> None:
        """Stores the status that an error stands for, with its message as the reason."""
        status = STATUSES.get(type(error))
        if status is None or self.portal.status not in (CONNECTED, PAUSED):
            return
        self._set(
            status, f"{error}; `b24 sync {self.portal.name}` tries again" if status == PAUSED else str(error)
        )

    def answered(self) -> None:
        """Sets a paused portal, which answers again, to connected."""
        if self.portal.status == PAUSED:
            self._set(CONNECTED, None)

    def _set(self, status: str, reason: str | None) -> None:
        self.portals.set_status(self.portal, status, reason)
        if self.portal.status != status:
            logger("portals").warning("status", portal=self.portal.name, status=status, reason=reason)
        self.portal = self.portals.one(self.portal.name)


@dataclass(slots=True)
class AppKeeper(StatusKeeper):
    """Keeps the status and the address of an OAuth portal; the authorization server has to confirm a new address."""

    app: OAuthApp
    tokens: TokenSource = field(repr=False)
    allowed: Sequence[str] = ()

    def failed(self, error: PortalError) -> None:
        """Stores the status too; where the application was removed its tokens are worth nothing and are forgotten."""
        if isinstance(error, AppRemoved) and self.portal.status in (CONNECTED, PAUSED):
            self.portals.application_removed(self.portal)
        StatusKeeper.failed(self, error)  # super() does not find a class with slots

    def moved(self, error: PortalMoved) -> Credential:
        """Stores the portal's new address and returns a credential for it.

        The address must be allowed, and the authorization server must confirm it for this `member_id`, before
        anything is sent there. Raises AddressRefused and OtherPortal.
        """
        address = parse_address(error.location, self.allowed)
        installation = self._installation()
        if (installation.member_id, installation.address) != (self.portal.member_id, address):
            raise self._unconfirmed(address) from None
        self.portals.set_domain(self.portal, address.written)
        logger("portals").warning("moved", portal=self.portal.name, domain=address.written)
        return AppCredential(address, self.tokens)

    def _installation(self) -> Installation:
        token = self.tokens.access_token()
        try:
            return self.app.installation(token)
        except TokenExpired:
            return self.app.installation(self.tokens.refresh(token))

    def _unconfirmed(self, address: PortalAddress) -> OtherPortal:
        return OtherPortal(
            self.portal.name,
            f"answers with a redirect to {address.host}, which the authorization server does not confirm "
            "as its address; connect it again with `b24 portal connect`",
        )
