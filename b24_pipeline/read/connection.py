"""A connection for reading, and what it tells where reading fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from b24_pipeline.errors import DatabaseBusy, DatabaseUnavailable, ReadingRefused

_REFUSED = "42501"
_TOO_LONG = "57014"


@contextmanager
def reading(url: str | None = None, engine: Engine | None = None) -> Iterator[Connection]:
    """A read-only transaction: of the engine, else at the URL, else where the settings say.

    Raises DatabaseUnavailable, ReadingRefused, and DatabaseBusy where the role's time limit was not enough.
    """
    chosen = engine or _engine(url or _own_url())
    try:
        with chosen.connect() as connection:
            yield connection.execution_options(postgresql_readonly=True)
    except DBAPIError as error:
        raise _told(error) from None


def _own_url() -> str:
    from b24_pipeline.runtime import database_url
    from b24_pipeline.settings import settings

    return database_url(settings())


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    from b24_pipeline.store.database.warehouse import Warehouse

    return Warehouse(url, pool_size=2).engine


def _told(error: DBAPIError) -> Exception:
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    said = str(error.orig).partition("\n")[0]
    if state == _REFUSED:
        return ReadingRefused(said)
    if state == _TOO_LONG:
        return DatabaseBusy("the query took longer than this role may; narrow it by portal and days")
    if state is None:
        return DatabaseUnavailable(
            f"the database cannot be used: {said[:300]}; is it running, is the URL right?"
        )
    return error
