"""Directories: pipelines, stages, statuses and fields, merged whole."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from b24_pipeline.errors import AccessDenied, UnreadableAnswer
from b24_pipeline.sandbox import Fault, Sandbox
from b24_pipeline.sandbox.crm.stages import CrmPipeline
from b24_pipeline.store.crm import directories
from b24_pipeline.store.crm.directories import Replaced
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.run import DIRECTORIES
from tests.support.installation import Installation, account, execute, fetch, worked

FLAGS = "is_qualified_stage, is_success_stage, is_fail_stage"


def stage(warehouse: Warehouse, status_id: str) -> dict[str, Any]:
    return fetch(warehouse, "select * from bitrix24_pipeline_stages where status_id = %s", status_id)[0]


def test_stages_follow_the_portal_and_keep_their_key(installation: Installation, sandbox: Sandbox) -> None:
    """Stages are added, renamed, sorted, deleted and restored, keep their id, and only changes count."""
    portal, warehouse = installation.add(sandbox), installation.warehouse
    sandbox.add_stage("deal", "UC_X", "First", sort=25)
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    before = stage(warehouse, "UC_X")
    assert (before["status_name"], before["status_sort"], before["status_semantics"]) == (
        "First",
        25,
        "process",
    )
    again = worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert {outcome.rows_changed for outcome in again.values()} == {0}

    sandbox.rename_stage("deal", "UC_X", "Second")
    sandbox.sort_stage("deal", "UC_X", 35)
    renamed = worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert renamed["stage"].rows_changed == 1
    after = stage(warehouse, "UC_X")
    assert (after["id"], after["status_name"], after["status_sort"]) == (before["id"], "Second", 35)

    sandbox.delete_stage("deal", "UC_X")
    deleted = worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert (deleted["stage"].rows_deleted, deleted["status"].rows_deleted) == (1, 1)
    assert stage(warehouse, "UC_X")["deleted_at"] is not None

    sandbox.add_stage("deal", "UC_X", "Second", sort=35)
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    restored = stage(warehouse, "UC_X")
    assert (restored["id"], restored["deleted_at"]) == (before["id"], None)


def test_flags_are_the_user_s(installation: Installation, sandbox: Sandbox) -> None:
    """Flags are set by the semantics when a stage is new, changed by the user, and never by a sync."""
    portal, warehouse = installation.add(sandbox), installation.warehouse
    sandbox.add_stage("deal", "UC_WON", "Won too", semantics="S")
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    first = fetch(warehouse, f"select {FLAGS} from bitrix24_pipeline_stages where status_id = 'UC_WON'")
    assert list(first[0].values()) == [False, True, False]
    execute(
        warehouse,
        "update bitrix24_pipeline_stages set is_qualified_stage = true, is_success_stage = false, is_fail_stage = true",
    )
    sandbox.rename_stage("deal", "UC_WON", "Won as well")
    sandbox.delete_stage("lead", "JUNK")
    worked(installation.sync(portal, entities=(DIRECTORIES,), full=True))
    sandbox.add_stage("lead", "JUNK", "Junk", semantics="F")
    worked(installation.sync(portal, entities=(DIRECTORIES,), full=True))
    flags = fetch(warehouse, f"select distinct {FLAGS} from bitrix24_pipeline_stages")
    assert [list(row.values()) for row in flags] == [[True, False, True]]


def test_pipelines_are_renamed_and_get_tombstones(warehouse: Warehouse) -> None:
    """A pipeline that the portal does not show any more gets a tombstone; shown again it lives."""
    portal = account(warehouse)
    rows = [
        {"entity_type": "deal", "category_id": n, "name": f"p{n}", "sort": n, "is_default": not n}
        for n in range(3)
    ]

    def replace(*chosen: dict[str, Any]) -> Replaced:
        with warehouse.connect() as connection:
            return directories.replace_pipelines(connection, portal, chosen)

    assert replace(*rows) == Replaced(3, 0)
    assert replace(*rows) == Replaced(0, 0)
    assert replace(rows[0] | {"name": "new"}, rows[1]) == Replaced(1, 1)
    assert replace(*rows) == Replaced(2, 0)
    assert fetch(warehouse, "select category_id from bitrix24_pipelines where deleted_at is not null") == []


def put(warehouse: Warehouse, portal: UUID, *entity_types: str) -> tuple[Replaced, Replaced]:
    """Pipelines and stages of these entity types."""
    pipelines = [
        {"entity_type": one, "category_id": 0, "name": one, "sort": 1, "is_default": True}
        for one in entity_types
    ]
    stages = [
        {
            "entity_type": one,
            "category_id": 0,
            "category_name": None,
            "status_id": "NEW",
            "status_name": "New",
            "color": None,
            "sort": 1,
            "semantics": "process",
        }
        for one in entity_types
    ]
    with warehouse.connect() as connection:
        return (
            directories.replace_pipelines(connection, portal, pipelines),
            directories.replace_stages(connection, portal, stages),
        )


def test_empty_answer_deletes_nothing(warehouse: Warehouse) -> None:
    """Lost rights look like an empty directory: nothing at all, or nothing of deals."""
    portal = account(warehouse)
    put(warehouse, portal, "lead", "deal")
    assert put(warehouse, portal) == (Replaced(0, 0), Replaced(0, 0))
    assert put(warehouse, portal, "lead") == (Replaced(0, 0), Replaced(0, 0))
    assert fetch(warehouse, "select id from bitrix24_pipelines where deleted_at is not null") == []


def test_portal_without_readable_pipelines_keeps_them(installation: Installation, sandbox: Sandbox) -> None:
    """crm.category.list shows readable pipelines only: none is not "all deleted"."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    alive = "select count(*) as n from bitrix24_pipelines where deleted_at is null"
    before = installation.rows(alive)
    sandbox.portal.directories.pipelines.clear()
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert installation.rows(alive) == before


