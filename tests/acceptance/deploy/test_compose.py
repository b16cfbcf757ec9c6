"""`docker compose up -d`: every service's own command on this machine, in the file's order, on a real PostgreSQL."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.support.servers.compose import FOLDER, ROOT, VARIABLE, Compose

HEALTH = """
{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } }
  instance { daemonHealth { allDaemonStatuses { required healthy } } } }
"""
OURS = ("first", "migrate", "code", "ui", "daemon", "service")


@pytest.fixture
def compose(tmp_path: Path) -> Iterator[Compose]:
    """All services, up."""
    application = {"BITRIX24_CLIENT_ID": "local.1", "BITRIX24_CLIENT_SECRET": "of-the-application"}
    running = Compose(tmp_path, B24_ALLOWED_PORTALS="127.0.0.1", **application)
    try:
        running.up()
        yield running
    finally:
        running.stop()


@pytest.mark.image
@pytest.mark.timeout(900)
def test_all_services_start_in_order_and_work_together(compose: Compose) -> None:
    """A portal is connected and read inside; pages and Dagster answer by TLS, each with its login."""
    with httpx.Client(verify=_own_authority(compose), timeout=30, trust_env=False) as client:
        pages = f"https://localhost:{compose.ports['https']}"
        assert client.get(f"{pages}/healthz").status_code == 200
        for inside in ("/metrics", "/readyz", "/docs", "/openapi.json"):
            assert client.get(f"{pages}{inside}").status_code == 404
        key = {"authorization": f"Bearer {compose.secret('b24_admin_key')}"}
        with Sandbox(SandboxConfig(leads=5, deals=20)) as sandbox:
            b24(compose, "portal", "add", "acme", "--webhook-url", sandbox.webhook_url)
            assert "acme" in b24(compose, "sync", "--no-models")
        assert client.get(f"{pages}/bitrix24/status?account=acme", headers=key).json()["account"] == "acme"
        assert client.get(f"{pages}/bitrix24/status?account=acme").status_code == 401

        host = "dagster.localhost"
        ask: dict[str, Any] = {"headers": {"host": host}, "extensions": {"sni_hostname": host}}
        ask["json"] = {"query": HEALTH}
        assert client.post(f"{pages}/graphql", **ask).status_code == 401
        answer = client.post(f"{pages}/graphql", auth=("b24", compose.secret("dagster_password")), **ask)
        state = answer.json()["data"]
        (location,) = state["workspaceOrError"]["locationEntries"]
        assert location == {"name": "b24", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
        daemons = state["instance"]["daemonHealth"]["allDaemonStatuses"]
        assert all(daemon["healthy"] for daemon in daemons if daemon["required"])


def test_a_second_start_keeps_the_secrets(tmp_path: Path) -> None:
    """Keys that were made once open what is stored; only the secret that Bitrix24 gives is replaced by a new one."""
    made = []
    for given in ("one", "two"):
        compose = Compose(tmp_path, BITRIX24_CLIENT_SECRET=given)
        compose.start("first")
        assert compose.started["first"].wait(60) == 0, compose.log("first").read_text()
        files = sorted((tmp_path / "secrets").iterdir())
        made.append({file.name: (file.read_text(), oct(file.stat().st_mode)) for file in files})
    first, second = made
    assert first.pop("bitrix24_client_secret") == ("one", "0o100400")
    assert second.pop("bitrix24_client_secret") == ("two", "0o100400")
    assert first == second
    assert {name for name, (_, mode) in first.items() if mode == "0o100400"} == {
        "b24_admin_key",
        "b24_secret_keys",
        "database_url",
    }


@pytest.mark.parametrize("more", [(), ("celery.yaml",)], ids=["alone", "workers"])
def test_our_containers_may_write_nothing_but_their_volumes(more: tuple[str, ...]) -> None:
    """A read-only root, no capability, no new right; secrets are files, and no variable holds one."""
    services = Compose.read(*more)
    for name in OURS + (("worker",) if more else ()):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert name == "first" or not re.search(r"SECRET|PASSWORD|KEY", str(services[name]["environment"]))


def test_every_variable_of_the_file_is_explained() -> None:
    """`.env.example` names those that a user sets; all have a default."""
    explained = (FOLDER / ".env.example").read_text()
    images = {"POSTGRES_IMAGE", "CADDY_IMAGE", "REDIS_IMAGE"}
    text = "".join(file.read_text() for file in FOLDER.glob("*.yaml"))
    assert text.count("${") == len(VARIABLE.findall(text))
    assert {name for name, _ in VARIABLE.findall(text)} - images <= set(
        re.findall(r"^#?(\w+)=", explained, re.MULTILINE)
    )


def test_with_workers_all_take_the_image_that_speaks_to_the_broker() -> None:
    """Who hands runs over, takes them and ends them; the broker has a password, and no port outside."""
    services = Compose.read("celery.yaml")
    ours = [services[name] for name in (*OURS, "worker")]
    assert {service["image"] for service in ours} == {"b24-pipeline:celery"}
    assert {service["build"]["args"]["LOCK"] for service in ours} == {"deploy/celery.lock"}
    assert (ROOT / "deploy" / "celery.lock").exists()
    assert "ports" not in services["broker"]
    assert "--requirepass" in services["broker"]["command"][-1]
    # what the first file says stays
    assert services["code"]["command"] == Compose.read()["code"]["command"]
    assert services["first"]["environment"]["B24_HOST"] == "localhost"


def test_the_broker_is_named_as_long_as_there_is_one(tmp_path: Path) -> None:
    """The first start with workers makes its password, another keeps it; one without them takes the setting away."""
    made = []
    for more in (("celery.yaml",), ("celery.yaml",), ()):
        compose = Compose(tmp_path, *more)
        compose.start("first")
        assert compose.started["first"].wait(60) == 0, compose.log("first").read_text()
        files = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
        made.append((files.get("broker_password"), files.get("b24_broker_url", "").rpartition("@")[0]))
    password = made[0][0]
    assert password
    assert made == [(password, f"redis://:{password}"), (password, f"redis://:{password}"), (password, "")]


@pytest.mark.image
@pytest.mark.timeout(900)
def test_workers_of_the_compose_file_take_runs(tmp_path: Path) -> None:
    """All services but Caddy and the UI: a new portal is read by a run that the worker has taken."""
    compose = Compose(tmp_path, "celery.yaml", B24_ALLOWED_PORTALS="127.0.0.1")
    try:
        compose.up("caddy", "ui")
        with Sandbox(SandboxConfig(leads=5, deals=20)) as sandbox:
            b24(compose, "portal", "add", "acme", "--webhook-url", sandbox.webhook_url)
            deadline = time.monotonic() + 300
            while not (took := _workers_of_runs(compose)):
                assert time.monotonic() < deadline, compose.log("worker").read_text()[-3000:]
                time.sleep(1)
        assert took == {f"b24-{compose.started['worker'].pid}@{socket.gethostname()}"}
    finally:
        compose.stop()


def _workers_of_runs(compose: Compose) -> set[str]:
    """The workers of the reads of portals that ended well."""
    with psycopg.connect(compose.secret("database_url")) as connection:
        found = connection.execute(
            "select value from dagster.run_tags join dagster.runs using (run_id)"
            " where key = 'b24/worker' and status = 'SUCCESS' and pipeline_name = 'changes'"
        )
        return {worker for (worker,) in found}


def b24(compose: Compose, *arguments: str) -> str:
    """`docker compose run --rm service b24 ...`: what it printed."""
    done = subprocess.run(
        ["deploy/entrypoint.sh", "b24", *arguments],
        cwd=ROOT,
        env=compose.environment("service"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _own_authority(compose: Compose) -> ssl.SSLContext:
    """Caddy signs the certificate of a name of this machine itself, and needs a moment for it."""
    deadline = time.monotonic() + 60
    while not list((compose.folder / "caddy").rglob("dagster.localhost.crt")):
        assert compose.started["caddy"].poll() is None, compose.log("caddy").read_text()[-3000:]
        assert time.monotonic() < deadline, compose.log("caddy").read_text()[-3000:]
        time.sleep(0.2)
    root = next((compose.folder / "caddy").rglob("root.crt"))
    return ssl.create_default_context(cafile=str(root))
