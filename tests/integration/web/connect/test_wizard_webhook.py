"""The wizard with the address of an inbound webhook, with and without an application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from b24_pipeline import errors as e
from b24_pipeline.bitrix.http.address import read_address
from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal_names import require_new_name
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.client_address import ClientAddresses
from tests.integration.web.connect.test_wizard import (
    BROWSER,
    PUBLIC,
    TYPED,
    Site,
    database,
    operator,
    pasted,
    shared,
    site,
    visitor,
)
from tests.integration.web.pages.conftest import Visitor, new_key
from tests.support.installation import KEY as SECRET_KEY
from tests.support.servers.pages_site import text_of, unfolded
from tests.support.servers.web_service import KEY, ScriptedService, another_sender, parts_of, served

__all__ = ["database", "operator", "shared", "site", "visitor"]

SECRET = "5up3rs3cr3t"
WEBHOOK = f"https://acme.bitrix24.com/rest/1/{SECRET}/"


@pytest.fixture
def asked() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
def bare(database: Warehouse, asked: ScriptedService) -> Iterator[Visitor]:
    """The operator of a service without an application."""
    parts = parts_of(
        public_url=PUBLIC,
        warehouse=database,
        portals=Portals(database, Vault(SECRET_KEY)),
        admin_key=KEY,
        service=asked,
        addresses=ClientAddresses(["127.0.0.1"]),
    )
    headers = BROWSER | another_sender()
    with (
        served(assemble(parts)) as address,
        httpx.Client(base_url=address, trust_env=False, headers=headers) as client,
    ):
        visitor = Visitor(client, address)
        visitor.sign_in(KEY)
        yield visitor


@pytest.mark.parametrize("typed", [f" {WEBHOOK}profile.json ", f"acme.bitrix24.com/rest/1/{SECRET}", WEBHOOK])
def test_a_webhook_connects(site: Site, operator: Visitor, typed: str) -> None:
    """Beside an application too; then the first sync begins, and no address has the secret in it."""
    answer = operator.post("/connect", "/connect", domain=typed, counted="deal")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connect/acme/sync?started=yes")
    address = typed.strip() if "://" in typed else f"https://{typed}"
    assert site.asked.calls == [("connect_webhook", "acme", address, "deal"), ("start_sync", "acme")]


def test_without_an_application_a_webhook_connects(bare: Visitor, asked: ScriptedService) -> None:
    """The page has a field, says how a webhook is made, and where the settings of an application stand."""
    page = bare.client.get("/connect")
    assert 'name="domain"' in page.text
    assert pasted(page) == [
        "crm, user, department",
        "https://acme.bitrix24.com/rest/1/…/",
        f"{PUBLIC}/bitrix24/callback",
        f"{PUBLIC}/webhooks/bitrix24",
        "crm, user, department, placement",
        "BITRIX24_CLIENT_ID=local.…\nBITRIX24_CLIENT_SECRET=…",
    ]
    said = text_of(page.text)
    assert "the environment of b24 serve, or into the file .env" in said
    assert "no events come until an outbound webhook is made" in said
    answer = bare.post("/connect", "/connect", domain=WEBHOOK, account="shop")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connect/shop/sync?started=yes")
    assert asked.calls == [("connect_webhook", "shop", WEBHOOK, None), ("start_sync", "shop")]


def test_without_an_application_the_address_of_a_portal_is_not_enough(
    bare: Visitor, asked: ScriptedService
) -> None:
    """It is said why, what was typed stays, and no portal is asked."""
    answer = bare.post("/connect", "/connect", **TYPED | {"account": "shop", "counted": "lead"})
    assert answer.status_code == 422
    assert "is connected by the address of an inbound webhook" in text_of(answer.text)
    for kept in ('value="acme.bitrix24.com"', 'value="shop"', 'value="lead" selected'):
        assert kept in answer.text
    assert asked.calls == []


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_only_an_admin_connects_by_a_webhook(site: Site, visitor: Visitor, role: AccessRole) -> None:
    """Others are refused, and nothing is asked."""
    visitor.sign_in(new_key(site, role))
    answer = visitor.post("/connect", domain=WEBHOOK)
    assert (answer.status_code, SECRET in answer.text) == (403, False)
    assert site.asked.calls == []


@pytest.mark.parametrize(
    ("error", "paste"),
    [
        (e.SettingsError("no").of_case("no_webhook"), "crm, user, department"),
        (e.CredentialRefused("acme.bitrix24.com", "profile", "", "", 401), "crm, user, department"),
        (e.ScopeMissing("acme", "scope", "insufficient_scope", "", 200), "crm, user, department"),
        (e.PortalUnreachable("127.0.0.1", "no"), ""),
        (e.AddressRefused("acme.bitrix24.com", "no"), "B24_ALLOWED_PORTALS=acme.bitrix24.com"),
        (e.PortalConflict("taken"), ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_is_wrong_with_a_webhook_is_said_without_its_secret(
    site: Site, operator: Visitor, error: Exception, paste: str
) -> None:
    """The portal and what was chosen stay in the form; the advice is that of a webhook."""
    site.asked.raises = error
    answer = operator.post("/connect", "/connect", domain=WEBHOOK, account="shop", counted="lead")
    assert answer.status_code == 422
    assert SECRET not in answer.text
    for kept in ('value="https://acme.bitrix24.com"', 'value="shop"', 'value="lead" selected'):
        assert kept in answer.text
    assert paste in [*pasted(answer), ""]
    assert "application's card" not in text_of(answer.text).partition("Which portal?")[0]


def test_the_advice_keeps_the_port(site: Site, operator: Visitor) -> None:
    """A portal on one's own server is looked for where it was said to be."""
    site.asked.raises = e.PortalUnreachable("127.0.0.1", "no")
    for typed, opens in (
        ("127.0.0.1:1847", "https://127.0.0.1:1847/"),
        ("http://127.0.0.1:1847/crm/", "http://127.0.0.1:1847/"),
    ):
        answer = operator.post("/connect", "/connect", domain=typed)
        assert opens in pasted(answer)
    site.asked.raises = e.AddressRefused("127.0.0.1", "no")
    answer = operator.post("/connect", "/connect", domain="http://127.0.0.1:1847")
    assert "B24_ALLOWED_PORTALS=127.0.0.1:1847" in pasted(answer)


