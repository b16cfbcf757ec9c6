"""The state of every portal, by the database alone."""

from __future__ import annotations

from typing import Any

from b24_pipeline.store.checks import health as module
from b24_pipeline.store.checks.coverage import prove
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, execute
from tests.support.plans import rows_visited


def of(warehouse: Warehouse, name: str = "acme") -> PortalHealth:
    with warehouse.connect() as connection:
        return next(one for one in health(connection) if one.name == name)


def land(warehouse: Warehouse, portal: Any, status: str, attempts: int, due: str) -> None:
    execute(
        warehouse,
        "insert into bitrix24_webhook_events "
        "(member_id, user_account_id, event, status, attempts, next_try_at, handled_at) "
        "values ('m', %s, 'ONCRMDEALUPDATE', %s, %s, now() + %s::interval, "
        "case when %s <> 'pending' then now() end)",
        portal,
        status,
        attempts,
        due,
        status,
    )


def test_portal_of_which_nothing_is_known(warehouse: Warehouse) -> None:
    """It is not synced, which is not the same as empty."""
    account(warehouse)
    found = of(warehouse)
    assert (found.status, found.connected_by, found.lag_seconds, found.coverage) == (
        "connected",
        None,
        None,
        (),
    )
    assert found.not_synced == ["lead", "deal", "contact", "company"]
    assert (found.events_due, found.due_seconds, found.events_failed) == (0, 0.0, 0)
    assert (found.last_event_at, found.bound_events, found.silent_since) == (None, [], None)
    assert found.budget_seconds == 0


def test_lag_is_that_of_the_slowest_entity(warehouse: Warehouse) -> None:
    """None until all four were read through."""
    portal = account(warehouse)
    for hours, entity in enumerate(("lead", "deal", "contact", "company"), start=1):
        assert of(warehouse).lag_seconds is None
        execute(
            warehouse,
            "insert into bitrix24_cursors (user_account_id, entity_type, watermark) "
            "values (%s, %s, now() - make_interval(hours => %s))",
            portal,
            entity,
            hours,
        )
    lag, read = of(warehouse).lag_seconds, of(warehouse).read_seconds
    assert lag is not None and 14400 <= lag < 14460
    assert read is not None and read < 60


def test_backlog_counts_what_is_due(warehouse: Warehouse) -> None:
    """An event that failed waits for its next try and is no backlog; one that was given up is told apart."""
    portal, other = account(warehouse), account(warehouse, "globex")
    land(warehouse, portal, "pending", 0, "-10 minutes")
    land(warehouse, portal, "pending", 1, "-5 minutes")
    land(warehouse, portal, "pending", 2, "5 minutes")
    land(warehouse, portal, "failed", 6, "0")
    land(warehouse, portal, "done", 0, "-1 day")
    land(warehouse, other, "done", 0, "-1 day")
    found = of(warehouse)
    assert (found.events_due, found.events_retried, found.events_failed) == (2, 2, 1)
    assert 600 <= found.due_seconds < 660
    assert found.last_event_at is not None
    assert (of(warehouse, "globex").events_due, of(warehouse, "globex").events_failed) == (0, 0)


def test_budget_is_that_of_the_portals_bucket(warehouse: Warehouse) -> None:
    """Also where the way out has a name; other portals' buckets do not count."""
    account(warehouse)
    execute(
        warehouse,
        "insert into bitrix24_budget (bucket, tat) values "
        "('acme.bitrix24.com/egress-1', now() + interval '30 seconds'), "
        "('acme.bitrix24.com.evil', now() + interval '1 day')",
    )
    assert 25 < of(warehouse).budget_seconds <= 30


def test_coverage_comes_with_it(warehouse: Warehouse) -> None:
    """A proved 0 is an answer."""
    portal = account(warehouse)
    with warehouse.connect() as connection:
        prove(connection, portal, "deal", "full", time_zone="UTC")
    found = of(warehouse)
    assert [(one.entity_type, one.rows_alive, one.is_whole) for one in found.coverage] == [("deal", 0, True)]
    assert found.not_synced == ["lead", "contact", "company"]


