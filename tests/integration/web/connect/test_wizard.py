"""The wizard over HTTP: who may use it, what it recognises, and what it says to paste."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import httpx
import pytest

from b24_pipeline import errors as e
from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.client_address import ClientAddresses
from tests.integration.web.pages.conftest import Visitor, new_key
from tests.integration.web.routes.conftest import Managed, database
from tests.support.installation import KEY as SECRET_KEY
from tests.support.installation import account, execute
from tests.support.servers.pages_site import text_of, unfolded
from tests.support.servers.web_service import (
    KEY,
    ScriptedConnecting,
    ScriptedService,
    another_sender,
    parts_of,
    served,
)

__all__ = ["database"]

PUBLIC = "https://b24.example.com"
TYPED = {"domain": "acme.bitrix24.com", "account": "acme", "counted": ""}
BROWSER = {"Accept": "text/html", "Accept-Language": "en"}


@dataclass
class Site(Managed):
    """The service with an application, and what plays it."""

    connecting: ScriptedConnecting


@pytest.fixture(scope="module")
def shared(database: Warehouse) -> Iterator[Site]:
    """The service that the tests of the module share."""
    asked, connecting = ScriptedService(), ScriptedConnecting()
    parts = parts_of(
        public_url=PUBLIC,
        warehouse=database,
        portals=Portals(database, Vault(SECRET_KEY)),
        service=asked,
        connecting=connecting,
        redirect_uri="https://old.example.com/bitrix24/callback",
        admin_key=KEY,
        addresses=ClientAddresses(["127.0.0.1"]),
    )
    with served(assemble(parts)) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield Site(client, database, asked, connecting)


@pytest.fixture
def site(shared: Site) -> Site:
    """One connected portal; nothing has been asked yet."""
    shared.asked.forget()
    shared.connecting.forget()
    shared.remove_all()
    account(shared.warehouse, "acme")
    return shared


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    origin = str(site.client.base_url).rstrip("/")
    with httpx.Client(base_url=origin, trust_env=False, headers=BROWSER | another_sender()) as client:
        yield Visitor(client, origin)
    execute(site.warehouse, "delete from bitrix24_sessions")
    execute(site.warehouse, "delete from bitrix24_access_keys")


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    assert visitor.sign_in(KEY).status_code == 303
    return visitor


def pasted(page: httpx.Response) -> list[str]:
    """The values that a page says to paste."""
    return [unescape(found) for found in re.findall(r'class="paste">([^<]*)<', page.text)]


@pytest.mark.parametrize(("role", "portals"), [("viewer", ()), ("manager", ()), ("admin", ("acme",))])
def test_only_an_admin_for_all_portals_connects(
    site: Site, visitor: Visitor, role: AccessRole, portals: tuple[str, ...]
) -> None:
    """Others are refused at each step before the first sync, and nothing is asked."""
    visitor.sign_in(new_key(site, role, *portals))
    for path in ("/connect", "/connect/permission?domain=acme.bitrix24.com&account=acme"):
        assert visitor.client.get(path).status_code == 403
    assert visitor.post("/connect", **TYPED).status_code == 403
    assert site.asked.calls == []


def test_the_address_leads_to_the_permission(site: Site, operator: Visitor) -> None:
    """What was pasted becomes an address; a portal must answer there; then the link with an invitation."""
    answer = operator.post(
        "/connect", "/connect", domain=" https://acme.bitrix24.com/crm/deal/ ", counted="deal"
    )
    assert answer.status_code == 303
    assert site.asked.calls == [
        ("invite", "acme", "https://acme.bitrix24.com", "deal"),
        ("knock", "https://acme.bitrix24.com"),
    ]
    page = operator.client.get(answer.headers["location"])
    assert "https://b24.example.com/bitrix24/auth?account=acme" in unescape(page.text)
    assert pasted(page) == [
        f"{PUBLIC}/bitrix24/callback",
        f"{PUBLIC}/webhooks/bitrix24",
        "crm, user, department, placement",
    ]


@pytest.mark.parametrize(
    ("error", "paste"),
    [
        (e.AddressRefused("crm.firm.example", "no"), "B24_ALLOWED_PORTALS=crm.firm.example"),
        (e.PortalUnreachable("acme.bitrix24.com", "the host name is unknown"), "https://acme.bitrix24.com/"),
        (e.SettingsError("not set"), f"{PUBLIC}/bitrix24/callback"),
        (
            e.PaymentRequired("acme.bitrix24.com", "profile", "", "", 402),
            "https://acme.bitrix24.com/settings/",
        ),
        (e.PortalMoved("acme.bitrix24.com", "new.bitrix24.com", ""), "https://acme.bitrix24.com/"),
        (e.UnreadableAnswer("acme.bitrix24.com", "no"), "https://acme.bitrix24.com/"),
        (e.PortalConflict("taken"), ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_is_wrong_with_an_address_is_said_with_what_to_paste(
    site: Site, operator: Visitor, error: Exception, paste: str
) -> None:
    """The form again with what was typed, the reason, and the value."""
    site.asked.raises = error
    answer = operator.post("/connect", "/connect", **TYPED | {"account": '"><script>x'})
    assert answer.status_code == 422
    assert "<script>x" not in answer.text
    assert 'value="acme.bitrix24.com"' in answer.text
    assert any(value.startswith(paste) for value in [*pasted(answer), ""])


@pytest.mark.parametrize(
    ("error", "paste"),
    [
        (e.ScopeMissing("acme", "scope", "insufficient_scope", "", 200), "crm, user, department, placement"),
        (e.AuthorizationRefused("acme", "t", "INVALID_GRANT", "", 400), f"{PUBLIC}/bitrix24/callback"),
        (e.OtherBrowser("acme", "no"), f"{PUBLIC}/bitrix24/callback"),
        (e.AccessNotGiven("acme", "no"), f"{PUBLIC}/webhooks/bitrix24"),
        (
            e.ApplicationRefused("acme", "t", "WRONG_CLIENT", "", 400),
            "BITRIX24_OAUTH_URL=https://oauth.bitrix24.tech",
        ),
        (e.InvitationOver("acme", "no"), "b24 portal connect NAME acme"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_went_wrong_in_the_portal_is_said_with_what_to_paste(
    site: Site, visitor: Visitor, error: Exception, paste: str
) -> None:
    """On the page that comes back from the portal, for whoever was invited too."""
    site.connecting.raises = error
    page = visitor.client.get("/bitrix24/callback?code=x&state=y")
    assert "How to mend it" in page.text
    assert paste in pasted(page)
    assert not re.search(r"BITRIX24_|b24 \w", unfolded(page.text).partition("<main")[2])
    assert 'href="/bitrix24/connect?' in page.text
    visitor.sign_in(KEY)
    assert 'href="/connect?' in visitor.client.get("/bitrix24/callback?code=x&state=y").text


def test_why_a_permission_was_not_taken_is_told_apart(site: Site, visitor: Visitor) -> None:
    """Too late, or refused though it came in time."""
    refused = e.AuthorizationRefused("acme", "t", "INVALID_GRANT", "", 400)
    site.connecting.raises = refused
    assert "came too late" in visitor.client.get("/bitrix24/callback?code=x&state=y").text
    site.connecting.raises = refused.of_case("grant_refused")
    page = visitor.client.get("/bitrix24/callback?code=x&state=y").text
    assert "although it came in time" in page
    assert "came too late" not in page


def test_a_redirect_address_of_another_host_is_told(operator: Visitor) -> None:
    """BITRIX24_REDIRECT_URI is compared with the address at which the portal comes back."""
    page = operator.client.get("/connect")
    assert f"BITRIX24_REDIRECT_URI={PUBLIC}/bitrix24/callback" in pasted(page)


def test_an_admin_goes_on_to_the_first_sync(site: Site, operator: Visitor) -> None:
    """The callback starts it."""
    answer = operator.client.get("/bitrix24/callback?code=x&state=y")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connect/acme/sync?started=yes")
    assert ("start_sync", "acme") in site.asked.calls


@pytest.mark.parametrize("role", [None, "manager"])
def test_others_see_that_it_is_connected(site: Site, visitor: Visitor, role: AccessRole | None) -> None:
    """Whoever was invited, signed in or not; no sync is started for them."""
    if role:
        visitor.sign_in(new_key(site, role))
    answer = visitor.client.get("/bitrix24/callback?code=x&state=y")
    assert (answer.status_code, "The portal is connected" in answer.text) == (200, True)
    assert site.asked.calls == []


def test_the_first_sync_is_shown_by_entity(site: Site, operator: Visitor) -> None:
    """What is at work, what is done and what has failed; asked for again while it works; rights that lack are told."""
    site.change("acme", user_is_admin=False)
    for entity, status, rows in (("lead", "success", 12), ("deal", "running", 0), ("contact", "failed", 0)):
        execute(
            site.warehouse,
            "insert into bitrix24_sync_log"
            " (user_account_id, entity_type, sync_type, sync_status, rows_read, finished_at, error_message)"
            " select id, %s, 'full', %s, %s, case when %s <> 'running' then now() end, 'no <b>rights</b>'"
            " from user_accounts",
            entity,
            status,
            rows,
            status,
        )
    answer = operator.client.get("/connect/acme/sync")
    page = text_of(answer.text)
    assert "Leads 12 done" in page
    assert "Deals 0 is being read" in page
    assert "Contacts 0 failed For whoever runs the server no &lt;b&gt;rights" in page
    assert 'hx-trigger="every 2s"' in answer.text
    assert "no administrator of the portal" in page
    assert "department" in pasted(answer)
    execute(site.warehouse, "update bitrix24_sync_log set sync_status = 'success', finished_at = now()")
    building = operator.client.get("/connect/acme/progress").text
    assert "the figures are being made" in building
    assert 'hx-trigger="every 2s"' in building
    assert "Start reading" not in building
    execute(site.warehouse, "update bitrix24_sync_log set sync_status = 'failed' where entity_type = 'deal'")
    failed = operator.client.get("/connect/acme/progress").text
    assert "hx-trigger" not in failed
    assert "Start reading" in failed
    assert operator.post("/connect/acme/sync", "/connect/acme/sync").status_code == 303
    assert ("start_sync", "acme") in site.asked.calls
    execute(site.warehouse, "delete from bitrix24_sync_log")


def test_the_page_of_the_first_sync_says_one_thing_at_a_time(site: Site, operator: Visitor) -> None:
    """A sync that was just started is not offered to be started; only while it works the page may be closed."""
    begun = operator.client.get("/connect/acme/sync?started=yes").text
    assert "The sync begins." in begun
    assert "Start reading" not in begun
    assert "You may close this page" in begun
    assert 'href="/connect/acme/sync"' in begun, "where nothing begins it can be started by hand"
    assert "Dagster" not in begun
    site.asked.is_asked_of_dagster = True
    assert "Its daemon must run" in operator.client.get("/connect/acme/sync?started=yes").text
    site.asked.is_asked_of_dagster = False
    idle = operator.client.get("/connect/acme/sync").text
    assert "Start reading" in idle
    assert "You may close this page" not in idle


def test_a_portal_that_refuses_later_is_explained(site: Site, operator: Visitor) -> None:
    """The application was removed meanwhile: how to register it again, with the values."""
    site.asked.raises = e.AppRemoved("acme", "scope", "APPLICATION_NOT_FOUND", "", 401)
    page = operator.client.get("/connect/acme/sync")
    assert page.status_code == 200
    assert f"{PUBLIC}/bitrix24/callback" in pasted(page)
