"""The calls for figures have those of the marts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from tests.conftest import Server
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import fetch
from tests.support.servers.pages_site import PagesSite, pages_site
from tests.support.servers.web_service import BEARER


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """Two portals with figures; the tests only read."""
    with pages_site(server) as opened:
        yield opened


def asked(site: PagesSite, call: str, **parameters: object) -> httpx.Response:
    """The answer to a call about the site's portal."""
    given = {"account": site.portal} | parameters
    return httpx.get(f"{site.address}/bitrix24/{call}", params=given, headers=BEARER, trust_env=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("definition", "column"),
    [("standard", "reached"), ("implied", "reached_implied"), ("strict", "reached_strict")],
)
def test_the_funnel_is_that_of_the_mart(site: PagesSite, definition: str, column: str) -> None:
    """By each definition, stage by stage; a filter leaves some."""
    answer = asked(site, "funnel-stats", entityType="deal", categoryId=0, definition=definition).json()
    expected = fetch(
        site.warehouse,
        f"select status_id, {column} as reached, in_stage from analytics.funnel_stats where portal = %s"
        " and entity_type = 'deal' and category_id = 0 and (reached > 0 or not is_deleted)"
        " order by status_sort nulls last, status_id",
        site.portal,
    )
    assert [(one["statusId"], one["reached"], one["inStage"]) for one in answer["stages"]] == [
        (row["status_id"], row["reached"], row["in_stage"]) for row in expected
    ]
    none = asked(site, "funnel-stats", sourceId="NOSUCH", definition=definition).json()
    assert {one["reached"] for one in none["stages"]} == {0}


def test_people_are_those_of_the_function(site: PagesSite) -> None:
    """Amounts are exact."""
    answer = asked(site, "people-stats", categoryId=0).json()["people"]
    expected = fetch(
        site.warehouse, "select * from analytics.people_of(%s, 'deal', pipeline => 0)", site.portal
    )
    assert [(one["open"], one["won"], one["lost"]) for one in answer] == [
        (row["open"], row["won"], row["lost"]) for row in expected
    ]
    for one, row in zip(answer, expected, strict=True):
        sums = {key: Decimal(str(value)) for key, value in row["won_by_currency"].items()}
        assert {key: Decimal(value) for key, value in one["wonByCurrency"].items()} == sums


@pytest.mark.parametrize(
    "wrong",
    [
        {"dateFrom": "2026"},
        {"categoryId": "x"},
        {"definition": "loose"},
        {"asOf": "2026-01-01"},
        {"entityType": "contact"},
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(site: PagesSite, wrong: dict[str, str]) -> None:
    """With the name of the parameter."""
    answer = asked(site, "funnel-stats", **wrong)
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.json()["message"]


def test_before_the_models_are_built_it_says_so(managed: Managed) -> None:
    """No empty funnel, which would look like one."""
    for call in ("funnel-stats", "people-stats"):
        answer = managed.client.get(f"/bitrix24/{call}", headers=BEARER)
        assert (answer.status_code, answer.json()["error"]) == (409, "no_figures")
