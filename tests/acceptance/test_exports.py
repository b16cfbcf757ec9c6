"""Figures as files: `b24 funnel` and `b24 export`."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.database.warehouse import Warehouse
from tests.acceptance.conftest import B24, call_b24, connect, environment, run_b24
from tests.conftest import Server
from tests.support.data import model_data

EXACT = "12345678901234567.89"


@pytest.fixture
def database_url(server: Server) -> Iterator[str]:
    """A database of random histories with built models; one stage has an amount that no float holds."""
    url = server.prepared("figures to export", _fill)
    yield url
    server.drop(url)


def _fill(url: str) -> None:
    warehouse = Warehouse(url)
    with warehouse.connect() as connection:
        model_data.populate(connection, 5)
        connection.execute("update bitrix24_deals set opportunity = 0.10, currency_id = 'RUB'")
        connection.execute(f"update bitrix24_deals set opportunity = {EXACT} where id = 1")
        connection.execute("update bitrix24_deals set category_id = 0, stage_id = (select min(status_id)"
                           " from bitrix24_pipeline_stages where entity_type = 'deal' and category_id = 0)"
                           " where id = 1")  # fmt: skip
    build(warehouse.connect, load_project())
    warehouse.close()


def test_funnel_has_every_digit_in_every_format(b24_here: B24, database_url: str, tmp_path: Path) -> None:
    """Amounts come as they are in the table, on stdout and in a file, as CSV and as JSON."""
    with psycopg.connect(database_url) as connection:
        (total,) = connection.execute(
            "select sum(opportunity) from bitrix24_deals d join user_accounts a on d.user_account_id = a.id"
            " where a.name = 'acme' and deleted_at is null and is_recurring is not true"
        ).fetchone() or (None,)
    for form in ("csv", "json"):
        printed = b24_here("funnel", "acme", "--entity-type", "deal", "--format", form)
        assert printed.returncode == 0, printed.stderr
        file = tmp_path / f"funnel.{form}"
        assert b24_here("funnel", "acme", "--entity-type", "deal", "--output", str(file)).returncode == 0
        assert file.read_text("utf-8").splitlines() == printed.stdout.splitlines()
        if form == "csv":
            rows = list(csv.DictReader(printed.stdout.splitlines()))
            amounts = [json.loads(row["amounts_by_currency"], parse_float=Decimal) for row in rows]
        else:
            rows = json.loads(printed.stdout, parse_float=Decimal)
            amounts = [row["amounts_by_currency"] for row in rows]
        assert sum(Decimal(row["amount_in_stage"] or 0) for row in rows) == total
        assert sum(Decimal(one) for row in amounts for one in row.values()) == total


def test_a_mart_is_written_whole_and_by_days(b24_here: B24, database_url: str, tmp_path: Path) -> None:
    """The rows of the table, of one portal, of days by its clock."""
    file = tmp_path / "deals.json"
    done = b24_here("export", "fct_stage_interval", "acme", "--output", str(file))
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text("utf-8"))
    with psycopg.connect(database_url) as connection:
        expected = connection.execute(
            "select (entered_at at time zone 'Europe/Moscow')::date::text from analytics.fct_stage_interval"
            " where portal = 'acme' order by 1"
        ).fetchall()
    assert len(rows) == len(expected) > 50
    assert f"{len(rows)} rows in" in done.stderr
    first, last = expected[20][0], expected[-20][0]
    some = b24_here("export", "fct_stage_interval", "acme", "--from", first, "--to", last)
    found = list(csv.DictReader(some.stdout.splitlines()))
    assert len(found) == len([day for (day,) in expected if first <= day <= last])
    assert {row["portal"] for row in found} == {"acme"}


def test_names_of_a_portal_do_nothing_on_the_screen_and_in_a_spreadsheet(
    b24_here: B24, database_url: str, tmp_path: Path
) -> None:
    """A stage's name is on one line without control characters; in CSV it is no formula, unless --raw is given."""
    name = '=HYPERLINK("http://evil.example")\x1b[2J\u202e\nall is lost'
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update bitrix24_pipeline_stages set status_name = %s, category_name = %s"
            " where entity_type = 'deal' and category_id = 0",
            (name, name),
        )
        connection.execute("update bitrix24_pipelines set name = %s where category_id = 0", (name,))
    assert b24_here("models").returncode == 0
    shown = b24_here("funnel", "acme", "--entity-type", "deal").stdout
    assert "HYPERLINK" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert not [line for line in shown.splitlines() if line.startswith("all is lost")]
    for raw, expected in (((), f"'{name}"), (("--raw",), name)):
        told = b24_here("funnel", "acme", "--entity-type", "deal", "--format", "csv", *raw).stdout
        assert expected in {row["status_name"] for row in csv.DictReader(io.StringIO(told))}
        told = b24_here("export", "dim_stage", "acme", *raw).stdout
        assert expected in {row["status_name"] for row in csv.DictReader(io.StringIO(told))}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "deals", "acme"), "no mart is called 'deals'; known: "),
        (("export", "funnel_as_of", "acme"), "analytics.funnel_as_of("),
        (("export", "fct_deal", "nobody"), "no portal is called 'nobody'"),
        (("export", "funnel_stats", "acme", "--from", "2026-01-01"), "funnel_stats has no dates"),
        (("export", "fct_deal", "acme", "--from", "1.1.2026"), "'1.1.2026' is no day"),
        (("export", "fct_deal", "acme", "--output", "deals.xlsx"), "say by --format"),
        (("export", "fct_deal", "acme", "--output", "/nowhere/deals.csv"), "cannot be written"),
        (("funnel", "acme", "--format", "table", "--output", "funnel.csv"), "a table is for the terminal"),
    ],
)
def test_wrong_usage_is_told_in_one_line(
    b24_here: B24, database_url: str, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2, one line, and what there is instead."""
    told = b24_here(*arguments)
    assert (told.returncode, told.stderr.count("\n")) == (2, 1), told.stderr
    assert says in told.stderr


def test_memory_does_not_grow_with_the_rows(
    b24_env: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    """A mart of 25,000 wide rows, 50 MB, is written in little more memory than one of none."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into analytics.funnel_daily (portal, entity_type, category_id, status_id)"
            " select 'acme', 'deal', n, repeat('x', 2000) from generate_series(1, 25000) as n"
        )
    code = textwrap.dedent("""
        import resource, sys
        from b24_pipeline.cli import main
        import b24_pipeline.read.rows
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sys.argv = ["b24", "export", "funnel_daily", "acme", "--output", "big.csv"]
        try:
            main()
        except SystemExit:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], env=b24_env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (tmp_path / "big.csv").stat().st_size > 50_000_000
    assert int(done.stdout) < 30_000, done.stdout  # kB


def test_the_role_of_an_analyst_is_enough(
    server: Server, b24_here: B24, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without B24_SECRET_KEYS, and without rights on anything but the marts, files are the same as the owner's."""
    role = server.role("ann")
    assert b24_here("analysts", "grant", role).returncode == 0
    address = make_url(database_url).set(username=role).render_as_string(hide_password=False)
    env = environment(DATABASE_URL=address)
    for command in (("funnel", "acme"), ("export", "dim_stage", "acme", "--format", "json")):
        told = call_b24(monkeypatch, tmp_path, env, command)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout == b24_here(*command).stdout
    told = call_b24(monkeypatch, tmp_path, env, ("funnel", "nobody"))
    assert (told.returncode, "'nobody'; connected: acme" in told.stderr) == (2, True)
    asked = ("psql", "-tAc", "select count(*) > 0 from analytics.fct_deal")
    shown = run_b24(*asked, cwd=tmp_path, env=env)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "t\n", "")
    assert b24_here("analysts", "revoke", role).returncode == 0
    for refused in (("funnel", "acme"), ("export", "dim_stage", "acme")):
        told = call_b24(monkeypatch, tmp_path, env, refused)
        assert (told.returncode, told.stderr.count("\n"), "b24 analysts grant" in told.stderr) == (1, 1, True)


def test_a_reader_who_goes_away_is_no_error(
    server: Server, b24_here: B24, b24_env: dict[str, str], sandbox: Sandbox
) -> None:
    """As `| head -1` does: whatever is printed, nothing is said of it, and the exit code is that of the work."""
    env = b24_env | {"DATABASE_URL": server.fresh()}
    connect(partial(b24_here, env=env), sandbox)
    assert b24_here("sync", "acme", env=env).returncode == 0
    for command in ("status", "status --json", "funnel acme", "export fct_deal acme", "models --all-tests"):
        running = subprocess.Popen(
            [sys.executable, "-m", "b24_pipeline", *command.split()],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stdout and running.stderr
        if not command.startswith("models"):
            running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
        assert (command, running.wait(), said) == (command, 0, "")
        running.stderr.close()
    server.drop(env["DATABASE_URL"])
