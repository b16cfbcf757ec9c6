"""Who is signed in to the pages, for how long, and who is not."""

from __future__ import annotations

import re

import httpx
import pytest

from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.frame.sign_in import own_path
from tests.integration.web.pages.conftest import Visitor, new_key
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import KEY as SECRET_KEY
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import unfolded
from tests.support.servers.web_service import KEY, parts_of, served


def test_the_bare_address_leads_to_the_sign_in_page_and_then_on(managed: Managed, visitor: Visitor) -> None:
    """Whoever came for a page gets to it with their key."""
    led = visitor.client.get("/portals?lang=ru")
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/portals%3Flang%3Dru")
    form = visitor.client.get(led.headers["location"])
    assert form.status_code == 200
    assert 'name="next" value="/portals?lang=ru"' in form.text
    led = visitor.sign_in(KEY, data={"next": "/portals?lang=ru"})
    assert (led.status_code, led.headers["location"]) == (303, "/portals?lang=ru")
    assert visitor.is_signed_in


def test_a_key_may_come_with_the_name_that_stands_before_it(managed: Managed, visitor: Visitor) -> None:
    """As it is copied out of `.env`."""
    assert visitor.sign_in(f" B24_ADMIN_KEY={KEY} ").status_code == 303
    assert visitor.is_signed_in


def test_a_browser_keeps_the_session_from_scripts_and_other_sites(managed: Managed, visitor: Visitor) -> None:
    """The value is random, and the database has nothing by which another browser could be signed in."""
    cookie = visitor.sign_in(KEY).headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"))
    value = visitor.client.cookies["b24_session"]
    (row,) = fetch(managed.warehouse, "select session::text as stored from bitrix24_sessions as session")
    assert value not in row["stored"]
    assert KEY not in row["stored"]
    assert visitor.sign_in(KEY).status_code == 303
    assert visitor.client.cookies["b24_session"] != value


def test_over_https_no_other_host_can_set_the_cookie(managed: Managed, visitor: Visitor) -> None:
    """Its name says so to the browser."""
    portals = Portals(managed.warehouse, Vault(SECRET_KEY))
    parts = parts_of(
        public_url="https://b24.example.com", warehouse=managed.warehouse, portals=portals, admin_key=KEY
    )
    with served(assemble(parts)) as address, httpx.Client(base_url=address, trust_env=False) as client:
        headers = {"Host": "b24.example.com", "Origin": "https://b24.example.com"}
        cookie = client.post("/sign-in", data={"key": KEY}, headers=headers).headers["set-cookie"]
        assert cookie.startswith("__Host-b24_session=")
        assert "Secure" in cookie


@pytest.mark.parametrize("host", ["", "b24.example.com"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_asks_a_person_and_no_terminal(visitor: Visitor, host: str, language: str) -> None:
    """Commands and settings are there, folded, for whoever runs the server: over https and where it is missing."""
    headers = {"Accept-Language": language} | ({"Host": host} if host else {})
    shown = visitor.client.get("/sign-in", headers=headers).text
    assert "B24_" in shown
    assert not re.search(r"B24_|b24 \w|admin\.key", unfolded(shown).partition("<main")[2])


def test_a_key_is_not_taken_over_plain_http(managed: Managed, visitor: Visitor) -> None:
    """Elsewhere than on the service's own machine others could read it; the page asks for none."""
    foreign = {"Host": "b24.example.com"}
    form = visitor.client.get("/sign-in", headers=foreign)
    assert 'name="key"' not in form.text
    assert "B24_PUBLIC_URL" in form.text
    answer = visitor.sign_in(KEY, Host="b24.example.com", Origin="http://b24.example.com")
    assert (answer.status_code, answer.json()["error"]) == (403, "not_protected")
    assert fetch(managed.warehouse, "select from bitrix24_sessions") == []


def test_a_wrong_key_is_said_to_be_wrong_ten_times_a_minute(managed: Managed, visitor: Visitor) -> None:
    """Then nobody from this address is heard for a minute; until then the form comes again."""
    for _ in range(10):
        answer = visitor.sign_in("b24_" + "x" * 43)
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
    assert visitor.sign_in(KEY).status_code == 429
    assert not visitor.is_signed_in


def test_a_session_ends_with_its_key(managed: Managed, visitor: Visitor) -> None:
    """The next request after the revocation is nobody's."""
    assert visitor.sign_in(new_key(managed, "viewer", name="Anna")).status_code == 303
    assert visitor.is_signed_in
    AccessKeys(managed.warehouse).revoke("Anna")
    assert not visitor.is_signed_in


def test_a_session_of_the_operator_ends_when_the_operator_changes_the_key(
    managed: Managed, operator: Visitor
) -> None:
    """A service that was started with another B24_ADMIN_KEY does not know the session."""
    portals = Portals(managed.warehouse, Vault(SECRET_KEY))
    other = parts_of(
        warehouse=managed.warehouse, portals=portals, admin_key="another-key-of-more-than-128-bits"
    )
    with served(assemble(other)) as address:
        cookies = {"b24_session": operator.client.cookies["b24_session"]}
        answer = httpx.get(f"{address}/portals", cookies=cookies, trust_env=False)
        assert answer.status_code == 303
    assert operator.is_signed_in


@pytest.mark.parametrize("path", ["/portals", "/p/acme/stages"])
def test_signing_out_ends_the_session_in_the_database(managed: Managed, operator: Visitor, path: str) -> None:
    """A copy of the cookie is worth nothing afterwards."""
    value = operator.client.cookies["b24_session"]
    assert operator.post("/sign-out", page=path).headers["location"] == "/sign-in"
    assert "b24_session" not in operator.client.cookies
    operator.client.cookies["b24_session"] = value
    assert not operator.is_signed_in


def test_an_unused_session_ends_and_a_used_one_goes_on(managed: Managed, operator: Visitor) -> None:
    """Twelve hours after its last use; it is written at most once a minute."""
    execute(
        managed.warehouse,
        "update bitrix24_sessions set used_at = now() - interval '11 hours', ends_at = now() + interval '1 hour'",
    )
    assert operator.is_signed_in
    (row,) = fetch(
        managed.warehouse, "select ends_at - now() > interval '11 hours' as lasts from bitrix24_sessions"
    )
    assert row["lasts"]
    execute(managed.warehouse, "update bitrix24_sessions set ends_at = now()")
    assert not operator.is_signed_in


def test_a_form_of_another_site_changes_nothing(managed: Managed, operator: Visitor) -> None:
    """Of a foreign origin or none, without a token of our pages, or with the token of another session."""
    token = operator.form_token("/portals")
    foreign = httpx.Client(base_url=operator.origin, trust_env=False)
    other = Visitor(foreign, operator.origin)
    other.sign_in(KEY)
    others_token = other.form_token("/portals")
    foreign.close()
    for origin, given in (
        ("https://evil.example", token),
        ("null", token),
        ("", token),
        (operator.origin, ""),
        (operator.origin, "00." + "0" * 64),
        (operator.origin, others_token),
    ):
        headers = {"Origin": origin} if origin else {}
        answer = operator.client.post("/sign-out", data={"form_token": given}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (403, "foreign_form"), origin
    assert operator.is_signed_in
    assert operator.client.post("/sign-in", data={"key": KEY}).status_code == 403


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "", "/\t/evil.example", "/\n"],
)
def test_nobody_is_led_to_another_site(target: str) -> None:
    """What an address says of the next page is ours or nothing."""
    assert own_path(target) == "/"
