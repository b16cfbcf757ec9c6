"""The service with everything behind it: a portal connected by OAuth, its events, its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from b24_pipeline.sandbox import EventDelivery
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.portals.proof_limit import MOST_REFUSED_OF_A_SENDER
from b24_pipeline.web import clean_up
from b24_pipeline.web.events.proving import MOST_ASKED_AT_ONCE
from tests.support.installation import account, execute, fetch
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Live]:
    with live(database_url, tmp_path) as everything:
        yield everything


def portal_of(running: Live, name: str = "acme") -> Portal:
    return running.runtime.portals.one(name)


def landed(running: Live, most_seconds: float = 5) -> list[str]:
    """The names of the events landed, once there is one."""
    deadline = time.monotonic() + most_seconds
    while True:
        rows = fetch(running.runtime.warehouse, "select event from bitrix24_webhook_events order by id")
        if rows or time.monotonic() > deadline:
            return [row["event"] for row in rows]
        time.sleep(0.05)


def test_a_portal_is_connected_and_its_events_land(running: Live) -> None:
    """From the link to the landed event: tokens stored, events bound, and the first event proves itself."""
    page = running.connect(entityType="deal")
    assert page.status_code == 200, page.text
    assert "The portal is connected" in page.text
    portal = portal_of(running)
    assert (portal.connected_by, portal.status, portal.entity_type) == ("oauth", "connected", "deal")
    assert portal.member_id == running.sandbox.config.member_id

    running.sandbox.change(5, seed=1, kinds=("stage",))
    running.sandbox.wait_for_events()
    assert "ONCRMDEALUPDATE" in landed(running)
    lost = [sent for sent in running.sandbox.events_sent if str(sent.status) != "200"]
    assert lost == []


def test_status_of_a_connected_portal(running: Live) -> None:
    """What the management call says is what was connected."""
    running.connect()
    answer = running.client.get("/bitrix24/status", headers=BEARER).json()
    assert answer["connected"] is True
    assert answer["domain"] == running.sandbox.url.removeprefix("http://")
    assert answer["memberId"] == running.sandbox.config.member_id
    assert answer["entityType"] == "both"
    assert answer["tokenExpiresAt"] > answer["connectedAt"]


def test_pipelines_are_read_again_on_demand(running: Live) -> None:
    """The count is the number of stages in the table."""
    running.connect()
    answer = running.client.post("/bitrix24/sync-pipelines", headers=BEARER).json()
    stages = fetch(
        running.runtime.warehouse,
        "select count(*) as n from bitrix24_pipeline_stages where deleted_at is null",
    )
    assert answer == {"success": True, "count": stages[0]["n"], "entityType": "both"}
    assert answer["count"] > 5


def test_changing_the_funnel_rebinds_the_events(running: Live) -> None:
    """Counting leads only, the portal sends no deals any more."""
    running.connect()
    changed = running.client.post("/bitrix24/entity-type", json={"entityType": "lead"}, headers=BEARER)
    assert changed.json() == {"success": True, "entityType": "lead"}
    bound = fetch(running.runtime.warehouse, "select bound_events from bitrix24_event_health")[0]
    assert "ONCRMLEADADD" in bound["bound_events"]
    assert not [event for event in bound["bound_events"] if event.startswith("ONCRMDEAL")]


def test_disconnecting_unbinds_and_forgets(running: Live) -> None:
    """Afterwards no event is sent, no token is left, and the row stays."""
    running.connect()
    gone = running.client.request("DELETE", "/bitrix24/disconnect?account=acme", headers=BEARER)
    assert gone.json() == {"success": True, "account": "acme"}
    running.sandbox.change(3, seed=2, kinds=("stage",))
    running.sandbox.wait_for_events()
    assert running.sandbox.events_sent == []
    row = fetch(
        running.runtime.warehouse,
        "select bitrix24_access_token as a, bitrix24_refresh_token as r, bitrix24_status as s from user_accounts",
    )
    assert row == [{"a": None, "r": None, "s": "disconnected"}]
    status = running.client.get("/bitrix24/status", headers=BEARER).json()
    assert (status["connected"], status["status"]) == (False, "disconnected")
    refused = running.client.post("/bitrix24/sync-pipelines?account=acme", headers=BEARER)
    assert (refused.status_code, refused.json()["error"]) == (409, "portal_disconnected")


def test_a_callback_works_once_and_in_its_own_browser(running: Live) -> None:
    """The link of the way back is worth nothing in another browser, nor a second time."""
    begun = running.client.get(
        "/bitrix24/auth", params={"domain": running.domain, "account": "acme"}, headers=BEARER
    )
    back = running.client.get(begun.headers["location"] + "&confirm=Y").headers["location"]
    cookies = dict(running.client.cookies)
    running.client.cookies.clear()
    stranger = running.client.get(back)
    assert stranger.status_code == 403
    assert running.runtime.portals.all() == []
    running.client.cookies.update(cookies)
    assert running.client.get(back).status_code == 200
    again = running.client.get(back)
    assert (again.status_code, "state_used" in again.text) == (400, True)
    forged = running.client.get("/bitrix24/callback?code=abc&state=abc")
    assert forged.status_code == 403


@pytest.mark.parametrize(
    "domain",
    [
        "evil.com",
        "x@10.0.0.1",
        "[::ffff:127.0.0.1]",
        "xn--80ak6aa92e.bitrix24.com",
        "acme.bitrix24.com:22",
        "10.0.0.1",
        "",
    ],
)
def test_other_addresses_are_refused_before_anything(running: Live, domain: str) -> None:
    """400, no redirect, no row."""
    refused = running.client.get(
        "/bitrix24/auth", params={"domain": domain, "account": "acme"}, headers=BEARER
    )
    assert refused.status_code == 400
    assert "location" not in refused.headers
    assert fetch(running.runtime.warehouse, "select * from bitrix24_oauth_states") == []


def test_metrics_and_readiness_of_a_connected_portal(running: Live) -> None:
    """Gauges by portal, with the key; ready while the database answers and is migrated."""
    running.connect()
    assert running.client.get("/readyz").status_code == 200
    text = running.client.get("/metrics", headers=BEARER).text
    assert 'b24_portal_connected{portal="acme"} 1.0' in text
    assert "b24_database_up 1.0" in text
    assert 'b24_portal_not_synced{portal="acme"} 4.0' in text
    assert 'b24_portal_stages_wrong{portal="acme"}' not in text  # nothing was compared yet


def test_metrics_name_no_portal_without_the_key(running: Live) -> None:
    """Totals for anybody; a wrong key is told, so that a misspelt one does not look like a portal without figures."""
    running.connect()
    text = running.client.get("/metrics").text
    assert 'b24_portals{status="connected"} 1.0' in text
    assert "b24_http_requests_total" in text
    assert "acme" not in text
    wrong = running.client.get("/metrics", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, "acme" in wrong.text) == (401, False)


def test_metrics_tell_stages_that_differ_from_the_portal(running: Live) -> None:
    """Of the last comparison with the portal."""
    running.connect()
    execute(
        running.runtime.warehouse,
        "insert into reconciliation (user_account_id, entity_type, category_id, status_id, "
        "portal_count, our_count, is_equal, is_explained) "
        "select id, 'deal', 0, stage, 1, 1, stage = 'NEW', stage = 'NEW' "
        "from user_accounts cross join unnest(array['NEW', 'WON', 'LOSE']) as stage",
    )
    text = running.client.get("/metrics", headers=BEARER).text
    assert "b24_portals_stages_wrong 2.0" in text
    assert 'b24_portal_stages_checked{portal="acme"} 3.0' in text
    assert 'b24_portal_stages_wrong{portal="acme"} 2.0' in text


def test_an_application_installs_and_uninstalls_itself(running: Live) -> None:
    """ONAPPINSTALL connects a portal that nobody connected by browser; ONAPPUNINSTALL takes its tokens at once."""
    running.sandbox.install_app(f"{running.address}/webhooks/bitrix24")
    running.sandbox.wait_for_events()
    (portal,) = running.runtime.portals.all()
    assert (portal.status, portal.member_id) == ("connected", running.sandbox.config.member_id)
    running.sandbox.uninstall_app()
    running.sandbox.wait_for_events()
    (portal,) = running.runtime.portals.all()
    assert portal.status == "disconnected"


def test_forged_installations_are_asked_about_seldom(running: Live) -> None:
    """Hundreds of one sender make a handful of questions, and the portal's own installation goes through meanwhile."""

    def forged(number: int) -> int:
        auth = {"member_id": f"{number:032x}", "application_token": "x", "domain": "acme.bitrix24.com"}
        auth |= {"access_token": f"invented-{number}", "refresh_token": f"invented-too-{number}"}
        form = {"event": "ONAPPINSTALL"} | {f"auth[{name}]": value for name, value in auth.items()}
        headers = {"X-Forwarded-For": "203.0.113.66"}
        return running.client.post("/webhooks/bitrix24", data=form, headers=headers).status_code

    with ThreadPoolExecutor(8) as liars:
        assert set(liars.map(forged, range(200))) <= {403, 503}
    asked = [request for request in running.sandbox.requests if "app.info" in str(request)]
    assert len(asked) <= MOST_REFUSED_OF_A_SENDER.amount + MOST_ASKED_AT_ONCE
    running.sandbox.install_app(f"{running.address}/webhooks/bitrix24")
    assert [sent.status for sent in running.sandbox.wait_for_events()] == [200]


