"""Confirms that our application was removed from a portal, by our own credential.

The event that says so proves itself by an application token alone (docs/bitrix24-rest.md, section 7.3), and whoever
has one could make us forget a portal's tokens. Where our own credential still works, nothing was removed.
"""

from __future__ import annotations

from uuid import UUID

from b24_pipeline.errors import (
    AppRemoved,
    AuthorizationRefused,
    CredentialRefused,
    PortalDisconnected,
    ReauthorizationRequired,
    TokenExpired,
)
from b24_pipeline.log import logger
from b24_pipeline.sync.connections import Connections

_GONE = (
    AppRemoved,
    AuthorizationRefused,
    CredentialRefused,
    PortalDisconnected,
    ReauthorizationRequired,
    TokenExpired,
)


class Removals:
    """Asks portals whether our application is still there; any number of threads may use it."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def is_removed(self, account: UUID) -> bool:
        """Whether the account's own OAuth credential is refused.

        A portal with a webhook credential has no application of ours, so nothing of it can be removed. Raises
        PortalError where the portal cannot tell.
        """
        portal = next((known for known in self._connections.portals.all() if known.id == account), None)
        if portal is None or portal.connected_by != "oauth":
            return False
        try:
            with self._connections.client(portal) as client:
                client.call("profile")
        except _GONE:
            return True
        logger("receiver").warning("a removal was refused: our own credential works", portal=portal.name)
        return False
