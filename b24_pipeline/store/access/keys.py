"""The keys of people and programs: made, listed, revoked, and recognised. The database holds only their SHA-256."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import psycopg
from psycopg.rows import class_row, dict_row

from b24_pipeline.errors import KeyNameTaken, UnknownKey, UsageError
from b24_pipeline.store.access import random_values
from b24_pipeline.store.access.holder import AccessRole, KeyHolder
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)

_PREFIX = "b24_"  # so that scanners of secrets recognise one
_NAME = re.compile(r"[^\W_][\w .,@+-]{0,62}")


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key that works. `portals`: names of those that a limited one sees. `last_used_at` None: it never was used."""

    name: str
    role: AccessRole
    is_limited: bool
    created_at: datetime
    last_used_at: datetime | None
    portals: list[str]


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """The keys of one database."""

    warehouse: Warehouse

    def add(self, name: str, role: AccessRole, portals: Sequence[Portal] = ()) -> str:
        """Makes a key and returns it: it can be read nowhere afterwards.

        `portals` limits it to these; without any it sees all. Raises UsageError and KeyNameTaken.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for a key; expected a letter or digit first, then letters, digits, blanks "
                "and . , @ + - _, at most 63 characters"
            ).of_case("key_name")
        key = _PREFIX + random_values.new_value()
        try:
            self.warehouse.transact(_add, name, role, key, portals)
        except psycopg.errors.UniqueViolation:
            raise KeyNameTaken(name) from None
        return key

    def all(self) -> list[AccessKey]:
        """The keys that are not revoked, by name."""
        with (
            self.warehouse.connect() as connection,
            connection.cursor(row_factory=class_row(AccessKey)) as cursor,
        ):
            return cursor.execute(_sql.keys.sql).fetchall()

    def one(self, name: str) -> AccessKey:
        """The key of this name that is not revoked; letter case is ignored. Raises UnknownKey."""
        found = next((key for key in self.all() if key.name.lower() == name.lower()), None)
        if found is None:
            raise UnknownKey(name)
        return found

    def revoke(self, name: str) -> None:
        """Ends a key at once. Raises UnknownKey."""
        with self.warehouse.connect() as connection:
            if not _sql.revoke(connection, name=name):
                raise UnknownKey(name)

    def holder(self, key: str) -> KeyHolder | None:
        """Whose key this is; None where it is nobody's. What cannot be a key costs no query."""
        return self.warehouse.transact(_holder, digest(key)) if is_shaped(key) else None


def is_shaped(key: str) -> bool:
    """Whether a text could be a key that we made."""
    return key.startswith(_PREFIX) and random_values.is_shaped(key.removeprefix(_PREFIX))


def digest(key: str) -> bytes:
    """What the database knows of a key. It is random enough to need no salt."""
    return sha256(key.encode(errors="surrogateescape")).digest()


def _add(connection: Connection, name: str, role: AccessRole, key: str, portals: Sequence[Portal]) -> None:
    _sql.add(
        connection,
        name=name,
        role=role,
        key_sha256=digest(key),
        is_limited=bool(portals),
        portals=[portal.id for portal in portals],
    )


def _holder(connection: Connection, key_sha256: bytes) -> KeyHolder | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_sql.holder.sql, {"key_sha256": key_sha256}).fetchone()
    if found is None:
        return None
    _sql.note_use(connection, key_sha256=key_sha256)
    portals = found["portals"]
    return KeyHolder(found["name"], found["role"], None if portals is None else frozenset(portals))
