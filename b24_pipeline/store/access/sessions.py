"""Browsers that are signed in: begun, recognised and ended. The database decides, so all processes agree.

It holds the SHA-256 of a session's value alone, so that whoever reads the table is signed in nowhere.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, dict_row

from b24_pipeline.bitrix.http.address import origin_of
from b24_pipeline.errors import KeyRefused
from b24_pipeline.store.access.holder import OPERATOR, AccessRole, KeyHolder
from b24_pipeline.store.access.keys import digest
from b24_pipeline.store.access.random_values import is_shaped, new_value
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)

SECONDS = 12 * 3600
"""A session that is not used ends after so long."""
GUEST_SECONDS = 3600
"""That of a person whom a portal has sent: the portal can send them again."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A person whom a portal has sent: its id, their number in it, and what they may do."""

    portal: UUID
    user: int
    role: AccessRole


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in, without what would let another one be it.

    `key_name`: the key that it was signed in with; None for the operator's, and for a person whom a portal has sent.
    """

    name: str
    key_name: str | None
    role: AccessRole
    started_at: datetime
    used_at: datetime
    ends_at: datetime


class Sessions:
    """The sessions of one database. `admin_key`: the operator's key; None where there is none."""

    def __init__(self, warehouse: Warehouse, admin_key: str | None) -> None:
        self._warehouse = warehouse
        self._admin_key = admin_key

    def begin(self, key: str | Guest) -> str:
        """Signs in whoever has this key, which the guard has recognised, or a guest; returns the session's value.

        Raises KeyRefused where the key was revoked meanwhile.
        """
        value = new_value()
        self._warehouse.transact(self._begin, value, key)
        return value

    def holder(self, value: str) -> KeyHolder | None:
        """Whose session this is; None where it is none, or over. Using it makes it last."""
        return self._warehouse.transact(self._holder, value) if is_shaped(value) else None

    def end(self, value: str) -> None:
        """Signs the browser out."""
        with self._warehouse.connect() as connection:
            _sql.end(connection, id_sha256=digest(value))

    def all(self) -> list[Session]:
        """Those that last, the latest used first."""
        with (
            self._warehouse.connect() as connection,
            connection.cursor(row_factory=class_row(Session)) as cursor,
        ):
            return cursor.execute(_sql.sessions.sql).fetchall()

    def _begin(self, connection: Connection, value: str, key: str | Guest) -> None:
        _sql.delete_ended(connection)
        guest = key if isinstance(key, Guest) else None
        given = None if isinstance(key, Guest) else key
        is_operator = (
            given is not None and given == self._admin_key
        )  # no secret is compared: the guard has done so
        begun = _sql.begin(
            connection,
            id_sha256=digest(value),
            key_sha256=digest(given) if given is not None and not is_operator else None,
            operator_proof=_proof(value, given) if given is not None and is_operator else None,
            user_account_id=guest and guest.portal,
            portal_user_id=guest and guest.user,
            role=guest and guest.role,
            seconds=GUEST_SECONDS if guest else SECONDS,
        )
        if not begun:
            raise KeyRefused("this key was revoked")

    def _holder(self, connection: Connection, value: str) -> KeyHolder | None:
        id_sha256 = digest(value)
        with connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(_sql.session.sql, {"id_sha256": id_sha256}).fetchone()
        if found is None or not self._is_proved(value, found["operator_proof"]):
            return None
        if found["is_to_be_renewed"]:
            _sql.renew(connection, id_sha256=id_sha256, seconds=SECONDS)
        return _holder_of(found)

    def _is_proved(self, value: str, proof: bytes | None) -> bool:
        """Whether the operator's key is still the one that the session was begun with; of other keys the row tells."""
        if proof is None:
            return True
        return self._admin_key is not None and hmac.compare_digest(proof, _proof(value, self._admin_key))


def delete_ended(warehouse: Warehouse) -> None:
    """Deletes those whose time is over, or whose key was revoked: they sign nobody in any more."""
    warehouse.transact(_sql.delete_ended)


def _holder_of(found: dict[str, Any]) -> KeyHolder:
    if found["operator_proof"] is not None:
        return OPERATOR
    portals = found["portals"]
    return KeyHolder(
        found["name"],
        found["role"],
        None if portals is None else frozenset(portals),
        origin_of(found["domain"]) if found["domain"] else None,
    )


def _proof(value: str, admin_key: str) -> bytes:
    """Tells that a session was begun with this key, and nothing to whoever does not have the session's value."""
    return hmac.digest(value.encode(), admin_key.encode(errors="surrogateescape"), "sha256")
