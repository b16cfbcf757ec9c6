"""Bad input: one clear line on stderr, the right exit code, and nothing stored or lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, KEY, Result, call_b24, connect, environment
from tests.support.expected.tables import rows

FAILURE, USAGE = 1, 2


def assert_refused(result: Result, code: int, *words: str) -> None:
    """One line that says these words; no traceback."""
    assert result.returncode == code, (result.stdout, result.stderr)
    complaint = [line for line in result.stderr.splitlines() if line.startswith("b24: ")]
    assert len(complaint) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word.lower() in complaint[0].lower(), complaint[0]


def accounts(url: str) -> int:
    """How many portals are stored."""
    return len(rows(url, "select id from user_accounts"))


def secret_of(sandbox: Sandbox) -> str:
    """The secret in the webhook's path."""
    return sandbox.webhook_url.rstrip("/").rsplit("/", 1)[1]


def test_wrong_webhook_secret_is_refused(b24_here: B24, database_url: str, sandbox: Sandbox) -> None:
    """A wrong secret is told apart from an unreachable portal, and the secret is not repeated."""
    wrong = sandbox.webhook_url.replace(secret_of(sandbox), "wrongsecret42")
    result = b24_here("portal", "add", "acme", "--webhook-url", wrong)
    assert_refused(result, FAILURE, "acme", "INVALID_CREDENTIALS", "webhook")
    assert "wrongsecret42" not in result.stdout + result.stderr
    assert accounts(database_url) == 0


def test_revoked_webhook_stops_the_sync_and_keeps_the_data(
    b24_here: B24, database_url: str, sandbox: Sandbox
) -> None:
    """After the credential was revoked, a sync says so once, and what was copied stays."""
    connect(b24_here, sandbox)
    assert b24_here("sync", "acme", "--no-models").returncode == 0
    sandbox.faults.add(Fault("revoke"))
    assert_refused(b24_here("sync", "acme", "--no-models"), FAILURE, "acme", "credential")
    assert len(rows(database_url, "select id from bitrix24_deals where deleted_at is null")) == 300


@pytest.mark.usefixtures("without_waits")
def test_unreachable_host_is_named(b24_here: B24, database_url: str) -> None:
    """A refused connection says that nothing answered there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    result = b24_here(
        "portal", "add", "acme", "--webhook-url", f"http://127.0.0.1:{port}/rest/1/abcdef123456/"
    )
    assert_refused(
        result, FAILURE, "acme", f"the connection to 127.0.0.1:{port} was refused", "`b24 sandbox`"
    )
    assert accounts(database_url) == 0


@pytest.mark.usefixtures("without_waits")
def test_unknown_host_is_named(b24_here: B24, database_url: str) -> None:
    """A name that does not exist says so."""
    result = b24_here(
        "portal",
        "add",
        "acme",
        "--webhook-url",
        "https://no-such-portal.invalid/rest/1/abcdef123456/",
        env={"B24_ALLOWED_PORTALS": "*.invalid"},
    )
    assert_refused(result, FAILURE, "no-such-portal.invalid")
    assert accounts(database_url) == 0


@pytest.fixture
def website() -> Iterator[str]:
    """A web server that is no portal."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/rest/1/abcdef123456/"
    server.shutdown()


@pytest.mark.usefixtures("without_waits")
def test_url_that_is_no_portal_is_refused(b24_here: B24, database_url: str, website: str) -> None:
    """A web page where JSON was expected is not taken for a portal."""
    assert_refused(b24_here("portal", "add", "acme", "--webhook-url", website), FAILURE, "acme", "HTML")
    assert accounts(database_url) == 0


def test_text_that_is_no_webhook_is_refused(b24_here: B24, database_url: str) -> None:
    """The error shows what a webhook looks like."""
    result = b24_here("portal", "add", "acme", "--webhook-url", "https://acme.bitrix24.ru/company/")
    assert_refused(result, FAILURE, "webhook", "/rest/")
    assert accounts(database_url) == 0


