"""A portal is connected by OAuth, moved, renamed, uninstalled: faults 6, 7, 18, 30, 31, 52."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from limits import parse as parse_limit

from b24_pipeline import errors as e
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.events.bindings import EVENTS, bind, check, unbind
from b24_pipeline.sync.portals import proof_limit
from b24_pipeline.sync.portals.oauth import Connecting
from tests.support.installation import KEY, NO_LIMIT, fetch
from tests.support.servers.authorization_server import ALLOWED, CANARY, MEMBER, AuthorizationServer, Sent
from tests.support.servers.scripted_portal import error

PUBLIC = "https://pipeline.example.com"
HANDLER = f"{PUBLIC}/webhooks/bitrix24"
BROWSER = "cookie-of-a-browser"
OTHER_MEMBER = "f" * 32


class Setting:
    """An installation that knows one authorization server."""

    def __init__(self, warehouse: Warehouse, bitrix: AuthorizationServer) -> None:
        self.warehouse, self.bitrix = warehouse, bitrix
        self.portals = Portals(warehouse, Vault(KEY))
        self.connections = Connections(warehouse, self.portals, ALLOWED, NO_LIMIT, oauth=bitrix.app)
        self.connecting = Connecting(self.connections, bitrix.app, PUBLIC + "/")

    def begin(self, name: str = "acme", entity_type: str = "both", browser: str = BROWSER) -> str:
        """Sends a browser away; the state that it takes along."""
        url = self.connecting.begin(name, self.bitrix.domain, entity_type, browser)
        assert url.startswith(f"{self.bitrix.origin}/oauth/authorize/?client_id=")
        return parse_qs(urlsplit(url).query)["state"][0]

    def connect(self, name: str = "acme", entity_type: str = "both", **grant: str) -> Portal:
        """All the way."""
        state = self.begin(name, entity_type)
        return self.connecting.finish(self.bitrix.code(**grant), state, BROWSER)

    def install(self, *, member_id: str = MEMBER, application_token: str = "apptoken", **pair: str) -> Portal:
        tokens = self.bitrix.tokens() | pair
        sent = Sent(member_id, application_token, tokens["access_token"], tokens["refresh_token"])
        return self.connecting.install(sent)

    def stored(self) -> list[dict[str, object]]:
        return fetch(self.warehouse, "select * from user_accounts order by name")


@pytest.fixture
def bitrix() -> Iterator[AuthorizationServer]:
    """An authorization server with its portal."""
    with AuthorizationServer().serve() as serving:
        yield serving


@pytest.fixture
def setting(warehouse: Warehouse, bitrix: AuthorizationServer) -> Setting:
    """Nothing is connected yet."""
    return Setting(warehouse, bitrix)


def test_a_portal_is_connected(setting: Setting, bitrix: AuthorizationServer) -> None:
    """The code is exchanged, the portal is probed, the events are bound, and nothing is in clear."""
    state = setting.begin()
    portal = setting.connecting.finish(bitrix.code(), state, BROWSER, bitrix.domain, MEMBER)
    assert (portal.name, portal.member_id, portal.domain) == ("acme", MEMBER, bitrix.domain)
    assert (portal.connected_by, portal.status, portal.plan) == ("oauth", "connected", "enterprise")
    assert (portal.user_id, portal.time_zone, portal.entity_type) == (17, "Europe/Moscow", "both")
    assert portal.token_expires_at is not None
    assert {one["event"] for one in bitrix.bindings} == set(EVENTS["both"])
    assert {one["handler"] for one in bitrix.bindings} == {HANDLER}
    with setting.connections.client(portal) as client:
        assert client.call("profile").result["ID"] == "17"
    (health,) = fetch(setting.warehouse, "select * from bitrix24_event_health")
    assert (set(health["bound_events"]), health["handler_url"]) == (set(EVENTS["both"]), HANDLER)


def test_the_client_secret_goes_to_the_authorization_server_alone(
    setting: Setting,
    bitrix: AuthorizationServer,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No log, no row and no call of the portal holds a secret, also where things go wrong."""
    caplog.set_level(logging.DEBUG)
    portal = setting.connect()
    tokens = {token for _, token in bitrix.called}
    bitrix.expire()
    bitrix.revoke()
    with setting.connections.client(portal) as client, pytest.raises(e.AuthorizationRefused) as caught:
        client.call("profile")
    said = (
        "".join(capfd.readouterr()) + caplog.text + str(caught.value) + str(setting.stored()) + repr(portal)
    )
    assert CANARY not in said
    assert not [token for token in tokens if token in said]
    assert {path for path, query in bitrix.asked if CANARY in query.values()} == {"/oauth/token/"}


