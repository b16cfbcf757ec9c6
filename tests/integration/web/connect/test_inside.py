"""Our page inside a portal: who is let in, what they see, and what a forged form achieves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request, Response
from structlog.testing import capture_logs

from b24_pipeline.errors import ScopeMissing
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.sandbox.http.placement_page import placement_form
from b24_pipeline.store.access.random_values import new_value
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.portals.placement import PLACEMENT
from b24_pipeline.web.frame.cookies import BrowserCookie
from tests.conftest import Server
from tests.support.installation import account, fetch
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER

SCOPE = ("crm", "user", "department", "placement")
INSIDE = "/bitrix24/inside"
OWN_PAGE = "/bitrix24/callback"
"""The handler path of the application's card: the portal opens its own page there."""
EMPLOYEE = 4


@pytest.fixture(scope="module")
def running(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A connected portal, and another account beside it; tests of the module share them."""
    url = server.fresh()
    with live(url, tmp_path_factory.mktemp("home"), scope=SCOPE, leads=3, deals=3) as everything:
        assert everything.connect().status_code == 200
        account(everything.runtime.warehouse, "globex")
        yield everything
    server.drop(url)


def opened(
    running: Live, user: int = 1, query: dict[str, str] | None = None, path: str = INSIDE, **changed: str
) -> httpx.Response:
    """The answer to the form that the portal's page posts."""
    form = placement_form(running.sandbox.portal, PLACEMENT, user) | changed
    asked = {"DOMAIN": running.sandbox.portal.addresses.portal, "LANG": "en"} | (query or {})
    with httpx.Client(base_url=running.address, trust_env=False) as client:
        return client.post(path, params=asked, data=form, headers={"Accept": "text/html"})


def visit(running: Live, answer: httpx.Response) -> httpx.Client:
    """The frame, with the session of an answer."""
    assert answer.status_code == 303, answer.text
    return httpx.Client(
        base_url=running.address,
        trust_env=False,
        cookies=dict(answer.cookies),
        headers={"Accept": "text/html"},
    )


def test_connecting_adds_the_page_to_the_menu_once(running: Live) -> None:
    """A second connection finds it there; one that leads to a former address of ours goes."""
    placements = running.sandbox.portal.application.placements
    placements.append(
        {"placement": PLACEMENT, "handler": f"https://old.example.com{INSIDE}", "title": "", "userId": "0"}
    )
    running.connect()
    assert [(bound["placement"], bound["handler"]) for bound in placements] == [
        (PLACEMENT, f"{running.address}{INSIDE}")
    ]


@pytest.mark.parametrize(("user", "role"), [(1, "manager"), (EMPLOYEE, "viewer")])
def test_the_portal_says_who_it_is(running: Live, user: int, role: str) -> None:
    """An administrator changes what is counted, an employee sees; both of this portal alone, in its frame alone."""
    answer = opened(running, user)
    assert answer.headers["location"] == "/p/acme/funnel?lang=en"
    with visit(running, answer) as frame:
        page = frame.get("/p/acme/funnel", follow_redirects=True)
        assert page.status_code == 200
        assert f"frame-ancestors {running.sandbox.url};" in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers
        assert "/sign-out" not in page.text
        assert "globex" not in frame.get("/portals").text
        hidden = frame.get("/p/globex/funnel")
        assert hidden.status_code == 404
        assert f"frame-ancestors {running.sandbox.url};" in hidden.headers["content-security-policy"]
        assert frame.get("/access").status_code == 403
        assert frame.get("/connect").status_code == 403
        forbidden = frame.post("/p/acme/stages", headers={"Origin": running.address})
        expected = "foreign_form" if role == "manager" else "role_too_low"
        assert expected in forbidden.text, "a manager's form is only short of its token"
    rows = fetch(
        running.runtime.warehouse,
        "select role, portal_user_id from bitrix24_sessions order by started_at desc limit 1",
    )
    assert rows == [{"role": role, "portal_user_id": user}]


def test_the_applications_own_page_is_the_same(running: Live) -> None:
    """The portal opens it by the same form, at the handler path of the card; nobody is connected by it."""
    answer = opened(running, EMPLOYEE, path=OWN_PAGE, PLACEMENT="DEFAULT")
    assert answer.headers["location"] == "/p/acme/funnel?lang=en"
    with visit(running, answer) as frame:
        assert frame.get("/p/acme/funnel", follow_redirects=True).status_code == 200
    forged = opened(running, path=OWN_PAGE, AUTH_ID="invented")
    assert (forged.status_code, "set-cookie" in forged.headers) == (403, False)


@pytest.mark.parametrize("path", [INSIDE, OWN_PAGE])
def test_a_portal_that_is_not_connected_is_told_what_to_do(running: Live, path: str) -> None:
    """Its page shows it in the frame, with the address to connect at, and no link that a frame would not open."""
    answer = opened(running, path=path, member_id="0" * 32)
    assert answer.status_code == 403
    assert f"frame-ancestors {running.sandbox.url};" in answer.headers["content-security-policy"]
    assert f'class="paste">{running.address}/connect<' in answer.text
    assert "<a " not in answer.text.split("<main")[1]


def test_other_pages_may_not_be_framed(running: Live) -> None:
    """Neither that of whoever has a key nor the sign-in page."""
    for path in ("/sign-in", "/bitrix24/connect"):
        answer = running.client.get(path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"


FORGED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"member_id": "0" * 32}, {}),
    ({"member_id": ""}, {}),
    ({"AUTH_ID": "invented"}, {}),
    ({"AUTH_ID": ""}, {}),
    ({}, {"DOMAIN": "evil.example.com"}),
    ({}, {"DOMAIN": ""}),
]