def test_secrets_are_not_told(warehouse: Warehouse) -> None:
    """Whether there are any is enough."""
    account(warehouse)
    execute(
        warehouse,
        "update user_accounts set bitrix24_access_token = 'canary', bitrix24_refresh_token = 'canary', "
        "bitrix24_application_token = 'canary'",
    )
    found = of(warehouse)
    assert (found.connected_by, found.proves_events) == ("oauth", True)
    assert "canary" not in repr(found)


def test_stages_are_those_of_the_last_check(warehouse: Warehouse) -> None:
    """What was repaired or changed since differs, and is not wrong; an older check counts no more."""
    portal = account(warehouse)
    assert (of(warehouse).stages_checked_at, of(warehouse).stages_checked) == (None, 0)
    for ago, stage, equal, explained, repaired in (
        ("1 day", "OLD", False, False, False),
        ("0", "EQUAL", True, True, False),
        ("0", "CHANGED", False, True, False),
        ("0", "REPAIRED", False, False, True),
        ("0", "WRONG", False, False, False),
    ):
        execute(
            warehouse,
            "insert into reconciliation (user_account_id, checked_at, entity_type, category_id, status_id, "
            "portal_count, our_count, is_equal, is_explained, is_repaired) "
            "values (%s, date_trunc('hour', now()) - %s::interval, 'deal', 0, %s, 1, 1, %s, %s, %s)",
            portal,
            ago,
            stage,
            equal,
            explained,
            repaired,
        )
    found = of(warehouse)
    assert (found.stages_checked, found.stages_differing, found.stages_wrong) == (4, 3, 1)


def test_failed_syncs_are_counted_by_their_entity(warehouse: Warehouse) -> None:
    """The last that has ended counts, also while another one runs; one that worked since mends it."""
    portal, other = account(warehouse), account(warehouse, "globex")
    assert of(warehouse).syncs_failed == 0
    for entity, *ends in (("deal", "success", "failed"), ("lead", "failed", "success"), ("user", "failed")):
        for end in ends:
            log_sync(warehouse, portal, entity, end)
    log_sync(warehouse, portal, "user", "running")
    log_sync(warehouse, portal, "deal", "success", "event")
    log_sync(warehouse, other, "user", "success")
    assert (of(warehouse).syncs_failed, of(warehouse, "globex").syncs_failed) == (2, 0)


def log_sync(
    warehouse: Warehouse, portal: Any, entity: str, status: str, sync_type: str = "incremental"
) -> None:
    execute(
        warehouse,
        "insert into bitrix24_sync_log (user_account_id, entity_type, sync_type, sync_status, finished_at) "
        "values (%s, %s, %s, %s, case when %s <> 'running' then now() end)",
        portal,
        entity,
        sync_type,
        status,
        status,
    )


def test_a_long_sync_log_is_not_read_through(warehouse: Warehouse) -> None:
    """Metrics are asked for every few seconds, and the log has a row a sync of half a year: its index is walked."""
    portal = account(warehouse)
    execute(
        warehouse,
        "insert into bitrix24_sync_log (user_account_id, entity_type, sync_type, sync_status, finished_at) "
        "select %s, (array['deal', 'lead', 'user'])[1 + n %% 3], 'incremental', 'success', now() "
        "from generate_series(1, 30000) as n",
        portal,
    )
    execute(warehouse, "analyze bitrix24_sync_log")
    with warehouse.connect() as connection:
        statement = "explain (analyze, format json) " + queries.load(module.__file__).health.sql
        ((plan,),) = connection.execute(statement.encode()).fetchone() or ((None,),)
    assert 3 < rows_visited(plan["Plan"]) < 1000
