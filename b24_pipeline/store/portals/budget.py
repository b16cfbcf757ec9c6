"""The budget of every portal in PostgreSQL: shared by all processes, by the database's clock.

One row a bucket, one statement a request (see `budget.sql`): nothing is
held between statements, so a process that dies has wasted at most its slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import psycopg
from limits.errors import ConfigurationError
from limits.storage import Storage

from b24_pipeline.bitrix.budget.shared import LeakyBucketSupport, Operating
from b24_pipeline.store.database.queries import load
from b24_pipeline.store.database.warehouse import Connect

LONGEST_LEVEL_SECONDS = 1e8
"""An interval of PostgreSQL has an end; three years are as good as none."""


class PostgresBudgetStorage(Storage, LeakyBucketSupport):
    """Leaky buckets in `bitrix24_budget`.

    `connect` gives a connection in autocommit, or one that commits when left;
    a URL is taken too, as `limits.storage.storage_from_string` hands one over.
    """

    STORAGE_SCHEME = ["postgresql", "postgres"]  # noqa: RUF012  declared so by limits

    def __init__(self, connect: Connect | str, wrap_exceptions: bool = False) -> None:
        super().__init__(wrap_exceptions=wrap_exceptions)
        self._connect: Connect = _opener(connect) if isinstance(connect, str) else connect
        self._queries = load(__file__)

    def pour(self, key: str, seconds: float, most: float) -> float | None:
        with self._connect() as connection:
            level = self._queries.pour(
                connection, bucket=key, seconds=seconds, most=min(most, LONGEST_LEVEL_SECONDS)
            )
            return None if level is None else float(level)

    def level(self, key: str) -> float:
        with self._connect() as connection:
            return float(self._queries.level(connection, bucket=key) or 0.0)

    def fill(self, key: str, seconds: float) -> None:
        with self._connect() as connection:
            self._queries.fill(connection, bucket=key, seconds=seconds)

    def clear(self, key: str) -> None:
        with self._connect() as connection:
            self._queries.clear_bucket(connection, bucket=key)

    def reset(self) -> int | None:
        with self._connect() as connection:
            return int(self._queries.clear_all(connection))

    def check(self) -> bool:
        with self._connect() as connection:
            return bool(self._queries.is_there(connection))

    @property
    def base_exceptions(self) -> type[Exception]:
        return psycopg.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise _no_counter()

    def get(self, key: str) -> int:
        raise _no_counter()

    def get_expiry(self, key: str) -> float:
        raise _no_counter()


class PostgresOperatingStore:
    """Operating time by method in `bitrix24_operating`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._queries = load(__file__)

    def read(self, bucket: str) -> Mapping[str, Operating]:
        with self._connect() as connection:
            rows: list[tuple[Any, ...]] = list(self._queries.operating(connection, bucket=bucket))
        return {method: Operating(*map(float, figures)) for method, *figures in rows}

    def write(self, bucket: str, method: str, operating: Operating) -> None:
        with self._connect() as connection:
            self._queries.note_operating(
                connection,
                bucket=bucket,
                method=method,
                seconds=operating.seconds,
                reset_in=operating.reset_in,
                blocked_for=operating.blocked_for,
            )


def _opener(url: str) -> Connect:
    return partial(psycopg.connect, url, autocommit=True)


def _no_counter() -> ConfigurationError:
    return ConfigurationError("this storage keeps leaky buckets, not counters: use LeakyBucketStrategy")
