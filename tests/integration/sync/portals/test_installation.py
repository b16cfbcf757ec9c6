"""An application is added in its portal, and proves itself: fault 31."""

from __future__ import annotations

from contextlib import suppress

import pytest
from limits import parse as parse_limit

from b24_pipeline import errors as e
from b24_pipeline.sync.portals import proof_limit
from tests.integration.sync.portals.conftest import OTHER_MEMBER, Setting
from tests.support.servers.authorization_server import MEMBER, AuthorizationServer, Sent


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
