"""Loads of one entity: what is asked for, what is resumed, where the watermark goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.crm.load import _Load
from b24_pipeline.sync.options import Options
from tests.support.expected.tables import assert_entities_equal, assert_history_equal
from tests.support.installation import Installation, worked


def url_of(installation: Installation) -> str:
    return installation.warehouse.url.for_people(hide_password=False)


def watermark(installation: Installation, entity: str = "deal") -> datetime | None:
    found = installation.rows("select watermark from bitrix24_cursors where entity_type = %s", entity)
    return found[0]["watermark"] if found else None


def test_every_entity_arrives_whole_and_then_only_its_changes(
    installation: Installation, sandbox: Sandbox
) -> None:
    """The counts of an incremental sync are the changes of the portal, to the row."""
    portal = installation.add(sandbox)
    first = worked(installation.sync(portal))
    report = sandbox.change(60, seed=5)
    second = worked(installation.sync(portal))
    for entity in ("lead", "deal", "contact", "company"):
        assert (first[entity].sync_type, second[entity].sync_type) == ("full", "incremental")
        assert second[entity].rows_changed == len(report.changed[entity] | report.added[entity])
        assert_entities_equal(url_of(installation), sandbox, entity)
    third = worked(installation.sync(portal))
    assert sum(outcome.rows_changed for outcome in third.values()) == 0


def test_a_day_s_work_arrives_as_it_was_done(installation: Installation, sandbox: Sandbox) -> None:
    """What the demo does to its portal, read in between and at the end: rows and moves are those of the portal."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal))
    for seed in range(3):
        sandbox.work(100, seed)
        worked(installation.sync(portal))
    for entity in ("lead", "deal", "contact", "company"):
        assert_entities_equal(url_of(installation), sandbox, entity)
    for entity in ("lead", "deal"):
        assert_history_equal(url_of(installation), sandbox, entity)


def test_watermark_is_the_portal_s_clock_before_the_read_less_the_lag(installation: Installation) -> None:
    """Not our clock: a portal that is an hour ahead is read up to its own time."""
    with Sandbox(SandboxConfig(leads=5, deals=5, clock_offset_seconds=3600)) as sandbox:
        portal = installation.add(sandbox)
        options = Options(lag=timedelta(minutes=10))
        before = datetime.now(UTC)
        outcome = worked(installation.sync(portal, entities=("deal",), options=options))["deal"]
        expected = before + timedelta(minutes=50)
        assert outcome.watermark == watermark(installation)
        assert outcome.watermark
        assert abs(outcome.watermark - expected) < timedelta(seconds=15)


def test_clock_that_goes_back_does_not_move_the_watermark_back(
    installation: Installation, sandbox: Sandbox
) -> None:
    """What was read stays read."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=("deal",)))
    before = watermark(installation)
    sandbox.portal.clock = type(sandbox.portal.clock)(-86_400)
    worked(installation.sync(portal, entities=("deal",)))
    assert watermark(installation) == before


def test_named_moment_behind_the_watermark_reads_again(installation: Installation, sandbox: Sandbox) -> None:
    """`since` before the watermark covers it, so that it may move on."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=("deal",)))
    early = datetime(2000, 1, 1, tzinfo=UTC)
    outcome = worked(installation.sync(portal, entities=("deal",), since=early))["deal"]
    assert (outcome.sync_type, outcome.rows_read, outcome.rows_changed) == ("incremental", 60, 0)
    assert outcome.watermark


@pytest.mark.parametrize("synced", [True, False])
def test_named_moment_after_the_watermark_does_not_move_it(
    installation: Installation, sandbox: Sandbox, synced: bool
) -> None:
    """What changed between the watermark and that moment was not read, and must be read the next time."""
    portal = installation.add(sandbox)
    if synced:
        worked(installation.sync(portal, entities=("deal",)))
    before = watermark(installation)
    number = int(sandbox.truth.entities("deal")["ID"].iloc[0])
    sandbox.update("deal", number, {"TITLE": "changed"})
    later = datetime.now(UTC) + timedelta(hours=1)
    outcome = worked(installation.sync(portal, entities=("deal",), since=later))["deal"]
    assert (outcome.rows_read, watermark(installation)) == (0, before)
    worked(installation.sync(portal, entities=("deal",)))
    assert_entities_equal(url_of(installation), sandbox, "deal")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


