"""Connecting a portal in the browser: the form, the way there, the way back, and what can go wrong."""

from __future__ import annotations

import re

import httpx
import pytest

from b24_pipeline.errors import (
    AddressRefused,
    AuthorizationRefused,
    DatabaseUnavailable,
    OtherBrowser,
    OtherPortal,
    PortalConflict,
    PortalUnreachable,
    StateExpired,
    StateForged,
    StateUsed,
)
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.connect.routes import MOST_BEGUN
from tests.integration.web.conftest import Service
from tests.support.servers.web_service import (
    BEARER,
    INVITATION,
    KEY,
    ScriptedConnecting,
    parts_of,
    portal,
    served,
)

AUTH = {
    "domain": "acme.bitrix24.com",
    "account": "acme",
    "entityType": "deal",
    "invitation": INVITATION,
}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_form_speaks_the_readers_language(service: Service) -> None:
    """Russian and English by Accept-Language, and by ?lang= whatever the browser prefers."""
    texts = {
        "ru-RU,ru;q=0.9,en;q=0.8": "Подключить портал",
        "kk,en;q=0.2": "Подключить портал",
        "en-GB,ru;q=0.5": "Connect a Bitrix24 portal",
        "fr;q=oops,,": "Connect a Bitrix24 portal",
        "": "Connect a Bitrix24 portal",
    }
    for header, text in texts.items():
        page = service.client.get("/bitrix24/connect", headers={"Accept-Language": header})
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert text in page.text
    asked = service.client.get("/bitrix24/connect?lang=ru", headers={"Accept-Language": "en"})
    assert "Подключить портал" in asked.text


