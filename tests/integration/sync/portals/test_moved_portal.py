"""A portal that has moved is followed where the authorization server confirms it: faults 6 and 7."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from b24_pipeline import errors as e
from tests.integration.sync.portals.conftest import Setting
from tests.support.servers.authorization_server import AuthorizationServer


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
