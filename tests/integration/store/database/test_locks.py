"""Locks that a role of the database which is not ours cannot keep from us."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from b24_pipeline.store.database.locks import claims, held
from b24_pipeline.store.database.run_lock import alive, is_alive
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server
from tests.support.installation import execute, fetch

HELD = """
    select classid::bigint << 32 | objid::bigint as key from pg_locks
    where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
"""


@contextmanager
def stranger(server: Server, warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """A session of a role that has no rights of ours."""
    role = server.role("stranger")
    text = warehouse.url.for_role(role, None).for_people(hide_password=False)
    with psycopg.connect(text, autocommit=True) as connection:
        yield connection


def seen_keys(connection: psycopg.Connection) -> list[int]:
    return [key for (key,) in connection.execute(HELD.encode())]


def test_a_stranger_who_sees_a_key_cannot_keep_it_from_us(server: Server, warehouse: Warehouse) -> None:
    """The key of a held lock can be seen by everybody: whoever waits for it and gets it has a key of no worth."""
    with stranger(server, warehouse) as other:
        with held(warehouse, "work", wait_seconds=0) as got:
            assert got
            (key,) = seen_keys(other)
            waiting = threading.Thread(target=other.execute, args=("select pg_advisory_lock(%s)", (key,)))
            waiting.start()
            time.sleep(0.3)
            with held(warehouse, "work", wait_seconds=0) as second:
                assert not second
        waiting.join()
        assert seen_keys(other) == [key]
        with held(warehouse, "work", wait_seconds=0) as again:
            assert again
            assert len(seen_keys(other)) == 2
            with held(warehouse, "work", wait_seconds=0) as second:
                assert not second


def test_a_stranger_cannot_read_the_keys(server: Server, warehouse: Warehouse) -> None:
    """Neither the table nor a row of it can be read or locked."""
    with stranger(server, warehouse) as other:
        for statement in (b"select key from bitrix24_locks", b"select from bitrix24_locks for update"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute(statement)


def test_a_shared_lock_of_a_stranger_is_given_up_too(server: Server, warehouse: Warehouse) -> None:
    """Sharing is no way round it, and the claims of a run find the new key as well."""
    with stranger(server, warehouse) as other, claims(warehouse) as claimed:
        assert claimed.take("work")
        (key,) = seen_keys(other)
        claimed.give_back("work")
        other.execute("select pg_advisory_lock_shared(%s)", (key,))
        assert claimed.take("work")
        assert not claimed.take("work")


def test_a_run_is_alive_by_our_own_lock_alone(server: Server, warehouse: Warehouse) -> None:
    """A stranger's lock of the same key keeps no run alive; the lock of a run that ended is forgotten."""
    with stranger(server, warehouse) as other:
        with alive(warehouse, "run-1"):
            assert warehouse.transact(is_alive, "run-1")
            (key,) = seen_keys(other)
        other.execute("select pg_advisory_lock(%s)", (key,))
        assert not warehouse.transact(is_alive, "run-1")
    assert fetch(warehouse, "select name from bitrix24_locks where name like 'run %%'") == []


def test_every_account_has_its_locks(warehouse: Warehouse) -> None:
    """Made with the account, and gone with it."""
    execute(
        warehouse, "insert into user_accounts (name, bitrix24_domain) values ('acme', 'acme.bitrix24.com')"
    )
    assert len(fetch(warehouse, "select from bitrix24_locks where user_account_id is not null")) == 3
    execute(warehouse, "delete from user_accounts")
    assert fetch(warehouse, "select from bitrix24_locks where user_account_id is not null") == []
