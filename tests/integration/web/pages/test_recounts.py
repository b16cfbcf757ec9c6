"""Figures follow what a person has changed at once: they need not wait for the next sync."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from uuid import uuid4

import httpx
import pytest

from b24_pipeline.store.own_leads.directions import Directions
from tests.conftest import Server
from tests.integration.web.pages.test_leads_page import looked_at, upload
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of
from tests.support.servers.web_service import BEARER, ScriptedService

MOST_SECONDS = 30
COUNTING = "The figures are being counted anew"
FAILED = "did not end well"


@dataclass
class BuildingService(ScriptedService):
    """Builds the models in this process, as `b24 models` does in one of its own, once it may."""

    build: Callable[[], None] = lambda: None
    may_begin: threading.Event = field(default_factory=threading.Event)
    ends_well: bool = True

    def build_models(self) -> bool:
        self._called("build_models")
        assert self.may_begin.wait(MOST_SECONDS)
        self.build()
        return self.ends_well


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[tuple[PagesSite, BuildingService]]:
    """The pages, and what builds their models."""
    service = BuildingService()
    with pages_site(server, service=service) as site:
        service.build = site.build
        yield site, service


@pytest.fixture
def service(built: tuple[PagesSite, BuildingService]) -> BuildingService:
    """What builds, which waits until it may begin; all that was changed before is counted."""
    site, service = built
    site.build()
    service.forget()
    service.may_begin.clear()
    service.ends_well = True
    return service


@pytest.fixture
def site(built: tuple[PagesSite, BuildingService], service: BuildingService) -> PagesSite:
    """The pages."""
    return built[0]


@pytest.fixture
def manager(site: PagesSite) -> Iterator[Visit]:
    """Somebody who may change what is counted."""
    with site.visit(site.key("Maria", "manager")) as visit:
        visit.client.headers["Accept-Language"] = "en"
        yield visit
    execute(site.warehouse, "delete from bitrix24_access_keys")


def wait_until(is_so: Callable[[], object]) -> None:
    """Raises AssertionError where it is not so in time."""
    deadline = time.monotonic() + MOST_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def load(site: PagesSite, manager: Visit, creative: str) -> str:
    """Loads a file with one own lead of a creative; returns the page with the result."""
    content = f"name,phone,creative\nAnna,+79161234567,{creative}\n"
    _page, key = looked_at(manager, upload(manager, site, content.encode()))
    done = manager.post(f"/p/{site.portal}/leads/load", "/portals", upload=key)
    assert done.status_code == 200
    return text_of(done.text)


def test_loaded_own_leads_are_counted_at_once(
    site: PagesSite, service: BuildingService, manager: Visit
) -> None:
    """Nobody starts a sync: the page says that they are being counted, asks on, and is loaded anew with them."""
    creative = f"Creative {uuid4().hex[:6]}"
    assert "mostly within a minute" in load(site, manager, creative)
    page = f"/p/{site.portal}/creatives?from=&to="
    waiting = manager.get(page).text
    assert COUNTING in waiting
    assert creative not in waiting
    asked = f"/p/{site.portal}/recount?shown=creatives"
    assert f'hx-get="{asked}"' in waiting
    assert (manager.get(asked).status_code, manager.get(asked).headers.get("hx-refresh")) == (204, None)
    service.may_begin.set()
    wait_until(lambda: manager.get(asked).headers.get("hx-refresh") == "true")
    shown = manager.get(page).text
    assert creative in shown
    assert COUNTING not in shown


def test_key_stages_are_counted_at_once(site: PagesSite, service: BuildingService, manager: Visit) -> None:
    """A page with forms is not loaded anew under what somebody types: it says that the figures are there."""
    account = site.portals.one(site.portal).id
    direction = Directions(site.warehouse).all(account)[0]
    (stage,) = fetch(
        site.warehouse,
        "select category_id, status_id from bitrix24_pipeline_stages where user_account_id = %s"
        " and entity_type = 'deal' and status_semantics = 'process' order by category_id, status_sort limit 1",
        account,
    )
    path = f"/p/{site.portal}/key-stages"
    chosen = f"deal:{stage['category_id']}:{stage['status_id']}"
    manager.post(path, path, direction=str(direction.id), stage1=chosen)
    assert COUNTING in manager.get(path).text
    service.may_begin.set()
    said = f"/p/{site.portal}/recount?shown=key-stages"
    wait_until(lambda: "have been counted anew" in manager.get(said).text)
    (reached,) = fetch(
        site.warehouse,
        "select distinct status_id from analytics.key_stage_stats where portal = %s and direction_id = %s",
        site.portal,
        str(direction.id),
    )
    assert reached["status_id"] == stage["status_id"]


def test_what_changes_meanwhile_is_counted_by_one_more_build(
    site: PagesSite, service: BuildingService, manager: Visit
) -> None:
    """Three changes while the first is counted: two builds in all, and the last of them is in the figures."""
    for number in range(4):
        load(site, manager, f"Repeated {number}")
        wait_until(lambda: service.calls)
    service.may_begin.set()
    wait_until(lambda: COUNTING not in manager.get(f"/p/{site.portal}/creatives").text)
    assert service.calls == [("build_models",)] * 2
    assert "Repeated 3" in manager.get(f"/p/{site.portal}/creatives?from=&to=").text


def test_a_form_that_changes_nothing_counts_nothing(
    site: PagesSite, service: BuildingService, manager: Visit
) -> None:
    """A refused direction starts no build."""
    path = f"/p/{site.portal}/key-stages"
    assert manager.post(f"{path}/directions", path, name=" ").status_code == 422
    assert COUNTING not in manager.get(path).text
    assert service.calls == []


def test_a_count_that_fails_is_said_and_can_be_asked_for_again(
    site: PagesSite, service: BuildingService, manager: Visit
) -> None:
    """A manager has a button, a viewer has none."""
    service.ends_well = False
    load(site, manager, "Failing")
    service.may_begin.set()
    page = f"/p/{site.portal}/creatives"
    wait_until(lambda: FAILED in manager.get(page).text)
    with site.visit(site.key("Viktor", "viewer")) as viewer:
        viewer.client.headers["Accept-Language"] = "en"
        assert FAILED in viewer.get(page).text
        assert "Count anew now" not in viewer.get(page).text
    service.ends_well = True
    failed = manager.get(f"{page}?from=&to=&from_mail=%3Cb%3E").text
    filters = unescape(re.findall(r'name="filters" value="([^"]*)"', failed)[0])
    back = manager.post(f"/p/{site.portal}/recount", page, filters=filters)
    assert (back.status_code, back.headers["location"]) == (303, f"{page}?from=&to=&from_mail=%3Cb%3E")
    wait_until(lambda: COUNTING not in manager.get(page).text)
    assert FAILED not in manager.get(page).text


def test_the_management_calls_count_at_once_too(site: PagesSite, service: BuildingService) -> None:
    """A program that sets key stages finds them in the figures without a sync."""
    service.may_begin.set()
    answer = httpx.post(
        f"{site.address}/bitrix24/directions",
        params={"account": site.portal},
        json={"name": "New one"},
        headers=BEARER,
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
    with site.visit() as visit:
        page = f"/p/{site.portal}/creatives?lang=en"
        wait_until(lambda: service.calls and COUNTING not in visit.get(page).text)
