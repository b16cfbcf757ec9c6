"""Funnels of creatives over the service, on own leads of several accounts."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from b24_pipeline.models import build, load_project
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.data.shop import Shop, change, opened_shop
from tests.support.expected.model_figures import frame
from tests.support.frames import groups
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER


@pytest.fixture(scope="module")
def running(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The service over random data of two portals; each test adds an account of its own."""
    url = server.fresh()
    with live(url, tmp_path_factory.mktemp("home")) as everything:
        with everything.runtime.warehouse.connect() as conn:
            model_data.populate(conn, 8)
        yield everything
    server.drop(url)


@pytest.fixture
def shop(running: Live) -> Iterator[Shop]:
    with opened_shop(running) as opened:
        yield opened


def test_every_stage_is_told_with_its_share(shop: Shop) -> None:
    """Empty ones with 0, in pipeline and stage order; one that is gone only while somebody stands in it."""
    answer = shop.funnel()
    assert {name: answer[name] for name in ("entityType", "total", "qualified", "qualificationRate")} == {
        "entityType": "deal",
        "total": 3,
        "qualified": 2,  # one by its conditions, one by the stage S2 where its deal has been
        "qualificationRate": 66.67,
    }
    codes = [(stage["categoryId"], stage["statusId"]) for stage in answer["stages"]]
    assert codes == [(category, f"C{category}:S{number}") for category in (0, 5) for number in range(6)]
    counts = {stage["statusId"]: (stage["count"], stage["percentage"]) for stage in answer["stages"]}
    assert counts.pop("C0:S1") == (1, 33.33)
    assert counts.pop("C5:S4") == (2, 66.67)
    assert set(counts.values()) == {(0, 0.0)}
    won = next(stage for stage in answer["stages"] if stage["statusId"] == "C5:S4")
    assert won == {
        "categoryId": 5,
        "categoryName": "Pipeline 5",
        "statusId": "C5:S4",
        "statusName": "Stage C5:S4",
        "statusColor": None,
        "isQualifiedStage": False,
        "isSuccessStage": True,
        "isFailStage": False,
        "count": 2,
        "percentage": 66.67,
    }
    change(
        shop,
        "update bitrix24_pipeline_stages set deleted_at = now() where user_account_id = %s and status_id in"
        " ('C0:S0', 'C0:S1')",
        shop.account,
    )
    assert "C0:S0" not in shop.counts()
    assert shop.counts()["C0:S1"] == 1


def test_own_leads_are_chosen_by_creative_direction_and_day(shop: Shop) -> None:
    """The last day is included, and a day is one of the portal's time zone."""
    assert sum(shop.counts(creativeId=shop.creative).values()) == 2
    assert sum(shop.counts(directionId=shop.direction).values()) == 3
    assert sum(shop.counts(dateFrom="2026-03-31", dateTo="2026-03-31").values()) == 2
    assert sum(shop.counts(dateFrom="2026-04-01").values()) == 1
    assert sum(shop.counts(dateTo="2026-03-30").values()) == 0
    assert shop.funnel(dateTo="2026-03-30")["qualificationRate"] == 0
    assert shop.funnel(entityType="lead") == {
        "entityType": "lead",
        "total": 0,
        "qualified": 0,
        "qualificationRate": 0.0,
        "stages": [],
    }


def test_the_portals_own_funnel_is_the_one_shown(shop: Shop) -> None:
    """Of leads where the portal counts leads, of deals where it counts both."""
    change(shop, "update user_accounts set bitrix24_entity_type = 'lead' where id = %s", shop.account)
    assert shop.funnel()["entityType"] == "lead"
    change(shop, "update user_accounts set bitrix24_entity_type = 'both' where id = %s", shop.account)
    assert shop.funnel()["entityType"] == "deal"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"creativeId": str(uuid4())}, (404, "unknown_creative")),
        ({"directionId": str(uuid4())}, (404, "unknown_direction")),
        ({"creativeId": "video"}, (422, "invalid")),
        ({"entityType": "contact"}, (422, "invalid")),
        ({"dateFrom": "yesterday"}, (422, "invalid")),
        ({"dateFrom": "2026"}, (422, "invalid")),
        ({"dateTo": "2026-02-30"}, (422, "invalid")),
        ({"dateFrom": "2026-04-02", "dateTo": "2026-04-01"}, (400, "wrong_dates")),
        ({"account": "nobody"}, (404, "unknown_portal")),
    ],
)
def test_a_funnel_that_makes_no_sense_is_refused(
    shop: Shop, asked: dict[str, str], expected: tuple[int, str]
) -> None:
    """Each mistake has its code."""
    status, answer = shop.get("creative-funnel-stats", **asked)
    assert (status, answer["error"]) == expected


