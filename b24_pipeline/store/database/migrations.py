"""Brings the database up to date with the numbered SQL files of `migrations/`.

yoyo reads and orders them and keeps the list of those applied. Each is applied
and noted there in one transaction, so that a kill leaves nothing half done.
Its own lock is a row that a killed process leaves behind; an advisory lock of
PostgreSQL, which dies with its connection, is held instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import psycopg

from b24_pipeline.errors import DatabaseBusy, DatabaseError, DatabaseNotMigrated, DatabaseTooNew
from b24_pipeline.paths import bundled
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.connecting.url import DatabaseUrl
from b24_pipeline.store.database.faults import described
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.warehouse import Warehouse

_sql = queries.load(__file__)

PATIENCE_SECONDS = 600


def migrate(warehouse: Warehouse) -> list[str]:
    """Applies what is missing and returns the names; two at once wait for one another.

    Raises DatabaseTooNew where the database has migrations that this version does not know,
    and DatabaseBusy after a long wait.
    """
    with held(warehouse, "migrations", wait_seconds=PATIENCE_SECONDS) as got:
        if not got:
            raise DatabaseBusy(
                f"another migration of this database has been running for more than {PATIENCE_SECONDS} s; "
                "try again when it is done"
            )
        with warehouse.connect() as connection:
            _refuse_newer(connection)
            applied = _applied(connection)
        if applied.issuperset(known()):
            return []  # a role that may not change tables can ask too, such as a service that migrates as it starts
        try:
            return _apply(warehouse)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable) as error:
            raise DatabaseError(
                f"the role of DATABASE_URL may not change the tables of {warehouse.url.place}: {described(error)}; "
                "run `b24 migrate` as its owner"
            ) from None


def check_migrated(warehouse: Warehouse) -> None:
    """Raises DatabaseNotMigrated or DatabaseTooNew unless the database fits this version."""
    with warehouse.connect(looks=True) as connection:
        _refuse_newer(connection)
        applied = _applied(connection)
    missing = [name for name in known() if name not in applied]
    if missing:
        raise DatabaseNotMigrated(
            f"the database lacks {len(missing)} of {len(known())} migrations; run `b24 migrate`"
        )


def check_readable(warehouse: Warehouse) -> None:
    """Like `check_migrated`, for a role that may read the marts alone: to it nothing is said of migrations."""
    with warehouse.connect(looks=True) as connection:
        may_read = _sql.may_read_history(connection)
    if may_read:
        check_migrated(warehouse)


def known() -> list[str]:
    """The names of all migrations of this version, in order."""
    return sorted(path.stem for path in bundled("migrations").glob("*.sql"))


def _refuse_newer(connection: psycopg.Connection) -> None:
    newer = sorted(_applied(connection) - set(known()))
    if newer:
        raise DatabaseTooNew(
            f"a newer version of b24-pipeline has migrated this database (it has {newer[-1]}); "
            "install that version, or use another database"
        )


def _applied(connection: psycopg.Connection) -> set[str]:
    if not _sql.has_history(connection):
        return set()
    return {name for (name,) in _sql.applied(connection)}


def _apply(warehouse: Warehouse) -> list[str]:
    from yoyo import read_migrations

    with applying(warehouse.url, is_pooled=warehouse.sessions.is_pooled) as backend:
        backend.break_lock()  # of a process that was killed: ours is held, so nobody else is at work
        todo = list(backend.to_apply(read_migrations(str(bundled("migrations")))))
        for migration in todo:
            try:
                _apply_one(backend, migration)
            except psycopg.Error as error:
                raise DatabaseError(
                    f"the migration {migration.id} failed and changed nothing: {described(error)}"
                ) from None
    return [migration.id for migration in todo]


def _apply_one(backend: Any, migration: Any) -> None:
    with backend.transaction():
        for step in migration.steps:
            step.apply(backend)
        backend.mark_one(migration, log=False)


@contextmanager
def applying(url: DatabaseUrl, *, is_pooled: bool = False) -> Iterator[Any]:
    """yoyo's backend on a connection of ours: yoyo reads URLs by rules of its own. Poolers refuse options."""
    from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
    from yoyo.connections import parse_uri
    from yoyo.migrations import default_migration_table

    without = {"options": ""} if is_pooled else {}

    class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
        """Connects as we do."""

        def connect(self, dburi: object) -> psycopg.Connection:
            del dburi
            return psycopg.connect(**cast(Any, {**url.given, **without}), autocommit=True)

    backend = Backend(parse_uri("postgresql+psycopg://"), default_migration_table)
    with closing(backend.connection):
        backend.init_database()
        yield backend
