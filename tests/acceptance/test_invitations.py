"""Who may start a connection: the operator, and whom the operator has invited to this portal, as things stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import psycopg
import pytest

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24
from tests.support.servers.browser import follow
from tests.support.servers.live_service import live
from tests.support.servers.web_service import BEARER


@dataclass
class Service:
    """The running service, the portal that its application belongs to, and the command beside it."""

    address: str
    sandbox: Sandbox
    b24: B24
    env: dict[str, str]
    database_url: str

    def invite(self, *options: str) -> str:
        """The link that the operator prints."""
        printed = self.b24("portal", "connect", "acme", self.sandbox.url, *options, env=self.env)
        assert printed.returncode == 0, printed.stderr
        return printed.stdout.strip()

    def without_invitation(self, headers: Mapping[str, str] | None = None, **asked: str) -> httpx.Response:
        """What a stranger's browser opens."""
        query = {"account": "acme", "domain": self.sandbox.url, **asked}
        link = f"{self.address}/bitrix24/auth?{urlencode(query)}"
        return httpx.get(link, headers=headers, trust_env=False)

    def installed(self) -> int:
        """The application is installed from the portal's side; the status of the answer."""
        before = len(self.sandbox.events_sent)
        self.sandbox.install_app(f"{self.address}/webhooks/bitrix24")
        return int(self.sandbox.wait_for_events()[before].status)

    def account(self) -> dict[str, Any]:
        """What is stored of the portal."""
        asked = (
            "select bitrix24_status as status, bitrix24_entity_type as counted, bitrix24_user_id as user_id"
            " from user_accounts where name = 'acme'"
        )
        with psycopg.connect(self.database_url) as connection:
            cursor = connection.execute(asked)
            names = [column.name for column in cursor.description or ()]
            return dict(zip(names, cursor.fetchall()[0], strict=True))


@pytest.fixture
def service(b24_here: B24, tmp_path: Path, database_url: str) -> Iterator[Service]:
    with live(database_url, tmp_path, leads=5, deals=5) as running:
        yield Service(running.address, running.sandbox, b24_here, running.environment, database_url)


def test_a_stranger_starts_no_connection(service: Service) -> None:
    """Neither of a new portal nor of a known one, which are refused alike; the operator's key needs no invitation."""
    unknown = service.without_invitation()
    assert unknown.status_code == 403
    assert unknown.json()["error"] == "invitation_refused"
    assert service.without_invitation({"Authorization": "Bearer wrong"}).status_code == 401
    assert service.without_invitation(BEARER).status_code == 302
    assert follow(service.invite("--entity-type", "deal")).status_code == 200
    known = service.without_invitation(entityType="lead")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert service.account()["counted"] == "deal"


def test_an_invitation_says_what_is_connected(service: Service) -> None:
    """Another name, portal or funnel than the operator signed is refused, and so is a cut or an invented signature."""
    link = service.invite("--entity-type", "deal")
    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    changes = (
        {"entityType": "lead"},
        {"account": "globex"},
        {"domain": "globex.bitrix24.com"},
        {"invitation": query["invitation"][:-2]},
        {"invitation": "invented"},
    )
    for change in changes:
        refused = follow(f"{service.address}/bitrix24/auth?{urlencode(query | change)}")
        assert (refused.status_code, refused.json()["error"]) == (403, "invitation_refused"), change
    assert follow(link).status_code == 200
    assert service.account()["counted"] == "deal"


def test_an_old_link_undoes_no_disconnect(service: Service) -> None:
    """Used or not, it is worth nothing once the portal was connected or disconnected; nor is a connection under way."""
    unused, used = service.invite(), service.invite()
    assert follow(used).status_code == 200
    for link in (used, unused):
        assert follow(link).json()["error"] == "invitation_over"
    with httpx.Client(trust_env=False) as browser:
        begun = browser.get(service.invite())
        agreed = browser.get(begun.headers["location"] + "&confirm=Y")
        later = service.invite()
        assert service.b24("portal", "remove", "acme", env=service.env).returncode == 0
        assert browser.get(agreed.headers["location"]).status_code == 400
    assert follow(later).json()["error"] == "invitation_over"
    assert service.installed() == 403
    assert service.account()["status"] == "disconnected"
    assert follow(service.invite()).status_code == 200
    assert service.account()["status"] == "connected"


def test_an_installation_from_the_portal_changes_no_settings(service: Service) -> None:
    """It connects a portal that nobody has disconnected, and what is counted stays the operator's choice."""
    assert follow(service.invite("--entity-type", "deal")).status_code == 200
    service.sandbox.uninstall_app()
    service.sandbox.wait_for_events()
    assert service.installed() == 200
    assert service.account() == {"status": "connected", "counted": "deal", "user_id": 1}


def test_a_colleague_does_not_replace_the_administrators_token(service: Service) -> None:
    """Lists would get shorter without an error; after a disconnect the operator may accept them."""
    colleague = int(service.sandbox.portal.users[1]["ID"])

    def as_colleague(link: str) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=20) as browser:
            state = parse_qs(urlsplit(browser.get(link).headers["location"]).query)["state"][0]
            code = service.sandbox.portal.application.grants.code(colleague)
            back = {"code": code, "state": state}
            return browser.get(f"{service.address}/bitrix24/callback", params=back)

    assert follow(service.invite()).status_code == 200
    refused = as_colleague(service.invite())
    assert (refused.status_code, "not_administrator" in refused.text) == (403, True)
    assert service.account() == {"status": "connected", "counted": "both", "user_id": 1}
    assert service.b24("portal", "remove", "acme", env=service.env).returncode == 0
    assert as_colleague(service.invite()).status_code == 200
    assert service.account()["user_id"] == colleague


def test_the_operator_connects_on_the_page(service: Service) -> None:
    """With the key in the form, never in an address; a wrong key starts nothing and is not tried without end."""
    form = {"key": "wrong", "domain": service.sandbox.url, "account": "acme", "entityType": "lead"}
    page = f"{service.address}/bitrix24/connect"
    tried = [httpx.post(page, data=form, trust_env=False).status_code for _ in range(12)]
    assert set(tried) == {401, 429}
    operator = {"X-Forwarded-For": "203.0.113.5"}
    key = BEARER["Authorization"].partition(" ")[2]
    sent = httpx.post(page, data=form | {"key": key}, headers=operator, trust_env=False)
    assert sent.status_code == 303
    assert key not in sent.headers["location"]
    assert follow(service.address + sent.headers["location"]).status_code == 200
    assert service.account()["counted"] == "lead"


def test_an_invitation_comes_from_the_management_api(service: Service) -> None:
    """For a program that shows the link to its own users; without the key there is none."""
    asked = {"account": "acme", "domain": service.sandbox.url, "entityType": "deal"}
    call = f"{service.address}/bitrix24/invitations"
    assert httpx.post(call, json=asked, trust_env=False).status_code == 401
    answer = httpx.post(call, json=asked, headers=BEARER, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert follow(answer.json()["link"]).status_code == 200
    assert service.account()["counted"] == "deal"