Tamper = Callable[[Setting, str], tuple[str, str]]  # state and browser that come back


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (lambda _, state: (state + "x", BROWSER), e.StateForged),
        (lambda _, state: ("", BROWSER), e.StateForged),
        (lambda _, state: ("é" * 5000, BROWSER), e.StateForged),
        (lambda _, state: (state, "another-cookie"), e.OtherBrowser),
        (lambda _, state: (state, ""), e.OtherBrowser),
        (lambda setting, state: (_signed_elsewhere(setting), BROWSER), e.StateForged),
        (lambda setting, state: (setting.connecting._signer.dumps("unknown"), BROWSER), e.StateForged),
    ],
)
def test_a_state_that_is_not_ours_stores_nothing(
    setting: Setting, tamper: Tamper, kind: type[Exception]
) -> None:
    """Forged, cut, of another installation, or in another browser: the code is not even exchanged."""
    state, browser = tamper(setting, setting.begin())
    with pytest.raises(kind):
        setting.connecting.finish(setting.bitrix.code(), state, browser)
    assert (setting.bitrix.asked, setting.stored()) == ([], [])


def _signed_elsewhere(setting: Setting) -> str:
    portals = Portals(setting.warehouse, Vault("x" * 43 + "="))
    elsewhere = Connections(setting.warehouse, portals, ALLOWED, NO_LIMIT, oauth=setting.bitrix.app)
    url = Connecting(elsewhere, setting.bitrix.app, PUBLIC).begin(
        "acme", setting.bitrix.domain, "both", BROWSER
    )
    return parse_qs(urlsplit(url).query)["state"][0]


