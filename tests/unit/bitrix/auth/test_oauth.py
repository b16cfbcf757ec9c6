"""The authorization server's client: what it sends where, and what it makes of the answers."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from b24_pipeline import errors as e
from b24_pipeline.bitrix.auth.credentials import AppCredential, FreshToken
from b24_pipeline.bitrix.auth.oauth import MAX_ANSWER_BYTES, OAuthApp, expiry
from b24_pipeline.bitrix.http.address import parse_address, parse_server, read_address
from tests.support.servers.authorization_server import CANARY, CLIENT_ID, MEMBER, AuthorizationServer
from tests.support.servers.scripted_portal import Reply, error


@pytest.fixture
def bitrix() -> Iterator[AuthorizationServer]:
    """An authorization server with its portal."""
    with AuthorizationServer().serve() as serving:
        yield serving


def test_the_link_holds_nothing_but_our_id_and_the_state() -> None:
    """Bitrix24 takes the return address and the scopes from the application's card."""
    app = OAuthApp.of(CLIENT_ID, CANARY, "https://oauth.bitrix.info")
    url = app.authorize_url(parse_address("acme.bitrix24.com"), "a b/c")
    assert url == f"https://acme.bitrix24.com/oauth/authorize/?client_id={CLIENT_ID}&state=a+b%2Fc"


def test_a_redirect_address_goes_with_the_link_and_the_code(bitrix: AuthorizationServer) -> None:
    """It is sent with both where it is set, never with a refresh; left out, with none of them."""
    app = replace(bitrix.app, redirect_uri="https://b24.example.com/bitrix24/callback")
    assert app.authorize_url(parse_address("acme.bitrix24.com"), "s").endswith(
        "&state=s&redirect_uri=https%3A%2F%2Fb24.example.com%2Fbitrix24%2Fcallback"
    )
    app.refresh(app.exchange(bitrix.code()).refresh_token)
    bitrix.app.exchange(bitrix.code())
    sent = [(query["grant_type"], query.get("redirect_uri")) for _, query in bitrix.asked]
    assert sent == [
        ("authorization_code", "https://b24.example.com/bitrix24/callback"),
        ("refresh_token", None),
        ("authorization_code", None),
    ]


def test_a_code_is_exchanged_once(bitrix: AuthorizationServer) -> None:
    """The portal's address comes from `client_endpoint`; `domain` names the authorization server."""
    code = bitrix.code(user_id=17)
    tokens = bitrix.app.exchange(code)
    assert (tokens.member_id, tokens.user_id, tokens.scope, tokens.status) == (
        MEMBER,
        17,
        ("crm", "user"),
        "L",
    )
    assert tokens.address.origin == bitrix.origin
    assert timedelta(minutes=59) < tokens.expires_at - datetime.now(UTC) < timedelta(minutes=61)
    with pytest.raises(e.AuthorizationRefused, match="b24 portal connect"):
        bitrix.app.exchange(code)


@pytest.mark.parametrize("code", ["I", "n", "invalid"])
def test_a_code_that_is_part_of_the_answer_does_not_garble_it(bitrix: AuthorizationServer, code: str) -> None:
    """What the server repeats of our request is masked; the error's own name is not ours."""
    with pytest.raises(e.AuthorizationRefused, match="INVALID_GRANT"):
        bitrix.app.exchange(code)


def test_each_refresh_gives_a_new_pair(bitrix: AuthorizationServer) -> None:
    """The old refresh token is worth nothing afterwards."""
    first = bitrix.app.exchange(bitrix.code())
    second = bitrix.app.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    with pytest.raises(e.AuthorizationRefused):
        bitrix.app.refresh(first.refresh_token)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error("invalid_grant", 400), e.AuthorizationRefused),
        (error("invalid_request", 400), e.ApplicationRefused),
        (error("invalid_client", 400), e.ApplicationRefused),
        (error("wrong_client", 200), e.ApplicationRefused),
        (error("invalid_scope", 403), e.ScopeMissing),
        (error("insufficient_scope", 403), e.ScopeMissing),
        (error("PAYMENT_REQUIRED", 401), e.PaymentRequired),
        (error("NOT_INSTALLED", 401), e.AppRemoved),
        (Reply(502, b"<html>", "text/html"), e.ServerFault),
        (Reply(200, b"<html>", "text/html"), e.UnreadableAnswer),
        (Reply(200, {"access_token": "a"}), e.UnreadableAnswer),
        (Reply(200, [1]), e.UnreadableAnswer),
        (Reply(302, b"", "text/html", {"Location": "https://evil.com/"}), e.UnreadableAnswer),
        (Reply(200, b" " * (MAX_ANSWER_BYTES + 1)), e.UnreadableAnswer),
    ],
)
def test_refusals_of_the_server(bitrix: AuthorizationServer, reply: Reply, kind: type[Exception]) -> None:
    """The table of section 2.3, and answers that are none; each is one line without a secret."""
    bitrix.script.append(reply)
    with pytest.raises(kind) as caught:
        bitrix.app.refresh("canaryrefresh")
    assert len(bitrix.asked) == 1
    assert "\n" not in str(caught.value)
    assert not {CANARY, "canaryrefresh"} & set(str(caught.value).replace("=", " ").split())


