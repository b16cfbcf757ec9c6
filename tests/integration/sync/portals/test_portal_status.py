"""The status of a portal that cannot be read, and what is forgotten when it is disconnected: fault 18."""

from __future__ import annotations

import pytest

from b24_pipeline import errors as e
from b24_pipeline.bitrix.retries import Waits
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.portals import pauses
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.store.portals.tokens import StoredTokens
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.parallel import opened_job
from tests.integration.sync.portals.conftest import Setting
from tests.support.installation import KEY
from tests.support.servers.authorization_server import AuthorizationServer
from tests.support.servers.scripted_portal import error


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


@pytest.mark.parametrize(
    ("code", "http_status", "status"),
    [
        ("PORTAL_DELETED", 403, "paused"),
        ("PAYMENT_REQUIRED", 401, "paused"),
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
    assert setting.portals.one("acme").status == "connected"


def test_a_removed_application_leaves_no_tokens(setting: Setting, bitrix: AuthorizationServer) -> None:
    """A portal that refuses our own credential for good is disconnected, and its tokens are forgotten at once."""
    portal = setting.connect()
    bitrix.portal_script.append(error("APPLICATION_NOT_FOUND", 401))
    with setting.connections.client(portal) as client, pytest.raises(e.AppRemoved):
        client.call("profile")
    stopped = setting.portals.one("acme")
    assert stopped.status == "disconnected"
    assert "APPLICATION_NOT_FOUND" in str(stopped.status_reason)
    (row,) = setting.stored()
    assert not [name for name, value in row.items() if name.endswith("_token") and value]


def test_two_expired_tokens_in_a_row_are_a_passing_error(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """The refresh token is good and was not refused: after a pause the token is refreshed again, and taken."""
    portal = setting.connect()
    granted = bitrix.refreshes["granted"]
    bitrix.portal_script.extend([error("expired_token", 401)] * 3)
    with setting.connections.client(portal) as client:
        assert client.call("profile").result["ID"] == "17"
    assert bitrix.refreshes["granted"] == granted + 2
    assert setting.portals.one("acme").status == "connected"


@pytest.mark.parametrize("code", ["expired_token", "invalid_token"])
def test_portal_that_takes_no_token_for_a_while_is_not_locked_out(
    setting: Setting, bitrix: AuthorizationServer, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call fails after a few refreshes; the portal stays connected, and the next call works."""
    portal = setting.connect()
    bitrix.portal_script.extend([error(code, 401)] * 6)
    monkeypatch.setattr("b24_pipeline.bitrix.client.Waits", lambda: Waits(0.01, 0.02, 0.0))
    with setting.connections.client(portal) as client:
        with pytest.raises(e.TokenExpired):
            client.call("profile")
        assert setting.portals.one("acme").status == "connected"
        assert client.call("profile").result["ID"] == "17"


def test_only_the_authorization_servers_refusal_needs_a_person(
    setting: Setting, bitrix: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its refusal of the refresh token, and once more after a pause, ends it."""
    portal = setting.connect()
    bitrix.expire()
    bitrix.revoke()
    monkeypatch.setattr(
        "b24_pipeline.sync.connections.StoredTokens", lambda *given: StoredTokens(*given, pause=0.0)
    )
    with setting.connections.client(portal) as client:
        with pytest.raises(e.AuthorizationRefused):
            client.call("profile")
        assert setting.portals.one("acme").status == "connected"
        with pytest.raises(e.ReauthorizationRequired):
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


def test_a_person_pauses_a_portal(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Nothing is asked of it, whatever it answers to what still works, until a person lets it go on."""
    portal = setting.connect()
    pauses.pause(setting.warehouse, portal)
    paused = setting.portals.one("acme")
    assert (paused.status, paused.is_held) == ("paused", True)
    assert setting.portals.named() == []
    with (
        pytest.raises(e.PortalPaused, match="b24 portal resume acme"),
        opened_job(setting.connections, paused, Options()),
    ):
        pytest.fail("it was asked")
    for known in (portal, paused):  # what began before knows nothing of it
        with setting.connections.client(known) as client:
            client.call("profile")
        bitrix.portal_script.append(error("PAYMENT_REQUIRED", 401))
        with setting.connections.client(known) as client, pytest.raises(e.ApiError):
            client.call("profile")
        assert setting.portals.one("acme").is_held
    pauses.resume(setting.warehouse, paused)
    going_on = setting.portals.one("acme")
    assert (going_on.status, going_on.paused_at, going_on.status_reason) == ("connected", None, None)
    with pytest.raises(e.UsageError, match="nobody has paused acme"):
        pauses.resume(setting.warehouse, going_on)


def test_a_paused_portal_is_disconnected_and_connected_again(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """Its events are unbound; connected again, it goes on."""
    pauses.pause(setting.warehouse, setting.connect())
    setting.connecting.disconnect(setting.portals.one("acme"))
    assert bitrix.bindings == []
    gone = setting.portals.one("acme")
    assert (gone.status, gone.paused_at) == ("disconnected", None)
    with pytest.raises(e.UsageError, match="only a connected portal"):
        pauses.pause(setting.warehouse, gone)
    pauses.pause(setting.warehouse, setting.connect())
    assert setting.connect().status == "connected"