def test_access_that_was_not_given_leaves_the_state_good(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """Whoever comes back without a code may go there again and allow it; nobody is asked meanwhile."""
    state = setting.begin()
    asked = len(bitrix.asked)
    with pytest.raises(e.AccessNotGiven):
        setting.connecting.finish("", state, BROWSER)
    assert len(bitrix.asked) == asked
    assert setting.connecting.finish(bitrix.code(), state, BROWSER).status == "connected"


def test_another_browser_does_not_use_a_state_up(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Whoever saw the link cannot spoil it for the one who began."""
    state = setting.begin()
    with pytest.raises(e.OtherBrowser):
        setting.connecting.finish(bitrix.code(), state, "another")
    assert setting.connecting.finish(bitrix.code(), state, BROWSER).status == "connected"
    with pytest.raises(e.StateUsed):
        setting.connecting.finish(bitrix.code(), state, BROWSER)


def test_30_a_state_or_code_that_is_too_old_stores_nothing(
    setting: Setting, bitrix: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes for the state, by the signature and by the database; thirty seconds for the code."""
    state = setting.begin()
    bitrix.code_seconds = 0.0
    with pytest.raises(e.AuthorizationRefused):
        setting.connecting.finish(bitrix.code(), state, BROWSER)
    bitrix.code_seconds = 30.0
    state = setting.begin()
    fetch(setting.warehouse, "update bitrix24_oauth_states set expires_at = now() returning 1")
    with pytest.raises(e.StateExpired):
        setting.connecting.finish(bitrix.code(), state, BROWSER)
    state, now = setting.begin(), time.time
    monkeypatch.setattr(time, "time", lambda: now() + 601)
    with pytest.raises(e.StateExpired):
        setting.connecting.finish(bitrix.code(), state, BROWSER)
    assert setting.stored() == []


@pytest.mark.parametrize(
    ("domain", "member_id"), [("evil.bitrix24.com", ""), ("127.0.0.1:1", ""), ("", OTHER_MEMBER)]
)
def test_a_browser_that_names_another_portal_is_refused(
    setting: Setting, bitrix: AuthorizationServer, domain: str, member_id: str
) -> None:
    """What it brings along is compared with what was asked for and what the server says."""
    with pytest.raises(e.OtherPortal):
        setting.connecting.finish(bitrix.code(), setting.begin(), BROWSER, domain, member_id)
    assert setting.stored() == []


def test_a_code_of_another_portal_is_refused(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Mix-up: the tokens are of a portal that was not asked for."""
    code = bitrix.code(endpoint="https://other.bitrix24.com/rest/", member_id=OTHER_MEMBER)
    with pytest.raises(e.OtherPortal):
        setting.connecting.finish(code, setting.begin(), BROWSER)
    assert setting.stored() == []


@pytest.mark.parametrize(
    "domain",
    [
        "evil.com",
        "x@10.0.0.1",
        "[::ffff:127.0.0.1]",
        "xn--80ak6aa92e.bitrix24.ru",
        "acme.bitrix24.ru:22",
        "10.0.0.1",
        "",
    ],
)
def test_52_addresses_are_refused_before_anything_else(setting: Setting, domain: str) -> None:
    """No state is made, no browser is sent there."""
    with pytest.raises(e.AddressRefused):
        setting.connecting.begin("acme", domain, "both", BROWSER)
    with pytest.raises(e.AddressRefused):
        setting.connecting.link("acme", domain, "both")
    assert fetch(setting.warehouse, "select 1 from bitrix24_oauth_states") == []


@pytest.mark.parametrize(
    ("name", "entity_type", "browser"), [("", "both", "b"), ("a", "item", "b"), ("a", "both", "")]
)
def test_wrong_use_is_told(setting: Setting, name: str, entity_type: str, browser: str) -> None:
    """A name that cannot be, an unknown entity type, a browser without a cookie."""
    with pytest.raises(e.UsageError):
        setting.connecting.begin(name, setting.bitrix.domain, entity_type, browser)


def test_one_portal_has_one_account(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Connected again it keeps its id; under another name, or another portal under its name, is refused."""
    first = setting.connect()
    again = setting.connect()
    assert (again.id, len(setting.stored())) == (first.id, 1)
    with pytest.raises(e.PortalConflict, match="as acme"):
        setting.connecting.begin("other", bitrix.domain, "both", BROWSER)
    with pytest.raises(e.PortalConflict, match="another portal"):
        setting.connect(member_id=OTHER_MEMBER)


def test_what_is_counted_stays_when_a_portal_is_connected_again(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """Where nobody says otherwise: a new portal counts both, a known one what it counted."""

    def again() -> str:
        assert "entityType" not in setting.connecting.link("acme", bitrix.domain)
        url = setting.connecting.begin("acme", bitrix.domain, None, BROWSER)
        state = parse_qs(urlsplit(url).query)["state"][0]
        return setting.connecting.finish(bitrix.code(), state, BROWSER).entity_type

    assert again() == "both"
    setting.connect(entity_type="lead")
    assert again() == "lead"


def test_a_refused_probe_stores_nothing(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Without the scope crm there is nothing to read."""
    bitrix.scopes = ["user"]
    with pytest.raises(e.ScopeMissing):
        setting.connect()
    assert setting.stored() == []


def test_a_portal_without_events_is_connected_all_the_same(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """It is read by watermark; what could not be bound is known."""
    bitrix.unacceptable = {"ONCRMDEALUPDATE"}
    portal = setting.connect()
    with setting.connections.client(portal) as client:
        assert check(client, HANDLER) == ["ONCRMDEALUPDATE"]
        with pytest.raises(e.BindingRefused, match="ONCRMDEALUPDATE"):
            bind(client, portal, HANDLER, setting.warehouse)


def test_events_follow_the_entity_type(setting: Setting, bitrix: AuthorizationServer) -> None:
    """What is not counted is unbound; binding twice changes nothing; another installation keeps its own."""
    portal = setting.connect()
    bitrix.bindings.append({"event": "ONCRMDEALADD", "handler": "https://other.example.com", "offline": 0})
    for entity_type in ("deal", "lead", "lead", "both"):
        portal = setting.connecting.set_entity_type(portal, entity_type)
        ours = [one["event"] for one in bitrix.bindings if one["handler"] == HANDLER]
        assert sorted(ours) == sorted(EVENTS[entity_type])
    assert len(bitrix.bindings) == len(EVENTS["both"]) + 1
    with setting.connections.client(portal) as client:
        assert bind(client, portal, "https://new.example.com/webhooks/bitrix24", setting.warehouse)
        assert check(client, HANDLER, "lead") == list(EVENTS["lead"])
        assert unbind(client, "https://new.example.com/webhooks/bitrix24") == len(EVENTS["both"])
    assert len(bitrix.bindings) == 1


def test_disconnected_it_forgets_its_secrets(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Events are unbound where the portal lets us; the row and the data stay."""
    portal = setting.connect()
    setting.connecting.disconnect(portal)
    (row,) = setting.stored()
    assert row["bitrix24_status"] == "disconnected"
    assert not [name for name, value in row.items() if name.endswith("_token") and value]
    assert bitrix.bindings == []


def test_disconnecting_works_without_the_portal(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Tokens are forgotten also where nothing can be unbound."""
    portal = setting.connect()
    bitrix.expire()
    bitrix.revoke()
    setting.connecting.disconnect(portal)
    assert setting.portals.one("acme").status == "disconnected"


def test_an_installation_is_proved_and_stored(setting: Setting, bitrix: AuthorizationServer) -> None:
    """An "API only" application: the tokens come in an event, and the server confirms them."""
    portal = setting.install()
    assert (portal.member_id, portal.status, portal.connected_by) == (MEMBER, "connected", "oauth")
    assert setting.portals.application_token(portal) == "apptoken"
    again = setting.install(application_token="newtoken")
    assert (again.id, setting.portals.application_token(again)) == (portal.id, "newtoken")


@pytest.mark.parametrize(
    ("pair", "member_id"),
    [
        ({"access_token": "forged"}, MEMBER),
        ({"access_token": ""}, MEMBER),
        ({"refresh_token": ""}, MEMBER),
        ({"refresh_token": "forged"}, MEMBER),
        ({}, OTHER_MEMBER),
    ],
)
def test_31_a_forged_installation_overwrites_nothing(
    setting: Setting, pair: dict[str, str], member_id: str
) -> None:
    """Neither the tokens nor the application token of a known portal."""
    setting.install()
    before = setting.stored()
    with pytest.raises(e.InstallUnproved):
        setting.install(member_id=member_id, application_token="forged", **pair)
    assert setting.stored() == before


def test_the_first_event_tells_the_application_token(
    setting: Setting, bitrix: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a connection by a browser; proved by the event's own access token, asked about now and then only."""
    setting.connect()
    token = bitrix.tokens()["access_token"]
    prove = setting.connecting.prove
    with pytest.raises(e.InstallUnproved):
        prove(Sent(MEMBER, "x", "forged"))
    assert prove(Sent(MEMBER, "x", token)) is None
    monkeypatch.setattr(proof_limit, "PAUSE_SECONDS", 0.0)
    portal = prove(Sent(MEMBER, "apptoken", token))
    assert portal is not None
    assert setting.portals.application_token(portal) == "apptoken"
    for sent in (Sent(OTHER_MEMBER, "other", token), Sent(MEMBER, "other")):
        assert prove(sent) is None
    with pytest.raises(e.InstallUnproved):
        prove(Sent(MEMBER, "other", "forged"))
    with pytest.raises(e.InstallUnproved):
        prove(Sent(MEMBER, "other", bitrix.tokens(member_id=OTHER_MEMBER)["access_token"]))
    assert setting.portals.application_token(setting.portals.one("acme")) == "apptoken"


def test_a_liar_does_not_keep_the_portal_from_being_heard(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """A forged event a moment before the portal's first one costs that one nothing."""
    setting.connect()
    with pytest.raises(e.InstallUnproved):
        setting.connecting.prove(Sent(MEMBER, "forged", "forged"))
    assert setting.connecting.prove(Sent(MEMBER, "apptoken", bitrix.tokens()["access_token"])) is not None


def test_liars_do_not_make_us_ask_without_bound(
    setting: Setting, bitrix: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many tokens they invent, the authorization server is asked about so many a minute."""
    setting.connect()
    monkeypatch.setattr(proof_limit, "MOST_OF_A_PORTAL", parse_limit("3/minute"))
    asked = len(bitrix.asked)
    for number in range(10):
        with suppress(e.InstallUnproved):
            setting.connecting.prove(Sent(MEMBER, f"forged {number}", "forged"))
    assert len(bitrix.asked) == asked + 3


def test_an_application_that_was_added_anew_has_another_application_token(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """It is learnt as the first one was; one that is known already is not asked about."""
    setting.install()
    asked = len(bitrix.asked)
    token = bitrix.tokens()["access_token"]
    for _ in range(3):
        assert setting.connecting.prove(Sent(MEMBER, "apptoken", "anything")) is not None
    assert len(bitrix.asked) == asked
    portal = setting.connecting.prove(Sent(MEMBER, "newtoken", token))
    assert portal is not None
    assert setting.portals.application_token(portal) == "newtoken"


def test_6_a_moved_portal_is_followed(setting: Setting, bitrix: AuthorizationServer) -> None:
    """The new address is confirmed by the authorization server, stored, and asked again with the same body."""
    portal = setting.connect()
    with AuthorizationServer().serve("127.0.0.2") as there:
        there._access, there._refresh = bitrix._access, bitrix._refresh
        bitrix.moved_to = there.origin
        _move_grants(bitrix, there.origin)
        with setting.connections.client(portal) as client:
            assert client.call("profile").result["ID"] == "17"
            assert client.call("profile").result["ID"] == "17"
        assert [method for method, _ in there.called] == ["profile", "profile"]
        assert setting.portals.one("acme").domain == there.domain
        with setting.connections.client(setting.portals.one("acme")) as client:
            client.call("profile")
        assert len(there.called) == 3


def _move_grants(bitrix: AuthorizationServer, origin: str) -> None:
    for grant, _ in bitrix._access.values():
        grant.endpoint = f"{origin}/rest/"


def test_6_threads_follow_a_move_together(setting: Setting, bitrix: AuthorizationServer) -> None:
    """One of them asks the authorization server, all of them go on."""
    portal = setting.connect()
    with AuthorizationServer().serve("127.0.0.2") as there:
        there._access, there._refresh = bitrix._access, bitrix._refresh
        with setting.connections.client(portal) as client, ThreadPoolExecutor(8) as pool:
            client.call("profile")
            _move_grants(bitrix, there.origin)
            bitrix.moved_to, asked = there.origin, len(bitrix.asked)
            answers = list(pool.map(lambda _: client.call("profile").result["ID"], range(40)))
        assert answers == ["17"] * 40
        assert len(bitrix.asked) == asked + 1


def test_6_an_unconfirmed_address_gets_nothing(setting: Setting, bitrix: AuthorizationServer) -> None:
    """The authorization server knows the portal elsewhere: no token is sent there, the address stays."""
    portal = setting.connect()
    with AuthorizationServer().serve("127.0.0.2") as there:
        bitrix.moved_to = there.origin
        with setting.connections.client(portal) as client, pytest.raises(e.OtherPortal, match="confirm"):
            client.call("profile")
        assert there.called == []
    assert setting.portals.one("acme").domain == bitrix.domain


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254", "https://evil.com", "https://x@acme.bitrix24.com"]
)
def test_7_a_redirect_to_elsewhere_is_refused(
    setting: Setting, bitrix: AuthorizationServer, target: str
) -> None:
    """Judged as any address, before the authorization server is asked."""
    portal = setting.connect()
    bitrix.moved_to = target
    asked = len(bitrix.asked)
    with setting.connections.client(portal) as client, pytest.raises(e.AddressRefused):
        client.call("profile")
    assert len(bitrix.asked) == asked


@pytest.mark.parametrize(
    ("code", "http_status", "status"),
    [
        ("PORTAL_DELETED", 403, "paused"),
        ("PAYMENT_REQUIRED", 401, "paused"),
        ("APPLICATION_NOT_FOUND", 401, "disconnected"),
    ],
)
def test_18_what_a_portal_answers_is_its_status(
    setting: Setting, bitrix: AuthorizationServer, code: str, http_status: int, status: str
) -> None:
    """Its tokens stay, since it may come back: then one call that succeeds is enough for a paused one."""
    portal = setting.connect()
    bitrix.portal_script.append(error(code, http_status))
    with setting.connections.client(portal) as client, pytest.raises(e.ApiError):
        client.call("profile")
    stopped = setting.portals.one("acme")
    assert stopped.status == status
    assert code in str(stopped.status_reason)
    assert setting.portals.named() == []
    with setting.connections.client(stopped) as client:
        client.call("profile")
    assert setting.portals.one("acme").status == ("connected" if status == "paused" else status)


def test_a_token_that_a_refresh_does_not_mend_needs_a_person(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """invalid_token, a refresh, and again: once more would not help."""
    portal = setting.connect()
    bitrix.portal_script.extend([error("invalid_token", 401)] * 2)
    with setting.connections.client(portal) as client, pytest.raises(e.TokenExpired):
        client.call("profile")
    assert setting.portals.one("acme").status == "reauthorization_required"


def test_keys_rotate(setting: Setting) -> None:
    """Every secret is encrypted with the newest key; the old one is not needed any more."""
    portal = setting.install()
    new = "y" * 42 + "c="
    both = Portals(setting.warehouse, Vault(f"{new},{KEY}"))
    assert both.renew_keys() == 3
    assert Portals(setting.warehouse, Vault(new)).application_token(both.one(portal.name)) == "apptoken"
    with pytest.raises(e.SecretKeyError, match=portal.name):
        setting.portals.renew_keys()
