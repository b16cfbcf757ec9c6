"""Invitations: how long they are good, for what, and what ends them."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet

from b24_pipeline import errors as e
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.portals.invitations import INVITATION_SECONDS, Invitations
from tests.integration.sync.portals.conftest import BROWSER, Setting
from tests.support.servers.authorization_server import AuthorizationServer


def invited(setting: Setting, entity_type: str | None = None) -> dict[str, str]:
    """The query of a link for acme."""
    link = setting.connecting.link("acme", setting.bitrix.domain, entity_type)
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def begin(setting: Setting, query: dict[str, str]) -> str:
    """Begins with a link; the state that the browser takes along."""
    entity_type = query.get("entityType")
    url = setting.connecting.begin_invited(
        query["invitation"], query["account"], query["domain"], entity_type, BROWSER
    )
    return parse_qs(urlsplit(url).query)["state"][0]


def test_an_invitation_is_good_for_a_day(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no longer, whether it was used or not."""
    query, now = invited(setting), time.time
    monkeypatch.setattr(time, "time", lambda: now() + INVITATION_SECONDS - 60)
    begin(setting, query)
    monkeypatch.setattr(time, "time", lambda: now() + INVITATION_SECONDS + 60)
    with pytest.raises(e.InvitationOver):
        begin(setting, query)


def test_two_tabs_of_one_link_connect_once(setting: Setting, bitrix: AuthorizationServer) -> None:
    """The second one comes back to an account that has changed meanwhile: nothing is stored."""
    query = invited(setting)
    first, second = begin(setting, query), begin(setting, query)
    assert setting.connecting.finish(bitrix.code(), first, BROWSER).status == "connected"
    before = setting.stored()
    with pytest.raises(e.InvitationOver):
        setting.connecting.finish(bitrix.code(), second, BROWSER)
    assert setting.stored() == before


def test_an_invitation_keeps_what_is_counted(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Where the operator said nothing; where they did, it is what they said."""
    setting.connect(entity_type="lead")
    state = begin(setting, invited(setting))
    assert setting.connecting.finish(bitrix.code(), state, BROWSER).entity_type == "lead"
    state = begin(setting, invited(setting, "deal"))
    assert setting.connecting.finish(bitrix.code(), state, BROWSER).entity_type == "deal"


def test_an_invitation_of_another_installation_is_forged(setting: Setting) -> None:
    """It is signed by our keys alone; a state of ours is no invitation either."""
    elsewhere = Portals(setting.warehouse, Vault(Fernet.generate_key().decode()))
    query = invited(setting)
    forged = Invitations(elsewhere).make("acme", query["domain"], "")
    for invitation in (forged, setting.begin(), "", "é" * 3000):
        with pytest.raises(e.InvitationRefused):
            begin(setting, query | {"invitation": invitation})


def test_a_purged_account_does_not_come_back_by_an_old_link(
    setting: Setting, bitrix: AuthorizationServer
) -> None:
    """Whether it was used or not: what the operator has deleted, only a link made afterwards makes again."""
    used, unused = invited(setting), invited(setting)
    setting.connecting.finish(bitrix.code(), begin(setting, used), BROWSER)
    setting.portals.remove("acme", purge=True)
    for query in (used, unused):
        with pytest.raises(e.InvitationOver):
            begin(setting, query)
    begin(setting, invited(setting))


def test_an_installation_undoes_no_disconnect(setting: Setting, bitrix: AuthorizationServer) -> None:
    """Of the operator; where the portal itself removed the application, installing it again connects it."""
    portal = setting.install()
    setting.connecting.disconnect(portal)
    before = setting.stored()
    with pytest.raises(e.InvitationRefused):
        setting.install()
    assert setting.stored() == before
    setting.portals.set_status(
        setting.connect(name=portal.name), "disconnected", "the application was removed"
    )
    assert setting.install().status == "connected"
