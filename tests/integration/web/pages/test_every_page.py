"""All pages together: who sees which portal, and which forms are taken from whom. A new page is walked by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from b24_pipeline.web.assembly import assemble
from tests.conftest import Server
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, pages_site
from tests.support.servers.web_service import parts_of

OTHER = "globex"
OPEN = {
    "/sign-in",
    "/static/{version}/{name:path}",
    "/docs",
    "/bitrix24/connect",
    "/bitrix24/callback",
    "/bitrix24/auth",
    "/bitrix24/inside",
}


def routes_of(router: Any) -> Iterator[APIRoute]:
    """All routes of an application, those of the routers in it too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router)


def page_routes(method: str) -> list[str]:
    """The paths of the pages with this method."""
    return sorted(
        {
            route.path
            for route in routes_of(assemble(parts_of()))
            if not route.include_in_schema and route.path not in OPEN and method in (route.methods or ())
        }
    )


GETS, POSTS = page_routes("GET"), page_routes("POST")
OF_PORTAL = [path for path in GETS if "{portal}" in path]


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module."""
    with pages_site(server, entities=20) as opened:
        # a name that nothing else has
        execute(opened.warehouse, "update user_accounts set name = %s where name = 'büro'", OTHER)
        yield opened


@pytest.fixture(autouse=True)
def keys(site: PagesSite) -> Iterator[None]:
    """No key is left behind."""
    yield
    execute(site.warehouse, "delete from bitrix24_access_keys")


def filled(path: str, portal: str) -> str:
    """A path with this portal."""
    return path.replace("{portal}", portal)


def test_there_are_pages_and_forms() -> None:
    """The walk finds them."""
    assert len(OF_PORTAL) >= 7
    assert len(POSTS) >= 6


def test_a_limited_key_sees_nothing_of_another_portal(site: PagesSite) -> None:
    """Not its name in any page, and its pages are as if it did not exist."""
    assert site.portal != OTHER
    with site.visit(site.key("Anna", "admin", site.portal)) as visit:
        for path in GETS:
            page = visit.get(filled(path, site.portal))
            assert OTHER not in page.text, path
        for path in OF_PORTAL:
            other = visit.get(filled(path, OTHER))
            assert (other.status_code, other.json()["error"]) == (404, "unknown_portal"), path
            nobody = visit.get(filled(path, "nobody"))
            assert nobody.json()["message"].replace("nobody", OTHER) == other.json()["message"]
        for path in POSTS:
            if "{portal}" in path:
                answer = visit.post(
                    filled(path, OTHER), "/portals", stage=str(uuid4()), direction=str(uuid4())
                )
                assert answer.status_code in (403, 404), path


def test_whoever_is_not_signed_in_sees_the_sign_in_page_alone(site: PagesSite) -> None:
    """Every page leads there, and no form is taken."""
    with site.visit() as visit:
        visit.client.cookies.clear()
        for path in GETS:
            answer = visit.get(filled(path, site.portal))
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in"), (
                path
            )
        for path in POSTS:
            answer = visit.client.post(filled(path, site.portal), headers={"Origin": site.address})
            assert answer.status_code in (303, 403), path


def test_a_viewer_changes_nothing(site: PagesSite) -> None:
    """Each form needs a manager or an admin, but for the way out."""
    with site.visit(site.key("Viktor", "viewer")) as visit:
        for path in POSTS:
            if path != "/sign-out":
                answer = visit.post(filled(path, site.portal), "/portals")
                assert (answer.status_code, answer.json()["error"]) == (403, "role_too_low"), path


def test_no_form_is_taken_from_another_site(site: PagesSite) -> None:
    """Whatever it says: the browser tells where it comes from, and it has no token of our pages."""
    with site.visit() as visit:
        for path in POSTS:
            for headers in ({"Origin": "https://evil.example"}, {"Origin": site.address}, {}):
                answer = visit.client.post(
                    filled(path, site.portal), data={"form_token": "x.y"}, headers=headers
                )
                assert (answer.status_code, answer.json()["error"]) == (403, "foreign_form"), path


def test_the_answer_to_a_form_keeps_its_language_link_and_its_place_in_the_menu(site: PagesSite) -> None:
    """Whatever page answers, of mistakes too: the link leads to the page that has the form, in the other language."""
    (stage, *_) = fetch(
        site.warehouse,
        "select stage.id from bitrix24_pipeline_stages as stage inner join user_accounts as account"
        " on stage.user_account_id = account.id where account.name = %s",
        site.portal,
    )
    fields: dict[str, dict[str, Any]] = {
        "/p/{portal}/stages": {"flag": [f"{stage['id']}:is_success", f"{stage['id']}:is_fail"]},
        "/p/{portal}/stages/preview": {"flag": [f"{stage['id']}:is_success"]},
        "/access/keys": {"name": "Eve", "role": "viewer", "sees": "all"},
    }
    shown = set()
    with site.visit() as visit:
        visit.client.headers.update({"Accept": "text/html", "Accept-Language": "ru"})
        for path in POSTS:
            for given in ({}, fields.get(path, {})) if path != "/sign-out" else ():
                answer = visit.post(filled(path, site.portal), "/portals", **given)
                if "text/html" not in answer.headers.get("content-type", ""):
                    continue
                shown.add(path)
                link = re.search(r'<a href="([^"]+)" lang="en"', answer.text)
                assert link, path
                other = visit.client.get(unescape(link[1]))
                assert other.headers["content-language"] == "en", path
                visit.client.cookies.delete("b24_language")
                menu = answer.text.partition('<nav class="side"')[2].partition("</nav>")[0]
                assert bool(menu) == menu.count('aria-current="page"'), path
                if answer.status_code in (200, 422) and "/p/" in path and menu:
                    assert other.status_code == 200, path
    assert len(shown) >= 8
    assert {path for path in fields if path.startswith("/p/")} <= shown


def test_what_an_address_says_wrongly_is_said(site: PagesSite) -> None:
    """No page breaks by its parameters: they are shown, left out, or refused with a reason."""
    wrong = (
        {"from": "2026-13-01"},
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"pipeline": "deal-999"},
        {"pipeline": "<script>"},
        {"person": "1; drop table leads"},
        {"at": "yesterday"},
        {"page": "0"},
        {"page": "999999999999"},
        {"definition": "x"},
        {"stage": "\x00"},
        {"stage": "\x00", "pipeline": "deal-0", "source": "\x00", "campaign": "\x00"},
        {"field1": "\x00", "value1": "\x00"},
        {"before": "-1"},
        {"lang": "xx"},
    )
    with site.visit() as visit:
        for path in GETS:
            for given in wrong:
                answer = visit.client.get(
                    filled(path, site.portal), params=given, headers={"Accept": "text/html"}
                )
                assert answer.status_code < 500, (path, given)
                assert "<script>" not in answer.text.replace('<script type="application/json"', ""), (
                    path,
                    given,
                )
