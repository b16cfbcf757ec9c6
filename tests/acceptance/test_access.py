"""`b24 access`: a key is made, used at the service, listed and revoked, as an operator does it."""

from __future__ import annotations

import getpass
from pathlib import Path

import httpx
import orjson

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, connect
from tests.support.installation import free_port
from tests.support.servers.serving import serve


def test_a_key_opens_what_it_was_made_for_until_it_is_revoked(
    b24: B24, b24_here: B24, b24_env: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """It is printed once, alone on stdout; the list tells its role, its portals and its use, and never the key."""
    connect(b24_here, sandbox)
    made = b24("access", "add", "Анна", "--role", "viewer", "--portal", "acme")
    assert (made.returncode, made.stderr) == (0, "this is shown once:\n")
    key = made.stdout.strip()
    port = free_port()
    with (
        serve(tmp_path, b24_env, port),
        httpx.Client(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client,
    ):
        client.headers["Authorization"] = f"Bearer {key}"
        assert client.get("/bitrix24/status").json()["account"] == "acme"
        assert client.delete("/bitrix24/disconnect").status_code == 403
        listed = b24_here("access", "list").stdout
        assert key not in listed
        assert listed.splitlines()[1].split()[:3] == ["Анна", "viewer", "acme"]
        assert b24_here("access", "revoke", "Анна").returncode == 0
        assert client.get("/bitrix24/status").status_code == 401
    assert key not in (tmp_path / "serve.log").read_text()


def test_the_audit_says_which_command_changed_what(b24_here: B24, sandbox: Sandbox, tmp_path: Path) -> None:
    """Who ran it on this machine, what was connected, loaded and made; a dry run changed nothing."""
    connect(b24_here, sandbox)
    b24_here("access", "add", "bot", "--role", "manager")
    file = tmp_path / "own leads.csv"
    file.write_text("name,phone,created_at\nAnna,+79161234567,2026-10-01\n")
    for options in (("--dry-run",), ()):
        assert b24_here("leads", "import", str(file), "acme", *options).returncode == 0
    changes = orjson.loads(b24_here("access", "audit", "--json").stdout)["changes"]
    found = [(one["changed_by"].split(" by ")[0], one["what"], one["subject"]) for one in changes]
    assert found == [
        ("b24 leads", "own leads", "own leads.csv"),
        ("b24 access", "key", "bot"),
        ("b24 portal", "portal", "acme"),
    ]
    assert changes[0]["changed_by"] == f"b24 leads by {getpass.getuser()}"
    assert changes[0]["after"] == {"added": 1, "changed": 0}
    lines = b24_here("access", "audit", "--portal", "acme").stdout.splitlines()
    assert len(lines) == 3 and "added=1 changed=0" in lines[1]


def test_mistakes_are_told_in_a_line(b24_here: B24) -> None:
    """A name that is taken, a portal or a key that there is none of, a name that is none, and a role that is none."""
    assert b24_here("access", "add", "bot", "--role", "manager").returncode == 0
    cases = [
        (
            ("add", "BOT", "--role", "viewer"),
            "a key is called 'BOT' already; revoke it first: b24 access revoke BOT",
        ),
        (("add", "x", "--role", "viewer", "--portal", "nobody"), "no portal is called 'nobody'"),
        (("add", "\n", "--role", "viewer"), "is no name for a key"),
        (("revoke", "nobody"), "no key is called 'nobody'; see: b24 access list"),
    ]
    for arguments, told in cases:
        ended = b24_here("access", *arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert told in ended.stderr and ended.stderr.count("\n") == 1, ended.stderr
    wrong = b24_here("access", "add", "y", "--role", "owner")
    assert wrong.returncode == 2 and "viewer" in wrong.stderr
