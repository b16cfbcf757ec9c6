"""A portal's OAuth tokens, refreshed by one process at a time.

A refresh token works once (docs/bitrix24-rest.md, section 2 leaves it open; we
assume it), so of all processes that meet an expired access token one asks,
under the portal's row lock, and the others wait and take what it stored. A
process that dies lets go of the lock with its connection. One that dies after
the authorization server has rotated and before we have committed has lost the
pair: the next refresh is refused, and after a pause a person has to connect
the portal again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from b24_pipeline.bitrix.auth.oauth import Tokens
from b24_pipeline.errors import AuthorizationRefused, PortalError, ReauthorizationRequired
from b24_pipeline.log import logger
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.portals.portal import REAUTHORIZATION_REQUIRED, Portal
from b24_pipeline.store.portals.portals import ACCESS_TOKEN, REFRESH_TOKEN

_sql = queries.load(__file__)

PAUSE_SECONDS = 30.0  # between a first refusal and asking once more
HOLD_SECONDS = 25  # longer than the authorization server may take (`oauth.TIMEOUTS`)

Refresher = Callable[[str], Tokens]


def fault(_point: str) -> None:
    """A named point at which a test kills this process; does nothing else."""


class StoredTokens:
    """The TokenSource of one portal; any number of threads and processes may share the row.

    `refresher` exchanges a refresh token at the authorization server.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        vault: Vault,
        portal: Portal,
        refresher: Refresher,
        *,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._warehouse = warehouse
        self._vault = vault
        self._portal = portal
        self._refresher = refresher
        self._pause = pause
        self._token: str | None = None
        self._unsaved: tuple[str, Tokens] | None = None  # refresh token that was used -> what came for it
        self._guard = threading.Lock()

    def access_token(self) -> str:
        """The present access token. Raises ReauthorizationRequired where there is none."""
        token = self._token
        return token if token is not None else self._first_token()

    def refresh(self, stale: str) -> str:
        """A token other than `stale`: what another process stored, or a new one.

        Raises AuthorizationRefused where the refresh token is not accepted or
        was not a moment ago, ReauthorizationRequired once that is final, and
        what the refresher raises.
        """
        with self._guard:
            if self._token in (None, stale):
                self._token = self._renewed(stale)
            return str(self._token)

    def _first_token(self) -> str:
        with self._guard:
            if self._token is None:
                with self._warehouse.connect() as connection:
                    locked = _sql.access_token(connection, id=self._portal.id)
                self._token = self._open(ACCESS_TOKEN, locked)
            return self._token

    def _renewed(self, stale: str) -> str:
        found = self._warehouse.transact(self._under_lock, stale)
        if isinstance(found, PortalError):  # what is remembered of it is committed
            raise found
        self._unsaved = None
        return found

    def _under_lock(self, connection: Connection, stale: str) -> str | PortalError:
        _sql.bound_hold(connection, patience=f"{HOLD_SECONDS}s")
        row: tuple[Any, ...] = _sql.hold_tokens(connection, id=self._portal.id) or (None,) * 4
        locked_access, locked_refresh, status, refused_ago = row
        stored = self._open(ACCESS_TOKEN, locked_access)
        if stored != stale:
            return stored
        if status == REAUTHORIZATION_REQUIRED:
            return self._gone("its refresh token was refused")
        if refused_ago is not None and refused_ago < 0:  # the clock was put back: the pause begins anew
            _sql.note_refusal(connection, id=self._portal.id)
            refused_ago = 0.0
        if refused_ago is not None and refused_ago < self._pause:
            return self._cooling(refused_ago)
        try:
            tokens = self._rotated(self._open(REFRESH_TOKEN, locked_refresh))
        except AuthorizationRefused as error:
            return self._remember(connection, error, again=refused_ago is not None)
        self._store(connection, tokens)
        return tokens.access_token

    def _rotated(self, refresh_token: str) -> Tokens:
        """Returns new tokens; where their commit was lost with its connection, those that it would have stored."""
        fault("held")
        if self._unsaved is None or self._unsaved[0] != refresh_token:
            self._unsaved = refresh_token, self._refresher(refresh_token)
            fault("after_rotate")
        return self._unsaved[1]

    def _store(self, connection: Connection, tokens: Tokens) -> None:
        account = self._portal.id
        _sql.rotate(
            connection,
            id=account,
            access_token=self._vault.lock(account, ACCESS_TOKEN, tokens.access_token),
            refresh_token=self._vault.lock(account, REFRESH_TOKEN, tokens.refresh_token),
            expires_at=tokens.expires_at,
        )

    def _remember(self, connection: Connection, error: AuthorizationRefused, *, again: bool) -> PortalError:
        if not again:
            _sql.note_refusal(connection, id=self._portal.id)
            return AuthorizationRefused(
                self._portal.name, error.method, error.code, error.description, error.status
            )
        reason = f"its refresh token was refused twice ({error.code.lower()})"
        _sql.require_authorization(connection, id=self._portal.id, reason=reason)
        logger("tokens").error("reauthorization required", portal=self._portal.name, reason=reason)
        return self._gone(reason)

    def _cooling(self, refused_ago: float) -> PortalError:
        said = f"refused {refused_ago:.0f} s ago; it is tried again after {self._pause:.0f} s"
        return AuthorizationRefused(self._portal.name, "oauth/token", "INVALID_GRANT", said, 400)

    def _gone(self, reason: str) -> ReauthorizationRequired:
        return ReauthorizationRequired(self._portal.name, reason)

    def _open(self, column: str, locked: str | None) -> str:
        if not locked:
            raise self._gone("it has no OAuth tokens")
        return self._vault.open(self._portal.id, column, locked)
