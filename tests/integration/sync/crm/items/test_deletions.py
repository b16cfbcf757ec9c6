"""Items that are gone are found by a whole read and by a reconciliation, and by their events."""

from __future__ import annotations

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.controls.changes import DEFAULT_KINDS
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks import rows
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import reconcile
from tests.integration.sync.crm.items.conftest import choose, smart_names
from tests.integration.sync.crm.items.test_items import assert_all_equal
from tests.support.expected.items import sandbox_name
from tests.support.installation import Installation, execute, worked


def deleted(installation: Installation, name: str) -> list[int]:
    """Ids of an entity that are marked as deleted."""
    found = installation.rows(
        "select id from bitrix24_items where entity_type = %s and deleted_at is not null order by id", name
    )
    return [row["id"] for row in found]


def test_whole_read_marks_what_is_gone(installation: Installation, sandbox: Sandbox) -> None:
    """Each entity for itself: equal ids of others stay."""
    portal = installation.add(sandbox)
    names = ["invoice", "quote", *smart_names(sandbox)]
    choose(installation, portal, *names)
    worked(installation.sync(portal))
    for name in names[:3]:
        for number in sandbox.truth.entities(sandbox_name(name))["id"].tolist()[3:6]:
            sandbox.delete(sandbox_name(name), number)
    outcomes = worked(installation.sync(portal, full=True))
    assert [outcomes[name].rows_deleted for name in names] == [3, 3, 3, 0, 0]
    assert_all_equal_but_history(installation, sandbox, names)
    coverage = installation.rows("select entity_type, rows_alive from bitrix24_coverage")
    alive = {row["entity_type"]: row["rows_alive"] for row in coverage}
    assert {name: alive[name] for name in names} == {
        name: len(sandbox.truth.entities(sandbox_name(name))) for name in names
    }


def assert_all_equal_but_history(installation: Installation, sandbox: Sandbox, names: list[str]) -> None:
    """The portal forgets the moves of what is deleted; our copy keeps them, and says whose they are."""
    gone = {name: deleted(installation, name) for name in names}
    kept = installation.rows(
        "select entity_type, entity_id from bitrix24_status_history where source = 'history'"
    )
    assert any(row["entity_id"] in gone.get(row["entity_type"], ()) for row in kept)
    for name, ids in gone.items():
        execute(
            installation.warehouse,
            "delete from bitrix24_status_history where entity_type = %s and entity_id = any(%s)",
            name,
            ids,
        )
    assert_all_equal(installation, sandbox, names)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4, 5))])
def test_any_changes_are_followed(installation: Installation, sandbox: Sandbox, seed: int) -> None:
    """A thousand random changes, deletions among them: what no sync sees a reconciliation finds, and then nothing."""
    portal = installation.add(sandbox)
    names = ["invoice", "quote", *smart_names(sandbox)]
    choose(installation, portal, *names)
    worked(installation.sync(portal))
    for part in range(2):
        sandbox.change(500, seed=10 * seed + part, kinds=(*DEFAULT_KINDS, "delete"), distinct=False)
        worked(installation.sync(portal))
    with installation.job(portal, accept_deletions=True) as job:
        worked({one.entity: one for one in reconcile(job)})
    gone = {name: deleted(installation, name) for name in names}
    assert any(gone.values())
    assert_all_equal_but_history(installation, sandbox, names)
    outcomes = worked(installation.sync(portal))
    assert sum(outcomes[name].rows_changed + outcomes[name].rows_deleted for name in names) == 0


@pytest.mark.parametrize("small", [30, 2500])
def test_reconciliation_finds_what_was_missed(
    installation: Installation, sandbox: Sandbox, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost row, a row that was changed behind our back, and one that is gone; row by row, or by counts of slices."""
    monkeypatch.setattr(rows, "SMALL_SLICE", small)
    portal = installation.add(sandbox)
    names = ["invoice", smart_names(sandbox)[0]]
    choose(installation, portal, *names)
    worked(installation.sync(portal))
    for name in names:
        first, second, third = sandbox.truth.entities(sandbox_name(name))["id"].tolist()[:3]
        where = "where entity_type = %s and id = %s"
        execute(installation.warehouse, f"delete from bitrix24_items {where}", name, first)
        execute(
            installation.warehouse,
            f"update bitrix24_items set title = 'x', date_modify = date_modify - interval '1 day' {where}",
            name,
            second,
        )
        sandbox.delete(sandbox_name(name), third)
    with installation.job(portal) as job:
        outcomes = [one for one in reconcile(job) if one.sync_type == "reconcile" and one.entity in names]
    assert [(one.entity, one.missing, one.outdated, one.rows_deleted) for one in outcomes] == [
        (name, 1, 1, 1) for name in names
    ]
    assert_all_equal_but_history(installation, sandbox, names)


def test_events_bring_changes_and_deletions(installation: Installation, sandbox: Sandbox) -> None:
    """Events of items name the type in their data; those of what was not chosen are passed over."""
    portal = installation.add(sandbox)
    smart, other = smart_names(sandbox)[:2]
    names = ["invoice", "quote", smart]
    choose(installation, portal, *names)
    worked(installation.sync(portal))
    landed = []
    for name in names:
        first, second = sandbox.truth.entities(sandbox_name(name))["id"].tolist()[:2]
        sandbox.update(sandbox_name(name), first, {"title": "by event"})
        sandbox.delete(sandbox_name(name), second)
        landed += [(name, first, "UPDATE"), (name, second, "DELETE")]
    ignored = sandbox.truth.entities(sandbox_name(other))["id"].tolist()[0]
    sandbox.update(sandbox_name(other), ignored, {"title": "nobody reads it"})
    landed.append((other, ignored, "UPDATE"))
    land(installation, portal, landed)
    outcomes = drain(installation.connections, Options(), portals=[portal])
    done = {one.entity: (one.rows_changed, one.rows_deleted) for one in outcomes if one.entity in names}
    assert done == dict.fromkeys(names, (1, 1))
    assert_all_equal_but_history(installation, sandbox, names)
    states = installation.rows(
        "select entity_type, status from bitrix24_webhook_events group by 1, 2 order by 1"
    )
    assert {row["entity_type"]: row["status"] for row in states} == {
        **dict.fromkeys(names, "done"),
        other: "ignored",
    }


def land(installation: Installation, portal: Portal, events: list[tuple[str, int, str]]) -> None:
    """Lands events as the portal posts them."""
    for name, number, change in events:
        event = f"ONCRMQUOTE{change}" if name == "quote" else f"ONCRMDYNAMICITEM{change}"
        execute(
            installation.warehouse,
            "insert into bitrix24_webhook_events (member_id, user_account_id, event, entity_type, entity_id) "
            "values ('m', %s, %s, %s, %s)",
            portal.id,
            event,
            name,
            number,
        )
