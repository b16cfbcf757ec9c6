"""Many processes, one refresh token: P6, P7, faults 27, 28, 29 and 39."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from b24_pipeline.bitrix.auth.oauth import OAuthApp
from b24_pipeline.errors import AuthorizationRefused, ReauthorizationRequired, SecretKeyError
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.store.portals.tokens import StoredTokens
from b24_pipeline.sync.connections import Connections
from tests.support.installation import KEY, NO_LIMIT, execute, fetch
from tests.support.servers.authorization_server import AuthorizationServer

ROOT = Path(__file__).parents[2]
PROCESSES = 8


@pytest.fixture
def bitrix() -> Iterator[AuthorizationServer]:
    """A server whose access tokens live for two seconds."""
    with AuthorizationServer(token_seconds=2.0).serve() as serving:
        yield serving


@pytest.fixture
def portal(bitrix: AuthorizationServer, warehouse: Warehouse) -> Portal:
    """Connected, with the first pair of tokens."""
    return connect(bitrix, warehouse)


def connect(bitrix: AuthorizationServer, warehouse: Warehouse) -> Portal:
    tokens = bitrix.app.exchange(bitrix.code())
    return Portals(warehouse, Vault(KEY)).save_oauth(
        "acme", tokens, entity_type="both", plan="standard", time_zone="UTC"
    )


def source(warehouse: Warehouse, portal: Portal, app: OAuthApp, pause: float = 30.0) -> StoredTokens:
    return StoredTokens(warehouse, Vault(KEY), portal, app.refresh, pause=pause)


def start(url: str, bitrix: AuthorizationServer, seconds: float, *point: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.support.servers.oauth_worker",
        url,
        KEY,
        bitrix.origin,
        str(seconds),
        *point,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def run_processes(url: str, bitrix: AuthorizationServer, seconds: float, processes: int) -> None:
    started = [start(url, bitrix, seconds) for _ in range(processes)]
    said = [process.communicate(timeout=seconds + 60)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0] * processes, said
    assert bitrix.refused == 0
    # each refresh replaced a token that had lived its two seconds
    assert seconds / 4 <= bitrix.refreshes["granted"] - 1 <= seconds / 2 + 3


def test_6_processes_refresh_once(database_url: str, bitrix: AuthorizationServer, portal: Portal) -> None:
    """Five processes on one portal: no refresh token is used twice, and nobody is left without a token."""
    run_processes(database_url, bitrix, 6, 5)


@pytest.mark.slow
def test_6_processes_refresh_once_for_a_minute(
    database_url: str, bitrix: AuthorizationServer, portal: Portal
) -> None:
    """The same for a minute, with eight processes."""
    run_processes(database_url, bitrix, 60, PROCESSES)


@pytest.mark.parametrize(
    ("processes", "seconds"), [(3, 6), pytest.param(PROCESSES, 60, marks=pytest.mark.slow)]
)
def test_6_killed_processes_let_go(
    database_url: str, bitrix: AuthorizationServer, portal: Portal, processes: int, seconds: int
) -> None:
    """Processes die at random moments, perhaps under the lock; the others go on, and no token is used twice."""
    chance, until = random.Random(7), time.monotonic() + seconds
    workers = [start(database_url, bitrix, seconds) for _ in range(processes)]
    while time.monotonic() < until - 3:
        time.sleep(chance.uniform(0.2, 0.8))
        victim = chance.randrange(processes)
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].wait()
        workers[victim] = start(database_url, bitrix, max(until - time.monotonic(), 1.0))
    said = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * processes, said
    assert bitrix.refused == 0


def test_28_killed_after_rotation_ends_in_reauthorization(
    database_url: str, bitrix: AuthorizationServer, portal: Portal, warehouse: Warehouse
) -> None:
    """The pair is lost with the process: one refusal, a pause, one more, and then nothing asks any more."""
    bitrix.expire()
    worker = start(database_url, bitrix, 5, "after_rotate")
    worker.communicate(timeout=60)
    assert worker.returncode == -signal.SIGKILL
    stale = source(warehouse, portal, bitrix.app).access_token()
    tokens = source(warehouse, portal, bitrix.app, pause=0.5)
    with pytest.raises(AuthorizationRefused, match="acme"):
        tokens.refresh(stale)
    for _ in range(3):
        with pytest.raises(AuthorizationRefused, match="tried again after"):
            tokens.refresh(stale)
    assert bitrix.refused == 1
    time.sleep(0.6)
    for _ in range(3):
        with pytest.raises(ReauthorizationRequired, match="b24 portal connect"):
            tokens.refresh(stale)
    assert bitrix.refused == 2
    (row,) = fetch(warehouse, "select bitrix24_status, bitrix24_status_reason from user_accounts")
    assert row["bitrix24_status"] == "reauthorization_required"
    assert "refused twice" in row["bitrix24_status_reason"]


def test_connecting_again_mends_it(bitrix: AuthorizationServer, portal: Portal, warehouse: Warehouse) -> None:
    """A new pair clears the refusal and the status."""
    stale = source(warehouse, portal, bitrix.app).access_token()
    bitrix.revoke()
    for _ in range(2):
        with pytest.raises((AuthorizationRefused, ReauthorizationRequired)):
            source(warehouse, portal, bitrix.app, pause=0.0).refresh(stale)
    again = connect(bitrix, warehouse)
    assert (again.id, again.status, again.status_reason) == (portal.id, "connected", None)
    assert source(warehouse, again, bitrix.app).refresh(stale) != stale
    assert bitrix.refused == 2


def test_39_a_process_that_hangs_under_the_lock_loses_it(
    database_url: str, bitrix: AuthorizationServer, portal: Portal, warehouse: Warehouse
) -> None:
    """Stopped while it holds the row: another refreshes, and the stopped one goes on with what that one stored."""
    stale = source(warehouse, portal, bitrix.app).access_token()
    bitrix.token_seconds = 3600.0
    bitrix.expire()
    worker = start(database_url, bitrix, 60, "held", "SIGSTOP")
    while psutil.Process(worker.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.05)
    started = time.monotonic()
    fresh = source(warehouse, portal, bitrix.app).refresh(stale)
    assert (fresh != stale, time.monotonic() - started < 10) == (True, True)
    calls = len(bitrix.called)
    worker.send_signal(signal.SIGCONT)
    while len(bitrix.called) < calls + 3:
        time.sleep(0.05)
        assert worker.poll() is None
    worker.kill()
    worker.communicate()
    # it did not know that it had lost the lock, and its refusal is not remembered
    assert bitrix.refreshes["granted"] == 2
    (row,) = fetch(
        warehouse, "select bitrix24_status as s, bitrix24_refresh_failed_at as f from user_accounts"
    )
    assert (row["s"], row["f"]) == ("connected", None)


def test_27_twenty_threads_refresh_once(
    bitrix: AuthorizationServer, portal: Portal, warehouse: Warehouse
) -> None:
    """A token that is over in the middle of a run is replaced once, and nobody notices."""
    portals = Portals(warehouse, Vault(KEY))
    connections = Connections(warehouse, portals, ("127.0.0.1",), NO_LIMIT, oauth=bitrix.app)
    bitrix.token_seconds = 3600.0
    with connections.client(portal) as client, ThreadPoolExecutor(20) as pool:
        client.call("profile")
        bitrix.expire()
        assert [answer.result["ID"] for answer in pool.map(lambda _: client.call("profile"), range(60))] == [
            "17"
        ] * 60
    assert (bitrix.refused, bitrix.refreshes["granted"]) == (0, 2)


def test_39_a_refresh_stops_no_rows_of_the_portal(
    bitrix: AuthorizationServer, portal: Portal, warehouse: Warehouse
) -> None:
    """Rows that refer to the portal are stored while the authorization server takes its time."""
    seen = []

    def slow(refresh_token: str) -> object:
        with warehouse.connect() as connection:
            connection.execute("set local lock_timeout = '1s'")
            connection.execute(
                "insert into bitrix24_leads (user_account_id, id) values (%s, 1)", (portal.id,)
            )
        seen.append(refresh_token)
        return bitrix.app.refresh(refresh_token)

    tokens = StoredTokens(warehouse, Vault(KEY), portal, slow)  # type: ignore[arg-type]
    stale = tokens.access_token()
    assert tokens.refresh(stale) != stale
    assert len(seen) == 1


def test_35_a_pair_survives_a_lost_commit(
    database_url: str, bitrix: AuthorizationServer, portal: Portal, warehouse: Warehouse
) -> None:
    """The connection breaks after the rotation: the transaction is done again with the pair that came."""
    cut = []

    def rotate_and_cut(refresh_token: str) -> object:
        found = bitrix.app.refresh(refresh_token)
        with warehouse.connect() as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'"
                " and pid <> pg_backend_pid() and datname = current_database()"
            )
        cut.append(refresh_token)
        return found

    tokens = StoredTokens(warehouse, Vault(KEY), portal, rotate_and_cut)  # type: ignore[arg-type]
    stale = tokens.access_token()
    fresh = tokens.refresh(stale)
    assert (len(cut), bitrix.refused) == (1, 0)
    assert source(warehouse, portal, bitrix.app).access_token() == fresh


def test_secrets_are_ciphertext_of_their_own_row(
    bitrix: AuthorizationServer, portal: Portal, warehouse: Warehouse
) -> None:
    """In the table nothing is in clear, and a token that was copied to another column does not open."""
    token = source(warehouse, portal, bitrix.app).access_token()
    (row,) = fetch(warehouse, "select row_to_json(u)::text as all from user_accounts as u")
    assert token not in row["all"]
    assert "gAAAA" in row["all"]
    execute(warehouse, "update user_accounts set bitrix24_access_token = bitrix24_refresh_token")
    with pytest.raises(SecretKeyError, match="another row"):
        source(warehouse, portal, bitrix.app).access_token()
