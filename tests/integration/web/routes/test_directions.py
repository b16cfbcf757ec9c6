"""Key stages of directions over the service: set, counted backwards, and kept through everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline.models import build, load_project
from tests.conftest import Server
from tests.support.data import model_data
from tests.support.data.model_data import add_deal, add_move
from tests.support.data.own_data import add_direction, add_own_lead
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


def test_key_stages_are_set_and_count_backwards(shop: Shop) -> None:
    """Whoever has ever been there counts at once, the present stage included; other ones, other figures."""
    status, answer = shop.key_stages((0, "C0:S2"), (5, "C5:S4"), (0, "C0:S0"))
    assert (status, answer["success"]) == (200, True)
    assert answer["direction"]["entityType"] == "deal"
    assert answer["stages"] == answer["direction"]["keyStages"]
    assert [stage["statusName"] for stage in answer["stages"]] == [
        "Stage C0:S2",
        "Stage C5:S4",
        "Stage C0:S0",
    ]
    assert shop.reached() == [("Stage C0:S2", 1), ("Stage C5:S4", 2), ("Stage C0:S0", 0)]
    assert shop.key_stages((0, "C0:S1"))[0] == 200
    assert shop.reached() == [("Stage C0:S1", 1)]
    assert shop.reached(dateFrom="2026-04-01") == [("Stage C0:S1", 0)]
    assert shop.key_stages()[1]["stages"] == []
    status, answer = shop.get(f"directions/{shop.direction}/key-stage-stats")
    assert (status, answer) == (200, {"total_leads": 4, "key_stages": []})


def test_key_stages_are_told_by_creative(shop: Shop) -> None:
    """With all own leads of the direction, in the CRM or not; those without a creative under null."""
    shop.key_stages((5, "C5:S4"))
    status, answer = shop.get(f"directions/{shop.direction}/key-stage-stats")
    assert (status, answer) == (
        200,
        {
            "total_leads": 4,
            "key_stages": [
                {
                    "index": 1,
                    "category_id": 5,
                    "status_id": "C5:S4",
                    "category_name": "Pipeline 5",
                    "status_name": "Stage C5:S4",
                    "qualified_leads": 2,
                    "qualification_rate": 50.0,
                    "creative_stats": [
                        {
                            "creative_id": str(shop.creative),
                            "creative_name": "video",
                            "total_leads": 3,
                            "qualified_leads": 1,
                            "qualification_rate": 33.33,
                        },
                        {
                            "creative_id": None,
                            "creative_name": None,
                            "total_leads": 1,
                            "qualified_leads": 1,
                            "qualification_rate": 100.0,
                        },
                    ],
                }
            ],
        },
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"entityType": "deal", "keyStages": [{"categoryId": 0, "statusId": "NONE"}]},
            (404, "unknown_stage"),
        ),
        (
            {"entityType": "lead", "keyStages": [{"categoryId": 0, "statusId": "C0:S1"}]},
            (404, "unknown_stage"),
        ),
        (
            {"entityType": "deal", "keyStages": [{"categoryId": 5, "statusId": "C0:S1"}]},
            (404, "unknown_stage"),
        ),
        ({"entityType": "deal", "keyStages": [{"categoryId": 0, "statusId": "C0:S1"}] * 2}, (422, "invalid")),
        (
            {
                "entityType": "deal",
                "keyStages": [{"categoryId": 0, "statusId": f"C0:S{n}"} for n in range(4)],
            },
            (422, "invalid"),
        ),
        ({"entityType": "both", "keyStages": []}, (422, "invalid")),
        ({"keyStages": []}, (422, "invalid")),
        ({"entityType": "deal", "keyStages": [{"categoryId": 0, "statusId": "a\0b"}]}, (422, "invalid")),
        ({"entityType": "deal", "keyStages": [{"categoryId": 2**63, "statusId": "a"}]}, (422, "invalid")),
    ],
)
def test_key_stages_that_make_no_sense_are_refused(
    shop: Shop, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    """No such stage in this pipeline or entity type, doubled, too many: and nothing is changed."""
    shop.key_stages((0, "C0:S2"))
    status, answer = shop.patch(body)
    assert (status, answer["error"]) == expected
    assert shop.reached() == [("Stage C0:S2", 1)]


def test_a_key_stage_that_is_gone_is_still_told_and_counted(shop: Shop) -> None:
    """With its last name; it may stay beside a new one, and cannot be chosen anew."""
    shop.key_stages((0, "C0:S2"))
    change(
        shop,
        "update bitrix24_pipeline_stages set deleted_at = now() where user_account_id = %s and status_id = 'C0:S2'",
        shop.account,
    )
    assert shop.reached() == [("Stage C0:S2", 1)]
    status, answer = shop.key_stages((5, "C5:S4"), (0, "C0:S2"))
    assert (status, [stage["isDeleted"] for stage in answer["stages"]]) == (200, [False, True])
    assert shop.key_stages((5, "C5:S4"))[0] == 200
    assert shop.key_stages((0, "C0:S2"))[0] == 404


def test_the_service_says_what_the_mart_says(running: Live) -> None:
    """Of every direction with key stages, by creative: the same figures as `key_stage_stats`."""
    warehouse = running.runtime.warehouse
    build(warehouse.connect, load_project())
    with warehouse.connect() as conn:
        mart = frame(conn, "select * from analytics.key_stage_stats")
    assert len(mart)
    for (portal, direction), rows in groups(mart, ["portal", "direction_id"]).items():
        answer = running.client.get(
            f"/bitrix24/directions/{direction}/key-stage-stats", params={"account": portal}, headers=BEARER
        ).json()
        expected: Counter[tuple[Any, ...]] = Counter()
        for row in rows.to_dict("records"):
            for number, name in enumerate(("total_leads", "reached")):
                creative = str(row["creative_id"]) if row["creative_id"] else None
                expected[row["key_stage_index"], creative, number] += row[name]
        assert expected == {
            (stage["index"], creative["creative_id"], number): creative[name]
            for stage in answer["key_stages"]
            for creative in stage["creative_stats"]
            for number, name in enumerate(("total_leads", "qualified_leads"))
        }


def test_key_stages_survive_whatever_happens_to_a_stage(database_url: str, tmp_path: Path) -> None:
    """Ten syncs of the pipelines, a new name, deleted and restored: they stay, and so does who has reached them."""
    with live(database_url, tmp_path) as running:
        running.connect()
        with running.runtime.warehouse.connect() as conn:
            (account,) = conn.execute("select id from user_accounts").fetchone() or (None,)
            direction = add_direction(conn, account, "spring")
            add_own_lead(conn, account, direction=direction, deal=1)
            add_deal(conn, account, 1, "NEW")
            add_move(conn, account, "deal", 1, "PREPARATION", model_data.START)
        shop = Shop(running, "acme", account, direction, direction)
        sync(running)
        assert shop.key_stages((0, "PREPARATION"))[0] == 200
        name = shop.reached()[0][0]
        for _ in range(10):
            sync(running)
        assert shop.reached() == [(name, 1)]
        running.sandbox.rename_stage("deal", "PREPARATION", "Renamed")
        sync(running)
        assert shop.reached() == [("Renamed", 1)]
        running.sandbox.delete_stage("deal", "PREPARATION")
        sync(running)
        assert shop.reached() == [("Renamed", 1)]
        _, answer = shop.get("directions")
        assert answer["directions"][0]["keyStages"][0]["isDeleted"] is True
        running.sandbox.add_stage("deal", "PREPARATION", "Restored", sort=20)
        sync(running)
        assert shop.reached() == [("Restored", 1)]
        _, answer = shop.get("directions")
        assert answer["directions"][0]["keyStages"][0]["isDeleted"] is False


def sync(running: Live) -> None:
    answer = running.client.post("/bitrix24/sync-pipelines?account=acme", headers=BEARER)
    assert answer.status_code == 200, answer.text
