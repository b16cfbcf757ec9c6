"""Of which moment the figures are, whether the portal is still looked at, and by whose clock times are shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.frame.formats import Formats
from tests.conftest import Server
from tests.integration.web.pages.test_every_page import OTHER
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module."""
    with pages_site(server, entities=20) as opened:
        execute(opened.warehouse, "update user_accounts set name = %s where name = 'büro'", OTHER)
        yield opened


@pytest.fixture
def visit(site: PagesSite) -> Iterator[Visit]:
    """Whoever has B24_ADMIN_KEY, in English."""
    with site.visit() as opened:
        opened.client.headers["Accept-Language"] = "en"
        yield opened
    execute(site.warehouse, "delete from bitrix24_cursors")
    execute(site.warehouse, "delete from bitrix24_sync_log")
    execute(site.warehouse, "update user_accounts set bitrix24_status = 'connected'")


def read(
    warehouse: Warehouse, portal: str, ago: timedelta, status: str = "success", changed: int = 0
) -> None:
    """Leads and deals of the portal were read so long ago, complete until an hour before, as the log says."""
    for entity in ("lead", "deal"):
        execute(
            warehouse,
            "insert into bitrix24_cursors (user_account_id, entity_type, watermark, updated_at)"
            " select id, %s, now() - %s::interval - interval '1 hour', now() - %s::interval"
            " from user_accounts where name = %s",
            entity,
            ago,
            ago,
            portal,
        )
        execute(
            warehouse,
            "insert into bitrix24_sync_log (user_account_id, entity_type, sync_type, sync_status, rows_changed,"
            " finished_at) select id, %s, 'incremental', %s, %s, now() from user_accounts where name = %s",
            entity,
            status,
            changed,
            portal,
        )


def as_of(site: PagesSite, visit: Visit) -> str:
    """What stands on top of a page of figures."""
    page = visit.get(f"/p/{site.portal}/funnel").text
    return text_of(page.partition('class="as-of"')[2].partition("</p>")[0]).lstrip("> ")


def test_a_quiet_portal_is_told_from_one_that_is_not_looked_at(site: PagesSite, visit: Visit) -> None:
    """When it was last looked at, and that nothing had changed; or that it was long ago."""
    assert as_of(site, visit) == "Not synced yet"
    read(site.warehouse, site.portal, timedelta(minutes=3))
    assert as_of(site, visit).endswith("(1 hour ago) Looked at 3 minutes ago: nothing had changed.")
    execute(site.warehouse, "update bitrix24_sync_log set rows_changed = 2 where entity_type = 'deal'")
    assert as_of(site, visit).endswith("Looked at 3 minutes ago.")
    execute(site.warehouse, "update bitrix24_sync_log set rows_changed = 0")
    execute(
        site.warehouse,
        "insert into bitrix24_sync_log"
        " (user_account_id, entity_type, sync_type, sync_status, rows_changed, finished_at)"
        " select id, 'deal', 'event', 'success', 1, now() from user_accounts where name = %s",
        site.portal,
    )
    assert as_of(site, visit).endswith("Looked at 3 minutes ago."), "events have changed something since"
    execute(site.warehouse, "update bitrix24_cursors set updated_at = now() - interval '5 hours'")
    assert as_of(site, visit).endswith("Last looked at 5 hours ago.")
    assert 'class="warn"' in visit.get(f"/p/{site.portal}/funnel").text


def test_a_portal_that_cannot_be_read_says_so(site: PagesSite, visit: Visit) -> None:
    """A failed read leads to the page that says why; so does a portal that is not read at all."""
    read(site.warehouse, site.portal, timedelta(minutes=3))
    execute(site.warehouse, "update bitrix24_sync_log set sync_status = 'failed' where entity_type = 'deal'")
    assert as_of(site, visit).endswith("The last read failed.")
    assert f'class="bad" href="/p/{site.portal}/trust' in visit.get(f"/p/{site.portal}/funnel").text
    execute(site.warehouse, "update user_accounts set bitrix24_status = 'reauthorization_required'")
    assert as_of(site, visit).endswith("The portal is not read now.")


def test_a_card_has_the_clock_of_its_portal(site: PagesSite, visit: Visit) -> None:
    """Each by its own zone, which stands on the card."""
    zones = {site.portal: "Asia/Tokyo", OTHER: "America/New_York"}
    for portal, zone in zones.items():
        execute(
            site.warehouse,
            "insert into bitrix24_webhook_events (received_at, member_id, user_account_id, event, status, payload)"
            " select '2026-03-01 12:00+00', 'm', id, 'ONCRMDEALUPDATE', 'pending', '{}'"
            " from user_accounts where name = %s",
            portal,
        )
        execute(
            site.warehouse, "update user_accounts set bitrix24_time_zone = %s where name = %s", zone, portal
        )
    page = text_of(visit.get("/portals").text)
    for zone, moment in (("Asia/Tokyo", "1 Mar 2026 21:00"), ("America/New_York", "1 Mar 2026 07:00")):
        assert f"last one {moment}" in page
        assert zone in page
    execute(site.warehouse, "delete from bitrix24_webhook_events")


def test_times_of_no_portal_say_whose_they_are(site: PagesSite, visit: Visit) -> None:
    """The zone of the portals, where they have the same; else UTC."""
    execute(site.warehouse, "update user_accounts set bitrix24_time_zone = 'Asia/Tokyo'")
    execute(site.warehouse, "update user_accounts set bitrix24_time_zone = 'UTC' where name = %s", OTHER)
    execute(
        site.warehouse,
        "insert into bitrix24_audit (changed_at, changed_by, what, subject)"
        " values ('2026-03-01 12:00+00', 'x', 'key', 'y')",
    )
    page = text_of(visit.get("/access").text)
    assert "Times on this page are those of UTC." in page
    assert "1 Mar 2026 12:00" in page
    with site.visit(site.key("Anna", "admin", site.portal)) as limited:
        limited.client.headers["Accept-Language"] = "en"
        assert "Times on this page are those of Asia/Tokyo." in text_of(limited.get("/access").text)
    execute(site.warehouse, "update user_accounts set bitrix24_time_zone = 'Asia/Tokyo'")
    page = text_of(visit.get("/access").text)
    assert "Times on this page are those of Asia/Tokyo." in page
    assert "1 Mar 2026 21:00" in page
    execute(site.warehouse, "delete from bitrix24_access_keys")


@pytest.mark.parametrize("pipeline", ["deal-0", "deal-1", "lead-0"])
def test_the_flow_says_when_the_last_move_was(site: PagesSite, visit: Visit, pipeline: str) -> None:
    """By the portal's clock, also where nothing moved in the chosen days; not that of another pipeline."""
    entity_type, category = pipeline.split("-")
    (visits,) = fetch(
        site.warehouse,
        "select max(exited_at) as ended from analytics.fct_stage_interval"
        " where portal = %s and entity_type = %s and category_id = %s",
        site.portal,
        entity_type,
        int(category),
    )
    zone = next(one.time_zone for one in site.portals.all() if one.name == site.portal)
    page = visit.get(
        f"/p/{site.portal}/flow", pipeline=pipeline, **{"from": "2000-01-01", "to": "2000-01-02"}
    )
    shown = text_of(page.text.partition('id="last-move"')[2].partition("</p>")[0]).lstrip("> ")
    assert shown.startswith(
        "The last move from one stage to another, whatever days are chosen: "
        + " ".join(Formats("en", zone).moment(visits["ended"]).split())
    )
    assert shown.endswith("ago)")
