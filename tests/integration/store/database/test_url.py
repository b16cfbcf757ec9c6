"""URLs of databases whose names, users and folders have to be percent-encoded."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, quote, unquote, urlsplit

import psycopg
import pytest
from dagster_postgres import DagsterPostgresStorage
from psycopg import sql

from b24_pipeline.defs.instance.storage import storage_url
from b24_pipeline.errors import SettingsError
from b24_pipeline.store.database.dagster_schema import being_set_up
from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.url import read_url
from b24_pipeline.store.database.warehouse import Warehouse
from tests.conftest import Server

NAME, ROLE = "b24 продажи?%#/x", "ann@acme:b24"


@pytest.fixture
def encoded(server: Server) -> Iterator[str]:
    """The URL of a database and a user whose names have every odd character, as libpq takes it."""
    socket = parse_qs(urlsplit(server.url).query)["host"][0]
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} superuser login").format(sql.Identifier(ROLE)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(NAME)))
    yield f"postgresql://{quote(ROLE, safe='')}:p%2Fw%25@/{quote(NAME, safe='')}?host={quote(socket, safe='')}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(NAME)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(ROLE)))


def test_every_part_of_a_url_is_decoded(encoded: str) -> None:
    """By us, by the migrations and by Dagster, like by libpq; what is shown can be pasted into psql."""
    warehouse = Warehouse(encoded)
    try:
        assert len(migrate(warehouse)) > 10
        with warehouse.connect() as connection:
            found = connection.execute("select current_database(), current_user").fetchone()
        assert found == (NAME, ROLE)
        with psycopg.connect(warehouse.place.replace("***", "p")) as shown:
            assert shown.info.dbname == NAME
    finally:
        warehouse.close()
    with being_set_up(encoded):
        DagsterPostgresStorage(storage_url(encoded))
    with psycopg.connect(encoded) as connection:
        assert connection.execute("select to_regclass('dagster.runs') is not null").fetchone() == (True,)


def test_a_folder_may_stand_in_place_of_the_host(server: Server) -> None:
    """As libpq allows it: percent-encoded."""
    socket = unquote(parse_qs(urlsplit(server.url).query)["host"][0])
    warehouse = Warehouse(f"postgresql://postgres@{quote(socket, safe='')}/postgres")
    try:
        with warehouse.connect() as connection:
            assert connection.info.dbname == "postgres"
    finally:
        warehouse.close()


def test_a_url_that_cannot_be_read_is_refused_without_its_text() -> None:
    """It may hold a password."""
    with pytest.raises(SettingsError, match="DATABASE_URL cannot be read; expected") as refused:
        read_url("postgresql://ann:secret@db:port/b24")
    assert "secret" not in str(refused.value)
