"""A PostgreSQL on TCP with TLS, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.installation import free_port
from tests.support.servers.postgres import (
    SYSTEM,
    TcpServer,
    certify,
    initialise,
    own_folder,
    running,
)

RULES = (
    "local all all trust",
    "host all postgres 127.0.0.1/32 trust",
    "host all all 127.0.0.1/32 scram-sha-256",
)


@pytest.fixture(scope="session")
def tls_server() -> Iterator[TcpServer]:
    """Debian's PostgreSQL: the embedded one was built without TLS."""
    assert SYSTEM, "no PostgreSQL of the system: make test-programs, or sudo apt-get install postgresql"
    with own_folder("b24tls") as folder:
        initialise(SYSTEM[-1], folder, RULES)
        certify(folder)
        keys = ("ssl=on", f"ssl_cert_file={folder}/server.crt", f"ssl_key_file={folder}/server.key")
        with running(SYSTEM[-1], folder, free_port(), *(f"-c {key}" for key in keys)) as server:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("""create role "ann@acme:b24" superuser login password 'p/w% +'""")
                connection.execute('create database "b24 продажи?%#/x+y"')
            yield server
