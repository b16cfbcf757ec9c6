"""A read-only connection, and the errors of reading."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from b24_pipeline.errors import (
    DatabaseBusy,
    DatabaseError,
    DatabaseNotMigrated,
    DatabaseUnavailable,
    ReadingRefused,
    SettingsError,
    UnknownPortal,
)

_REFUSED = "42501"
_TOO_LONG = "57014"


@contextmanager
def reading(url: str | None = None, engine: Engine | None = None, *, grant: str = "") -> Iterator[Connection]:
    """A read-only transaction: of the engine, else at the URL, else in the database of the settings.

    Raises DatabaseUnavailable, ReadingRefused where the role may not read, and DatabaseBusy where the
    query took longer than the role may. `grant`: what `b24 analysts grant ROLE` needs besides for what is read.
    """
    chosen = engine or _engine(url or _own_url())
    try:
        with chosen.connect() as connection:
            yield connection.execution_options(postgresql_readonly=True)
    except DBAPIError as error:
        raise _reading_error(error, grant) from None
    except (UnknownPortal, DatabaseNotMigrated) as error:
        note = None if url or engine else _which_database()
        if note:  # what was asked for may be in the other one
            error.args = (f"{error}; {note}",)
        raise


def engine(url: str | None = None) -> Engine:
    """The engine at the URL, else of the database of the settings, for a query of your own; it changes nothing.

        pandas.read_sql("select * from analytics.dim_stage", read.engine())

    Raises SettingsError where the settings name no database that can be read.
    """
    return _engine(url or _own_url()).execution_options(postgresql_readonly=True)


def _own_url() -> str:
    from b24_pipeline.settings import settings

    given = settings().database_url
    if given:
        return given.get_secret_value()
    try:  # the embedded server needs more packages than reading does
        from b24_pipeline.runtime import database_url, require_database, settings_of_data

        chosen = settings_of_data()
        require_database(chosen)
        return database_url(chosen)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"DATABASE_URL is not set, and the embedded database needs the package {error.name}; "
            "set it, or install all of b24-pipeline"
        ) from None


def _which_database() -> str | None:
    """Which of several databases the settings lead to."""
    from b24_pipeline.demo_home import which_database
    from b24_pipeline.settings import read_settings

    chosen = given = read_settings()
    url = given.database_url.get_secret_value() if given.database_url else None
    if not url:
        from b24_pipeline.runtime import settings_of_data

        chosen = settings_of_data()
    return which_database(chosen.b24_home, given.b24_home, url=url, is_named=given.has_home)


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    from b24_pipeline.store.database.warehouse import Warehouse

    engine = Warehouse(url, pool_size=2).engine
    atexit.register(_close_in, os.getpid(), engine)
    return engine


def _close_in(process: int, engine: Engine) -> None:
    """Closes what is idle as this process ends. In a fork of it the connections are the parent's."""
    if os.getpid() == process:
        engine.dispose()


def _reading_error(error: DBAPIError, grant: str) -> Exception:
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    reason = str(error.orig).partition("\n")[0]
    if state == _REFUSED:
        return ReadingRefused(reason, grant)
    if state == _TOO_LONG:
        return DatabaseBusy("the query took longer than this role may; narrow it by portal and days")
    if state is None:
        return DatabaseUnavailable(
            f"the database cannot be used: {reason[:300]}; is it running, is the URL right?"
        )
    return DatabaseError(f"the database refused to read: PostgreSQL error {state}")