@pytest.mark.parametrize(("changed", "query"), FORGED)
def test_a_forged_form_lets_nobody_in(running: Live, changed: dict[str, Any], query: dict[str, str]) -> None:
    """An identity, a token or an address that is not the portal's: no session, and no cookie."""
    before = fetch(running.runtime.warehouse, "select count(*) as n from bitrix24_sessions")
    answer = opened(running, query=query, **changed)
    assert (answer.status_code, "visit_refused" in answer.text) == (403, True)
    assert "set-cookie" not in answer.headers
    assert fetch(running.runtime.warehouse, "select count(*) as n from bitrix24_sessions") == before


def test_a_token_of_another_portal_lets_nobody_in(running: Live) -> None:
    """It is good there, and the form names our portal: ours is asked, at its stored address."""
    with Sandbox(SandboxConfig(leads=1, deals=1, seed=99)) as other:
        foreign = placement_form(other.portal, PLACEMENT, 1)["AUTH_ID"]
        asked = len(other.requests)
        answer = opened(running, AUTH_ID=foreign, SERVER_ENDPOINT=f"{other.url}/rest/")
        assert (answer.status_code, "visit_refused" in answer.text) == (403, True)
        assert len(other.requests) == asked


def test_what_went_wrong_is_shown_in_the_frame(running: Live) -> None:
    """The portal's own page may show the refusal; what is no portal may not."""
    ours = opened(running, AUTH_ID="invented too")
    strangers = opened(running, 1, {"DOMAIN": "evil.example.com"}, member_id="0" * 32)
    assert f"frame-ancestors {running.sandbox.url};" in ours.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in strangers.headers["content-security-policy"]


def test_it_is_no_way_in_outside_of_a_frame(running: Live) -> None:
    """A stranger's page cannot sign somebody's browser in with a form of its own in a window."""
    form = placement_form(running.sandbox.portal, PLACEMENT, 1)
    answer = running.client.post(
        INSIDE,
        params={"DOMAIN": running.sandbox.portal.addresses.portal},
        data=form,
        headers={"Sec-Fetch-Dest": "document"},
    )
    assert (answer.status_code, answer.json()["error"]) == (403, "foreign_form")


def test_the_cookie_is_kept_for_frames_of_the_portal_alone() -> None:
    """Over https: partitioned by the site around the frame, for no script and no other host."""

    cookie = BrowserCookie("https://b24.example.com", "b24_session", 60)
    request = Request({"type": "http", "headers": [(b"host", b"b24.example.com")]})
    answer = Response()
    cookie.renew_in_frame(request, answer, new_value(), 3600)
    set_cookie = answer.headers["set-cookie"]
    assert set_cookie.startswith("__Host-b24_session=")
    for part in ("Secure", "SameSite=None", "Partitioned", "HttpOnly", "Path=/", "Max-Age=3600"):
        assert part in set_cookie.split("; ")


def test_a_portal_that_was_disconnected_ends_its_sessions(server: Server, tmp_path: Path) -> None:
    """Nobody of it is let in any more, and whoever was in is out; its menu has lost the page."""
    url = server.fresh()
    with live(url, tmp_path, scope=SCOPE, leads=1, deals=1) as running:
        running.connect()
        with visit(running, opened(running)) as frame:
            assert frame.get("/portals").status_code == 200
            gone = running.client.request("DELETE", "/bitrix24/disconnect?account=acme", headers=BEARER)
            assert gone.status_code == 200
            assert frame.get("/portals").status_code == 303
        assert opened(running).status_code == 403
        assert running.sandbox.portal.application.placements == []
    server.drop(url)


def test_without_the_right_to_it_the_portal_is_connected_all_the_same(server: Server, tmp_path: Path) -> None:
    """The scope `placement` is missing: no page inside, everything else works, and nobody is warned."""
    url = server.fresh()
    with live(url, tmp_path, leads=1, deals=1) as running, capture_logs() as lines:
        assert "The portal is connected" in running.connect().text
        portal: Portal = running.runtime.portals.one("acme")
        assert portal.status == "connected"
        assert running.sandbox.portal.application.placements == []
    assert "no page inside the portal" not in [line["event"] for line in lines]
    assert "tick the scope placement for" in str(ScopeMissing("acme", "placement.get", "", "", 401))
    assert "tick the scopes crm and user for" in str(ScopeMissing("acme", "crm.deal.list", "", "", 401))
    server.drop(url)
