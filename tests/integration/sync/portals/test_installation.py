"""An application is added in its portal, and proves itself: fault 31."""

from __future__ import annotations

from contextlib import suppress

import pytest

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


def test_an_installation_is_an_administrators(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Somebody else who has tokens of our application can neither connect their portal nor take its place."""
    bitrix.is_admin = False
    with pytest.raises(e.NotAdministrator):
        setting.install()
    assert setting.stored() == []
    bitrix.is_admin = True
    setting.install()
    before = setting.stored()
    bitrix.is_admin, bitrix.user = False, "99"
    with pytest.raises(e.NotAdministrator):
        setting.install(application_token="planted")
    assert setting.stored() == before


def test_the_first_event_tells_the_application_token(setting: Setting, bitrix: AuthorizationServer) -> None:
    """After a connection by a browser; proved by the event's own access token."""
    setting.connect()
    token = bitrix.tokens()["access_token"]
    with pytest.raises(e.InstallUnproved):
        setting.prove(Sent(MEMBER, "apptoken", "forged"))
    portal = setting.prove(Sent(MEMBER, "apptoken", token))
    assert portal is not None
    assert setting.portals.application_token(portal) == "apptoken"
    for sent in (Sent(OTHER_MEMBER, "other", token), Sent(MEMBER, "other")):
        assert setting.prove(sent) is None
    with pytest.raises(e.InstallUnproved):
        setting.prove(Sent(MEMBER, "other", bitrix.tokens(member_id=OTHER_MEMBER)["access_token"]))
    assert not setting.portals.knows_application_token(portal, "other")


def test_a_token_that_was_refused_is_not_asked_about_again(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """Whether an event or an installation brings it; nothing is believed because of it."""
    setting.connect()
    pair = bitrix.tokens()
    with pytest.raises(e.InstallUnproved):
        setting.install(access_token="forged")
    asked = len(bitrix.asked)
    for number in range(20):
        assert setting.prove(Sent(MEMBER, f"token {number}", "forged")) is None
        with pytest.raises(e.InstallUnproved):
            setting.install(access_token="forged", refresh_token=pair["refresh_token"])
    assert len(bitrix.asked) == asked


def test_a_liar_uses_up_only_what_is_theirs(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Forged events and installations of one address are asked about ten times a minute, those of others still are."""
    setting.connect()
    asked = len(bitrix.asked)
    for number in range(400):
        with suppress(e.InstallUnproved, e.TooOften):
            setting.install(access_token=f"forged {number}", sender="203.0.113.66")
        with suppress(e.InstallUnproved):
            setting.prove(Sent(MEMBER, f"forged {number}", f"invented {number}"), sender="203.0.113.66")
    assert len(bitrix.asked) == asked + proof_limit.MOST_REFUSED_OF_A_SENDER.amount
    assert setting.prove(Sent(MEMBER, "apptoken", bitrix.tokens()["access_token"])) is not None
    assert setting.install(application_token="another").status == "connected"


def test_liars_do_not_make_us_ask_without_bound(
    setting: Setting, bitrix: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many addresses they have: the bucket is shared by all processes, and nothing is stored."""
    monkeypatch.setattr(proof_limit, "BURST", 7)
    monkeypatch.setattr(proof_limit, "SECONDS_A_QUESTION", 60.0)
    before = setting.stored()
    for number in range(40):
        with pytest.raises((e.InstallUnproved, e.TooOften)):
            setting.install(
                member_id=f"{number:032x}", access_token=f"forged {number}", sender=f"10.0.0.{number}"
            )
    assert len(bitrix.asked) == 7
    assert setting.stored() == before


def test_an_application_that_was_added_anew_has_another_application_token(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """It is learnt as the first one was, beside it; one that is known already is not asked about."""
    setting.install()
    asked = len(bitrix.asked)
    token = bitrix.tokens()["access_token"]
    for _ in range(3):
        assert setting.prove(Sent(MEMBER, "apptoken", "anything")) is not None
    assert len(bitrix.asked) == asked
    portal = setting.prove(Sent(MEMBER, "newtoken", token))
    assert portal is not None
    assert setting.portals.application_token(portal) == "apptoken"
    assert setting.portals.knows_application_token(portal, "newtoken")
