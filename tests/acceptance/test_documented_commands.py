"""What pages and messages tell a reader to type works as it stands, in the order in which it stands there."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, environment
from tests.support.installation import free_port, raw
from tests.support.printed import PAGES, ROOT, blocks, printed, run_in_shell
from tests.support.servers.live_service import app_environment
from tests.support.servers.serving import serve
from tests.support.servers.web_service import KEY as ADMIN_KEY

TESTED_ELSEWHERE = {
    "make ": "tests/acceptance/test_setup.py",
    "export PATH=": "the shell's",
    ".venv/bin/pytest ": "this is one",
    "b24 up": "tests/acceptance/defs/test_dagster_dev.py",
    "python3 -m venv": "tests/acceptance/test_install.py",
    ".venv/bin/pip ": "tests/acceptance/test_install.py",
    "pip install ": "tests/acceptance/test_install.py",
    ".venv/bin/jupyter ": "a package of the analyst's own",
    "sudo systemctl ": "only root on a machine with systemd",
    "git ": "a server's checkout",
    "cp .env.example": "tests/acceptance/deploy/test_compose.py reads it",
    "docker compose ": "needs Docker; what each service runs: tests/acceptance/deploy/test_compose.py",
    "deploy/image.sh ": "tests/acceptance/deploy/test_image.py builds the usual one",
    "docker push ": "needs a registry",
    "cd deploy/": "for the commands after it",
    "kubectl ": "needs a cluster; what is applied: tests/unit/deploy/test_kubernetes.py",
    "helm ": "needs a cluster, too",
    "psql -": "tests/acceptance/test_roles.py",
    "export B24_DBT_": "tests/acceptance/models/test_dbt.py",
    "dbt ": "tests/acceptance/models/test_dbt.py",
    "dg ": "tests/integration/defs/test_embedded.py",
    "b24 dump ": "tests/acceptance/test_dump.py",
    "createdb ": "tests/acceptance/test_operations.py",
    "pg_restore ": "tests/acceptance/test_operations.py",
    "curl ": "below",
    "api=": "below",
    "key=": "below",
}
LEADS = "phone,Тел,Мой баннер,Кампания,Дата\n+7 921 555-01-02,+7 921 555-01-03,spring,ads,2026-10-02 10:00\n"
PLACES = {
    "pipeline-stages/ID": "bitrix24_pipeline_stages",
    "directions/ID": "account_directions",
    "creativeId=ID": "creatives",
}
SERVICE = 9220
"""The port at which the sandbox is told to find our service."""
API = ROOT / "docs" / "api.md"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small portal that has what the pages choose."""
    with Sandbox(SandboxConfig(leads=300, deals=300, invoices=5)) as portal:
        yield portal


@pytest.fixture
def roles(database_url: str) -> Iterator[None]:
    """The roles that the pages name: one is there, one they make."""
    with raw(database_url) as connection:
        connection.execute("create role metabase login")
        yield
        for role in ("metabase", "ann"):
            connection.execute(f"drop owned by {role}".encode())
            connection.execute(f"drop role {role}".encode())


def with_b24(env: dict[str, str]) -> dict[str, str]:
    """The environment of a shell that finds `b24`, as the pages have it."""
    return env | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def reading_order() -> list[Path]:
    """The README first: it connects the portal that other pages go on with."""
    return sorted(PAGES, key=lambda page: (page.name != "README.md", page.name == "analysts.md", str(page)))


def to_run() -> list[str]:
    """The commands of all pages, each once."""
    every = dict.fromkeys(command for page in reading_order() for command in blocks(page))
    return [command for command in every if not command.startswith(tuple(TESTED_ELSEWHERE))]


@pytest.mark.usefixtures("roles")
def test_commands_of_pages_work(
    b24_here: B24,
    b24_env: dict[str, str],
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
) -> None:
    """All of them on one portal, page by page; then the calls of the management API."""
    own = {"B24_WEBHOOK_URL": sandbox.webhook_url}
    (tmp_path / "leads.csv").write_text(LEADS, "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO("an-application-token\n"))
    commands = to_run()
    assert len(commands) > 20
    for command in commands:
        words = shlex.split(command)
        if words[0] == "b24" and "|" not in words:
            answer = b24_here(*words[1:], env=own)
        else:
            answer = run_in_shell(command, tmp_path, with_b24(b24_env | own))
        assert answer.returncode == 0, (command, answer.stderr)

    port = free_port()
    env = b24_env | app_environment(sandbox, port) | {"B24_ADMIN_KEY": ADMIN_KEY}
    (tmp_path / ".b24").mkdir(exist_ok=True)
    (tmp_path / ".b24" / "admin.key").write_text(ADMIN_KEY)
    with serve(tmp_path, env, port):
        for call in calls(database_url, sandbox, port):
            answer = run_in_shell(call, tmp_path, env)
            assert answer.returncode == 0, (call, answer.stdout, answer.stderr)


def calls(database_url: str, sandbox: Sandbox, port: int) -> Iterator[str]:
    """The calls of docs/api.md, each with what the page sets before it, and with ids that there are."""
    text = API.read_text("utf-8").replace("127.0.0.1:8024", f"127.0.0.1:{port}")
    before = "; ".join(command for command in blocks(API) if not command.startswith("curl"))
    before = before.replace("127.0.0.1:8024", f"127.0.0.1:{port}")
    found = re.findall(r"`(curl [^`]+)`", text.partition("## Without a key")[0])
    found += [command for command in blocks(API) if command.startswith("curl")]
    assert len(found) > 15
    for call in found:
        to_sandbox = with_ids(call, database_url).replace("acme.bitrix24.com", sandbox.url)
        yield f"{before}; {to_sandbox.replace('curl ', 'curl -sS --fail-with-body ', 1)}"


def with_ids(call: str, database_url: str) -> str:
    """The call with an id that is there now: the calls before it have made some."""
    with raw(database_url) as connection:
        for place, table in PLACES.items():
            if place in call:
                (known,) = connection.execute(f"select id from {table} limit 1".encode()).fetchone() or ("",)
                return call.replace(place, place.replace("ID", str(known)))
    return call


def test_what_the_sandbox_prints_connects_it(tmp_path: Path) -> None:
    """In another shell of its folder, by webhook and by OAuth; settings that it needs are in .env afterwards."""
    (tmp_path / ".env").write_text("B24_ALLOWED_PORTALS=crm.example.com\n")
    command = [
        sys.executable,
        "-u",
        "-m",
        "b24_pipeline",
        "sandbox",
        *("--port", "0", "--leads", "20", "--deals", "20"),
        *("--redirect-uri", f"http://127.0.0.1:{SERVICE}/bitrix24/callback"),
    ]
    portal = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True)
    assert portal.stdout
    try:
        told = [portal.stdout.readline() for _ in range(16)]
        assert "application token" in told[-1]
        done = []
        for command_line in printed("".join(told)):
            if command_line.endswith(f"b24_pipeline serve --port {SERVICE}"):
                continue  # it runs until Ctrl-C; tests/acceptance/test_serve.py opens the link that is printed next
            done.append(run_in_shell(command_line, tmp_path, environment()))
            assert done[-1].returncode == 0, (command_line, done[-1].stderr)
    finally:
        portal.kill()
        portal.communicate()
    assert "in stage" in done[3].stdout
    link = httpx.URL(done[-1].stdout.strip())
    assert (link.port, link.path) == (SERVICE, "/bitrix24/auth")
    assert "B24_ALLOWED_PORTALS=crm.example.com,127.0.0.1" in (tmp_path / ".env").read_text()
