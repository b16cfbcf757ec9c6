"""The application tokens that prove a portal's events: several a portal, kept as digests.

Whoever holds an access token of our application can make a portal's account learn a token. So a token that is learnt
takes the place of none that was told by the operator or by an installation, and what it proves is little: an event
is a hint to fetch, and the removal of the application is confirmed by our own credential.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Literal
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

MOST_FROM_EVENTS = 10
"""The tokens of one portal that were learnt from events; an application that is added anew brings one."""

LearntFrom = Literal["operator", "installation", "event"]


def learn(connection: Connection, account: UUID, token: str, learnt_from: LearntFrom) -> None:
    """Notes that this token proves the portal's events."""
    _sql.learn(connection, account=account, digest=digest(token), learnt_from=learnt_from)
    _sql.forget_oldest(connection, account=account, most=MOST_FROM_EVENTS)


def is_known(connection: Connection, account: UUID, token: str) -> bool:
    """Whether this token proves the portal's events."""
    return bool(_sql.is_known(connection, account=account, digest=digest(token)))


def forget(connection: Connection, *accounts: UUID) -> None:
    """Forgets every token of these portals."""
    _sql.forget(connection, accounts=list(accounts))


def application_removed(connection: Connection, *accounts: UUID) -> None:
    """Forgets every token of portals from which our application was removed, those that it called them by too."""
    forget(connection, *accounts)
    _sql.forget_tokens(connection, accounts=list(accounts))


def digest(token: str) -> str:
    """The SHA-256 of a token in hexadecimal."""
    return sha256(token.encode()).hexdigest()
