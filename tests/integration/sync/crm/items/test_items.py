"""Invoices, quotes and smart processes are read with the promises of deals: whole, then by change, with their moves."""

from __future__ import annotations

from b24_pipeline.sandbox import Sandbox
from tests.integration.sync.crm.items.conftest import choose, smart_names
from tests.support.expected.items import (
    assert_item_history_equal,
    assert_item_stages_equal,
    assert_items_equal,
    sandbox_name,
)
from tests.support.installation import Installation, worked


def url_of(installation: Installation) -> str:
    return installation.warehouse.url.for_people(hide_password=False)


def assert_all_equal(installation: Installation, sandbox: Sandbox, names: list[str]) -> None:
    url = url_of(installation)
    for name in names:
        assert_items_equal(url, sandbox, name)
        if "STAGE_ID" in sandbox.portal.entity(sandbox_name(name)).listed_fields():
            assert_item_stages_equal(url, sandbox, name)
            if name != "quote":
                assert_item_history_equal(url, sandbox, name)


def test_nothing_is_read_that_was_not_chosen(installation: Installation, sandbox: Sandbox) -> None:
    """Whatever a portal has, a sync asks the same of it as before."""
    portal = installation.add(sandbox)
    outcomes = worked(installation.sync(portal))
    methods = {method for request in sandbox.requests for method in (request.method, *request.methods)}
    assert "crm.item.list" in methods  # contacts of leads and deals
    assert not {"crm.type.list", "crm.enum.ownertype", "crm.item.fields"} & methods
    assert not [name for name in outcomes if name.startswith(("item", "invoice", "quote", "smart"))]
    assert installation.rows("select count(*) as n from bitrix24_items") == [{"n": 0}]


def test_chosen_entities_arrive_whole_and_then_only_their_changes(
    installation: Installation, sandbox: Sandbox
) -> None:
    """Every row, field, stage and move is that of the portal; the counts of a second sync are its changes."""
    portal = installation.add(sandbox)
    names = ["invoice", "quote", *smart_names(sandbox)]
    choose(installation, portal, *names)
    first = worked(installation.sync(portal))
    assert {first[name].sync_type for name in names} == {"full"}
    assert_all_equal(installation, sandbox, names)
    report = sandbox.change(200, seed=5)
    second = worked(installation.sync(portal))
    for name in names:
        theirs = sandbox_name(name)
        assert second[name].sync_type == "incremental"
        assert second[name].rows_changed == len(report.changed[theirs] | report.added[theirs])
    assert_all_equal(installation, sandbox, names)
    third = worked(installation.sync(portal))
    assert sum(outcome.rows_changed for outcome in third.values()) == 0
