"""The page of portals: how each stands, and who may do what with it."""

from __future__ import annotations

from tests.integration.web.pages.conftest import Visitor, new_key
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import text_of


def test_a_card_says_how_the_portal_stands(managed: Managed, operator: Visitor) -> None:
    """Its address and state; what must be done where it must be connected again."""
    page = text_of(operator.client.get("/portals", headers={"Accept-Language": "en"}).text)
    assert "acme connected" in page
    assert "acme.bitrix24.com" in page or "acme" in page
    assert "Not synced yet" in page
    managed.change("acme", status="reauthorization_required", status_reason="the refresh token is void")
    page = text_of(operator.client.get("/portals", headers={"Accept-Language": "en"}).text)
    assert "must be connected again" in page
    assert "the refresh token is void" in page


def test_a_manager_starts_a_sync_and_sees_it_at_work(managed: Managed, visitor: Visitor) -> None:
    """The page says that it was started, and shows what is being read until it has ended."""
    visitor.sign_in(new_key(managed, "manager"))
    answer = visitor.post("/portals/acme/sync")
    address = answer.headers["location"]
    assert (answer.status_code, address.partition("&")[0]) == (303, "/portals?started=acme")
    assert managed.asked.calls == [("start_sync", "acme")]
    started_at = address.partition("&")[2]
    assert f'hx-get="/portals?{started_at}"' in visitor.client.get(address).text, (
        "it may begin in some seconds"
    )
    assert "hx-get" not in visitor.client.get("/portals?started=acme&at=1").text
    execute(
        managed.warehouse,
        "insert into bitrix24_sync_log (user_account_id, entity_type, sync_type, sync_status)"
        " select id, 'deal', 'full', 'running' from user_accounts",
    )
    page = visitor.client.get("/portals", headers={"Accept-Language": "en"}).text
    assert "Deals: at work since" in text_of(page)
    assert 'hx-trigger="every 3s"' in page
    assert "/portals/acme/sync" not in page, "it is at work already"
    execute(managed.warehouse, "update bitrix24_sync_log set sync_status = 'success', finished_at = now()")
    page = visitor.client.get("/portals").text
    assert "hx-trigger" not in page
    execute(managed.warehouse, "delete from bitrix24_sync_log")


def test_whose_funnel_is_counted_is_chosen(managed: Managed, visitor: Visitor) -> None:
    """Of leads, of deals, or of both, and nothing else; by an admin, as in the API."""
    visitor.sign_in(new_key(managed, "manager"))
    assert "/counted" not in visitor.client.get("/portals").text
    assert visitor.post("/portals/acme/counted", counted="deal").status_code == 403
    visitor.sign_in(new_key(managed, "admin"))
    assert visitor.post("/portals/acme/counted", counted="deal").status_code == 303
    assert visitor.post("/portals/acme/counted", counted="contact").status_code == 422
    assert managed.asked.calls == [("set_entity_type", "acme", "deal")]


def test_only_an_admin_disconnects(managed: Managed, visitor: Visitor) -> None:
    """A manager has no button, and is refused."""
    visitor.sign_in(new_key(managed, "manager"))
    assert "disconnect" not in visitor.client.get("/portals").text
    assert visitor.post("/portals/acme/disconnect").status_code == 403
    visitor.sign_in(new_key(managed, "admin"))
    assert visitor.post("/portals/acme/disconnect").status_code == 303
    assert managed.asked.calls == [("disconnect", "acme")]


def test_an_admin_pauses_a_portal_and_lets_it_go_on(managed: Managed, visitor: Visitor) -> None:
    """The card says so, and has no button to sync; the audit says who it was; managers may not."""
    visitor.client.headers["Accept-Language"] = "en"
    visitor.sign_in(new_key(managed, "manager"))
    assert "Pause" not in visitor.client.get("/portals").text
    for name in ("pause", "resume"):
        assert visitor.post(f"/portals/acme/{name}").status_code == 403
    visitor.sign_in(new_key(managed, "admin", name="Anna"))
    assert visitor.post("/portals/acme/resume").status_code == 400, "nobody has paused it"
    assert visitor.post("/portals/acme/pause").status_code == 303
    page = visitor.client.get("/portals").text
    assert "acme paused" in text_of(page)
    assert "Somebody has paused it" in text_of(page)
    assert "/portals/acme/sync" not in page
    assert "/portals/acme/pause" not in page
    assert "The portal is paused." in text_of(visitor.client.get("/p/acme/trust").text)
    assert "state: connected → paused" in text_of(visitor.client.get("/access").text)
    assert visitor.post("/portals/acme/resume").status_code == 303
    assert "acme connected" in text_of(visitor.client.get("/portals").text)
    who = fetch(
        managed.warehouse,
        "select changed_by from bitrix24_audit where portal = 'acme' order by id desc limit 2",
    )
    assert who == [{"changed_by": "Anna"}] * 2
