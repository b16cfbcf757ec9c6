"""Authorizations that were begun: each comes back once, in time, to the browser that began it."""

from __future__ import annotations

from dataclasses import dataclass, field

from b24_pipeline.errors import OtherBrowser, StateExpired, StateForged, StateUsed
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Begun:
    """What was asked for when the browser was sent away.

    `domain` has its port where it is not the usual one. `account_state`: how the account stood then. `age_seconds`: how
    long ago that was when the browser came back.
    """

    name: str
    domain: str
    entity_type: str
    account_state: str = ""
    age_seconds: float = field(default=0.0, compare=False)


class OAuthStates:
    """The states of authorizations, kept in the database."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def begin(self, nonce: str, begun: Begun, browser_digest: str, *, seconds: float) -> None:
        """Stores the state of an authorization for so many seconds."""
        with self._warehouse.connect() as connection:
            _sql.forget_old(connection)
            _sql.begin(
                connection,
                nonce=nonce,
                portal_name=begun.name,
                domain=begun.domain,
                entity_type=begun.entity_type,
                account_state=begun.account_state,
                browser_digest=browser_digest,
                seconds=seconds,
            )

    def use(self, nonce: str, browser_digest: str, *, seconds: float) -> Begun:
        """Returns what was begun, once; `seconds`: how long a state may live.

        Raises StateForged, OtherBrowser, StateUsed, StateExpired.
        """
        with self._warehouse.connect() as connection:
            found = _sql.use(connection, nonce=nonce, browser_digest=browser_digest, seconds=seconds)
            if found:
                return Begun(*found)
            seen = _sql.look(connection, nonce=nonce)
        if seen is None:
            raise StateForged("authorization", "no authorization with this state was begun; begin again")
        used, digest, domain = seen
        if digest != browser_digest:
            raise OtherBrowser(
                domain, "it was begun in another browser, or cookies are off; begin again in this one"
            )
        if used:
            raise StateUsed(domain, "this authorization has come back before; begin again")
        raise StateExpired(domain, "it was begun more than 10 minutes ago; begin again")
