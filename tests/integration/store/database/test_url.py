"""A URL leads every one of our ways to connect where it leads PostgreSQL's own psql."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy
from dagster_postgres import DagsterPostgresStorage

from b24_pipeline.commands.psql import psql_of
from b24_pipeline.defs.instance.storage import storage_url
from b24_pipeline.errors import DatabaseUnavailable, SettingsError
from b24_pipeline.read.connection import reading
from b24_pipeline.store.database.connecting.url import read_url
from b24_pipeline.store.database.dagster_schema import being_set_up
from b24_pipeline.store.database.migrations import applying, migrate
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.servers.postgres import TcpServer

NAME, ROLE, PASSWORD = "b24 продажи?%#/x+y", "ann@acme:b24", "p/w% +"
WHERE = """
    select current_database(), current_user, current_setting('application_name'), current_setting('work_mem'),
        coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false), inet_server_port()
"""


def encoded(text: str) -> str:
    return quote(text, safe="")


LOGIN, DATABASE = f"{encoded(ROLE)}:{encoded(PASSWORD)}", encoded(NAME)
# HOST, FOLDER and PORT are those of the server; CERTIFICATES is the folder with the roots
URLS = {
    "every part encoded": f"postgresql://{LOGIN}@HOST:PORT/{DATABASE}?application_name=x",
    "the other scheme": "postgres://postgres@HOST:PORT/postgres?application_name=x",
    "no name of a database": "postgresql://postgres@HOST:PORT?application_name=x",
    "a plus is a plus": "postgresql://postgres@HOST:PORT/postgres?application_name=a+b%20c%2Bd",
    "options": "postgresql://postgres@HOST:PORT/postgres?application_name=x&options=-c%20work_mem%3D5MB%20-c%20jit%3Don",
    "a folder as the host": "postgresql://postgres@FOLDER:PORT/postgres?application_name=x",
    "a folder as an option": f"postgresql:///{DATABASE}?host=FOLDER&port=PORT&user=postgres&application_name=x",
    "no host at all": "postgresql://postgres@:PORT/postgres?application_name=x",
    "a dead host and a live one": "postgresql://postgres@HOST:1,HOST:PORT/postgres?application_name=x",
    "the one that writes": "postgresql://postgres@HOST:1,HOST:PORT/postgres?target_session_attrs=read-write&application_name=x",
    "a service": "postgresql://?service=acme&application_name=x",
    "a service, and what comes before it": f"postgresql://{LOGIN}@/postgres?service=acme&application_name=x",
    "TLS that is verified": f"postgresql://{LOGIN}@HOST:PORT/postgres?sslmode=verify-full&sslrootcert=CERTIFICATES/root.crt&application_name=x",
    "TLS by its short name": "postgresql://postgres@HOST:PORT/postgres?ssl=true&application_name=x",
    "no TLS": "postgresql://postgres@HOST:PORT/postgres?sslmode=disable&application_name=x",
}  # fmt: skip


@pytest.fixture
def at(tls_server: TcpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """What the words in the URLs stand for. A service file and the place of the socket are in the environment."""
    file = tmp_path / "services"
    file.write_text(
        f"[acme]\nhost=127.0.0.1\nport={tls_server.port}\nuser=postgres\ndbname={NAME}\n"
        "options=-c work_mem=6MB\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    monkeypatch.setenv("PGHOST", str(tls_server.folder))
    yield {
        "HOST": "127.0.0.1",
        "PORT": str(tls_server.port),
        "FOLDER": encoded(str(tls_server.folder)),
        "CERTIFICATES": encoded(str(tls_server.folder)),
    }


def filled(url: str, at: Mapping[str, str]) -> str:
    for word, value in at.items():
        url = url.replace(word, value)
    return url


def by_psql(command: list[str], env: Mapping[str, str] | None = None) -> list[str]:
    asked = subprocess.run(
        [*command, "-XAtc", WHERE], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip().split("|")


def pooled(url: str) -> tuple[object, ...]:
    warehouse = Warehouse(url)
    try:
        with warehouse.connect() as connection:
            return connection.execute(WHERE).fetchone() or ()
    finally:
        warehouse.close()


def looking_once(url: str) -> tuple[object, ...]:
    warehouse = Warehouse(url, looks_once=True)
    try:
        with warehouse.connect() as connection:
            return connection.execute(WHERE).fetchone() or ()
    finally:
        warehouse.close()


def of_readers(url: str) -> tuple[object, ...]:
    with reading(url) as connection:
        return tuple(connection.exec_driver_sql(WHERE).one())


def of_migrations(url: str) -> tuple[object, ...]:
    with applying(read_url(url)) as backend:
        return tuple(backend.execute(WHERE).fetchone())


def of_dagster(url: str) -> tuple[object, ...]:
    engine = sqlalchemy.create_engine(storage_url(url))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("show search_path").scalar_one() == "dagster"
        found = tuple(connection.exec_driver_sql(WHERE).one())
    engine.dispose()
    return found


def of_psql(url: str) -> list[str]:
    command, env = psql_of(url)
    return by_psql(command, env)


WAYS = (pooled, looking_once, of_readers, of_migrations, of_dagster, of_psql)


@pytest.mark.parametrize("case", URLS)
def test_all_ways_lead_to_where_psql_goes(case: str, at: Mapping[str, str]) -> None:
    """The same database, role, name of the session, setting, encryption and address."""
    url = filled(URLS[case], at)
    expected = by_psql(["psql", url])
    for way in WAYS:
        found = [str(value if value is not None else "") for value in way(url)]
        assert [{"True": "t", "False": "f"}.get(value, value) for value in found] == expected, way.__name__


@pytest.mark.parametrize("case", URLS)
def test_the_url_for_people_is_one(case: str, at: Mapping[str, str]) -> None:
    """Pasted into psql with its password it leads to the same place; as it is shown it has none."""
    url = read_url(filled(URLS[case], at))
    assert read_url(url.for_people(hide_password=False)) == url
    assert encoded(PASSWORD) not in url.for_people()
    assert PASSWORD not in url.for_people()
    assert url.place.endswith(f"/{url.database}")


def test_a_root_that_did_not_sign_is_refused(at: Mapping[str, str]) -> None:
    """By every way; by ours in one line, which says what was wrong."""
    url = filled(
        "postgresql://postgres@HOST:PORT/?sslmode=verify-full&sslrootcert=CERTIFICATES/other.crt", at
    )
    for way in (pooled, looking_once, of_readers):
        with pytest.raises(DatabaseUnavailable, match="certificate verify failed") as refused:
            way(url)
        assert "\n" not in str(refused.value)
    for other, error in (
        (of_migrations, psycopg.OperationalError),
        (of_dagster, sqlalchemy.exc.OperationalError),
    ):
        with pytest.raises(error, match="certificate verify failed"):
            other(url)
    with pytest.raises(AssertionError, match="certificate verify failed"):
        of_psql(url)


def test_a_service_that_is_missing_is_named(at: Mapping[str, str]) -> None:
    """As soon as it is used."""
    with pytest.raises(DatabaseUnavailable, match='definition of service "nobody" not found'):
        pooled("postgresql://?service=nobody")


def test_the_tables_are_made_where_the_url_leads(at: Mapping[str, str]) -> None:
    """Ours by the migrations, and Dagster's."""
    url = filled(URLS["every part encoded"], at)
    warehouse = Warehouse(url)
    assert len(migrate(warehouse)) > 10
    warehouse.close()
    with being_set_up(url):
        DagsterPostgresStorage(storage_url(url))
    with psycopg.connect(url) as connection:
        made = "select to_regclass('dagster.runs'), to_regclass('public.user_accounts')"
        assert connection.execute(made).fetchone() == ("dagster.runs", "user_accounts")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:secret@db:port/b24",
        "postgresql://ann:se@secret@db/b24",
        "postgresql://ann:50%secret@db/b24",
        "postgresql://ann:secret@db/b24?nothing=secret",
        "postgresql://ann:secret@db/b24?options=-c a=b",
        "host=db password=secret",
        "mysql://ann:secret@db/b24",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_text(url: str) -> None:
    """It may hold a password; what is said is how one is written."""
    with pytest.raises(SettingsError, match="DATABASE_URL cannot be read; expected postgresql://") as refused:
        read_url(url)
    assert "secret" not in str(refused.value)


def test_one_s_own_driver_in_the_scheme_is_overlooked() -> None:
    """As SQLAlchemy writes URLs, which `read` is given by people."""
    assert read_url("postgresql+psycopg2://ann@db/b24") == read_url("postgresql://ann@db/b24")