def test_missing_crm_scope_is_refused(b24_here: B24, database_url: str) -> None:
    """A credential without the scope crm is refused at once, naming the scope."""
    with Sandbox(SandboxConfig(leads=5, deals=5, scope=("user",))) as sandbox:
        result = b24_here("portal", "add", "acme", "--webhook-url", sandbox.webhook_url)
    assert_refused(result, FAILURE, "acme", "crm", "scope")
    assert accounts(database_url) == 0


def test_private_address_needs_permission(b24_here: B24, database_url: str, sandbox: Sandbox) -> None:
    """A loopback address is refused before any connection unless B24_ALLOWED_PORTALS names it."""
    result = b24_here(
        "portal", "add", "acme", "--webhook-url", sandbox.webhook_url, env={"B24_ALLOWED_PORTALS": ""}
    )
    assert_refused(result, FAILURE, "B24_ALLOWED_PORTALS")
    assert sandbox.stats.requests == 0
    assert accounts(database_url) == 0


def test_unknown_portal_name_lists_the_known(b24_here: B24, sandbox: Sandbox) -> None:
    """A typing error in the name shows the names that exist."""
    connect(b24_here, sandbox)
    for command in (("sync", "amce"), ("funnel", "amce"), ("portal", "remove", "amce")):
        assert_refused(b24_here(*command), USAGE, "amce", "acme")


def test_unknown_entity_lists_the_known(b24_here: B24, sandbox: Sandbox) -> None:
    """A wrong entity shows what can be synced, and nothing is asked of the portal."""
    connect(b24_here, sandbox)
    before = sandbox.stats.requests
    assert_refused(b24_here("sync", "acme", "--entity", "invoices"), USAGE, "invoices", "deal")
    assert sandbox.stats.requests == before


def test_dates_the_wrong_way_round_are_refused(b24_here: B24, sandbox: Sandbox) -> None:
    """A range that ends before it begins, or a day that is none, is told before anything is read."""
    connect(b24_here, sandbox)
    wrong = b24_here("backfill", "acme", "--from", "2026-03-01", "--to", "2026-02-01")
    assert_refused(wrong, USAGE, "2026-02-01", "before")
    assert_refused(
        b24_here("backfill", "acme", "--from", "yesterday", "--to", "2026-02-01"), USAGE, "yesterday"
    )
    assert_refused(b24_here("sync", "acme", "--since", "soon"), USAGE, "soon")


def test_database_that_is_down_is_named(b24_here: B24) -> None:
    """The error names the place, not the password."""
    url = "postgresql://someone:topsecret@127.0.0.1:1/crm"
    result = b24_here("status", env={"DATABASE_URL": url})
    assert_refused(result, FAILURE, "127.0.0.1:1/crm", "DATABASE_URL")
    assert "topsecret" not in result.stderr