def test_the_first_events_of_a_new_portal_come_at_once(database_url: str, tmp_path: Path) -> None:
    """A portal that a browser connected proves itself by its first event; the burst around it is not lost."""
    with live(database_url, tmp_path, events=EventDelivery(burst=20)) as running:
        running.connect()
        running.sandbox.change(20, seed=3, kinds=("edit",))
        running.sandbox.wait_for_events()
        assert {str(sent.status) for sent in running.sandbox.events_sent} == {"200"}
        assert len(landed(running)) == len(running.sandbox.events_sent)
        asked = [request for request in running.sandbox.requests if "app.info" in str(request)]
        assert len(asked) <= 2


def test_an_application_that_was_added_anew_is_heard_again(running: Live) -> None:
    """It has another application_token then: its first event tells it, whether or not it was connected again."""
    running.connect()
    portals = running.runtime.portals
    portals.learn_application_token(portals.one("acme"), "of-the-application-before")
    running.sandbox.change(1, seed=3, kinds=("edit",))
    running.sandbox.wait_for_events()
    assert [sent.status for sent in running.sandbox.events_sent] == [200]
    assert len(landed(running)) == 1


def test_events_without_a_token_cannot_prove_a_portal(running: Live) -> None:
    """Nobody but the portal has an access token of ours: a guessed application_token stays forbidden."""
    running.connect()
    forged = {
        "event": "ONCRMDEALUPDATE",
        "data[FIELDS][ID]": "1",
        "auth[member_id]": running.sandbox.config.member_id,
        "auth[application_token]": "guessed",
        "auth[access_token]": "guessed",
    }
    for _ in range(3):
        refused = running.client.post("/webhooks/bitrix24", data=forged)
        assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
    assert landed(running, most_seconds=0) == []


def test_what_is_over_is_deleted_without_anybody_looking(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that nobody has loaded within an hour, and sessions that have ended; others stay."""
    monkeypatch.setattr(clean_up, "EVERY_SECONDS", 0.1)
    with live(database_url, tmp_path, leads=1, deals=1) as running:
        warehouse = running.runtime.warehouse
        number = account(warehouse, "acme")
        for hours in (0, 2):
            execute(
                warehouse,
                "insert into bitrix24_uploads (user_account_id, uploaded_by, uploaded_at, file_name, content)"
                " values (%s, 'Anna', now() - make_interval(hours => %s), 'a.csv', 'x')",
                number,
                hours,
            )
            execute(
                warehouse,
                "insert into bitrix24_sessions (id_sha256, operator_proof, ends_at)"
                " values (sha256(%s), sha256('x'), now() - make_interval(hours => %s - 1))",
                str(hours).encode(),
                hours,
            )
        left = (
            "select (select count(*) from bitrix24_uploads) as files,"
            " (select count(*) from bitrix24_sessions) as n"
        )
        deadline = time.monotonic() + 10
        while fetch(warehouse, left) != [{"files": 1, "n": 1}] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert fetch(warehouse, left) == [{"files": 1, "n": 1}]