def test_unstorable_characters_in_a_directory_are_replaced(warehouse: Warehouse) -> None:
    """A name with NUL is no reason to read no stage at all."""
    portal = account(warehouse)
    row = {
        "directory": "SOURCE",
        "status_id": "A",
        "name": "a\x00b",
        "sort": 1,
        "color": None,
        "semantics": None,
    }
    with warehouse.connect() as connection:
        directories.replace_statuses(connection, portal, [row])
    assert fetch(warehouse, "select name from bitrix24_statuses") == [{"name": "a\ufffdb"}]


def test_fields_of_an_entity_whose_catalogue_was_not_read_stay(
    installation: Installation, sandbox: Sandbox
) -> None:
    """One deleted custom field is buried; the catalogue of an entity that came empty is not."""
    portal = installation.add(sandbox)
    sandbox.add_user_field("deal", "KIND", "enumeration", label="Kind", options=("A", "B"))
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    (kind,) = installation.rows("select * from bitrix24_fields where field_name = 'UF_CRM_KIND'")
    assert (kind["label"], [one["value"] for one in kind["enumeration_values"]]) == ("Kind", ["A", "B"])
    with installation.warehouse.connect() as connection:
        lead = [{"entity_type": "lead", "field_name": "ID", "is_custom": False, "enumeration_values": []}]
        directories.replace_fields(connection, portal.id, lead)
    gone = installation.rows("select distinct entity_type from bitrix24_fields where deleted_at is not null")
    assert gone == [{"entity_type": "lead"}]


def test_answer_of_another_shape_fails_the_directory_alone(
    installation: Installation, sandbox: Sandbox
) -> None:
    """The error is in the sync log with its place; users and leads are read all the same."""
    portal = installation.add(sandbox)
    sandbox.portal.directories.pipelines.append(CrmPipeline("x", "no number", 900))  # type: ignore[arg-type]
    outcomes = installation.sync(portal, entities=(DIRECTORIES, "user"))
    assert isinstance(outcomes["pipeline"].error, UnreadableAnswer)
    assert "directory_rows.py" in str(outcomes["pipeline"].error)
    worked({name: outcomes[name] for name in ("stage", "status", "field", "user")})
    assert installation.rows("select id from bitrix24_sync_log where sync_status = 'running'") == []


def test_refused_pipelines_stop_no_other_directory(installation: Installation, sandbox: Sandbox) -> None:
    """Stages, statuses and fields are read all the same, and stages keep the names of their pipelines."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    names = (
        "select status_id, category_name from bitrix24_pipeline_stages where status_id <> 'UC_X' order by 1"
    )
    before = installation.rows(names)
    sandbox.add_stage("deal", "UC_X", "Added")
    refused = Fault("command_error", "crm.category.list", error="ACCESS_DENIED", description="Access denied")
    sandbox.faults.add(refused)
    outcomes = installation.sync(portal, entities=(DIRECTORIES,))
    assert isinstance(outcomes["pipeline"].error, AccessDenied)
    changed = {name: outcomes[name].rows_changed for name in ("stage", "status", "field")}
    worked({name: outcomes[name] for name in changed})
    assert changed == {"stage": 1, "status": 1, "field": 0}
    assert installation.rows(names) == before


def test_departments_and_currencies_follow_the_portal(installation: Installation, sandbox: Sandbox) -> None:
    """They are merged whole; a new rate is a change, what is gone gets a tombstone, digits stay as they are."""
    portal = installation.add(sandbox)
    first = worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert (first["department"].rows_changed, first["currency"].rows_changed) == (4, 4)
    stored = installation.rows("select id, name, parent, uf_head from bitrix24_departments order by id")
    assert [(row["id"], row["parent"], row["uf_head"] is None) for row in stored] == [
        (1, None, False),
        (3, 1, False),
        (5, 1, False),
        (7, 3, True),
    ]
    sandbox.portal.departments.pop()
    sandbox.portal.departments[1]["NAME"] = "Sales"
    sandbox.portal.currencies[1]["AMOUNT"] = "93.1234"
    second = worked(installation.sync(portal, entities=(DIRECTORIES,)))
    changes = [(second[name].rows_changed, second[name].rows_deleted) for name in ("department", "currency")]
    assert changes == [(1, 1), (1, 0)]
    (dollar,) = installation.rows(
        "select amount::text, amount_cnt::text, base from bitrix24_currencies where currency = 'USD'"
    )
    assert dollar == {"amount": "93.1234", "amount_cnt": "1", "base": False}
    third = worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert (third["department"].rows_changed, third["currency"].rows_changed) == (0, 0)


def test_more_departments_than_a_page_are_all_read(installation: Installation, sandbox: Sandbox) -> None:
    """The list has pages of fifty."""
    portal = installation.add(sandbox)
    added = [{"ID": str(number), "NAME": "x", "SORT": 500} for number in range(100, 220)]
    sandbox.portal.departments.extend(added)
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert installation.rows("select count(*) as n from bitrix24_departments") == [{"n": 124}]


def test_credential_without_the_scope_department_syncs_all_the_same(
    installation: Installation, sandbox: Sandbox
) -> None:
    """No step fails, and departments that were known stay."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal, entities=(DIRECTORIES,)))
    sandbox.faults.add(Fault("command_error", "department.get", error="insufficient_scope", description="x"))
    outcomes = worked(installation.sync(portal, entities=(DIRECTORIES,)))
    assert (outcomes["department"].rows_read, outcomes["field"].rows_read > 0) == (0, True)
    assert installation.rows("select count(*) as n from bitrix24_departments where deleted_at is null") == [
        {"n": 4}
    ]
