"""Portals by both credentials: one identity, one account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from b24_pipeline.bitrix.auth.oauth import Tokens
from b24_pipeline.bitrix.http.address import parse_address
from b24_pipeline.errors import PortalConflict, PortalDisconnected, UnknownPortal
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.application_tokens import MOST_FROM_EVENTS
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from tests.support.installation import KEY

MEMBER, OTHER = "a" * 32, "b" * 32
WEBHOOK = "https://acme.bitrix24.com/rest/1/sesame/"


@pytest.fixture
def portals(warehouse: Warehouse) -> Portals:
    """None yet."""
    return Portals(warehouse, Vault(KEY))


def tokens(member_id: str = MEMBER, host: str = "acme.bitrix24.com") -> Tokens:
    return Tokens("access", "refresh", datetime(2026, 1, 1, tzinfo=UTC), member_id, parse_address(host), 17)


def by_oauth(portals: Portals, name: str = "acme", given: Tokens | None = None, **more: Any) -> Portal:
    return portals.save_oauth(
        name, given or tokens(), entity_type="deal", plan="enterprise", time_zone="Europe/Moscow", **more
    )


def by_webhook(portals: Portals, name: str = "acme", **more: str) -> Portal:
    return portals.add_webhook(
        name,
        "acme.bitrix24.com",
        WEBHOOK,
        entity_type="both",
        plan="standard",
        user_id=1,
        time_zone="UTC",
        **more,  # type: ignore[arg-type]
    )


def test_a_portal_changes_its_credential_and_keeps_its_data(portals: Portals) -> None:
    """Webhook, then OAuth, then webhook again: one account, and the last credential counts."""
    first = by_webhook(portals)
    second = by_oauth(portals)
    assert (second.id, second.connected_by, second.member_id) == (first.id, "oauth", MEMBER)
    with pytest.raises(PortalDisconnected, match="no webhook credential"):
        portals.webhook_url(second)
    third = by_webhook(portals)
    assert (third.id, third.connected_by, third.member_id) == (first.id, "webhook", MEMBER)
    assert third.token_expires_at is None


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("other", tokens()),  # the same portal under another name
        ("acme", tokens(OTHER, "other.bitrix24.com")),  # another portal under its name
        ("acme", tokens(OTHER)),  # the address, but not the identity
        ("other", tokens(OTHER)),  # its address under another name
    ],
)
def test_two_portals_are_not_mixed(portals: Portals, name: str, given: Tokens) -> None:
    """Identity decides, not the address."""
    by_oauth(portals)
    with pytest.raises(PortalConflict):
        by_oauth(portals, name, given)
    assert len(portals.all()) == 1


def test_a_moved_portal_is_recognized(portals: Portals) -> None:
    """The same identity at another address: connecting it again stores that."""
    first = by_oauth(portals)
    again = by_oauth(portals, given=tokens(host="renamed.bitrix24.com"))
    assert (again.id, again.domain) == (first.id, "renamed.bitrix24.com")


def test_processes_that_connect_at_once_make_one_account(portals: Portals) -> None:
    """One wins, the others are told or find it."""

    def connect(number: int) -> str:
        try:
            return by_oauth(portals, f"acme{number % 2}").name
        except PortalConflict:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        said = set(pool.map(connect, range(8)))
    assert len(portals.all()) == 1
    assert said <= {portals.all()[0].name, "refused"}


def test_a_webhook_proves_no_identity(portals: Portals) -> None:
    """At the same address the identity that OAuth proved stays; at another one nothing has proved it."""
    by_oauth(portals)
    same = by_webhook(portals)
    assert (same.member_id, same.domain) == (MEMBER, "acme.bitrix24.com")
    moved = portals.add_webhook(
        "acme",
        "moved.bitrix24.com",
        "https://moved.bitrix24.com/rest/1/sesame/",
        entity_type="both",
        plan="standard",
        user_id=1,
        time_zone="UTC",
        moved=True,
    )
    assert (moved.id, moved.member_id) == (same.id, None)
    assert portals.by_member(MEMBER) is None
    with pytest.raises(PortalConflict):
        by_oauth(portals)  # the portal of before is no longer the one of this name


def test_an_application_token_stays_until_another_is_given(portals: Portals) -> None:
    """Renewing the webhook credential does not cut the events off."""
    by_webhook(portals, application_token="apptoken")
    assert portals.application_token(by_webhook(portals)) == "apptoken"
    assert portals.application_token(by_webhook(portals, application_token="new")) == "new"
    assert not portals.knows_application_token(portals.one("acme"), "apptoken")  # the operator took it away
    portals.learn_application_token(portals.one("acme"), "newer")
    assert portals.application_token(portals.one("acme")) == "new"
    assert "new" not in repr(portals.one("acme").locked_application_token)


def test_tokens_that_events_brought_replace_nothing(portals: Portals) -> None:
    """Several are known at once; of those from events only the newest are kept, and all go with the credential."""
    portal = by_oauth(portals)
    portals.learn_application_token(portal, "first")
    by_oauth(portals, application_token="installed")
    for number in range(MOST_FROM_EVENTS + 3):
        portals.learn_application_token(portal, f"event {number}")
    known = portals.one("acme")
    assert portals.application_token(known) == "installed"
    kept = [f"event {number}" for number in range(3, MOST_FROM_EVENTS + 3)]
    assert all(portals.knows_application_token(known, token) for token in ["first", "installed", *kept])
    assert not portals.knows_application_token(known, "event 0")
    portals.disconnect(known)
    gone = portals.one("acme")
    assert not any(portals.knows_application_token(gone, token) for token in ["first", "installed", *kept])


def test_a_status_has_its_reason(portals: Portals) -> None:
    """And no reason once the portal is connected again."""
    portal = by_oauth(portals)
    for _ in range(2):
        portals.set_status(portal, "paused", "the portal is closed")
    assert (portals.one("acme").status, portals.one("acme").status_reason) == (
        "paused",
        "the portal is closed",
    )
    assert portals.named() == []
    assert by_oauth(portals).status_reason is None
    portals.set_entity_type(portal, "lead")
    portals.set_domain(portal, "renamed.bitrix24.com")
    changed = portals.one("acme")
    assert (changed.entity_type, changed.domain) == ("lead", "renamed.bitrix24.com")
    portals.disconnect(portal)
    assert portals.application_token(portals.one("acme")) is None
    with pytest.raises(UnknownPortal):
        portals.one("nobody")