def test_form_escapes_what_it_is_given(service: Service) -> None:
    """A link that fills in the form cannot put markup into it."""
    page = service.client.get("/bitrix24/connect", params={"domain": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_without_an_entity_type_the_portal_keeps_its_own(service: Service) -> None:
    """Left out or empty, as the form's first choice sends it: what is counted is not decided here."""
    asked = {"domain": AUTH["domain"], "account": "acme"}
    for query in ({}, {"entityType": ""}):
        service.client.get("/bitrix24/auth", params=asked | query, headers=BEARER)
        assert service.connecting.calls[-1][:4] == ("begin", "acme", AUTH["domain"], None)


def test_auth_sends_the_browser_to_the_portal_with_a_cookie(service: Service) -> None:
    """302 to the portal; the cookie that names the browser is what the authorization is bound to."""
    answer = service.client.get("/bitrix24/auth", params=AUTH)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("https://acme.bitrix24.com/oauth/authorize/")
    cookie = answer.headers["set-cookie"]
    assert re.match(r"b24_browser=[\w-]{43};", cookie)
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Max-Age=600", "Path=/"))
    assert "Secure" not in cookie
    assert service.connecting.calls == [
        (
            "begin_invited",
            INVITATION,
            "acme",
            "acme.bitrix24.com",
            "deal",
            service.client.cookies["b24_browser"],
        )
    ]


def test_a_second_tab_keeps_the_cookie(service: Service) -> None:
    """Two authorizations of one browser are bound to the same cookie."""
    service.client.get("/bitrix24/auth", params=AUTH)
    service.client.get("/bitrix24/auth", params=AUTH)
    assert len({call[-1] for call in service.connecting.calls}) == 1


def test_cookie_is_bound_to_the_host_where_the_service_has_https() -> None:
    """`__Host-` and Secure behind https; a browser on the machine itself may use plain http."""
    parts = parts_of(public_url="https://b24.example.com", connecting=ScriptedConnecting())
    with served(assemble(parts)) as address:
        public = httpx.get(f"{address}/bitrix24/auth", params=AUTH, headers={"Host": "b24.example.com"})
        local = httpx.get(f"{address}/bitrix24/auth", params=AUTH)
    assert public.headers["set-cookie"].startswith("__Host-b24_browser=")
    assert "Secure" in public.headers["set-cookie"]
    assert "Domain" not in public.headers["set-cookie"]
    assert "max-age" in public.headers["strict-transport-security"]
    assert local.headers["set-cookie"].startswith("b24_browser=")


@pytest.mark.parametrize(
    ("typed", "address", "name"),
    [
        (" acme.bitrix24.ru ", "acme.bitrix24.ru", "acme"),
        ("https://acme.bitrix24.ru/crm/deal/list/", "https://acme.bitrix24.ru", "acme"),
        ("http://127.0.0.1:8077", "http://127.0.0.1:8077", "127"),
    ],
)
def test_what_people_paste_becomes_an_address_and_a_name(
    service: Service, typed: str, address: str, name: str
) -> None:
    """The page's path is dropped; without a name the portal is called by its host's first part."""
    begun = service.client.get("/bitrix24/auth", params={"domain": typed}, headers=BEARER)
    assert begun.status_code == 302
    assert service.connecting.calls[0][1:4] == (name, address, None)
    service.client.post("/bitrix24/connect", data={"domain": typed, "key": KEY})
    assert service.connecting.calls[1] == ("invite", name, address, None)


def test_callback_finishes_with_the_browsers_cookie(service: Service) -> None:
    """Code, state, cookie, domain and member_id are handed on; the page names the portal and nothing secret."""
    service.client.get("/bitrix24/auth", params=AUTH)
    given = {
        "code": "c0de",
        "state": "signed",
        "domain": "acme.bitrix24.com",
        "member_id": "0a1b",
        "scope": "crm",
        "server_domain": "evil.example.com",
    }
    page = service.client.get("/bitrix24/callback", params=given, headers={"Accept-Language": "ru"})
    assert page.status_code == 200
    assert "Портал подключён" in page.text
    assert "acme.bitrix24.com" in page.text
    assert "c0de" not in page.text
    cookie = service.client.cookies["b24_browser"]
    assert service.connecting.calls[-1] == ("finish", "c0de", "signed", cookie, "acme.bitrix24.com", "0a1b")


def test_a_cookie_of_another_shape_counts_for_nothing(service: Service) -> None:
    """What we did not make is not handed on."""
    service.client.get("/bitrix24/callback", headers={"Cookie": "b24_browser=short"})
    assert service.connecting.calls[-1][3] == ""


REFUSALS = [
    (StateForged("acme", "no"), 403, "state_forged"),
    (StateExpired("acme", "no"), 400, "state_expired"),
    (StateUsed("acme", "no"), 400, "state_used"),
    (OtherBrowser("acme", "no"), 403, "other_browser"),
    (OtherPortal("acme", "no"), 403, "other_portal"),
    (AddressRefused("evil.com", "no"), 400, "address_refused"),
    (AuthorizationRefused("acme", "oauth/token", "INVALID_GRANT", "", 400), 400, "authorization_refused"),
    (PortalConflict("taken"), 409, "portal_conflict"),
    (PortalUnreachable("acme", "no"), 503, "portal_unreachable"),
    (DatabaseUnavailable("db.internal:5432 refused us"), 503, "database_unavailable"),
]


@pytest.mark.parametrize(("error", "status", "code"), REFUSALS)
def test_each_refusal_has_a_status_and_a_page(
    service: Service, error: Exception, status: int, code: str
) -> None:
    """A page with the reason for people, for programs `{error, message}`; the database's place stays inside."""
    service.connecting.raises = error
    shown = service.client.get("/bitrix24/callback?code=x&state=y")
    assert (shown.status_code, code in shown.text) == (status, True)
    assert shown.headers["content-type"].startswith("text/html")
    answer = service.client.get("/bitrix24/auth", params=AUTH)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert "db.internal" not in shown.text + answer.text
    seen = service.client.get("/bitrix24/auth", params=AUTH, headers=BROWSER)
    assert seen.headers["content-type"].startswith("text/html")


def test_a_reason_is_escaped(service: Service) -> None:
    """What a portal's name may hold does not become markup."""
    service.connecting.raises = AddressRefused("<script>alert(1)</script>", "is no address")
    assert "<script>" not in service.client.get("/bitrix24/callback").text


def test_without_an_application_the_page_says_what_to_set() -> None:
    """Nothing is begun where BITRIX24_CLIENT_ID is missing."""
    with served(assemble(parts_of())) as address:
        page = httpx.get(f"{address}/bitrix24/connect")
        begun = httpx.get(f"{address}/bitrix24/auth", params=AUTH)
    assert "BITRIX24_CLIENT_ID" in page.text
    assert "<form" not in page.text
    assert (begun.status_code, begun.json()["error"]) == (503, "settings_error")


def test_beginning_is_bounded_for_each_sender(service: Service) -> None:
    """Each begun authorization is a row in the database: a script that begins thousands is stopped, nobody else."""

    def begin(sender: str) -> int:
        headers = {"X-Forwarded-For": sender}
        return service.client.get("/bitrix24/auth", params=AUTH, headers=headers).status_code

    statuses = [begin("203.0.113.66") for _ in range(MOST_BEGUN.amount + 1)]
    assert statuses == [302] * MOST_BEGUN.amount + [429]
    assert begin("198.51.100.7") == 302


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ({}, {}, 403, "invitation_refused"),
        ({"invitation": "forged"}, {}, 403, "invitation_refused"),
        ({"invitation": "forged"}, BEARER, 403, "invitation_refused"),
        ({}, {"Authorization": "Bearer wrong"}, 401, "key_refused"),
        ({}, BEARER, 302, None),
    ],
)
def test_who_may_begin(
    service: Service, query: dict[str, str], headers: dict[str, str], status: int, code: str | None
) -> None:
    """An invitation, or the operator's key; nobody else, and no cookie is made for them."""
    asked = {"domain": "acme.bitrix24.com"} | query
    answer = service.client.get("/bitrix24/auth", params=asked, headers=headers)
    assert answer.status_code == status
    assert (code is None) == ("set-cookie" in answer.headers)
    if code:
        assert answer.json()["error"] == code