@pytest.mark.parametrize(("language", "example", "other"), [("en", "com", "ru"), ("ru", "ru", "com")])
def test_examples_are_of_the_readers_country(bare: Visitor, language: str, example: str, other: str) -> None:
    """One and the same in each language, in hints and in what is to be pasted."""
    bare.client.headers["Accept-Language"] = language
    page = unescape(bare.client.get("/connect").text + bare.post("/connect", "/connect", domain="x").text)
    assert f"acme.bitrix24.{example}" in page
    assert f"acme.bitrix24.{other}" not in page


def test_an_address_other_than_the_public_one_is_told(operator: Visitor, bare: Visitor) -> None:
    """Beside the addresses to paste; not where the browser is at the public address, also behind a proxy."""
    permission = "/connect/permission?domain=acme.bitrix24.com&account=acme"
    for page in (operator.client.get(permission), bare.client.get("/connect")):
        assert f"opened this page at {page.url.scheme}://{page.url.netloc.decode()}" in text_of(page.text)
        assert f"begin with {PUBLIC}" in text_of(page.text)
    for headers in ({"Host": "b24.example.com"}, {"Referer": f"{PUBLIC}/portals"}):
        assert "opened this page at" not in bare.client.get("/connect", headers=headers).text


def test_what_a_webhook_lacks_is_said_at_the_first_sync(site: Site, operator: Visitor) -> None:
    """Rights of the webhook, not of an application; and that events need an outbound webhook, with its address."""
    portals = Portals(site.warehouse, Vault(SECRET_KEY))
    known = portals.add_webhook(
        "acme",
        portals.one("acme").domain,
        WEBHOOK,
        entity_type="both",
        plan="standard",
        user_id=1,
        time_zone="UTC",
    )
    portals.note_admin(known, is_admin=False)
    answer = operator.client.get("/connect/acme/sync")
    page = text_of(answer.text)
    assert "owns the webhook is no administrator" in page
    assert "on the page of the webhook" in page
    assert "application's card" not in page
    assert pasted(answer) == ["department", f"{PUBLIC}/webhooks/bitrix24"]
    assert "b24 portal add acme --application-token -" in page
    assert "b24 portal" not in unfolded(answer.text), "a command stands folded, for whoever runs the server"


@pytest.mark.parametrize(("name", "wrong"), [("a name", "account"), ("a...b", "account"), (None, "domain")])
def test_one_goes_on_in_the_field_that_is_wrong(
    site: Site, operator: Visitor, name: str | None, wrong: str
) -> None:
    """Of a name that cannot be one it is the name; else the address."""
    with pytest.raises(e.B24Error) as refused:
        require_new_name(name) if name else read_address("nowhere at all")
    site.asked.raises = refused.value
    page = operator.post("/connect", "/connect", **TYPED).text
    (field,) = re.findall(r"<input [^>]*autofocus[^>]*>", page)
    assert f'id="{wrong}"' in field
    assert 'aria-invalid="true"' in field
