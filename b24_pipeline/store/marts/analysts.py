"""Roles of analysts and BI tools: they read the marts and nothing of the raw tables.

A mart that is made later, or takes another's place, is granted to them as it
is built (`grant_on`): default privileges would give the staging models too,
which have phones in clear.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from b24_pipeline.errors import NoCustomFields, RoleReadsMore, RolesNotOurs, UnknownRole, UsageError
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.statements import quoted, statement
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.marts.custom_fields import schema_of

_sql = queries.load(__file__)

LIMITS: Mapping[str, str] = {
    "statement_timeout": "5min",  # a forgotten query would keep models from being replaced
    "idle_in_transaction_session_timeout": "10min",
    "default_transaction_read_only": "on",
    "idle_session_timeout": "1h",  # a forgotten session holds one of the role's connections
}
"""Defaults of a role's sessions, which it may change; what it may not is in its rights and MOST_CONNECTIONS."""

MOST_CONNECTIONS = 10
_PASSWORD_BYTES = 24
_COMMENT = re.compile(r"^--.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Readable:
    """The schema for analysts, its marts, and the schemas of the models that they are built of."""

    schema: str
    marts: Sequence[str]
    inner: Sequence[str]


@dataclass(frozen=True, slots=True)
class Granted:
    """`password` of a role that was made; `limits_refused`: what is left for an administrator to do, as SQL."""

    password: str | None
    limits_refused: Sequence[str]


@dataclass(frozen=True, slots=True)
class Analyst:
    """A role that reads the marts, and the portals whose custom fields it reads too."""

    role_name: str
    granted_at: datetime
    custom_fields: list[str]


def analysts(warehouse: Warehouse) -> list[Analyst]:
    """Every role that may read the marts, by name."""
    with warehouse.connect() as connection, connection.cursor(row_factory=class_row(Analyst)) as cursor:
        return cursor.execute(_sql.roles.sql).fetchall()


def grant(
    warehouse: Warehouse,
    role: str,
    readable: Readable,
    *,
    custom_fields: Iterable[str] = (),
    create_login: bool = False,
) -> Granted:
    """Lets a role read the marts, and the custom fields of these portals.

    All or nothing. Raises UnknownRole, NoCustomFields, RolesNotOurs where it is
    not ours to make roles, and RoleReadsMore where the role could read our
    other tables.
    """
    with warehouse.connect() as connection:
        password = _create_login(connection, role) if create_login else None
        if not _sql.role_exists(connection, role=role):
            raise UnknownRole(
                f"the database has no role {role!r}; `b24 analysts grant {role} --create-login` makes one"
            )
        _allow_marts(connection, role, readable)
        for portal in custom_fields:
            _allow_custom_fields(connection, role, portal)
        _require_no_more(connection, role, readable)
        return Granted(password, limits_refused=_limit(connection, role))


def revoke(warehouse: Warehouse, role: str, schema: str) -> list[str]:
    """Takes the rights of a role back; the role itself stays. Raises UnknownRole.

    Returns what the role can still read in this database, because somebody else has granted it.
    """
    with warehouse.connect() as connection:
        if not _sql.forget(connection, role=role) or not _sql.role_exists(connection, role=role):
            raise UnknownRole(
                f"nothing was granted to a role {role!r}; `b24 analysts list` shows those that read the marts"
            )
        for readable in (schema, *(name for (name,) in _sql.schemas_of_fields(connection))):
            for refuse in ("refuse_later_in_schema", "refuse_all_in_schema", "refuse_schema"):
                _run(connection, refuse, schema=sql.Identifier(readable), role=sql.Identifier(role))
        _attempt(connection, _reset(connection, role))
        return [relation for (relation,) in _sql.still_read(connection, role=role)]


def grant_on(connection: Connection, schema: str, mart: str) -> None:
    """Grants a mart that was just built to every analyst's role that cannot read it yet."""
    for (role,) in list(_sql.without(connection, relation=quoted(schema, mart))):
        _run(connection, "allow_relation", relation=sql.Identifier(schema, mart), role=sql.Identifier(role))


def _create_login(connection: Connection, role: str) -> str:
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    digest = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    try:
        _run(connection, "create_login", role=sql.Identifier(role), password=sql.Literal(digest))
    except psycopg.errors.DuplicateObject:
        raise UsageError(f"the role {role} is there already; run it without --create-login") from None
    except psycopg.errors.ReservedName:
        raise UsageError(f"PostgreSQL keeps the name {role} for itself; choose another") from None
    except psycopg.errors.InsufficientPrivilege:
        raise RolesNotOurs(role) from None
    return password


def _allow_marts(connection: Connection, role: str, readable: Readable) -> None:
    schema, who = sql.Identifier(readable.schema), sql.Identifier(role)
    _run(connection, "allow_schema", schema=schema, role=who)
    # of a role that was given the whole schema by hand
    _run(connection, "refuse_later_in_schema", schema=schema, role=who)
    for (name,) in list(_sql.present_schemas(connection, schemas=list(readable.inner))):
        for refuse in ("refuse_later_in_schema", "refuse_all_in_schema", "refuse_schema"):
            _run(connection, refuse, schema=sql.Identifier(name), role=who)
    _sql.note(connection, role=role)
    for (name,) in list(_sql.present(connection, schema=readable.schema, names=list(readable.marts))):
        grant_on(connection, readable.schema, name)


def _allow_custom_fields(connection: Connection, role: str, portal: str) -> None:
    found = schema_of(connection, portal)
    if found is None:
        raise NoCustomFields(portal)
    for allow in ("allow_schema", "allow_all_in_schema", "allow_later_in_schema"):
        _run(connection, allow, schema=sql.Identifier(found), role=sql.Identifier(role))


def _require_no_more(connection: Connection, role: str, readable: Readable) -> None:
    beyond = _sql.reads_beyond(connection, role=role, schemas=["public", *readable.inner])
    if beyond is not None:
        raise RoleReadsMore(role, beyond)


def unlimited(warehouse: Warehouse) -> list[str]:
    """Analysts' roles that lack the limits of `grant`, such as those of an earlier version."""
    with warehouse.connect() as connection:
        return [role for (role,) in _sql.unlimited(connection, most=MOST_CONNECTIONS)]


def _limit(connection: Connection, role: str) -> list[str]:
    """Sets the limits of a role; returns the statements that our role may not run."""
    where = {"role": sql.Identifier(role), "database": sql.Identifier(connection.info.dbname)}
    settings = [
        statement("set_limit", name=sql.Identifier(name), value=sql.Literal(value), **where)
        for name, value in LIMITS.items()
    ]
    most = []
    if _sql.takes_more(connection, role=role, most=MOST_CONNECTIONS):
        most = [statement("limit_connections", role=where["role"], most=sql.Literal(MOST_CONNECTIONS))]
    temporary = [
        statement(f"{name}_temporary_tables", database=where["database"]) for name in ("keep", "refuse")
    ]
    large = []
    if _sql.stores_large_objects(connection, role=role):
        large = [statement(f"{name}_large_objects") for name in ("keep", "refuse")]
    refused = [] if _attempt(connection, settings) else settings
    refused += [] if _attempt(connection, most) else most
    # PostgreSQL only warns where a right is not ours to take
    if not _sql.owns_database(connection) or not _attempt(connection, temporary):
        refused += temporary[1:]
    if not _sql.owns_functions(connection) or not _attempt(connection, large):
        refused += large
    return [" ".join(_COMMENT.sub("", each.as_string(connection)).split()) for each in refused]


def _reset(connection: Connection, role: str) -> list[sql.SQL]:
    where = {"role": sql.Identifier(role), "database": sql.Identifier(connection.info.dbname)}
    return [statement("reset_limits", **where)]


def _attempt(connection: Connection, statements: Iterable[sql.SQL]) -> bool:
    """Runs these, all or none; False where our role may not."""
    try:
        with connection.transaction():
            for each in statements:
                connection.execute(each)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _run(connection: Connection, name: str, /, **parts: Any) -> None:
    connection.execute(statement(name, **parts))