def test_missing_key_says_how_to_make_one(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a database of one's own and no key, nothing starts."""
    result = call_b24(monkeypatch, tmp_path, environment(DATABASE_URL=database_url), ["status"])
    assert_refused(result, FAILURE, "B24_SECRET_KEYS", "b24 keys new")


def test_key_that_is_none_is_refused(b24_here: B24) -> None:
    """A malformed key is told apart from a missing one, and not repeated."""
    result = b24_here("status", env={"B24_SECRET_KEYS": "swordfish"})
    assert_refused(result, FAILURE, "B24_SECRET_KEYS")
    assert "swordfish" not in result.stderr


def test_wrong_key_does_not_open_the_credential(b24_here: B24, sandbox: Sandbox) -> None:
    """A key that does not fit what is stored says what to do."""
    from cryptography.fernet import Fernet

    connect(b24_here, sandbox)
    result = b24_here("sync", "acme", env={"B24_SECRET_KEYS": Fernet.generate_key().decode()})
    assert_refused(result, FAILURE, "B24_SECRET_KEYS", "old one")


def test_database_of_a_newer_version_is_refused(b24_here: B24, database_url: str) -> None:
    """An older program leaves a database alone that a newer one has migrated."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into _yoyo_migration (migration_hash, migration_id, applied_at_utc) "
            "values ('f', '9999_from_the_future', now())"
        )
    assert_refused(b24_here("status"), FAILURE, "9999_from_the_future", "newer")
    assert_refused(b24_here("migrate"), FAILURE, "9999_from_the_future")


def test_database_without_tables_asks_for_migrate(
    tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh database of one's own says which command makes the tables; that command is harmless twice."""
    env = environment(DATABASE_URL=empty_database_url, B24_SECRET_KEYS=KEY)
    assert_refused(call_b24(monkeypatch, tmp_path, env, ["status"]), FAILURE, "b24 migrate")
    assert call_b24(monkeypatch, tmp_path, env, ["migrate"]).returncode == 0
    assert call_b24(monkeypatch, tmp_path, env, ["migrate"]).returncode == 0
    assert call_b24(monkeypatch, tmp_path, env, ["status"]).returncode == 0


def test_setting_that_cannot_be_used_is_named(b24_here: B24) -> None:
    """The variable is named; its value, which may be secret, is not shown."""
    assert_refused(b24_here("status", env={"DATABASE_URL": "mysql://x:hunter2@y/z"}), FAILURE, "DATABASE_URL")
    assert_refused(b24_here("status", env={"B24_RATE_LIMIT": "quick"}), FAILURE, "B24_RATE_LIMIT")


def test_wrong_usage_exits_2(b24_here: B24) -> None:
    """Wrong options end with exit code 2, as everywhere."""
    assert b24_here("sync", "--no-such-option").returncode == USAGE
    assert b24_here("portal", "add", "acme").returncode == USAGE
    assert (
        b24_here(
            "portal", "add", "bad name", "--webhook-url", "https://a.bitrix24.ru/rest/1/abcd/"
        ).returncode
        == USAGE
    )


def test_portal_is_neither_doubled_nor_mixed(b24_here: B24, sandbox: Sandbox) -> None:
    """One portal has one name, one name one portal; a moved one says so and keeps its data."""
    connect(b24_here, sandbox)
    twice = b24_here("portal", "add", "other", "--webhook-url", sandbox.webhook_url)
    assert_refused(twice, USAGE, "connected already", "acme")
    with Sandbox(SandboxConfig(leads=5, deals=5)) as elsewhere:
        mixed = b24_here("portal", "add", "acme", "--webhook-url", elsewhere.webhook_url)
        assert_refused(mixed, USAGE, "acme", "--moved")
        moved = b24_here("portal", "add", "acme", "--moved", "--webhook-url", elsewhere.webhook_url)
        assert moved.returncode == 0, moved.stderr
        assert elsewhere.url.rpartition("/")[2] in b24_here("portal", "list").stdout


def test_selection_that_names_nothing_is_refused(b24_here: B24, sandbox: Sandbox) -> None:
    """The portal drops a misspelt field in silence; we do not."""
    connect(b24_here, sandbox)
    for select, word in (
        ('{"deals": ["TITLE"]}', "deals"),
        ('{"deal": ["TITEL"]}', "TITEL"),
        ('{"deal"', "JSON"),
    ):
        assert_refused(b24_here("sync", "acme", env={"B24_SELECT": select}), FAILURE, "B24_SELECT", word)


def test_disconnected_portal_is_not_synced(b24_here: B24, sandbox: Sandbox) -> None:
    """Its name is known, its credential forgotten: the error says how to connect it again."""
    connect(b24_here, sandbox)
    assert b24_here("portal", "remove", "acme").returncode == 0
    assert_refused(b24_here("sync", "acme"), USAGE, "acme", "disconnected", "portal add")


def test_debug_shows_the_traceback(b24: B24) -> None:
    """Whoever wants the traceback gets it."""
    assert "Traceback" in b24("--debug", "sync", "nobody").stderr
