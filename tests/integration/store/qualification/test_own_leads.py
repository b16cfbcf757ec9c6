"""Own ad leads are qualified with the lead or deal that they have become."""

from __future__ import annotations

from uuid import UUID

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.qualification import evaluation
from tests.integration.store.qualification.conftest import NO, YES
from tests.support.data.qualifying import (
    age,
    condition,
    evaluate,
    put,
    store,
)
from tests.support.installation import account, execute, fetch


def own(warehouse: Warehouse) -> list[bool]:
    return [row["is_qualified"] for row in fetch(warehouse, "select is_qualified from leads order by name")]


def link(warehouse: Warehouse, name: str, lead: int | None, deal: int | None) -> None:
    execute(
        warehouse,
        "update leads set bitrix24_lead_id = %s, bitrix24_deal_id = %s, loaded_at = clock_timestamp()"
        " where name = %s",
        *(lead, deal, name),
    )


def test_own_leads_follow_their_lead_or_deal(warehouse: Warehouse, portal: UUID) -> None:
    """Qualified if one of both is; another link, another value and other conditions are followed."""
    store(warehouse, portal, condition("UF_A", "boolean"), condition("UF_A", "boolean", of="lead"))
    for kind in ("lead", "deal"):
        put(warehouse, portal, kind, 1, {"UF_A": "1"})
        put(warehouse, portal, kind, 2, {"UF_A": "0"})
    other = account(warehouse, "globex")
    for name, where in (("a", portal), ("b", portal), ("c", portal), ("d", portal), ("e", other)):
        execute(warehouse, "insert into leads (user_account_id, name) values (%s, %s)", where, name)
    for name, lead, deal in (("a", 1, 2), ("b", 2, 1), ("c", 2, 2), ("e", 1, 1)):
        link(warehouse, name, lead, deal)
    evaluate(warehouse, portal)
    assert own(warehouse) == [YES, YES, NO, NO, NO]
    age(warehouse)
    link(warehouse, "a", 2, 2)
    link(warehouse, "d", None, 1)
    evaluate(warehouse, portal)
    assert own(warehouse) == [NO, YES, NO, YES, NO]
    age(warehouse)
    put(warehouse, portal, "deal", 1, {"UF_A": "0"})
    put(warehouse, portal, "lead", 2, {"UF_A": "1"})
    evaluate(warehouse, portal)
    assert own(warehouse) == [YES, YES, YES, NO, NO]
    age(warehouse)
    store(warehouse, portal)
    evaluate(warehouse, portal)
    assert own(warehouse) == [NO] * 5


def test_own_leads_that_stay_are_not_touched(warehouse: Warehouse, portal: UUID) -> None:
    """Their stamp is what other readers go by."""
    store(warehouse, portal, condition("UF_A", "boolean"))
    put(warehouse, portal, "deal", 1, {"UF_A": "1"})
    execute(warehouse, "insert into leads (user_account_id, name) values (%s, 'a')", portal)
    link(warehouse, "a", None, 1)
    evaluate(warehouse, portal)
    before = fetch(warehouse, "select loaded_at from leads")
    assert warehouse.transact(lambda connection: evaluation.mark_own_leads(connection, portal)) == 0
    assert fetch(warehouse, "select loaded_at from leads") == before
