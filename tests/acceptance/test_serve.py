"""`b24 serve` as an operator runs it: a process of its own, asked over HTTP, stopped by a signal."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, environment
from tests.support.installation import free_port
from tests.support.servers.live_service import app_environment
from tests.support.servers.serving import serve
from tests.support.servers.web_service import CANARY

STOP_SECONDS = 15


def test_a_portal_is_connected_by_the_printed_link(b24: B24, b24_env: dict[str, str], tmp_path: Path) -> None:
    """`b24 portal connect` prints a link; a browser that follows it ends connected; no secret is written anywhere."""
    port = free_port()
    config = SandboxConfig(
        leads=20,
        deals=20,
        client_secret=CANARY,
        redirect_uri=f"http://127.0.0.1:{port}/bitrix24/callback",
    )
    with Sandbox(config) as sandbox:
        env = b24_env | app_environment(sandbox, port) | {"BITRIX24_CLIENT_SECRET": CANARY}
        printed = b24("portal", "connect", "acme", sandbox.url, env=env)
        assert printed.returncode == 0, printed.stderr
        link = printed.stdout.strip()
        with (
            serve(tmp_path, env, port) as process,
            httpx.Client(trust_env=False, timeout=20) as browser,
        ):
            to_portal = browser.get(link)
            agreed = browser.get(to_portal.headers["location"] + "&confirm=Y")
            page = browser.get(agreed.headers["location"])
            assert page.status_code == 200, page.text
            sandbox.change(3, seed=1, kinds=("stage",))
            sandbox.wait_for_events()
            assert {str(sent.status) for sent in sandbox.events_sent} == {"200"}
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
        listed = b24("portal", "list", env=env)
        assert "acme" in listed.stdout
    written = (tmp_path / "serve.log").read_text()
    assert re.search(r"path=/bitrix24/callback request=\w+ status=200", written)
    code = agreed.headers["location"].partition("code=")[2].partition("&")[0]
    for secret in (CANARY, code, "state="):
        assert secret not in written


def test_a_request_under_way_is_finished(b24_env: dict[str, str], tmp_path: Path) -> None:
    """SIGTERM while a body is still coming: it is answered, then the process is gone with exit 0."""
    port = free_port()
    with serve(tmp_path, b24_env, port) as process:

        def slow_body() -> Iterator[bytes]:
            yield b"event="
            process.send_signal(signal.SIGTERM)
            time.sleep(1)
            yield b"X"

        answer = httpx.post(
            f"http://127.0.0.1:{port}/webhooks/bitrix24", content=slow_body(), trust_env=False
        )
        assert answer.status_code == 400
        assert process.wait(STOP_SECONDS) == 0


def test_an_idle_connection_does_not_hold_up_the_end(b24_env: dict[str, str], tmp_path: Path) -> None:
    """Whoever keeps a connection open without asking anything is not waited for, when the terminal is closed."""
    port = free_port()
    with serve(tmp_path, b24_env, port) as process, httpx.Client(trust_env=False) as client:
        client.get(f"http://127.0.0.1:{port}/healthz")
        started = time.monotonic()
        process.send_signal(signal.SIGHUP)
        assert process.wait(STOP_SECONDS) == 0
        assert time.monotonic() - started < 5
    said = (tmp_path / "serve.log").read_text()
    assert f"note: the service listens at port {port}, but links" in said
    assert f"put B24_PUBLIC_URL=http://127.0.0.1:{port} into .env" in said


def test_a_taken_port_is_told(b24_here: B24, b24_env: dict[str, str]) -> None:
    """One line and exit 2."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("serve", "sandbox"):
            refused = b24_here(command, "--port", port)
            assert refused.returncode == 2
            assert refused.stderr == f"b24: 127.0.0.1:{port} is taken already; choose another with --port\n"


def test_the_embedded_default_makes_itself_a_key(tmp_path: Path) -> None:
    """Without DATABASE_URL the management key is a file that only its owner can read."""
    port = free_port()
    with serve(tmp_path, environment(B24_HOME=str(tmp_path / "home")), port):
        key = tmp_path / "home" / "admin.key"
        assert key.stat().st_mode & 0o077 == 0
        address = f"http://127.0.0.1:{port}/bitrix24/status"
        told = httpx.get(address, headers={"Authorization": f"Bearer {key.read_text()}"}, trust_env=False)
        assert told.json()["connected"] is False
        assert httpx.get(address, trust_env=False).status_code == 401


@pytest.mark.parametrize("settings", [{"BITRIX24_CLIENT_ID": "local.1"}, {"B24_SECRET_KEYS": ""}])
def test_settings_that_do_not_fit_are_told(b24_here: B24, settings: dict[str, str]) -> None:
    """It refuses to start, and says which is missing."""
    refused = b24_here("serve", "--port", "0", env=settings)
    assert refused.returncode == 1
    assert "BITRIX24_CLIENT_SECRET" in refused.stderr or "B24_SECRET_KEYS" in refused.stderr