def test_the_dates_that_are_wrong_are_named(shop: Shop) -> None:
    """A person sees which way round."""
    _, answer = shop.get(
        f"directions/{shop.direction}/key-stage-stats", dateFrom="2026-04-02", dateTo="2026-04-01"
    )
    assert answer == {
        "error": "wrong_dates",
        "message": "the range ends (2026-04-01) before it begins (2026-04-02)",
    }


def test_directions_and_creatives_are_listed(shop: Shop) -> None:
    """With their ids, by name; a direction is added once."""
    url = f"/bitrix24/directions?account={shop.name}"
    made = shop.running.client.post(url, json={"name": " autumn "}, headers=BEARER)
    assert (made.status_code, made.json()["name"], made.json()["keyStages"]) == (201, "autumn", [])
    again = shop.running.client.post(url, json={"name": "autumn"}, headers=BEARER)
    assert (again.status_code, again.json()["error"]) == (409, "direction_exists")
    for name in ("", "  ", "a\0b", "a" * 256, None):
        assert shop.running.client.post(url, json={"name": name}, headers=BEARER).status_code == 422
    _, answer = shop.get("directions")
    assert [(direction["name"], direction["ownLeads"]) for direction in answer["directions"]] == [
        ("autumn", 0),
        ("spring", 4),
    ]
    _, answer = shop.get("creatives")
    assert [
        (creative["name"], creative["directionName"], creative["ownLeads"])
        for creative in answer["creatives"]
    ] == [("video", "spring", 3)]
    assert answer["creatives"][0]["id"] == str(shop.creative)


def test_another_account_sees_nothing_of_it(shop: Shop) -> None:
    """Its creatives and directions are 404, as if they were not there; its lists are empty of them."""
    other = {"account": "acme"}
    assert shop.get("creative-funnel-stats", creativeId=shop.creative, **other)[0] == 404
    assert shop.get("creative-funnel-stats", directionId=shop.direction, **other)[0] == 404
    assert shop.get(f"directions/{shop.direction}/key-stage-stats", **other)[0] == 404
    answer = shop.running.client.patch(
        f"/bitrix24/directions/{shop.direction}/key-stages?account=acme",
        json={"entityType": "deal", "keyStages": []},
        headers=BEARER,
    )
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_direction")
    for kind in ("creatives", "directions"):
        ids = {row["id"] for row in shop.get(kind, **other)[1][kind]}
        assert ids
        assert not ids & {str(shop.creative), str(shop.direction)}


def test_each_call_needs_the_key(shop: Shop) -> None:
    """Without it none tells anything."""
    path = f"/bitrix24/directions/{shop.direction}"
    for call in (
        "creatives",
        "directions",
        "creative-funnel-stats",
        f"directions/{shop.direction}/key-stage-stats",
    ):
        assert shop.running.client.get(f"/bitrix24/{call}").status_code == 401
    assert shop.running.client.post("/bitrix24/directions", json={"name": "x"}).status_code == 401
    assert shop.running.client.patch(f"{path}/key-stages", json={"keyStages": []}).status_code == 401


def test_the_service_says_what_the_marts_say(running: Live) -> None:
    """Of every creative and direction, live from the copy and from the models: the same figures."""
    warehouse = running.runtime.warehouse
    build(warehouse.connect, load_project())
    with warehouse.connect() as conn:
        funnels = frame(
            conn,
            "select * from analytics.creative_funnel_stats"
            " where creative_id is not null and direction_id is not null",
        )
    compared = 0
    for (portal, entity_type, creative, direction), stages in groups(
        funnels, ["portal", "entity_type", "creative_id", "direction_id"]
    ).items():
        choice = {"creativeId": creative, "directionId": direction, "entityType": entity_type}
        answer = running.client.get(
            "/bitrix24/creative-funnel-stats", params={"account": portal, **choice}, headers=BEARER
        ).json()
        assert {
            (stage["categoryId"], stage["statusId"], stage["statusName"], stage["count"], stage["percentage"])
            for stage in answer["stages"]
        } == {
            (row["category_id"], row["status_id"], row["status_name"], row["count"], float(row["percentage"]))
            for row in stages.to_dict("records")
        }
        assert answer["qualified"] == stages["qualified"].sum()
        compared += answer["total"]
    assert compared > 50
