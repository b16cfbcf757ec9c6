"""The coverage ledger: "0" and "not synced" differ."""

from __future__ import annotations

from datetime import date

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.checks.coverage import ALWAYS, coverage, prove
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import backfill_portals
from tests.support.installation import Installation, worked

YEAR = Days(date(2026, 1, 1), date(2026, 12, 31))


def proofs(installation: Installation, portal: Portal) -> list[tuple[str, date, date, str, int]]:
    with installation.warehouse.connect() as connection:
        found = coverage(connection, portal.id)
    return [(p.entity_type, p.created_from, p.created_before, p.proved_by, p.rows_alive) for p in found]


def test_full_load_proves_everything(installation: Installation, sandbox: Sandbox) -> None:
    """A full load proves all days, an incremental sync proves none, and before the first sync there is no row."""
    portal = installation.add(sandbox)
    assert proofs(installation, portal) == []
    worked(installation.sync(portal, entities=("deal",)))
    assert proofs(installation, portal) == [("deal", *ALWAYS, "full", 60)]
    sandbox.add("deal", {"TITLE": "new"})
    worked(installation.sync(portal, entities=("deal",)))
    assert proofs(installation, portal) == [("deal", *ALWAYS, "full", 60)]


def test_backfill_proves_its_days(installation: Installation, sandbox: Sandbox) -> None:
    """A backfill proves its days in the portal's zone, with the rows created on them."""
    portal = installation.add(sandbox)
    assert backfill_portals(installation.connections, [portal], YEAR, ("deal",), Options())[0].worked
    here = installation.rows("select count(*) as n from bitrix24_deals")[0]["n"]
    assert proofs(installation, portal) == [("deal", date(2026, 1, 1), date(2027, 1, 1), "backfill", here)]


@pytest.mark.usefixtures("without_waits")
def test_failed_load_proves_nothing(installation: Installation, sandbox: Sandbox) -> None:
    """A load that was stopped says nothing about what it did not read."""
    portal = installation.add("http://127.0.0.1:9/rest/1/abcdefgh/")
    assert installation.sync(portal, entities=("deal",))["deal"].error
    assert proofs(installation, portal) == []


def test_wider_proof_takes_the_place_of_those_within(installation: Installation, sandbox: Sandbox) -> None:
    """The ledger stays short; what overlaps only in part stays."""
    portal = installation.add(sandbox)
    months = [(date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 2, 1), date(2026, 3, 1))]
    with installation.warehouse.connect() as connection:
        for days in (*months, (date(2026, 2, 15), date(2026, 4, 1))):
            prove(connection, portal.id, "lead", "backfill", time_zone="Europe/Moscow", days=days)
        prove(
            connection,
            portal.id,
            "lead",
            "backfill",
            time_zone="Europe/Moscow",
            days=(date(2026, 1, 1), date(2026, 3, 1)),
        )
    assert proofs(installation, portal) == [
        ("lead", date(2026, 1, 1), date(2026, 3, 1), "backfill", 0),
        ("lead", date(2026, 2, 15), date(2026, 4, 1), "backfill", 0),
    ]


def test_days_are_days_of_the_portal(installation: Installation, sandbox: Sandbox) -> None:
    """A row made just after midnight in Moscow belongs to the new day there, not to London's old one."""
    portal = installation.add(sandbox)
    with installation.warehouse.connect() as connection:
        connection.execute(
            "insert into bitrix24_deals (user_account_id, id, date_create) "
            "values (%s, 1, '2026-03-31T22:30:00Z'), (%s, 2, null)",
            (portal.id, portal.id),
        )
        april = (date(2026, 4, 1), date(2026, 5, 1))
        prove(connection, portal.id, "deal", "backfill", time_zone="Europe/Moscow", days=april)
        prove(connection, portal.id, "deal", "full", time_zone="Europe/Moscow", days=(date.min, april[0]))
    assert [rows for *_, rows in proofs(installation, portal)] == [0, 1]  # one has no day