def kill_after_pages(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """The process dies after so many pages were stored."""
    store = _Load._store
    stored: list[int] = []

    def stores(self: Any, *arguments: Any) -> None:
        if len(stored) == pages:
            raise Killed
        store(self, *arguments)
        stored.append(1)

    monkeypatch.setattr(_Load, "_store", stores)


def test_killed_load_goes_on_with_its_ranges(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored before the kill is not read again, and what changed meanwhile comes with the same sync."""
    with Sandbox(SandboxConfig(leads=5, deals=900)) as sandbox:
        portal = installation.add(sandbox)
        options = Options(concurrency=1)
        with monkeypatch.context() as patched:
            kill_after_pages(patched, 1)
            with pytest.raises(Killed):
                installation.sync(portal, entities=("deal",), options=options)
        (stored,) = installation.rows("select count(*) as n from bitrix24_deals")
        assert 0 < stored["n"] < 900
        assert watermark(installation) is None
        sandbox.change(20, kinds=("edit",))
        sandbox.reset_stats()
        outcome = worked(installation.sync(portal, entities=("deal",), options=options))["deal"]
        assert outcome.rows_read == 900 - stored["n"]
        assert (outcome.resumed, outcome.rows_deleted) == (True, 0)
        assert_entities_equal(url_of(installation), sandbox, "deal")
    assert installation.rows("select * from bitrix24_loads") == []


def test_error_in_the_middle_of_a_page_stores_nothing_of_it(
    installation: Installation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and cursor are of one transaction: without the cursor there are no rows."""
    portal = installation.add(sandbox)
    with monkeypatch.context() as patched:

        def broken(*_: Any) -> None:
            raise Killed

        patched.setattr(cursors, "note_left", broken)
        with pytest.raises(Killed):
            installation.sync(portal, entities=("deal",))
    assert installation.rows("select id from bitrix24_deals") == []
    worked(installation.sync(portal, entities=("deal",)))
    assert_entities_equal(url_of(installation), sandbox, "deal")


def test_narrowed_selection_asks_for_its_fields_and_keeps_the_others(
    installation: Installation, sandbox: Sandbox
) -> None:
    """Wide rows are the cost: with `select` only some fields travel, and what the table has stays."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=("deal",)))
    number = int(sandbox.truth.entities("deal")["ID"].iloc[0])
    (before,) = installation.rows("select * from bitrix24_deals where id = %s", number)
    sandbox.update("deal", number, {"TITLE": "renamed", "COMMENTS": "unseen"})
    options = Options(select={"deal": ("TITLE", "DATE_MODIFY")})
    outcome = worked(installation.sync(portal, entities=("deal",), options=options))["deal"]
    (after,) = installation.rows("select * from bitrix24_deals where id = %s", number)
    assert outcome.rows_changed == 1
    assert after["title"] == "renamed"
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"title", "date_modify", "loaded_at"}


def test_new_custom_field_and_unknown_field_land(installation: Installation, sandbox: Sandbox) -> None:
    """A custom field made in mid-life is in custom_fields, a field that nobody knows in extra."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=("deal",)))
    number = int(sandbox.truth.entities("deal")["ID"].iloc[0])
    sandbox.add_user_field("deal", "BRAND_NEW", "string")
    sandbox.update("deal", number, {"UF_CRM_BRAND_NEW": "here"})
    sandbox.faults.add(Fault("mutate", "crm.deal.list", ids=(number,), field="NOVELTY", value={"a": 1}))
    worked(installation.sync(portal, entities=("deal",)))
    (row,) = installation.rows("select custom_fields, extra from bitrix24_deals where id = %s", number)
    assert row["custom_fields"]["UF_CRM_BRAND_NEW"] == "here"
    assert row["extra"]["NOVELTY"] == {"a": 1}


@pytest.mark.parametrize("value", ["a lot", ["x"], {"a": "\x00"}, "0000-00-00", "٣", True])
def test_poisoned_value_is_set_aside_and_the_rest_goes_on(
    installation: Installation, sandbox: Sandbox, value: Any
) -> None:
    """A field that changed its type: its column is null, the value in extra, the count in the sync log."""
    portal = installation.add(sandbox)
    number = int(sandbox.truth.entities("deal")["ID"].iloc[3])
    sandbox.faults.add(Fault("mutate", "crm.deal.list", ids=(number,), field="OPPORTUNITY", value=value))
    outcome = worked(installation.sync(portal, entities=("deal",)))["deal"]
    (row,) = installation.rows("select opportunity, extra from bitrix24_deals where id = %s", number)
    assert row["opportunity"] is None
    assert "OPPORTUNITY" in row["extra"]
    assert outcome.rows_changed == 60
    assert outcome.values_set_aside >= 1
    (logged,) = installation.rows("select values_set_aside from bitrix24_sync_log where entity_type = 'deal'")
    assert logged["values_set_aside"] == outcome.values_set_aside


def test_users_are_read_whole_with_the_dismissed(installation: Installation, sandbox: Sandbox) -> None:
    """Rows refer to them for ever; what changes by itself makes no change."""
    portal = installation.add(sandbox)
    first = worked(installation.sync(portal, entities=("user",)))["user"]
    truth = sandbox.truth.users()
    stored = {row["id"]: row["active"] for row in installation.rows("select id, active from bitrix24_users")}
    assert stored == dict(zip(truth["ID"], truth["ACTIVE"], strict=True))
    assert first.rows_changed == len(truth)
    assert worked(installation.sync(portal, entities=("user",)))["user"].rows_changed == 0


def test_two_portals_are_kept_apart(warehouse: Warehouse, sandbox: Sandbox) -> None:
    """The same ids in two portals are two rows each."""
    installation = Installation(warehouse)
    with Sandbox(sandbox.config) as twin:
        acme, other = installation.add(sandbox), installation.add(twin, "other")
        worked(installation.sync(acme, other, entities=("deal",)))
    counted = installation.rows("select user_account_id, count(*) as n from bitrix24_deals group by 1")
    assert {row["user_account_id"]: row["n"] for row in counted} == {acme.id: 60, other.id: 60}


@pytest.mark.parametrize("full", [True, False])
def test_repeated_row_is_stored_once_and_stops_nothing(
    installation: Installation, sandbox: Sandbox, full: bool
) -> None:
    """A portal may send a row twice in a page of entities or of moves; the sync works, and finds nothing wrong."""
    portal = installation.add(sandbox)
    if not full:
        worked(installation.sync(portal))
        sandbox.change(30)
    for method, truth in (
        ("crm.deal.list", sandbox.truth.entities("deal")["ID"]),
        ("crm.contact.list", sandbox.truth.entities("contact")["ID"]),
        ("crm.stagehistory.list", sandbox.truth.history("deal")["history_id"]),
    ):
        numbers = tuple(int(number) for number in truth)
        sandbox.faults.add(Fault("repeat", method, ids=(*numbers[::7], numbers[-1])))
    worked(installation.sync(portal))
    for entity in ("deal", "contact"):
        assert_entities_equal(url_of(installation), sandbox, entity)
    assert_history_equal(url_of(installation), sandbox, "deal")
