"""Behind each number of a person stands the list of those that it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests.conftest import Server
from tests.integration.web.pages.test_figures_pages import ALL, of_marts, rows_of
from tests.support.installation import execute
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of

TITLES = {"open": "Open now", "won": "Won", "lost": "Lost"}
CARD = re.compile(r'href="https?://[^"]+/crm/(deal|lead)/details/(\d+)/"')


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module; of some deals nobody is responsible."""
    with pages_site(server, entities=80) as opened:
        execute(opened.warehouse, "update bitrix24_deals set assigned_by_id = null where mod(id, 9) = 0")
        opened.build()
        yield opened


def links_of(page: str) -> list[tuple[str, str, int]]:
    """Address, kind and figure of each number of the table that leads to a list."""
    found = re.findall(r'<a href="([^"]*/people/list[^"]*which=(\w+))">([\d,]+)</a>', page)
    return [(unescape(address), which, int(number.replace(",", ""))) for address, which, number in found]


def listed(visit: Visit, address: str) -> tuple[str, list[int]]:
    """The words of a list and the numbers of its cards, all of its pages."""
    first = visit.client.get(address)
    assert first.status_code == 200
    cards = [int(number) for _kind, number in CARD.findall(first.text)]
    following = first.text
    while more := re.search(r'<a href="(\?[^"]+)">Next page', following):
        following = visit.client.get(address.partition("?")[0] + unescape(more[1])).text
        cards += [int(number) for _kind, number in CARD.findall(following)]
    return text_of(first.text), cards


DAYS = {"from": "2026-01-01", "to": "2026-01-20"}


@pytest.mark.parametrize("pipeline", ["deal-0", "lead-0"])
@pytest.mark.parametrize("days", [ALL, DAYS], ids=["all time", "some days"])
def test_behind_each_number_of_a_person_are_so_many(
    site: PagesSite, visit: Visit, pipeline: str, days: dict[str, str]
) -> None:
    """Open, won and lost, of everybody and of nobody: the list has as many lines as the number that leads to it."""
    page = visit.get(f"/p/{site.portal}/people", pipeline=pipeline, **days).text
    links = links_of(page)
    assert len(links) == 3 * len(rows_of(page, "table"))
    assert {which for _, which, figure in links if figure} >= (
        set(TITLES) if days == ALL else {"open", "won"}
    )
    seen: set[tuple[str, int]] = set()
    for address, which, figure in links:
        said, cards = listed(visit, address)
        assert f"{TITLES[which]}: {figure}" in said
        assert len(cards) == len(set(cards)) == figure
        assert not seen & {(which, card) for card in cards}, "listed with another person too"
        seen |= {(which, card) for card in cards}
    if pipeline == "deal-0" and days == ALL:
        assert "nobody responsible" in text_of(page)
        (known,) = of_marts(
            site,
            "select array_agg(entity_id) as won from analytics.fct_deal where portal = %s and category_id = 0"
            " and is_won",
        )
        assert {card for which, card in seen if which == "won"} == set(known["won"])


def test_a_list_names_the_person_and_leads_back(site: PagesSite, visit: Visit) -> None:
    """To the people of the same days; a person whom nobody knows has an empty list."""
    page = visit.get(f"/p/{site.portal}/people", pipeline="deal-0", **DAYS).text
    name = rows_of(page, "table")[0][0]
    address = links_of(page)[1][0]
    said = text_of(visit.client.get(address).text)
    assert f"Responsible: {name}" in said
    assert "Closed from Jan 1, 2026 to Jan 20, 2026." in said
    back = re.search(r'<a href="([^"]+)">← People', visit.client.get(address).text)
    assert back
    assert rows_of(visit.client.get(unescape(back[1])).text, "table") == rows_of(page, "table")
    unknown = visit.get(f"/p/{site.portal}/people/list", person="987654321", which="won", **ALL)
    assert unknown.status_code == 200
    assert "Nobody is here." in text_of(unknown.text)


@pytest.mark.parametrize(
    "wrong", [{"person": "-1"}, {"person": "Anna"}, {"person": "1", "which": "all"}, {"which": "won"}]
)
def test_a_list_that_is_no_list_is_refused(site: PagesSite, visit: Visit, wrong: dict[str, str]) -> None:
    """With a page that says so."""
    assert visit.get(f"/p/{site.portal}/people/list", **ALL | wrong).status_code == 422


def test_who_sees_one_portal_sees_the_lists_of_this_one_alone(site: PagesSite) -> None:
    """Another portal's list is not there for a key that is limited."""
    own, other = (portal.name for portal in site.portals.all()[:2])
    asked = {"pipeline": "deal-0", "which": "open"} | ALL
    with site.visit(site.key("of one portal", "viewer", own)) as visit:
        page = visit.get(f"/p/{own}/people", pipeline="deal-0", **ALL).text
        address, _, figure = next(one for one in links_of(page) if one[2])
        assert len(listed(visit, address)[1]) == figure
        assert visit.get(f"/p/{other}/people/list", person="1", **asked).status_code == 404