@pytest.mark.parametrize("body", [b"", b"\xff=1", b"&".join([b"a=1"] * 50), b"key=%ff", b"domain=a&key"])
def test_a_form_that_no_browser_sends_is_refused(service: Service, body: bytes) -> None:
    """On a page, without a link and without an internal error."""
    refused = service.client.post("/bitrix24/connect", content=body)
    assert refused.status_code in (400, 401)
    assert refused.headers["content-type"].startswith("text/html")
    assert service.connecting.calls == []


def test_the_form_keeps_the_key_out_of_addresses(service: Service) -> None:
    """It is posted, and the browser is led on with an invitation instead."""
    form = service.client.get("/bitrix24/connect").text
    assert '<form method="post" action="/bitrix24/connect' in form
    assert 'type="password"' in form
    led = service.client.post("/bitrix24/connect", data=AUTH | {"key": KEY})
    assert led.status_code == 303
    assert KEY not in str(led.headers)
    assert INVITATION in led.headers["location"]


def test_forms_only_lead_away_from_the_form(service: Service) -> None:
    """Only the connect page may submit a form; no page may run a script or be framed."""
    form = service.client.get("/bitrix24/connect").headers["content-security-policy"]
    done = service.client.get("/bitrix24/callback").headers["content-security-policy"]
    assert "form-action 'self' https: http:" in form
    assert "form-action 'none'" in done
    for policy in (form, done):
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy


def test_names_on_the_page_are_the_portals(service: Service) -> None:
    """The page after connecting shows name, address and funnel."""
    page = service.client.get("/bitrix24/callback")
    assert portal().domain in page.text
    assert "Leads and deals" in page.text