@pytest.mark.parametrize("said", [f"secret {CANARY} is wrong", f"client_secret={CANARY}", "canaryrefresh"])
def test_what_the_server_repeats_is_masked(bitrix: AuthorizationServer, said: str) -> None:
    """A secret that comes back in a description goes no further."""
    bitrix.script.append(error("invalid_client", 400, said))
    with pytest.raises(e.ApplicationRefused) as caught:
        bitrix.app.refresh("canaryrefresh")
    assert CANARY not in str(caught.value)
    assert "canaryrefresh" not in str(caught.value)
    assert CANARY not in repr(bitrix.app)


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [
        ("https://evil.com/rest/", e.AddressRefused),
        ("https://x@10.0.0.1/rest/", e.AddressRefused),
        ("http://acme.bitrix24.com/rest/", e.AddressRefused),
        ("https://acme.bitrix24.com:22/rest/", e.AddressRefused),
        ("https://[::ffff:127.0.0.1]/rest/", e.AddressRefused),
        ("https://acme.bitrix24.com/other/", e.UnreadableAnswer),
        ("", e.UnreadableAnswer),
    ],
)
def test_a_portal_that_we_would_not_connect_to_is_refused(
    bitrix: AuthorizationServer, endpoint: str, kind: type[Exception]
) -> None:
    """Whatever the server names is judged as any address."""
    with pytest.raises(kind):
        bitrix.app.exchange(bitrix.code(endpoint=endpoint))


def test_an_access_token_is_judged_by_the_server(bitrix: AuthorizationServer) -> None:
    """Whose it is, where that portal is, and that it is ours."""
    found = bitrix.app.installation(bitrix.tokens()["access_token"])
    assert (found.member_id, found.address.origin, found.installed) == (MEMBER, bitrix.origin, True)
    with pytest.raises(e.ApplicationRefused, match="another application"):
        bitrix.app.installation(bitrix.tokens(client_id="local.other")["access_token"])
    with pytest.raises(e.TokenExpired):
        bitrix.app.installation("forged")


@pytest.mark.parametrize(
    "text",
    [
        *("http://oauth.bitrix.info", "https://oauth.bitrix.info:8443", "https://127.0.0.1", "https://[::1]"),
        *(
            "https://x@oauth.bitrix.info",
            "ftp://oauth.bitrix.info",
            "https://oauth.bitrix.info/oauth",
            "",
            "10.1",
        ),
    ],
)
def test_servers_that_get_no_secret(text: str) -> None:
    """Plain http and private addresses only where the operator allows the host."""
    with pytest.raises(e.AddressRefused):
        parse_server(text)


def test_a_server_that_leads_into_our_network_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: its name is fine, its address is private when we connect."""

    def resolve(_host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(e.AddressRefused, match="private"):
        OAuthApp.of(CLIENT_ID, CANARY, "https://oauth.bitrix.info").refresh("canaryrefresh")


def test_a_server_that_cannot_be_reached_is_told_without_a_secret() -> None:
    """The URL of the request holds the client secret; the message names the host."""
    token = "canary" + "refresh"
    with pytest.raises(e.PortalUnreachable, match=r"127\.0\.0\.1: oauth/token") as caught:
        OAuthApp.of(CLIENT_ID, CANARY, "http://127.0.0.1:1", ["127.0.0.1"]).refresh(token)
    said = "".join(traceback.format_exception(caught.value))
    assert CANARY not in said
    assert token not in said


def test_servers_by_setting() -> None:
    """The two of Bitrix24, one's own, and one on this machine that is allowed."""
    assert parse_server("https://oauth.bitrix24.tech/").origin == "https://oauth.bitrix24.tech"
    assert parse_server("http://127.0.0.1:8077", ["127.0.0.1"]).origin == "http://127.0.0.1:8077"


def test_addresses_as_people_write_them() -> None:
    """A loopback portal is reached by http; what is written is read back."""
    assert read_address("127.0.0.1:8077", ["127.0.0.1"]).origin == "http://127.0.0.1:8077"
    assert read_address("acme.bitrix24.com").origin == "https://acme.bitrix24.com"
    for text in (
        "127.0.0.1:8077",
        "https://127.0.0.1:8077",
        "http://crm.corp:80",
        "crm.corp",
        "acme.bitrix24.com",
    ):
        address = read_address(text, ["127.0.0.1", "crm.corp"])
        assert read_address(address.written, ["127.0.0.1", "crm.corp"]) == address


def test_an_application_puts_its_token_in_the_body() -> None:
    """Access logs hold URLs."""
    credential = AppCredential(parse_address("acme.bitrix24.com"), FreshToken("sesame"))
    url, body = credential.prepare("crm.deal.list", {"start": -1})
    assert url == "https://acme.bitrix24.com/rest/crm.deal.list"
    assert body == {"start": -1, "auth": "sesame"}
    assert "sesame" not in repr(credential)


@pytest.mark.parametrize(
    "given", [(None, None), ("x", "y"), (True, []), (10**30, 10**30), (-5, -5), ("1790003600", None)]
)
def test_expiry_is_a_moment_whatever_comes(given: tuple[object, object]) -> None:
    """It is shown to people, and nothing depends on it."""
    assert expiry(*given).tzinfo is UTC
