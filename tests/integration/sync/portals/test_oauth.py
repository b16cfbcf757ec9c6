"""A portal is connected by OAuth: faults 30 and 52."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from b24_pipeline import errors as e
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.events.bindings import EVENTS, bind, missing_events, unbind
from b24_pipeline.sync.portals.oauth import PortalConnector
from tests.integration.sync.portals.conftest import BROWSER, OTHER_MEMBER, PUBLIC, Setting
from tests.support.installation import NO_LIMIT, fetch
from tests.support.servers.authorization_server import ALLOWED, CANARY, MEMBER, AuthorizationServer

HANDLER = f"{PUBLIC}/webhooks/bitrix24"


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
        (
            lambda setting, state: (setting.connecting._states._signer.dumps("unknown"), BROWSER),
            e.StateForged,
        ),
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
    url = PortalConnector(elsewhere, setting.bitrix.app, PUBLIC).begin(
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
    with pytest.raises(e.AuthorizationRefused) as refused:
        setting.connecting.finish(bitrix.code(), state, BROWSER)
    assert refused.value.case == "grant_refused", "within a second it was not the time"
    state = setting.begin()
    fetch(
        setting.warehouse,
        "update bitrix24_oauth_states set expires_at = expires_at - interval '31 s' where used_at is null returning 1",
    )
    with pytest.raises(e.AuthorizationRefused) as refused:
        setting.connecting.finish(bitrix.code(), state, BROWSER)
    assert refused.value.case == ""
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
        assert missing_events(client, HANDLER) == ["ONCRMDEALUPDATE"]
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
        assert missing_events(client, HANDLER, "lead") == list(EVENTS["lead"])
        assert unbind(client, "https://new.example.com/webhooks/bitrix24") == len(EVENTS["both"])
    assert len(bitrix.bindings) == 1
