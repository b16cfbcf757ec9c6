"""Events that do not come are noticed by what polling finds, and bound again."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.events.arrivals import Arrivals
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events.bindings import missing_events, unbind
from b24_pipeline.sync.events.watch import watch_events
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import reconcile_portals
from tests.support.installation import Installation, execute, worked
from tests.support.servers.oauth_portal import connect

HANDLER = "http://127.0.0.1:9/webhooks/bitrix24"


@pytest.fixture
def portal(installation: Installation, synced_portal: Portal) -> Portal:
    """A portal connected by its webhook credential, synced long ago."""
    age(installation)
    return synced_portal


def age(installation: Installation) -> None:
    """All rows were found, and modified, long ago."""
    for table in ("bitrix24_leads", "bitrix24_deals"):
        execute(
            installation.warehouse,
            f"update {table} set loaded_at = now() - interval '3 days', "
            "date_modify = now() - interval '4 days'",
        )


def polled(installation: Installation, table: str, count: int, minutes: float = 5) -> list[int]:
    """So many rows were found by polling that long ago, a minute after they were modified."""
    found = installation.rows(
        f"update {table} set loaded_at = now() - make_interval(secs => %s), "
        "date_modify = now() - make_interval(secs => %s) "
        f"where id in (select id from {table} order by id limit %s) returning id",
        minutes * 60,
        minutes * 60 + 60,
        count,
    )
    return [row["id"] for row in found]


def event(installation: Installation, portal: Portal, entity: str, number: int, minutes: float) -> None:
    """An event landed that long ago."""
    execute(
        installation.warehouse,
        "insert into bitrix24_webhook_events "
        "(received_at, member_id, user_account_id, event, entity_type, entity_id) "
        "values (now() - make_interval(secs => %s), 'm', %s, %s, %s, %s)",
        minutes * 60,
        portal.id,
        f"ONCRM{entity.upper()}UPDATE",
        entity,
        number,
    )


def look(installation: Installation, portal: Portal) -> Arrivals:
    with installation.job(portal) as job:
        return watch_events(job)


def seen(installation: Installation, portal: Portal) -> tuple[int, bool]:
    arrivals = look(installation, portal)
    return arrivals.unannounced, arrivals.silent_since is not None


def test_portal_without_events_is_not_silent(installation: Installation, portal: Portal) -> None:
    """A portal in which no events are bound is not silent."""
    polled(installation, "bitrix24_deals", 20)
    assert seen(installation, portal) == (0, False)


def test_changes_after_the_last_event_make_a_silence(installation: Installation, portal: Portal) -> None:
    """Two unannounced changes are single losses, and three are a silence until an event comes."""
    event(installation, portal, "deal", 10**6, minutes=60)
    polled(installation, "bitrix24_deals", 2)
    assert seen(installation, portal) == (2, False)
    polled(installation, "bitrix24_deals", 3)
    assert seen(installation, portal) == (3, True)
    age(installation)
    assert seen(installation, portal) == (3, True)
    event(installation, portal, "deal", 10**6, minutes=0)
    assert seen(installation, portal) == (0, False)


def test_announced_changes_are_none(installation: Installation, portal: Portal) -> None:
    """A change counts as announced if an event came a little before or after polling found it."""
    found = polled(installation, "bitrix24_deals", 4)
    event(installation, portal, "deal", 10**6, minutes=60)
    event(installation, portal, "deal", found[0], minutes=20)
    event(installation, portal, "deal", found[1], minutes=6)
    assert seen(installation, portal)[0] == 2


def test_each_kind_counts_for_itself(installation: Installation, portal: Portal) -> None:
    """Events of leads do not hide that those of deals have ended."""
    event(installation, portal, "deal", 10**6, minutes=60)
    event(installation, portal, "lead", 10**6, minutes=1)
    polled(installation, "bitrix24_deals", 5)
    polled(installation, "bitrix24_leads", 5)
    assert seen(installation, portal)[0] == 5


def test_events_of_the_offline_queue_do_not_count(installation: Installation, portal: Portal) -> None:
    """Queued events were fetched by us, so they do not prove that the portal reaches us."""
    event(installation, portal, "deal", 10**6, minutes=60)
    polled(installation, "bitrix24_deals", 4)
    event(installation, portal, "deal", 10**6, minutes=1)
    execute(
        installation.warehouse,
        "update bitrix24_webhook_events set payload = '{\"offline\": true}' "
        "where received_at > now() - interval '10 minutes'",
    )
    assert seen(installation, portal) == (4, True)


@pytest.mark.parametrize("minutes", [0, 1])
def test_late_events_are_waited_for(installation: Installation, portal: Portal, minutes: float) -> None:
    """A change that was found a moment ago may still be announced."""
    event(installation, portal, "deal", 10**6, minutes=60)
    polled(installation, "bitrix24_deals", 10, minutes=minutes)
    assert seen(installation, portal) == (0, False)


def test_full_load_is_no_silence(installation: Installation, portal: Portal) -> None:
    """Rows that a full load brings again were modified long before."""
    event(installation, portal, "deal", 10**6, minutes=60)
    execute(installation.warehouse, "update bitrix24_deals set loaded_at = now() - interval '5 minutes'")
    assert seen(installation, portal) == (0, False)


def bound(installation: Installation, portal: Portal) -> dict[str, Any]:
    return installation.rows(
        "select cardinality(bound_events) as events, silent_since, bound_at from bitrix24_event_health"
    )[0]


def missing(installation: Installation, portal: Portal) -> list[str]:
    with installation.connections.client(portal) as client:
        return missing_events(client, HANDLER)


def test_silent_portal_is_bound_again(installation: Installation, sandbox: Sandbox) -> None:
    """If an administrator unbound the handler, polling notices it and binds the events again."""
    portal = connect(installation, sandbox, "http://127.0.0.1:9")
    worked(installation.sync(portal))
    age(installation)
    execute(installation.warehouse, "update bitrix24_event_health set bound_at = now() - interval '1 day'")
    with installation.connections.client(portal) as client:
        assert unbind(client, HANDLER) > 20
    assert seen(installation, portal) == (0, False)
    assert len(missing(installation, portal)) > 20

    polled(installation, "bitrix24_deals", 3)
    worked(installation.sync(portal))
    assert missing(installation, portal) == []
    state = bound(installation, portal)
    assert state["events"] > 20
    assert state["silent_since"] is not None


def test_reconciliation_binds_what_is_missing(installation: Installation, sandbox: Sandbox) -> None:
    """A reconciliation binds missing events also if nothing has changed, so that nothing was noticed."""
    portal = connect(installation, sandbox, "http://127.0.0.1:9")
    with installation.connections.client(portal) as client:
        unbind(client, HANDLER)
    assert all(one.worked for one in reconcile_portals(installation.connections, [portal], Options()))
    assert missing(installation, portal) == []


def test_what_settles_after_binding_is_not_counted(installation: Installation, sandbox: Sandbox) -> None:
    """Changes from before the events were bound come unannounced with the first sync and do not count."""
    portal = connect(installation, sandbox, "http://127.0.0.1:9")
    worked(installation.sync(portal))
    polled(installation, "bitrix24_deals", 20)
    assert seen(installation, portal) == (0, False)
